"""A restart that is not possible leaves the run that has ended, and its export."""

from __future__ import annotations

from pathlib import Path

import pytest

from tapedeck.console.app.launch import _Runs
from tapedeck.console.cli.batch import finish_export
from tapedeck.engine.errors import TapedeckError
from tapedeck.engine.export.validation import validate_export
from tapedeck.engine.intervals import MINUTE
from tests.support.files import session_file
from tests.support.markets import fill_store, open_new_store
from tests.support.runs import LIMIT_S


def test_the_run_that_has_ended_is_still_exported(tmp_path: Path) -> None:
    config = session_file(["AAA"], ["1m"], "2024-03-04", "2024-03-05")
    folder = tmp_path / "export"
    with open_new_store(tmp_path / "bars.db") as store:
        fill_store(store, ["AAA"], "2024-03-01", "2024-03-05")
        with _Runs(config, store, folder, None, None) as runs:
            ended = runs.first(())
            ended.start()
            assert ended.wait(LIMIT_S)
            store.remove("AAA", MINUTE, 0, 2**40)
            with pytest.raises(TapedeckError, match="AAA"):
                runs.following(ended)
            finish_export(runs.export, ended.summary(), ended.metrics)
    report = validate_export(folder)
    assert (report.ok, report.sessions) == (True, 2)

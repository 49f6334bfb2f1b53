"""Recomputed sessions in which symbols joined and left: errors that tell which day and why."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tapedeck.engine.errors import ExportError
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.sqlite_store import SqliteStore
from tapedeck.engine.system import SystemManager
from tests.support.files import session_file
from tests.support.markets import fill_store, open_new_store
from tests.support.runs import LIMIT_S, at_frontier

ALWAYS = (-(2**62), 2**62)


def test_a_day_whose_symbols_are_no_longer_stored_cannot_be_recomputed(tmp_path: Path) -> None:
    with open_new_store(tmp_path / "bars.db") as store:
        assert isinstance(store, SqliteStore)
        fill_store(store, ("AAA", "BBB", "CCC"), "2013-11-25", "2013-11-27")
        config = session_file(["AAA"], ["1m"], "2013-11-26", "2013-11-27")
        system = SystemManager(config, store, tape_cache_bytes=1)
        system.start(paused=True)
        try:
            system.add_symbol("BBB")
            system.step(60)
            assert system.wait_for(at_frontier(system, 1, 60), LIMIT_S)
            system.add_symbol("CCC")
            system.remove_symbol("BBB")
            system.step(331)
            assert system.wait_for(at_frontier(system, 2, 1), LIMIT_S)
            assert system.wait_until_recorded(LIMIT_S)
            again = system.recompute_session(date(2013, 11, 26)).require_tape()
            assert again.symbols == ("AAA", "CCC")
            assert again.whole().symbols == ("AAA", "BBB", "CCC")
            store.remove("BBB", MINUTE, *ALWAYS)
            with pytest.raises(
                ExportError, match=r"2013-11-26 cannot be recomputed as it was played: BBB: no"
            ):
                system.recompute_session(date(2013, 11, 26))
        finally:
            system.stop(LIMIT_S)

"""`tapedeck config check --store`: a session file against the bars of a store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Writer = Callable[..., Path]


def test_a_file_that_can_be_played_is_shown_with_its_days(
    tapedeck: Any, session_file: Writer, lean_store: Path
) -> None:
    file = session_file(backtest_config={"start_date": "2013-10-03"})
    done = tapedeck("config", "check", file, "--store", lean_store)
    assert done.exit_code == 0
    assert "2 of 14 days are missing, SPY 2013-10-03 first: `tapedeck coverage FILE`" in done.stderr
    assert "1m streamed, 5m derived" in done.stdout
    cells = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()[-2:]}
    assert cells["SPY"][:2] == cells["AIG"][:2] == ["2013-10-04", "2013-10-11"]
    coverage = tapedeck("coverage", file, "--store", lean_store, "--json").document
    for row in coverage["symbols"]:
        counts = [row["full"], row["partial"], row["missing"]]
        assert [int(cell) for cell in cells[row["symbol"]][2:5]] == counts
    document = tapedeck("config", "check", file, "--store", lean_store, "--json").document["store"]
    assert (document["interval"], document["derived"]) == ("1m", ["5m"])
    assert [row["quality"] for row in document["symbols"]] == [row["quality"] for row in coverage["symbols"]]


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"session_data_config": {"symbols": ["SPYY", "AIG"]}}, 3, "SPYY: no bars stored; did you mean SPY?"),
        (
            {"backtest_config": {"start_date": "2014-01-06", "end_date": "2014-01-10"}},
            3,
            "SPY: stored from 2013-10-04 to 2013-10-11",
        ),
        ({"session_data_config": {"streams": ["1s"]}}, 3, "no stored bars that can make 1s"),
        ({"session_data_config": {"streams": ["quotes"]}}, 2, "must have an interval of bars"),
        ({"mood": "x"}, 2, "line 1: mood: unknown field 'mood'"),
    ],
)
def test_a_file_that_cannot_be_played_has_the_error_of_the_run(
    tapedeck: Any, session_file: Writer, lean_store: Path, changes: dict[str, Any], code: int, words: str
) -> None:
    file = session_file(**changes)
    checked = tapedeck("config", "check", file, "--store", lean_store)
    run = tapedeck("run", file, "--store", lean_store, "--no-ui")
    assert (checked.exit_code, checked.stderr) == (run.exit_code, run.stderr)
    assert checked.exit_code == code
    assert words in checked.stderr
    without = tapedeck("config", "check", file)
    assert without.exit_code == (2 if "mood" in changes else 0)


def test_a_store_that_does_not_exist_is_an_error(tapedeck: Any, session_file: Writer, tmp_path: Path) -> None:
    done = tapedeck("config", "check", session_file(), "--store", tmp_path / "no.db")
    assert done.exit_code == 2
    assert "no.db does not exist" in done.stderr

"""Scanners whose times are outside of all sessions are named before the run."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config import Scanner
from tapedeck.engine.universe.schedule import schedule_warnings

EARLY_CLOSE, WHOLE_DAY = date(2013, 11, 29), date(2013, 12, 2)


@pytest.mark.parametrize(
    ("at", "days", "runs"),
    [
        (["16:01"], 2, False),
        (["16:00"], 2, True),
        (["16:00"], 1, False),  # an early close, at 13:00
        ([{"from": "15:00", "to": "10:00", "every": "5m"}], 2, False),
        (["pre_session", "20:00"], 1, True),
    ],
)
def test_a_scanner_that_runs_in_no_session_is_named(at: list[Any], days: int, runs: bool) -> None:
    scanners = [Scanner.model_validate({"scanner": f"a:{name}", "at": when}) for name, when in
                (("Always", ["09:35"]), ("Late", at))]  # fmt: skip
    sessions = TimeManager("XNYS").trading_sessions(EARLY_CLOSE, WHOLE_DAY)[:days]
    expected = "session_data_config.scanners[1] (Late) never runs: none of its times is within a session"
    assert schedule_warnings(scanners, sessions) == (() if runs else (expected,))

"""Runs of scanners in a session: rules as plain Python finds them, order, moments, status and timers."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scanner_kit import Scanning, universe, written

from tapedeck.engine.errors import ConfigError
from tapedeck.engine.tape.bar_grid import CLOSE, VOLUME, Floats
from tapedeck.engine.tape.scan_records import ScanOutcome
from tapedeck.engine.universe.scanner_manager import ScannerState
from tapedeck.engine.universe.universe_session import UniverseSession
from tapedeck.engine.universe.view import UniverseView

SYMBOLS = 12  # S10 and S11 sort before S2


def last_known(values: Floats, row: int, frontier: int) -> float:
    """Return the last value that is not missing, NaN without one."""
    return next((float(one) for one in values[row, :frontier][::-1] if not math.isnan(one)), math.nan)


def by_hand(
    session: UniverseSession, frontier: int, least: float, by: str | None, top: int | None
) -> list[tuple[str, dict[str, float]]]:
    """Return what `close > least` finds, ranked by volume (larger or smaller first) or by symbol."""
    values, found = session.tape.base.values, []
    for row, symbol in enumerate(session.symbols):
        looked_at = {"close": last_known(values[CLOSE], row, frontier)}
        if looked_at["close"] > least:
            if by is not None:
                looked_at["volume"] = last_known(values[VOLUME], row, frontier)
            found.append((symbol, looked_at))
    sign = 1 if by == "-volume" else -1
    found.sort(key=lambda one: (sign * one[1].get("volume", 0.0), one[0]))
    return found[:top]


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 5),
    at=st.integers(0, 60),
    least=st.floats(90, 110),
    by=st.sampled_from([None, "volume", "-volume"]),
    top=st.none() | st.integers(1, 12),
)
def test_a_rule_finds_and_ranks_as_plain_python(
    seed: int, at: int, least: float, by: str | None, top: int | None
) -> None:
    session = universe(SYMBOLS, seed=seed)
    moment = f"{9 + (30 + at) // 60:02}:{(30 + at) % 60:02}"
    rule = {"name": "rule", "where": f"close > {least:.2f}", "by": by, "top": top, "at": [moment]}
    one = Scanning(rule)
    one.begin(session)
    (record,) = one.run()
    assert record.frontier == at
    assert [found.rank for found in record.found] == list(range(1, len(record.found) + 1))
    assert [(found.symbol, dict(found.values)) for found in record.found] == by_hand(
        session, at, round(least, 2), by, top
    )


def test_scanners_of_one_moment_run_in_the_order_of_the_file() -> None:
    moments = [
        ["10:00", "09:35"],
        ["pre_session", "10:00"],
        [{"from": "09:35", "to": "10:05", "every": "15m"}],
    ]
    one = Scanning(
        *({"name": name, "where": "close > 0", "at": at} for name, at in zip("cab", moments, strict=True))
    )
    assert one.begin() == ()
    assert one.manager.next_frontier(0) == 0
    assert [one.manager.next_frontier(k) for k in (1, 5, 6, 21, 36)] == [5, 5, 20, 30, None]
    expected = [("a", 0), ("c", 5), ("b", 5), ("b", 20), ("c", 30), ("a", 30), ("b", 35)]
    assert [(record.scanner, record.frontier) for record in one.run()] == expected
    assert one.manager.next_frontier(0) is None, "each once a session"


def test_a_record_has_the_clock_of_the_played_tape(tmp_path: Path) -> None:
    one = Scanning({"name": "up", "where": "close > 0", "at": ["10:00"]})
    one.begin()
    (record,) = one.run()
    assert record.clock == one.slots.clock(30)
    assert record.seconds > 0


def test_the_status_follows_the_session(tmp_path: Path) -> None:
    body = "class Mine(Scanner):\n    def scan(self, view):\n        return ['S1', 'S2']\n"
    written(tmp_path, body)
    one = Scanning({"scanner": "mine.py:Mine", "at": ["09:35", "10:00"]}, folder=tmp_path)
    assert one.manager.status()[0].state is ScannerState.NEW
    one.begin()
    status = one.manager.status()[0]
    assert (status.name, status.state, status.last_run) == ("Mine", ScannerState.WAITING, None)
    assert status.next_run is not None
    assert status.next_run.isoformat() == "2024-03-13T09:35:00-04:00"
    list(one.manager.scan(5, one.waiting.process_messages))
    status = one.manager.status()[0]
    assert status.last_run is not None
    assert (status.last_run.isoformat(), status.last_frontier) == ("2024-03-13T09:35:00-04:00", 5)
    assert (status.found, status.runs, status.failures, status.error) == (2, 1, 0, None)
    one.run()
    assert (one.manager.status()[0].state, one.manager.status()[0].next_run) == (ScannerState.DONE, None)
    one.teardown()
    assert one.manager.status()[0].state is ScannerState.ENDED


def test_a_skipped_run_is_counted() -> None:
    one = Scanning({"name": "up", "where": "close > 0", "at": ["09:35", "10:00"]})
    one.begin()
    ((scanner, record),) = one.manager.skip(5)
    assert (scanner.name, record.outcome, record.frontier) == ("up", ScanOutcome.SKIPPED, 5)
    assert one.manager.next_frontier(0) == 30
    status = one.manager.status()[0]
    assert (status.skipped, status.runs, status.state) == (1, 0, ScannerState.WAITING)


def test_hooks_are_called_in_order_in_one_thread(tmp_path: Path) -> None:
    hooks = {"setup": "self, view", "scan": "self, view", "on_session_end": "self", "teardown": "self"}
    lines = [
        f"    def {name}({arguments}):\n        calls.append(('{name}', threading.get_ident())); return []"
        for name, arguments in hooks.items()
    ]
    written(tmp_path, "import threading\ncalls = []\nclass Mine(Scanner):\n" + "\n".join(lines))
    one = Scanning({"scanner": "mine.py:Mine", "at": ["09:35", "10:00"]}, folder=tmp_path)
    for _ in range(2):
        one.begin()
        one.run()
    one.teardown()
    made_of: Any = one.manager._scanners[0].scanner_class
    calls = made_of.loaded.scan.__globals__["calls"]
    session = ["setup", "scan", "scan", "on_session_end"]
    assert [name for name, _ in calls] == [*session, *session, "teardown"]
    assert len({ident for _, ident in calls}) == 1


def test_each_scanner_has_its_timer() -> None:
    one = Scanning(
        *({"name": name, "where": "close > 0", "at": ["09:35", "10:00"]} for name in ("up", "down"))
    )
    one.begin()
    one.run()
    timers = one.metrics.timers()
    assert {name: timer.count for name, timer in timers.items()} == {"scan up": 2, "scan down": 2}
    assert "scan up" in one.metrics.format_report("backtest")


def test_faults_of_rules_are_told_before_a_session() -> None:
    one = Scanning(
        {"name": "a", "where": "clsoe > 0", "at": ["10:00"]},
        {"name": "b", "where": "close > 0", "by": "volumes", "at": ["10:00"]},
    )
    with pytest.raises(ConfigError) as caught:
        one.begin()
    first, second = caught.value.problems
    assert (first.path, second.path) == (
        "session_data_config.scanners[0].where",
        "session_data_config.scanners[1].by",
    )
    assert "Did you mean 'close'?" in str(first)


def test_a_scan_takes_little_beside_the_evaluation_of_its_rule() -> None:
    """CPU time of this thread, the least of several measurements; it is usually 20 microseconds a scan."""
    session = universe()
    views = [UniverseView(session, frontier) for frontier in range(0, 391, 5)]
    whole, evaluations = [], []
    for _ in range(10):
        one = Scanning({"name": "none", "where": "close < 0", "at": [{"every": "5m"}]})
        one.begin(session)
        rule = one.manager._scanners[0].rule
        assert rule is not None
        started = time.thread_time()
        assert len(one.run()) == len(views)
        whole.append(time.thread_time() - started)
        started = time.thread_time()
        for view in views:
            rule.scan(view)
        evaluations.append(time.thread_time() - started)
    assert min(whole) - min(evaluations) < 300e-6 * len(views)

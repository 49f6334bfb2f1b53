"""What a user marks, and going back to days that are over."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from engine.config import SessionConfig
from engine.errors import EngineError, ExportError
from engine.export.spool import TapeSpool
from engine.export.validation import validate_export
from engine.monitoring.event import EventKind
from engine.store.bar_store import BarStore
from engine.system import SystemManager
from tests.support.runs import LIMIT_S, KeepRecords, at_frontier, play

Config = Callable[..., SessionConfig]


def until(condition: Callable[[], bool]) -> bool:
    """Wait for what the recorder and the quality manager do, who announce nothing; return whether it came."""
    deadline, pause = time.monotonic() + LIMIT_S, threading.Event()
    while not condition() and time.monotonic() < deadline:
        pause.wait(0.002)
    return condition()


@pytest.fixture
def spooled(session_config: Config, gapped_store: BarStore, tmp_path: Path):
    system = SystemManager(session_config(), gapped_store, spool=TapeSpool(tmp_path / "days"))
    system.start(paused=True)
    assert system.wait_for(at_frontier(system, 1, 0), LIMIT_S)
    yield system
    system.stop(LIMIT_S)


def test_a_bookmark_stands_where_the_run_stands_or_at_an_earlier_slot(spooled: SystemManager) -> None:
    spooled.step(20)
    assert spooled.wait_for(at_frontier(spooled, 1, 20), LIMIT_S)
    spooled.add_bookmark()
    spooled.add_bookmark("turn", 12)
    marks = [event for event in spooled.events() if event.kind is EventKind.BOOKMARK]
    assert [(event.frontier, event.text) for event in marks] == [(20, "bookmark"), (12, "turn")]
    with pytest.raises(EngineError, match="slot 21 cannot be marked: 20 slots of the session are over"):
        spooled.add_bookmark("ahead", 21)


def test_nothing_can_be_marked_before_a_session(session_config: Config, gapped_store: BarStore) -> None:
    with pytest.raises(EngineError, match="no session to mark"):
        SystemManager(session_config(), gapped_store).add_bookmark()


def test_a_day_that_is_over_can_be_looked_at_again(spooled: SystemManager) -> None:
    spooled.step(390)
    assert spooled.wait_for(at_frontier(spooled, 1, 390), LIMIT_S)
    whole = spooled.session_data.view()
    assert whole is not None
    closes = whole.bars_grid(whole.indicator_interval("ema_5"))[3].tobytes()
    spooled.step(30)
    assert spooled.wait_for(at_frontier(spooled, 2, 30), LIMIT_S)
    first = date(2013, 11, 26)
    assert until(lambda: first in spooled.earlier_days())
    again = spooled.earlier_view(first)
    assert again.frontier == 390
    assert again.bars_grid(again.indicator_interval("ema_5"))[3].tobytes() == closes
    assert spooled.earlier_view(first, 100).frontier == 100
    # The day under way is looked at in place, up to the clock.
    assert spooled.earlier_view(date(2013, 11, 27), 500).frontier == 30
    with pytest.raises(ExportError, match="no tape of 2013-12-02"):
        spooled.earlier_view(date(2013, 12, 2))


def test_only_the_last_days_that_were_asked_for_stay_in_memory(spooled: SystemManager) -> None:
    spooled.resume()
    assert spooled.wait(LIMIT_S)
    days = spooled.earlier_days()
    assert [str(day) for day in days] == ["2013-11-26", "2013-11-27", "2013-11-29", "2013-12-02"]
    for day in (*days, days[0]):
        assert spooled.earlier_view(day).session.trading_day == day


def test_without_a_spool_earlier_days_are_gone(session_config: Config, gapped_store: BarStore) -> None:
    system = play(session_config(), gapped_store)
    assert system.earlier_days() == ()
    with pytest.raises(EngineError, match="2013-11-26 is over, and this run keeps no earlier days"):
        system.earlier_view(date(2013, 11, 26))


class KeepStamped(KeepRecords):
    """Keeps records with their digests, as an export in mid-run wants them."""

    def __init__(self) -> None:
        super().__init__()
        self.stamped = []

    def write_session(self, record, digest):
        super().write_session(record, digest)
        self.stamped.append((record, digest))


def test_an_export_in_mid_session_is_a_valid_partial_export(
    session_config: Config, gapped_store: BarStore, tmp_path: Path
) -> None:
    kept = KeepStamped()
    system = SystemManager(session_config(), gapped_store, sinks=[kept])
    system.start(paused=True)
    try:
        system.step(400)
        assert system.wait_for(at_frontier(system, 2, 10), LIMIT_S)
        assert until(lambda: len(kept.stamped) == 1 and system.session_data.require_tape().settled() == 10)
        manifest = system.export_csv(tmp_path / "out", kept.stamped)
        system.export_json(tmp_path / "state" / "now.json", kept.stamped)
    finally:
        system.stop(LIMIT_S)
    assert (manifest.status, manifest.state) == ("partial", "stopped")
    assert [(session.played, session.slots) for session in manifest.sessions] == [(390, 390), (10, 390)]
    assert validate_export(tmp_path / "out").findings == ()
    document = json.loads((tmp_path / "state" / "now.json").read_text())
    assert document["stamp"] == manifest.stamp
    assert document == json.loads((tmp_path / "out" / "session.json").read_text())


def test_after_the_run_an_export_is_the_one_that_the_run_would_have_written(
    session_config: Config, gapped_store: BarStore, tmp_path: Path
) -> None:
    kept = KeepStamped()
    system = SystemManager(session_config(), gapped_store, sinks=[kept])
    system.start()
    assert system.wait(LIMIT_S)
    manifest = system.export_csv(tmp_path / "out", kept.stamped)
    assert (manifest.status, manifest.stamp) == ("complete", system.summary().stamp)


def test_before_the_first_session_an_export_has_no_session(
    session_config: Config, gapped_store: BarStore, tmp_path: Path
) -> None:
    system = SystemManager(session_config(), gapped_store)
    with pytest.raises(EngineError, match="has not been started"):
        system.export_csv(tmp_path / "out", [])
    assert not (tmp_path / "out").exists()

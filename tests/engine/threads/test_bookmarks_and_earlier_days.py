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
from engine.export.earlier_tapes import MEMORY_BYTES, EarlierTapes
from engine.export.validation import validate_export
from engine.monitoring.event import EventKind
from engine.store.bar_store import BarStore
from engine.system import SystemManager
from engine.tape.session_view import SessionView
from tests.support.runs import LIMIT_S, at_frontier, play, play_recorded

Config = Callable[..., SessionConfig]


def until(condition: Callable[[], bool]) -> bool:
    """Wait for what the recorder and the quality manager do, who announce nothing; return whether it came."""
    deadline, pause = time.monotonic() + LIMIT_S, threading.Event()
    while not condition() and time.monotonic() < deadline:
        pause.wait(0.002)
    return condition()


@pytest.fixture
def marked(session_config: Config, gapped_store: BarStore):
    system = SystemManager(session_config(), gapped_store)
    system.start(paused=True)
    assert system.wait_for(at_frontier(system, 1, 0), LIMIT_S)
    yield system
    system.stop(LIMIT_S)


def test_a_bookmark_stands_where_the_run_stands_or_at_an_earlier_slot(marked: SystemManager) -> None:
    marked.step(20)
    assert marked.wait_for(at_frontier(marked, 1, 20), LIMIT_S)
    marked.add_bookmark()
    marked.add_bookmark("turn", 12)
    marks = [event for event in marked.events() if event.kind is EventKind.BOOKMARK]
    assert [(event.frontier, event.text) for event in marks] == [(20, "bookmark"), (12, "turn")]
    with pytest.raises(EngineError, match="slot 21 cannot be marked: 20 slots of the session are over"):
        marked.add_bookmark("ahead", 21)


def test_nothing_can_be_marked_before_a_session(session_config: Config, gapped_store: BarStore) -> None:
    with pytest.raises(EngineError, match="no session to mark"):
        SystemManager(session_config(), gapped_store).add_bookmark()


@pytest.mark.parametrize("memory_bytes", [0, MEMORY_BYTES], ids=["on disk", "in memory"])
def test_a_day_that_is_over_can_be_looked_at_again(
    session_config: Config, gapped_store: BarStore, tmp_path: Path, memory_bytes: int
) -> None:
    earlier = EarlierTapes(tmp_path / "days", memory_bytes)
    system = SystemManager(session_config(), gapped_store, earlier=earlier)
    system.start(paused=True)
    try:
        system.step(390)
        assert system.wait_for(at_frontier(system, 1, 390), LIMIT_S)
        whole = system.session_data.view()
        assert whole is not None
        closes = whole.bars_grid(whole.indicator_interval("ema_5"))[3].tobytes()
        system.step(30)
        assert system.wait_for(at_frontier(system, 2, 30), LIMIT_S)
        first = date(2013, 11, 26)
        assert until(lambda: first in earlier.days())
        again = SessionView(earlier.tape(first))
    finally:
        system.stop(LIMIT_S)
    assert again.frontier == 390
    assert again.bars_grid(again.indicator_interval("ema_5"))[3].tobytes() == closes
    with pytest.raises(ExportError, match=r"no tape of 2013-12-02 is kept.*; the nearest is 2013-11-"):
        earlier.tape(date(2013, 12, 2))


def test_the_last_days_stay_in_memory_and_those_before_go_to_disk(
    session_config: Config, gapped_store: BarStore, tmp_path: Path
) -> None:
    folder = tmp_path / "days"
    whole = play(session_config(), gapped_store).summary()
    # Room for two of the four sessions; the third is a short one.
    regular = play_recorded(session_config(), gapped_store).records[0].tape
    earlier = EarlierTapes(folder, 2 * regular.nbytes)
    system = SystemManager(session_config(), gapped_store, earlier=earlier)
    assert not folder.exists()
    system.start()
    assert system.wait(LIMIT_S)
    days = earlier.days()
    assert [str(day) for day in days] == ["2013-11-26", "2013-11-27", "2013-11-29", "2013-12-02"]
    assert sorted(path.name for path in folder.iterdir()) == ["2013-11-26.tape", "2013-11-27.tape"]
    for day in (*days, days[0]):
        assert earlier.tape(day).session.trading_day == day
    assert earlier.tape(days[0]) is earlier.tape(days[0])
    digests = [digest for _, digest in earlier.records()]
    assert digests == [session.digest for session in whole.sessions]
    earlier.clear()
    assert not folder.exists()
    with pytest.raises(ExportError, match=r"no tape of 2013-11-26 is kept\. No session has ended yet"):
        earlier.tape(days[0])


def test_a_disk_that_takes_no_more_ends_nothing_but_the_days_kept(
    session_config: Config, gapped_store: BarStore, tmp_path: Path
) -> None:
    (tmp_path / "days").write_text("a file in the way")
    earlier = EarlierTapes(tmp_path / "days", 0)
    system = SystemManager(session_config(), gapped_store, earlier=earlier)
    system.start()
    assert system.wait(LIMIT_S)
    assert system.error is None
    assert earlier.days() == ()
    assert earlier.trouble is not None
    assert earlier.trouble.startswith("2013-12-02 cannot be looked at later: ")
    with pytest.raises(ExportError, match=r"days is a file, not a folder.*cannot be exported"):
        system.export_csv(tmp_path / "out")


def test_a_run_that_keeps_no_days_cannot_export_them(
    session_config: Config, gapped_store: BarStore, tmp_path: Path
) -> None:
    system = play(session_config(), gapped_store)
    with pytest.raises(EngineError, match="does not keep the days that are over"):
        system.export_csv(tmp_path / "out")


def test_an_export_in_mid_session_is_a_valid_partial_export(
    session_config: Config, gapped_store: BarStore, tmp_path: Path
) -> None:
    earlier = EarlierTapes(tmp_path / "days")
    system = SystemManager(session_config(), gapped_store, earlier=earlier)
    system.start(paused=True)
    try:
        system.step(400)
        assert system.wait_for(at_frontier(system, 2, 10), LIMIT_S)
        assert until(lambda: len(earlier.days()) == 1 and system.session_data.require_tape().settled() == 10)
        manifest = system.export_csv(tmp_path / "out")
        system.export_json(tmp_path / "state" / "now.json")
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
    earlier = EarlierTapes(tmp_path / "days")
    system = SystemManager(session_config(), gapped_store, earlier=earlier)
    system.start()
    assert system.wait(LIMIT_S)
    manifest = system.export_csv(tmp_path / "out")
    assert (manifest.status, manifest.stamp) == ("complete", system.summary().stamp)


def test_before_the_first_session_an_export_has_no_session(
    session_config: Config, gapped_store: BarStore, tmp_path: Path
) -> None:
    earlier = EarlierTapes(tmp_path / "days")
    system = SystemManager(session_config(), gapped_store, earlier=earlier)
    with pytest.raises(EngineError, match="has not been started"):
        system.export_csv(tmp_path / "out")
    assert not (tmp_path / "out").exists()

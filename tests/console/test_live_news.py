"""News of a live session and its lines: each minute, event, alert and session once, in order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tapedeck.console.cli.live_news import LiveNews, Minute, SessionOver, Waiting
from tapedeck.console.cli.live_output import JsonLines, TextLines, json_line, minute_line, status_text
from tapedeck.console.cli.terminal import Terminal
from tapedeck.engine.feeds.live_status import Alert, FeedState, FeedStatus, GapState, LivePhase, LiveStatus
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.read.events import Event, EventKind
from tapedeck.engine.read.snapshot import Snapshot
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tests.support.runs import LIMIT_S, at_frontier

OPEN: Final = datetime(2013, 11, 26, 14, 30, tzinfo=UTC)
ZONE: Final = ZoneInfo("America/New_York")
FEED: Final = FeedStatus("replay", FeedState.CONNECTED, OPEN)
STATUS: Final = LiveStatus(LivePhase.OPEN, OPEN, 0.0, FEED)
FIRST_DAY: Final = date(2013, 11, 26)


@pytest.fixture
def run(console_store: BarStore) -> Iterator[SystemManager]:
    """A paused backtest of two days; its tape is that of a recording."""
    config = parse_session_config(
        {
            "session_name": "News",
            "exchange_group": "US_EQUITY",
            "backtest_config": {"start_date": "2013-11-26", "end_date": "2013-11-27"},
            "session_data_config": {"symbols": ["AAA", "BBB"], "streams": ["1m", "5m"]},
        },
        "test",
    ).config
    system = SystemManager(config, console_store)
    try:
        system.start(paused=True)
        assert system.wait_for(at_frontier(system, 1, 0), LIMIT_S)
        yield system
    finally:
        system.stop()


def step(system: SystemManager, slots: int, session: int, frontier: int) -> None:
    system.step(slots)
    assert system.wait_for(at_frontier(system, session, frontier), LIMIT_S)


def live(system: SystemManager, status: LiveStatus = STATUS) -> Snapshot:
    return replace(system.snapshot(), live=status)


def minutes(news: list[Any]) -> list[Minute]:
    return [one for one in news if isinstance(one, Minute)]


def test_each_minute_is_told_once_with_its_bars(run: SystemManager, console_store: BarStore) -> None:
    told = LiveNews()
    assert minutes(told.of(live(run), ())) == []
    step(run, 3, 1, 3)
    first = minutes(told.of(live(run), ()))
    assert [minute.slot for minute in first] == [1, 2, 3]
    assert [minute.clock for minute in first] == [OPEN + timedelta(minutes=n) for n in (1, 2, 3)]
    assert minutes(told.of(live(run), ())) == []
    step(run, 40, 1, 43)
    later = minutes(told.of(live(run), ()))
    assert [minute.slot for minute in later] == list(range(4, 44))
    start = int(OPEN.timestamp())
    stored = {
        symbol: {int(at) for at in console_store.read(symbol, MINUTE, start, start + 43 * 60).opened_at}
        for symbol in ("AAA", "BBB")
    }
    for minute in (*first, *later):
        at = int(minute.clock.timestamp()) - 60
        assert minute.missing == tuple(symbol for symbol in ("AAA", "BBB") if at not in stored[symbol])
        assert minute.bars == 2 - len(minute.missing)
    assert later[-1].total == sum(map(len, stored.values()))


def test_a_new_session_begins_with_its_first_minute(run: SystemManager) -> None:
    told = LiveNews()
    step(run, 391, 2, 1)
    news = told.of(live(run), ())
    (minute,) = minutes(news)
    assert (minute.trading_day, minute.slot) == (date(2013, 11, 27), 1)
    assert run.wait_until_recorded(LIMIT_S)
    over = [one for one in told.of(live(run), ()) + news if isinstance(one, SessionOver)]
    assert [one.session.trading_day for one in over] == ["2013-11-26"]
    assert over[0].stamp == run.snapshot().stamp


def test_events_are_told_once_and_again_when_their_text_changes(run: SystemManager) -> None:
    told = LiveNews()
    gap = Event(4, EventKind.GAP, 3, FIRST_DAY, OPEN, "AAA", "no bar since 10:31", 0)
    ended = replace(gap, text="2 bars missing, 10:31 to 10:32", last=4)
    assert gap in told.of(live(run), (gap,))
    assert gap not in told.of(live(run), (gap,))
    assert ended in told.of(live(run), (ended,))


def test_alerts_are_told_once_and_counted(run: SystemManager) -> None:
    told = LiveNews()
    at = (OPEN, OPEN + timedelta(seconds=90), OPEN + timedelta(seconds=150))
    alerts = tuple(Alert(number, at[number - 1], f"alert {number}") for number in (1, 2, 3))
    step(run, 1, 1, 1)
    assert [one for one in told.of(live(run, replace(STATUS, alerts=alerts[:2])), ()) if one in alerts] == [
        *alerts[:2]
    ]
    step(run, 1, 1, 2)
    news = told.of(live(run, replace(STATUS, alerts=alerts[1:])), ())
    # In the order of the market's time: the minute ends before the third alert.
    assert news == [*minutes(news), alerts[2]]
    assert minutes(news)[0].alerts == 2


def test_gaps_that_are_explained_do_not_count_as_missing(run: SystemManager) -> None:
    counts = dict(zip(GapState, (1, 2, 4, 8, 16), strict=True))
    step(run, 1, 1, 1)
    (minute,) = minutes(LiveNews().of(live(run, replace(STATUS, gap_counts=counts)), ()))
    told = {GapState.WAITING, GapState.ASKED, GapState.UNFILLABLE}
    assert minute.lacking == sum(counts[state] for state in told)


def waiting_status(seconds: float) -> LiveStatus:
    return replace(
        STATUS,
        phase=LivePhase.WAITING,
        now=OPEN - timedelta(seconds=seconds),
        opens=OPEN,
        opens_day=FIRST_DAY,
    )


def test_a_wait_is_told_once_for_each_open(run: SystemManager) -> None:
    told = LiveNews()
    news = told.of(live(run, waiting_status(48_240)), ())
    assert [one for one in news if isinstance(one, Waiting)] == [
        Waiting(OPEN - timedelta(seconds=48_240), OPEN, FIRST_DAY)
    ]
    assert not any(isinstance(one, Waiting) for one in told.of(live(run, waiting_status(60)), ()))
    # A replay begins at the open: there is nothing to wait for.
    assert not any(isinstance(one, Waiting) for one in LiveNews().of(live(run, waiting_status(0)), ()))


# Lines


def minute_at(slot: int, **changes: Any) -> Minute:
    clock = OPEN + timedelta(minutes=slot)
    return replace(Minute(FIRST_DAY, clock, ZONE, slot, 390, 2, (), 2 * slot, 0, 0, 0), **changes)


def lines_of(text: str) -> list[str]:
    return text.splitlines()


def test_a_line_of_text_has_time_slot_bars_gaps_and_alerts() -> None:
    line = minute_line(minute_at(75, total=1_240, lacking=3, alerts=1))
    assert line == "10:45:00 EST  slot  75 of 390  1,240 bars, 3 missing, 1 alert"


def test_lines_of_minutes_come_four_times_a_second_and_the_last_one_always(
    capsys: pytest.CaptureFixture[str],
) -> None:
    now = 0.0
    output = TextLines(Terminal(), ZONE, monotonic=lambda: now)
    output.tell([minute_at(1), minute_at(2)])
    now = 0.1
    output.tell([minute_at(3)])
    now = 0.26
    output.tell([minute_at(4)])
    output.tell([minute_at(389), minute_at(390)])
    shown = [line.split()[3] for line in lines_of(capsys.readouterr().out)]
    assert shown == ["2", "4", "390"]


def test_text_tells_waits_alerts_and_warnings_but_neither_gaps_nor_sessions(
    capsys: pytest.CaptureFixture[str],
) -> None:
    event = Event(1, EventKind.GAP, 3, FIRST_DAY, OPEN, "AAA", "no bar since 09:30", 0)
    TextLines(Terminal(), ZONE).tell(
        [
            Waiting(OPEN - timedelta(hours=13, minutes=24), OPEN, FIRST_DAY),
            Alert(1, OPEN, "SPY.close > 168, at 09:30"),
            event,
            replace(event, kind=EventKind.ERROR, text="no 1m bars of AAA"),
            replace(event, kind=EventKind.SESSION, text="session opens"),
        ]
    )
    assert lines_of(capsys.readouterr().out) == [
        "next session Tuesday 2013-11-26, opens in 13 h 24 min",
        "09:30:00 EST  alert: SPY.close > 168, at 09:30",
        "09:30:00 EST  warning: no 1m bars of AAA",
    ]


def test_each_piece_of_news_is_one_json_document_in_a_line(
    run: SystemManager, capsys: pytest.CaptureFixture[str]
) -> None:
    told = LiveNews()
    told.of(live(run, waiting_status(90)), ())
    step(run, 391, 2, 1)
    assert run.wait_until_recorded(LIMIT_S)
    alert = Alert(1, OPEN, "quality below 95 %", is_severe=True)
    hit = Event(77, EventKind.BREAK, 3, FIRST_DAY, OPEN, None, "AAA.close > 1", 0)
    news = told.of(live(run, replace(STATUS, alerts=(alert,))), (*run.events(), hit))
    output = JsonLines(Terminal())
    output.tell([*news, Waiting(OPEN - timedelta(seconds=90), OPEN, FIRST_DAY)])
    documents = [json.loads(line) for line in lines_of(capsys.readouterr().out)]
    assert len(documents) == len(news) + 1
    kinds = {document["kind"] for document in documents}
    assert kinds == {"minute", "event", "break", "alert", "session", "waiting"}
    by_kind = {document["kind"]: document for document in documents}
    assert by_kind["break"]["slots_over"] == 4
    assert by_kind["alert"]["severe"] is True
    assert by_kind["waiting"]["seconds"] == 90
    assert by_kind["session"]["digest"] == run.snapshot().finished[0].digest
    for name in ("minute", "break", "alert"):
        at = by_kind[name].get("clock") or by_kind[name]["at"]
        assert datetime.fromisoformat(at).tzinfo is not None


def test_the_status_line_counts_down_to_the_open_and_then_tells_the_feed(run: SystemManager) -> None:
    assert status_text(run.snapshot(), ZONE) == "starting"
    waiting = status_text(live(run, waiting_status(48_240)), ZONE)
    assert waiting == "next session Tuesday 2013-11-26, opens in 13 h 24 min"
    lost = replace(FEED, state=FeedState.RECONNECTING, reason="no answer")
    text = status_text(live(run, replace(STATUS, feed=lost)), ZONE)
    assert text == "open, 2013-11-26 09:30:00 EST, feed replay: reconnecting (no answer)"


def test_documents_hold_no_numbers_that_json_lacks() -> None:
    assert json.dumps(json_line(minute_at(1, bars=int(np.int64(2)))), allow_nan=False)


def test_the_error_that_ends_a_recording_is_left_to_its_report(capsys: pytest.CaptureFixture[str]) -> None:
    error = "binance has no symbol ETHUSDT"
    alert = Alert(1, OPEN, f"ccxt-binance: {error}", True)
    other = Alert(2, OPEN, "the disk is nearly full", True)
    TextLines(Terminal(), ZONE).tell([alert, other], error)
    assert [line.partition("alert: ")[2] for line in capsys.readouterr().out.splitlines()] == [other.text]

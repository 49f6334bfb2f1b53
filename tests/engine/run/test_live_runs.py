"""Live runs over the replay feed, with all threads: they end as the backtest of the bars recorded."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from sqlite3 import connect

import pytest

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.config import BacktestConfig, SessionConfig
from tapedeck.engine.errors import ConfigError, EngineError
from tapedeck.engine.feeds.arrival_journal import journal_path
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.live_feed import FeedAbilities, FeedError, FeedHistory, FeedSink
from tapedeck.engine.feeds.live_options import LiveOptions
from tapedeck.engine.feeds.live_status import FeedState, GapState, LivePhase
from tapedeck.engine.feeds.replay_feed import ReplayFeed
from tapedeck.engine.intervals import MINUTE, Interval
from tapedeck.engine.read.events import EventKind
from tapedeck.engine.read.status import RunState
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.stamp import session_digest
from tests.support.live_runs import Replay
from tests.support.markets import fill_store, open_new_store
from tests.support.runs import LIMIT_S, KeepRecords, play_recorded

DAY = date(2013, 10, 7)
SYMBOLS = ["AAA", "BBB"]
INDICATORS = {
    "sma": {"type": "SMA", "interval": "1m", "timeperiod": 20},
    "rsi": {"type": "RSI", "interval": "5m", "timeperiod": 14},
    "vwap": {"type": "VWAP", "interval": "1m"},
}


def config_of(symbols: Sequence[str] = SYMBOLS, streams: Sequence[str] = ("1m", "5m", "1d")) -> SessionConfig:
    """Return a session file over the day."""
    document = {
        "session_name": "live",
        "exchange_group": "US_EQUITY",
        "backtest_config": {"start_date": DAY.isoformat(), "end_date": DAY.isoformat()},
        "session_data_config": {
            "symbols": list(symbols),
            "streams": list(streams),
            "indicators": INDICATORS,
            "historical": {"data": [{"trailing_days": 2, "intervals": ["1m", "1d"], "apply_to": "all"}]},
        },
    }
    return parse_session_config(document, "live").config


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with some weeks of two symbols; some bars are missing."""
    location = tmp_path_factory.mktemp("base") / "bars.db"
    with open_new_store(location) as store:
        fill_store(store, SYMBOLS, "2013-09-20", "2013-10-08", missing=0.02)
    return location


@pytest.fixture(scope="module")
def backtest_digest(base: Path) -> str:
    """The digest of the day, played from the store."""
    with open_store(base) as store:
        (record,) = play_recorded(config_of(), store).records
    return session_digest(record.tape, record.frontier)


def test_a_day_ends_as_its_backtest_and_leaves_the_store_as_it_was(
    base: Path, backtest_digest: str, tmp_path: Path
) -> None:
    before = base.read_bytes()
    with Replay(config_of(), base, tmp_path, DAY).system() as (system, kept):
        system.add_breakpoint("AAA.close > AAA.sma")
        system.start(paused=True)  # a live run goes on
        assert system.wait(LIMIT_S)
        (record,) = kept.records
        status = system.snapshot().live
        assert (system.state, system.error) == (RunState.COMPLETED, None)
        assert session_digest(record.tape, record.frontier) == backtest_digest
        assert status is not None
        assert status.phase is LivePhase.OVER
        assert status.feed.state is FeedState.CLOSED
        missing = int((~record.tape.base.present).sum())
        assert status.gap_counts is not None
        assert status.gap_counts[GapState.UNFILLABLE] == missing > 0
        lacking = system.lacking()
        assert lacking is not None
        assert lacking.bars == missing
        # Breakpoints have alerted, once a slot, and nothing was paused.
        hits = [event.slot for event in system.events() if event.kind is EventKind.BREAK]
        assert system.snapshot().stopped_at is None
        assert len(hits) == len(set(hits)) >= system.breakpoints()[0].hits > 3
        assert len([alert for alert in status.alerts if "AAA.close" in alert.text]) == len(hits)
    assert base.read_bytes() == before


@pytest.mark.parametrize("top", ["top.db", "top"])
def test_a_day_recorded_in_parts_ends_as_its_backtest(
    base: Path, backtest_digest: str, tmp_path: Path, top: str
) -> None:
    replay = Replay(config_of(), base, tmp_path, DAY, speed=20_000.0, top=top)
    for frontier in (60, 200):
        with replay.system() as (system, kept):
            system.start()
            assert system.wait_for(lambda at=frontier: system.snapshot().frontier >= at, LIMIT_S)
            system.stop()
            assert system.state is RunState.STOPPED
            assert kept.records[0].frontier >= frontier
    with replay.system() as (system, kept):
        system.start()
        assert system.wait(LIMIT_S)
        assert session_digest(kept.records[0].tape, kept.records[0].frontier) == backtest_digest


def test_a_run_waits_for_the_open(base: Path, tmp_path: Path) -> None:
    replay = Replay(config_of(), base, tmp_path, DAY, speed=1.0, begins_s=-3600.0)
    with replay.system() as (system, kept):
        system.start()
        assert system.wait_for(lambda: system.session_data.tape is not None, LIMIT_S)
        status = system.snapshot().live
        assert status is not None
        assert (status.phase, status.opens_day) == (LivePhase.WAITING, DAY)
        assert status.opens is not None
        assert 3500 < (status.opens - status.now).total_seconds() <= 3600
        assert not system.session_data.is_session_active()
        system.stop()
        assert (system.state, kept.records) == (RunState.STOPPED, [])


def test_a_session_interrupted_before_its_end_is_finished_after_its_close(
    base: Path, backtest_digest: str, tmp_path: Path
) -> None:
    replay = Replay(config_of(), base, tmp_path, DAY, speed=20_000.0)
    with replay.system() as (system, _):
        system.start()
        assert system.wait_for(lambda: system.snapshot().frontier >= 300, LIMIT_S)
    replay.clock = LiveClock(speed=20_000.0, start=replay.opens + 8 * 3600)
    replay.first_day = None
    with replay.system() as (system, kept):
        system.start()
        assert system.wait(LIMIT_S)
        (record,) = kept.records
        assert session_digest(record.tape, record.frontier) == backtest_digest
    with replay.system() as (system, _):  # it is done: the next one is waited for
        assert system.prepare().sessions[0].trading_day == DAY + timedelta(days=1)


def test_history_has_what_a_killed_recording_of_the_day_before_has_left_in_the_journal(
    base: Path, tmp_path: Path
) -> None:
    monday = Replay(config_of(), base, tmp_path, DAY)
    with monday.system() as (system, _):
        system.start()
        assert system.wait(LIMIT_S)
    # As after a kill at the close, before the bars were folded into the files: the journal alone has them.
    folder = tmp_path / "files"
    with open_store(base) as store, open_new_store(folder) as files:
        for symbol in SYMBOLS:
            bars = store.read(symbol, MINUTE, 0, monday.opens)
            files.write(symbol, MINUTE, bars)
    journal = journal_path(tmp_path / "top.db").rename(journal_path(folder))
    with closing(connect(journal)) as opened, opened:
        opened.execute("UPDATE days SET is_stored = 0")

    tuesday = DAY + timedelta(days=1)
    days = BacktestConfig(start_date=tuesday, end_date=tuesday)
    config = config_of().model_copy(update={"backtest_config": days})
    clock = Replay(config, base, tmp_path, tuesday).clock
    kept = KeepRecords()
    with open_store(base) as store, open_store(folder) as files:
        (expected,) = play_recorded(config, store).records
        feed = ReplayFeed(store, clock, MINUTE, first=int(clock.start))
        live = LiveOptions(feed, clock, journal, first_day=tuesday)
        system = SystemManager(config, files, sinks=[kept], live=live)
        system.start()
        assert system.wait(LIMIT_S)
    (record,) = kept.records
    assert session_digest(record.tape, record.frontier) == session_digest(expected.tape, expected.frontier)


def test_a_first_recording_into_an_empty_store_has_breakpoints_and_opening_values(
    base: Path, tmp_path: Path
) -> None:
    replay = Replay(config_of(), base, tmp_path, DAY)
    with open_store(base) as store, open_new_store(tmp_path / "new.db") as new:
        feed = ReplayFeed(store, replay.clock, MINUTE, first=replay.opens)
        live = LiveOptions(feed, replay.clock, journal_path(new.location), first_day=DAY)
        system = SystemManager(config_of(), new, live=live, tape_cache_bytes=2**26)
        system.add_breakpoint("AAA.close crosses above AAA.sma")
        system.start()
        assert system.wait(LIMIT_S)
        assert (system.state, system.error) == (RunState.COMPLETED, None)
        assert system.breakpoints()[0].hits > 3
        assert system.opening_values(DAY).day_before == date(2013, 10, 4)


def test_history_of_another_feed_is_a_warning(base: Path, tmp_path: Path) -> None:
    replay = Replay(config_of(), base, tmp_path, DAY)
    with replay.system() as (system, _):
        system.start()
        assert system.wait(LIMIT_S)
    following = Replay(config_of(), base, tmp_path, DAY + timedelta(days=1))
    with following.system(_OwnFeed()) as (system, _):
        (warning,) = system.prepare().warnings
        assert warning == (
            "the history of AAA, BBB has bars of the feed replay; this session records own: "
            "their volumes may differ"
        )
    with following.system() as (system, _):
        assert system.prepare().warnings == ()
    with replay.system(_OwnFeed()) as (system, _):  # on that day itself it is refused
        system.start()
        assert system.wait(LIMIT_S)
        assert system.state is RunState.ERROR
        assert "replay" in str(system.error)
        assert "own" in str(system.error)


@pytest.mark.parametrize(("last", "is_told"), [("2013-10-04", False), ("2013-10-03", True)])
def test_stored_days_that_end_before_the_day_before_are_a_warning(
    base: Path, tmp_path: Path, last: str, *, is_told: bool
) -> None:
    with open_store(base) as store, open_new_store(tmp_path / "days.db") as days:
        replay = Replay(config_of(), base, tmp_path, DAY)
        fill_store(days, ["AAA"], "2013-09-16", last, interval=Interval.parse("1d"))
        feed = ReplayFeed(store, replay.clock, MINUTE, first=replay.opens)
        live = LiveOptions(feed, replay.clock, journal_path(days.location), first_day=DAY)
        text = (
            "no 1d bar of AAA is stored for 2013-10-04: values over 1d bars lack that day. "
            "Import the latest 1d bars before a session"
        )
        assert (text in SystemManager(config_of(), days, live=live).prepare().warnings) == is_told


def test_a_live_run_refuses_what_only_a_playback_can_do(base: Path, tmp_path: Path) -> None:
    with Replay(config_of(), base, tmp_path, DAY).system() as (system, _):
        system.start()
        for command in (
            system.pause,
            system.resume,
            system.step,
            lambda: system.set_speed(1),
            system.renewed,
        ):
            with pytest.raises(EngineError, match="a live session cannot be"):
                command()


class _OwnFeed:
    """A feed that refuses, or has nothing to say."""

    name = "own"

    def __init__(self, error: FeedError | None = None, abilities: FeedAbilities | None = None) -> None:
        self.error = error
        self.abilities = abilities or FeedAbilities((MINUTE,))

    def connect(self, sink: FeedSink, timeout: float) -> None:
        """Connect, or raise the error."""
        if self.error is not None:
            raise self.error

    def subscribe(self, symbols: Sequence[str], interval: Interval) -> None:
        """Take any symbols."""

    def history(
        self, symbols: Sequence[str], interval: Interval, start: int, end: int, timeout: float
    ) -> FeedHistory:
        """Return the first bar of AAA alone."""
        return FeedHistory([FeedBar("AAA", start, 1.0, 1.0, 1.0, 1.0, 1.0)] if "AAA" in symbols else [])

    def close(self) -> None:
        """Do nothing."""


def test_a_feed_that_refuses_for_good_ends_the_run_with_its_reason(base: Path, tmp_path: Path) -> None:
    feed = _OwnFeed(FeedError("wrong key: set OWN_KEY", is_final=True))
    with Replay(config_of(), base, tmp_path, DAY).system(feed) as (system, _):
        system.start()
        assert system.wait(5.0)
        assert system.state is RunState.ERROR
        assert "wrong key: set OWN_KEY" in str(system.error)


def test_a_silent_feed_leaves_gaps_and_history_is_asked(base: Path, tmp_path: Path) -> None:
    replay = replace(Replay(config_of(), base, tmp_path, DAY), begins_s=60.0)
    with replay.system(_OwnFeed()) as (system, kept):
        system.start()
        assert system.wait(LIMIT_S)
        (record,) = kept.records
        assert record.frontier == len(record.tape)
        present = record.tape.base.present
        assert present[0, 0]  # history had it
        assert not present[1].any()


@pytest.mark.parametrize(
    ("streams", "abilities", "message"),
    [
        (("5s",), FeedAbilities((MINUTE,)), "needs"),
        (("quotes",), FeedAbilities((MINUTE,)), "streams: must have an interval of bars, .* beside quotes"),
        (
            ("1m",),
            FeedAbilities((MINUTE,), most_symbols=1),
            "has 2 symbols; the feed own takes 1: delete BBB",
        ),
    ],
)
def test_a_feed_that_cannot_serve_a_file_is_refused_before_the_start(
    base: Path, tmp_path: Path, streams: Sequence[str], abilities: FeedAbilities, message: str
) -> None:
    replay = Replay(config_of(streams=streams), base, tmp_path, DAY)
    with (
        replay.system(_OwnFeed(abilities=abilities)) as (system, _),
        pytest.raises((ConfigError, EngineError), match=message),
    ):
        system.prepare()

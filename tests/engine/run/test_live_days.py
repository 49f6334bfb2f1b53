"""Live sessions on days of every kind, by a clock by hand: each ends as the backtest of what it recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.feeds.arrival_journal import ArrivalJournal, journal_path
from tapedeck.engine.feeds.fault_script import parse_fault_script
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.live_options import LiveOptions
from tapedeck.engine.feeds.live_status import FeedState, LivePhase, LiveStatus
from tapedeck.engine.feeds.scripted_market import ScriptedMarket
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.stamp import session_digest
from tests.faults.live_sessions import differences
from tests.faults.live_world import HandFeed, HandWorld, Told, one_thread
from tests.support.markets import random_bars
from tests.support.memory_store import MemoryStore
from tests.support.runs import KeepRecords, play_recorded

NEW_YORK = ZoneInfo("America/New_York")
SYMBOLS = ("AAA", "BBB")


def instant(text, zone=UTC):
    """Return a local time as seconds UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


@dataclass
class Recording:
    """What a live run recorded, and what it showed on the way."""

    records: list
    backtest: list
    statuses: list[LiveStatus] = field(default_factory=list)
    frontiers: list[tuple[float, int]] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)
    store: MemoryStore | None = None

    @property
    def days(self):
        """The recorded days."""
        return [record.tape.session.trading_day for record in self.records]


class LiveDay:
    """A live run from an instant on, over some trading days of a made-up market."""

    def __init__(self, tmp_path, exchange, start, *, hours=None, days=1, speed=60.0, faults=()):
        self.world = HandWorld(Random(3), start=start, speed=speed)
        self.seen = Recording([], [])
        document = {
            "session_name": "days",
            "exchange_group": exchange,
            "session_data_config": {
                "symbols": list(SYMBOLS),
                "streams": ["1m", "5m", "1d"],
                "sessions": hours or {},
                "historical": {"enable_quality": True, "data": [{"trailing_days": 2, "intervals": ["1d"]}]},
                "indicators": {
                    "sma_5": {"type": "SMA", "interval": "1m", "timeperiod": 5},
                    "sma_2d": {"type": "SMA", "interval": "1d", "timeperiod": 2},
                },
            },
        }
        self.live = parse_session_config({**document, "mode": "live"}, "days").config
        self.document, self.days = document, days
        calendar = TimeManager(self.live.exchange, changes=self.live.session_data_config.sessions)
        first = calendar.get_first_trading_date(calendar.get_trading_date(datetime.fromtimestamp(start, UTC)))
        later = [calendar.get_next_trading_date(first, n) for n in range(1, days)]
        self.sessions = [calendar.get_trading_session(day) for day in (first, *later)]
        past = [calendar.get_trading_session(calendar.get_previous_trading_date(first, n)) for n in (3, 2, 1)]
        self.store = MemoryStore(tmp_path / "bars.db")
        for number, symbol in enumerate(SYMBOLS):
            old = [SessionSlots(session, MINUTE).stored_labels[-30:] for session in past]
            self.store.write(symbol, MINUTE, random_bars(np.concatenate(old), seed=number))
        self.slots = [SessionSlots(session, MINUTE) for session in self.sessions]
        around = [
            np.arange(one.opened_at[0] - 120, one.closed_at[-1] + 180, 60)
            if len(one.segments) == 1
            else one.opened_at
            for one in self.slots
        ]
        labels = np.unique(np.concatenate(around))
        self.bars = [
            FeedBar(symbol, *row)
            for number, symbol in enumerate(SYMBOLS)
            for row in _rows(random_bars(labels, seed=9 + number))
        ]
        script = parse_fault_script({"faults": list(faults), "history_confirms_empty": True})
        self.market = ScriptedMarket(self.bars, script, zone=self.sessions[0].zone)

    def at(self, seconds, work):
        """Do something at an instant of the market, such as setting the machine's clock."""
        self.world.alarms.append((self.world.at(seconds), work))
        self.world.alarms.sort(key=lambda alarm: alarm[0])

    def look(self, seconds):
        """Keep the status at an instant of the market."""
        self.at(seconds, self._look)

    def _look(self):
        now = self.system.snapshot()
        self.seen.statuses.append(now.live)
        self.seen.frontiers.append((self.world.market, now.frontier))

    def record(self):
        """Run to the end, play the backtest, and return both."""
        world, kept, told = self.world, KeepRecords(), Told()
        world.feed = HandFeed(self.market, world, [])
        options = LiveOptions(world.feed, world.clock, journal_path(self.store.location), days=self.days)
        with one_thread(world, told):
            self.system = SystemManager(self.live, self.store, sinks=[kept], live=options)
            self.system.start()
        if self.system.error is not None:
            raise self.system.error
        played = {
            "start_date": str(self.sessions[0].trading_day),
            "end_date": str(self.sessions[-1].trading_day),
        }
        backtest = parse_session_config({**self.document, "backtest_config": played}, "days").config
        self.seen.records, self.seen.store = kept.records, self.store
        self.seen.backtest = play_recorded(backtest, self.store).records
        live = self.system.snapshot().live
        self.seen.alerts = [alert.text for alert in live.alerts]
        for mine, other in zip(self.seen.records, self.seen.backtest, strict=True):
            same = session_digest(mine.tape, mine.frontier) == session_digest(other.tape, other.frontier)
            assert same, differences(mine.tape, other.tape)
        return self.seen


def _rows(bars):
    columns = (bars.opened_at, bars.open, bars.high, bars.low, bars.close, bars.volume)
    return zip(*(column.tolist() for column in columns), strict=True)


def whole(record):
    """Whether a tape has every bar."""
    return bool(record.tape.base.present.all())


def test_a_weekend_and_a_holiday_are_waited_for(tmp_path):
    day = LiveDay(
        tmp_path,
        "XNYS",
        instant("2013-08-31 12:00", NEW_YORK),
        hours={"2013-09-03": {"close": "09:50"}},
        speed=3600.0,
    )
    for at in ("2013-09-01 12:00", "2013-09-02 11:00", "2013-09-03 09:29", "2013-09-03 09:40"):
        day.look(instant(at, NEW_YORK))
    seen = day.record()
    assert seen.days == [date(2013, 9, 3)]  # Monday was Labor Day
    phases = [status.phase for status in seen.statuses]
    assert phases == [LivePhase.WAITING] * 3 + [LivePhase.OPEN]
    opens = datetime(2013, 9, 3, 9, 30, tzinfo=NEW_YORK)
    assert {status.opens for status in seen.statuses[:3]} == {opens}
    assert [frontier for _, frontier in seen.frontiers[:3]] == [0, 0, 0]
    assert whole(seen.records[0])


def test_an_early_close_ends_the_session_and_later_bars_are_only_stored(tmp_path):
    # History does not answer at first, so that the session waits while bars of extended hours arrive.
    fails = {"kind": "history_fails", "at": "2013-11-29 13:00", "for": 100.0}
    day = LiveDay(
        tmp_path,
        "XNYS",
        instant("2013-11-29 12:30", NEW_YORK),
        hours={"2013-11-29": {"open": "12:40"}},
        faults=[fails],
    )
    seen = day.record()
    [record] = seen.records
    assert len(record.tape) == record.frontier == 20
    assert record.tape.session.regular_close == datetime(2013, 11, 29, 13, 0, tzinfo=NEW_YORK)
    after = seen.store.read("AAA", MINUTE, int(instant("2013-11-29 13:00", NEW_YORK)), 2**40)
    assert len(after) >= 1
    assert whole(record)


@pytest.mark.parametrize(
    ("first", "second", "offsets"),
    [("2013-03-08", "2013-03-11", (-5, -4)), ("2013-11-01", "2013-11-04", (-4, -5))],
)
def test_daylight_saving_changes_between_two_sessions(tmp_path, first, second, offsets):
    hours = {first: {"open": "15:45"}, second: {"close": "09:45"}}
    day = LiveDay(tmp_path, "XNYS", instant(f"{first} 15:40", NEW_YORK), hours=hours, days=2, speed=3600.0)
    seen = day.record()
    assert [str(one) for one in seen.days] == [first, second]
    opens = [record.tape.session.regular_open for record in seen.records]
    assert [one.astimezone(NEW_YORK).utcoffset() for one in opens] == [timedelta(hours=h) for h in offsets]
    local = [one.astimezone(NEW_YORK).strftime("%H:%M") for one in opens]
    assert local == ["15:45", "09:30"]
    assert all(whole(record) for record in seen.records)


def test_a_session_from_the_evening_before_over_a_daylight_saving_change(tmp_path):
    # Chicago sets its clocks back at 02:00 on Sunday, 3 November; Monday's session opens that evening.
    chicago = ZoneInfo("America/Chicago")
    day = LiveDay(
        tmp_path,
        "US_FUTURES",
        instant("2013-11-03 16:00", chicago),
        hours={"2013-11-04": {"close": "17:25"}}
        if False
        else {"2013-11-04": {"open": "23:50", "close": "00:10"}},
    )
    day.look(instant("2013-11-03 23:55", chicago))
    seen = day.record()
    assert seen.days == [date(2013, 11, 4)]
    assert seen.records[0].tape.session.regular_open == datetime(2013, 11, 3, 23, 50, tzinfo=chicago)
    assert seen.statuses[0].phase is LivePhase.OPEN
    assert whole(seen.records[0])


def test_a_market_that_never_closes_goes_over_midnight(tmp_path):
    hours = {"2013-10-07": {"open": "23:44"}, "2013-10-08": {"close": "00:15"}}
    midnight = instant("2013-10-08 00:00")
    # The last minute of the first session is late; so it is closed before its bars are there.
    late = {"kind": "late", "at": "2013-10-07 23:59", "by": 20.0}
    day = LiveDay(
        tmp_path, "24/7", instant("2013-10-07 23:40"), hours=hours, days=2, speed=1.0, faults=[late]
    )
    day.look(midnight + 10)
    day.at(midnight + 25, lambda: recorded.extend(journalled(day)))
    recorded: list[int] = []
    day.at(midnight + 70, lambda: next_day.extend(journalled(day)))
    next_day: list[int] = []
    seen = day.record()
    assert seen.days == [date(2013, 10, 7), date(2013, 10, 8)]
    assert seen.statuses[0].phase is LivePhase.CLOSING
    assert max(recorded) == midnight - 60
    assert max(next_day) == midnight
    first, second = (record.tape for record in seen.records)
    assert all(whole(record) for record in seen.records)
    assert first.edition >= 1  # the last minute came after the close
    closes = first.base.values[3, :, -1]
    assert second.prior_close.values.tolist() == closes.tolist()
    truth = {(bar.symbol, bar.opened_at): bar.close for bar in day.bars}
    assert closes.tolist() == [truth[symbol, int(midnight) - 60] for symbol in SYMBOLS]


def journalled(day):
    """Return the times of all bars that are in the journal."""

    with ArrivalJournal(journal_path(day.store.location)) as journal:
        return [int(at) for part in journal.arrivals(MINUTE, 0, 2**40) for at in part.opened_at]


MORNING = {"2013-10-07": {"close": "09:55"}}
OPEN = instant("2013-10-07 09:30", NEW_YORK)


def morning(tmp_path):
    return LiveDay(tmp_path, "XNYS", OPEN - 60, hours=MORNING, speed=1.0)


def test_a_clock_set_back_makes_the_tape_wait_and_nothing_is_lost(tmp_path):
    day = morning(tmp_path)
    day.at(OPEN + 600, lambda: day.world.set_wall_clock(-200))
    for seconds in (599, 605, 700, 790, 870):
        day.look(OPEN + seconds)
    seen = day.record()
    frontiers = [frontier for _, frontier in seen.frontiers]
    assert frontiers == [9, 9, 9, 9, 11]  # our clock passes 10 minutes again after 800 s
    assert any("clock was set back by 3 m 20 s" in text for text in seen.alerts)
    assert whole(seen.records[0])
    assert seen.records[0].tape.edition == 0  # all bars were there when their slots were revealed


def test_a_clock_that_jumps_ahead_is_a_disconnect_and_late_bars_take_their_slots(tmp_path):
    day = morning(tmp_path)
    day.at(OPEN + 600, lambda: day.world.set_wall_clock(200))
    day.look(OPEN + 605)
    seen = day.record()
    assert any("set ahead, by 3 m 20 s" in text for text in seen.alerts)
    assert seen.statuses[0].feed.reconnects == 1
    assert whole(seen.records[0])
    assert seen.records[0].tape.edition >= 1


def test_after_a_sleep_of_the_machine_what_was_missed_is_asked_for(tmp_path):
    day = morning(tmp_path)
    day.at(OPEN + 600, lambda: day.world.sleep(420))
    day.look(OPEN + 605)  # by a clock that does not sleep
    seen = day.record()
    assert any("the machine slept, or its clock was set ahead, by 7 m 00 s" in text for text in seen.alerts)
    assert seen.statuses[0].feed.state is FeedState.CONNECTED
    assert seen.frontiers == [(pytest.approx(OPEN + 1025, abs=0.01), 17)]
    assert not any("set it" in text for text in seen.alerts)  # the clock was right all the time
    assert whole(seen.records[0])


def test_a_machine_that_sleeps_over_the_close_ends_the_session_whole(tmp_path):
    day = morning(tmp_path)
    day.at(OPEN + 1200, lambda: day.world.sleep(7200))
    seen = day.record()
    assert seen.records[0].frontier == 25
    assert whole(seen.records[0])

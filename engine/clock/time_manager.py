"""The only source of time and calendar: the present instant, and what an exchange does on which date."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from tapedeck.engine.clock.calendars import (
    CalendarWindow,
    exchange_bounds,
    exchange_zone,
    load_calendar,
    resolve_exchange,
)
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.errors import CalendarError, ClockError

if TYPE_CHECKING:
    from functools import _lru_cache_wrapper

_ANSWERS_KEPT: Final = 4096
_SPANS_KEPT: Final = 16
# How far to look for the next trading day; n of them take less than 2 n days besides.
_LONGEST_CLOSURE_DAYS: Final = 366


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """How often a query was answered from memory (`hits`), and how often from the calendar (`misses`)."""

    hits: int
    misses: int


def wall_clock_now() -> datetime:
    """Return the present instant in UTC: the clock that a live TimeManager is given."""
    return datetime.now(UTC)


class TimeManager:
    """Time and calendar of one exchange.

    Without `wall_clock` it is a backtest's: time is what `set_backtest_time` says, and stands still between.
    With one (`wall_clock_now`) it is live: time is what that says. Instants are UTC and zone-aware; dates are
    trading dates of the exchange, never instants. The calendar is loaded by the first query, and grows with
    the dates asked. Queries raise CalendarError for dates that it does not reach, and name its bounds.
    """

    def __init__(self, exchange: str, *, wall_clock: Callable[[], datetime] | None = None) -> None:
        self._exchange = resolve_exchange(exchange)
        self._zone = exchange_zone(self._exchange)
        first, last = exchange_bounds(self._exchange)
        self._bounds = (first.toordinal(), last.toordinal())
        self._wall_clock = wall_clock
        self._window: CalendarWindow | None = None
        self._growing = Lock()  # guards the window, which only ever grows
        self._now: datetime | None = None
        self._session: TradingSession | None = None
        self._backtest: tuple[date, date] | None = None
        self._moving = Lock()  # guards the time together with its session
        self._session_on = lru_cache(_ANSWERS_KEPT)(self._find_session)
        self._sessions_in = lru_cache(_SPANS_KEPT)(self._find_sessions)
        self._nth_from = lru_cache(_ANSWERS_KEPT)(self._find_nth_from)
        self._nth_until = lru_cache(_ANSWERS_KEPT)(self._find_nth_until)
        self._days_in = lru_cache(_ANSWERS_KEPT)(self._count_days)
        self._trades_on = lru_cache(_ANSWERS_KEPT)(self._find_trades_on)

    @property
    def exchange(self) -> str:
        """The exchange_calendars code."""
        return self._exchange

    @property
    def zone(self) -> ZoneInfo:
        """The exchange's own zone, for display and export."""
        return self._zone

    def to_exchange_time(self, instant: datetime) -> datetime:
        """Return the instant in the exchange's zone; ClockError if it has no zone of its own."""
        return _utc(instant).astimezone(self._zone)

    def get_current_time(self) -> datetime:
        """Return the present instant, UTC; in a backtest ClockError until a time or a session is set."""
        if self._wall_clock is not None:
            return _utc(self._wall_clock())
        now = self._now
        if now is None:
            raise ClockError(
                f"The backtest clock of {self._exchange} has not been set: enter a session first."
            )
        return now

    def set_backtest_time(self, instant: datetime) -> None:
        """Move the backtest's time; inside a session forwards only, and within its regular hours.

        Raises ClockError, and leaves the time alone, where that does not hold, and on a live clock.
        """
        moment = _utc(instant)
        if self._wall_clock is not None:
            raise ClockError(
                f"The clock of {self._exchange} is live: its time cannot be set to {_at(moment)}."
            )
        with self._moving:
            if self._session is not None and self._now is not None:
                self._check_step(self._session, self._now, moment)
            self._now = moment

    @property
    def current_session(self) -> TradingSession | None:
        """The session entered last; None before the first."""
        return self._session

    def enter_session(self, session: TradingSession) -> None:
        """Make `session` the one that bounds the time; a backtest's time becomes its regular open.

        Raises ClockError if the session is another exchange's, or opens before the present session does or
        the backtest's time stands: sessions follow each other forwards, until a new window is set.
        """
        if session.exchange != self._exchange:
            raise ClockError(
                f"A session of {session.exchange} ({session.trading_day}) cannot be entered on the clock of "
                f"{self._exchange}: use the time manager of that exchange."
            )
        with self._moving:
            entered = self._session.regular_open if self._session is not None else None
            floor = self._now or entered
            if floor is not None and session.regular_open < floor:
                raise ClockError(
                    f"{self._exchange}: the session of {session.trading_day} opens at "
                    f"{_at(session.regular_open)}, but the clock stands at {_at(floor)}: sessions follow "
                    "each other forwards. Set a new backtest window to start over."
                )
            self._session = session
            if self._wall_clock is None:
                self._now = session.regular_open

    def set_backtest_window(self, start: date, end: date) -> None:
        """Set the first and last date of a backtest, which need not be trading days, and start time anew.

        Raises CalendarError if there is no trading day between, both included.
        """
        first, last = self._span(start, end)
        days = self._covering(first, last)
        before, after = days.position(first), days.position(last + 1)
        if before == after:
            raise CalendarError(f"{self._no_trading_day(start, end)}{self._next_one(last)}.")
        bounds = (date.fromordinal(int(days.days[before])), date.fromordinal(int(days.days[after - 1])))
        with self._moving:
            self._backtest, self._now, self._session = bounds, None, None

    @property
    def backtest_start(self) -> date:
        """The first trading date of the backtest; ClockError before a window is set."""
        return self._backtest_window()[0]

    @property
    def backtest_end(self) -> date:
        """The last trading date of the backtest; ClockError before a window is set."""
        return self._backtest_window()[1]

    def get_trading_session(self, day: date) -> TradingSession:
        """Return the session of a trading date; CalendarError names the nearest ones if it is none."""
        return self._session_on(self._ordinal(day))

    def trading_sessions(self, start: date, end: date) -> tuple[TradingSession, ...]:
        """Return the sessions from `start` to `end`, both inclusive, oldest first; none is no error."""
        return self._sessions_in(*self._span(start, end))

    def get_trading_date(self, instant: datetime) -> date:
        """Return the trading date of the session that is on at `instant`, or of the next if none is on.

        A session is on from its regular open until just before its regular close, breaks included. The date
        is the calendar's: futures that open on Sunday evening trade for Monday.
        """
        moment = _utc(instant)
        # A session's hours lie within a day and a half of its date, whatever the zone.
        day = self._nth_from(max(self._ordinal(moment.date()) - 2, self._bounds[0]), 0)
        while self._session_on(day).regular_close <= moment:
            day = self._nth_from(day + 1, 0)
        return date.fromordinal(day)

    def get_first_trading_date(self, day: date) -> date:
        """Return the first trading date at or after `day`."""
        return date.fromordinal(self._nth_from(self._ordinal(day), 0))

    def get_next_trading_date(self, day: date, n: int = 1) -> date:
        """Return the n-th trading date after `day`, which need not be one itself."""
        return date.fromordinal(self._nth_from(self._ordinal(day) + 1, _count_from_one(n) - 1))

    def get_previous_trading_date(self, day: date, n: int = 1) -> date:
        """Return the n-th trading date before `day`, which need not be one itself."""
        return date.fromordinal(self._nth_until(self._ordinal(day) - 1, _count_from_one(n) - 1))

    def count_trading_days(self, start: date, end: date) -> int:
        """Return how many trading dates lie from `start` to `end`, both inclusive."""
        return self._days_in(*self._span(start, end))

    def is_trading_day(self, day: date) -> bool:
        """Whether the exchange has a session for that date."""
        return self._trades_on(self._ordinal(day))

    def is_holiday(self, day: date) -> bool:
        """Whether the exchange stays closed on a date whose day of the week it would normally trade.

        A weekend is no holiday; where every day is traded (24/7), there is none.
        """
        ordinal = self._ordinal(day)
        weekdays = self._covering(ordinal, ordinal).open_weekdays
        return weekdays[day.weekday()] and not self._trades_on(ordinal)

    def is_early_close(self, day: date) -> bool:
        """Whether the session of that date closes earlier than usual; False where there is no session."""
        ordinal = self._ordinal(day)
        return self._trades_on(ordinal) and self._session_on(ordinal).is_early_close

    def invalidate_cache(self) -> None:
        """Forget every answer, and start counting anew."""
        for query in self._cached().values():
            query.cache_clear()

    def cache_info(self) -> Mapping[str, CacheInfo]:
        """Return hits and misses of each kind of query since the cache was last invalidated."""
        infos = {name: query.cache_info() for name, query in self._cached().items()}
        return {name: CacheInfo(info.hits, info.misses) for name, info in infos.items()}

    def _cached(self) -> dict[str, _lru_cache_wrapper[object]]:
        return {
            "session": self._session_on,
            "sessions": self._sessions_in,
            "next_date": self._nth_from,
            "previous_date": self._nth_until,
            "count": self._days_in,
            "trading_day": self._trades_on,
        }

    # Behind the cache, dates are ordinals.

    def _find_session(self, day: int) -> TradingSession:
        window = self._covering(day, day)
        at = window.position(day)
        if not window.has_session(day):
            raise CalendarError(
                f"{self._no_trading_day(*[date.fromordinal(day)] * 2)}{self._nearest_ones(day)}."
            )
        return window.sessions(at, at + 1)[0]

    def _find_sessions(self, first: int, last: int) -> tuple[TradingSession, ...]:
        window = self._covering(first, last)
        return window.sessions(window.position(first), window.position(last + 1))

    def _count_days(self, first: int, last: int) -> int:
        window = self._covering(first, last)
        return window.position(last + 1) - window.position(first)

    def _find_trades_on(self, day: int) -> bool:
        return self._covering(day, day).has_session(day)

    def _find_nth_from(self, day: int, n: int) -> int:
        """Return the n-th trading day, from 0, at or after `day`."""
        limit = self._bounds[1]
        for end in (day, day + 2 * n + _LONGEST_CLOSURE_DAYS):  # what is at hand may do
            window = self._covering(min(day, limit), min(end, limit))
            at = window.position(day) + n
            if at < len(window.days):
                return int(window.days[at])
        raise CalendarError(self._runs_out("after", date.fromordinal(day - 1), n + 1))

    def _find_nth_until(self, day: int, n: int) -> int:
        """Return the n-th trading day, from 0, at or before `day`."""
        limit = self._bounds[0]
        for begin in (day, day - 2 * n - _LONGEST_CLOSURE_DAYS):  # what is at hand may do
            window = self._covering(max(begin, limit), max(day, limit))
            at = window.position(day + 1) - 1 - n
            if at >= 0:
                return int(window.days[at])
        raise CalendarError(self._runs_out("before", date.fromordinal(day + 1), n + 1))

    def _covering(self, first: int, last: int) -> CalendarWindow:
        """Return a window that holds these dates: the one at hand, or a larger one."""
        window = self._window
        if window is not None and window.covers(first, last):
            return window
        with self._growing:
            window = self._window
            if window is None or not window.covers(first, last):
                begin, end = (first, last) if window is None else self._grown(window, first, last)
                window = load_calendar(self._exchange, date.fromordinal(begin), date.fromordinal(end))
                self._window = window
        return window

    def _grown(self, window: CalendarWindow, first: int, last: int) -> tuple[int, int]:
        """Return the dates of a window at least twice as long, so that a walk through decades builds few."""
        begin, end = window.first.toordinal(), window.last.toordinal()
        length = end - begin
        if first < begin:
            begin = max(self._bounds[0], min(first, begin - length))
        if last > end:
            end = min(self._bounds[1], max(last, end + length))
        return begin, end

    def _check_step(self, session: TradingSession, now: datetime, moment: datetime) -> None:
        if moment < now:
            fault = f"run back from {_at(now)}"
        elif not session.regular_open <= moment <= session.regular_close:
            fault = f"leave its hours, {_at(session.regular_open)} to {_at(session.regular_close)},"
        else:
            return
        raise ClockError(
            f"{self._exchange} {session.trading_day}: the session's clock was told to {fault} to "
            f"{_at(moment)}. The session has to stop; what was played so far is right."
        )

    def _ordinal(self, day: date) -> int:
        if isinstance(day, datetime):
            raise CalendarError(
                f"{day} is an instant, not a date: ask for its trading date first, get_trading_date finds it."
            )
        ordinal = day.toordinal()
        low, high = self._bounds
        if not low <= ordinal <= high:
            raise CalendarError(f"{day} is outside the calendar of {self._exchange}{self._reach()}")
        return ordinal

    def _span(self, start: date, end: date) -> tuple[int, int]:
        first, last = self._ordinal(start), self._ordinal(end)
        if last < first:
            raise CalendarError(f"{start} to {end} runs backwards: give the earlier date first.")
        return first, last

    def _backtest_window(self) -> tuple[date, date]:
        if self._backtest is None:
            raise ClockError(
                f"No backtest window has been set on the clock of {self._exchange}: set one first."
            )
        return self._backtest

    def _reach(self) -> str:
        first, last = (date.fromordinal(bound) for bound in self._bounds)
        return f", which runs from {first} to {last}: choose dates inside, or another exchange."

    def _runs_out(self, side: str, day: date, n: int) -> str:
        days = "1 trading day" if n == 1 else f"{n} trading days"
        return f"{days} {side} {day} would be outside the calendar of {self._exchange}{self._reach()}"

    def _no_trading_day(self, start: date, end: date) -> str:
        if start == end:
            return f"{_named(start)} is no trading day of {self._exchange}"
        return f"{_named(start)} to {_named(end)} holds no trading day of {self._exchange}"

    def _next_one(self, day: int) -> str:
        try:
            return f"; the next is {_named(date.fromordinal(self._nth_from(day + 1, 0)))}"
        except CalendarError:  # the calendar ends first: there is no next one to name
            return ""

    def _nearest_ones(self, day: int) -> str:
        try:
            before = _named(date.fromordinal(self._nth_until(day - 1, 0)))
        except CalendarError:  # the calendar begins later: only the next one can be named
            return self._next_one(day)
        after = self._next_one(day).removeprefix("; the next is ")
        return f"; the nearest are {before} and {after}" if after else f"; the last is {before}"


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ClockError(f"{instant} has no time zone: instants of the clock are zone-aware, in UTC.")
    return instant.astimezone(UTC)


def _count_from_one(n: int) -> int:
    if n < 1:
        raise CalendarError(f"A trading date cannot be {n} trading days away from a date: count from 1.")
    return n


def _at(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _named(day: date) -> str:
    return day.strftime("%A %Y-%m-%d")

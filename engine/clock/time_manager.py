"""TimeManager: the only source of the current time and of an exchange's calendar."""

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
)
from tapedeck.engine.clock.changed_sessions import SessionChanges, with_changes
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.config.exchanges import resolve_exchange
from tapedeck.engine.errors import CalendarError, ClockError

if TYPE_CHECKING:
    from functools import _lru_cache_wrapper

_CACHE_SIZE: Final = 4096
_SPAN_CACHE_SIZE: Final = 16
# Longest search for the next trading day; n trading days take less than 2 n days in addition.
_LONGEST_CLOSURE_DAYS: Final = 366


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """Number of queries answered from the cache (`hits`) and from the calendar (`misses`)."""

    hits: int
    misses: int


def wall_clock_now() -> datetime:
    """Return the current time in UTC: the wall clock of a live TimeManager."""
    return datetime.now(UTC)


class TimeManager:
    """Time and calendar of one exchange.

    Without `wall_clock` (a backtest) the time changes by `set_backtest_time` only. With one, such as
    `wall_clock_now`, it is live. Instants are UTC and zone-aware; dates are trading dates of the exchange,
    not instants. The calendar is loaded by the first query, and extended as needed. `changes`: days of a
    session file that differ from it. Queries raise CalendarError with the calendar's bounds for dates
    outside it.
    """

    def __init__(
        self,
        exchange: str,
        *,
        wall_clock: Callable[[], datetime] | None = None,
        changes: SessionChanges | None = None,
    ) -> None:
        self._exchange = resolve_exchange(exchange)
        self._zone = exchange_zone(self._exchange)
        first, last = exchange_bounds(self._exchange)
        self._bounds = (first.toordinal(), last.toordinal())
        self._wall_clock = wall_clock
        self._changes: SessionChanges = changes or {}
        self._window: CalendarWindow | None = None
        self._growing = Lock()  # guards the window, which only grows
        self._now: datetime | None = None
        self._session: TradingSession | None = None
        self._backtest: tuple[date, date] | None = None
        self._moving = Lock()  # guards the time and its session
        self._session_on = lru_cache(_CACHE_SIZE)(self._find_session)
        self._sessions_in = lru_cache(_SPAN_CACHE_SIZE)(self._find_sessions)
        self._nth_from = lru_cache(_CACHE_SIZE)(self._find_nth_from)
        self._nth_until = lru_cache(_CACHE_SIZE)(self._find_nth_until)
        self._days_in = lru_cache(_CACHE_SIZE)(self._count_days)
        self._trades_on = lru_cache(_CACHE_SIZE)(self._find_trades_on)

    @property
    def exchange(self) -> str:
        """The exchange_calendars code."""
        return self._exchange

    @property
    def zone(self) -> ZoneInfo:
        """The exchange's time zone, for display and export."""
        return self._zone

    def to_exchange_time(self, instant: datetime) -> datetime:
        """Return the instant in the exchange's zone; ClockError if it has no zone."""
        return _utc(instant).astimezone(self._zone)

    def get_current_time(self) -> datetime:
        """Return the current time, UTC; in a backtest ClockError until a time or a session is set."""
        if self._wall_clock is not None:
            return _utc(self._wall_clock())
        now = self._now
        if now is None:
            raise ClockError(
                f"the backtest clock of {self._exchange} has not been set: enter a session first"
            )
        return now

    def set_backtest_time(self, instant: datetime) -> None:
        """Set the backtest's time; inside a session only forwards, and within its regular hours.

        Otherwise, and on a live clock, it raises ClockError without changing the time.
        """
        moment = _utc(instant)
        if self._wall_clock is not None:
            raise ClockError(
                f"the clock of {self._exchange} is live: its time cannot be set to {_at(moment)}"
            )
        with self._moving:
            if self._session is not None and self._now is not None:
                self._check_step(self._session, self._now, moment)
            self._now = moment

    @property
    def current_session(self) -> TradingSession | None:
        """The session entered last, or None."""
        return self._session

    def enter_session(self, session: TradingSession) -> None:
        """Make `session` the current one, which bounds the time; a backtest's time becomes its regular open.

        Raises ClockError if the session belongs to another exchange, or opens before the current session or
        the backtest's time: sessions must follow each other, until a new window is set.
        """
        if session.exchange != self._exchange:
            raise ClockError(
                f"a session of {session.exchange} ({session.trading_day}) cannot be entered on the clock of "
                f"{self._exchange}: use the TimeManager of that exchange"
            )
        with self._moving:
            entered = self._session.regular_open if self._session is not None else None
            floor = self._now or entered
            if floor is not None and session.regular_open < floor:
                raise ClockError(
                    f"{self._exchange}: the session of {session.trading_day} opens at "
                    f"{_at(session.regular_open)}, before the clock, {_at(floor)}: sessions must follow "
                    "each other. Set a new backtest window to start over"
                )
            self._session = session
            if self._wall_clock is None:
                self._now = session.regular_open

    def set_backtest_window(self, start: date, end: date) -> None:
        """Set the first and last date of a backtest, which need not be trading days, and reset the time.

        Raises CalendarError if there is no trading day from `start` to `end`, inclusive.
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
        """Return the session of a trading date; CalendarError with the nearest ones if it has none."""
        return self._session_on(self._ordinal(day))

    def trading_sessions(self, start: date, end: date) -> tuple[TradingSession, ...]:
        """Return the sessions from `start` to `end`, both inclusive, oldest first; may be empty."""
        return self._sessions_in(*self._span(start, end))

    def get_trading_date(self, instant: datetime) -> date:
        """Return the trading date of the session open at `instant`, or of the next session.

        A session is open from its regular open until just before its regular close, breaks included. The
        date is the calendar's: futures that open on Sunday evening have Monday's date.
        """
        moment = _utc(instant)
        # A session's hours are within a day and a half of its date, in any zone.
        day = self._nth_from(max(self._ordinal(moment.date()) - 2, self._bounds[0]), 0)
        while self._session_on(day).regular_close <= moment:
            day = self._nth_from(day + 1, 0)
        return date.fromordinal(day)

    def get_first_trading_date(self, day: date) -> date:
        """Return the first trading date at or after `day`."""
        return date.fromordinal(self._nth_from(self._ordinal(day), 0))

    def get_next_trading_date(self, day: date, n: int = 1) -> date:
        """Return the n-th trading date after `day`, which need not be a trading date."""
        return date.fromordinal(self._nth_from(self._ordinal(day) + 1, _count_from_one(n) - 1))

    def get_previous_trading_date(self, day: date, n: int = 1) -> date:
        """Return the n-th trading date before `day`, which need not be a trading date."""
        return date.fromordinal(self._nth_until(self._ordinal(day) - 1, _count_from_one(n) - 1))

    def count_trading_days(self, start: date, end: date) -> int:
        """Return the number of trading dates from `start` to `end`, both inclusive."""
        return self._days_in(*self._span(start, end))

    def is_trading_day(self, day: date) -> bool:
        """Whether the exchange has a session for that date."""
        return self._trades_on(self._ordinal(day))

    def is_holiday(self, day: date) -> bool:
        """Whether the exchange is closed on a day of the week on which it normally trades.

        Weekends are not holidays; a 24/7 market has none.
        """
        ordinal = self._ordinal(day)
        weekdays = self._covering(ordinal, ordinal).open_weekdays
        return weekdays[day.weekday()] and not self._trades_on(ordinal)

    def is_early_close(self, day: date) -> bool:
        """Whether the session of that date closes earlier than usual; False without a session."""
        ordinal = self._ordinal(day)
        return self._trades_on(ordinal) and self._session_on(ordinal).is_early_close

    def invalidate_cache(self) -> None:
        """Clear all cached results and counters."""
        for query in self._cached().values():
            query.cache_clear()

    def cache_info(self) -> Mapping[str, CacheInfo]:
        """Return hits and misses of each kind of query since the last `invalidate_cache`."""
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

    # Cached functions take dates as ordinals.

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
        for end in (day, day + 2 * n + _LONGEST_CLOSURE_DAYS):  # the current window may suffice
            window = self._covering(min(day, limit), min(end, limit))
            at = window.position(day) + n
            if at < len(window.days):
                return int(window.days[at])
        raise CalendarError(self._runs_out("after", date.fromordinal(day - 1), n + 1))

    def _find_nth_until(self, day: int, n: int) -> int:
        """Return the n-th trading day, from 0, at or before `day`."""
        limit = self._bounds[0]
        for begin in (day, day - 2 * n - _LONGEST_CLOSURE_DAYS):  # the current window may suffice
            window = self._covering(max(begin, limit), max(day, limit))
            at = window.position(day + 1) - 1 - n
            if at >= 0:
                return int(window.days[at])
        raise CalendarError(self._runs_out("before", date.fromordinal(day + 1), n + 1))

    def _covering(self, first: int, last: int) -> CalendarWindow:
        """Return a window that covers these dates: the current one, or a larger one."""
        window = self._window
        if window is not None and window.covers(first, last):
            return window
        with self._growing:
            window = self._window
            if window is None or not window.covers(first, last):
                begin, end = (first, last) if window is None else self._grown(window, first, last)
                loaded = load_calendar(self._exchange, date.fromordinal(begin), date.fromordinal(end))
                self._window = window = with_changes(loaded, self._changes)
        return window

    def _grown(self, window: CalendarWindow, first: int, last: int) -> tuple[int, int]:
        """Return the bounds of a window at least twice as long, so that a walk through decades loads few."""
        begin, end = window.first.toordinal(), window.last.toordinal()
        length = end - begin
        if first < begin:
            begin = max(self._bounds[0], min(first, begin - length))
        if last > end:
            end = min(self._bounds[1], max(last, end + length))
        return begin, end

    def _check_step(self, session: TradingSession, now: datetime, moment: datetime) -> None:
        if moment < now:
            fault = f"before the clock, {_at(now)}"
        elif not session.regular_open <= moment <= session.regular_close:
            fault = f"outside the hours, {_at(session.regular_open)} to {_at(session.regular_close)}"
        else:
            return
        raise ClockError(
            f"{self._exchange} {session.trading_day}: invalid session time {_at(moment)}, which is {fault}. "
            "The session must stop; everything played so far is valid"
        )

    def _ordinal(self, day: date) -> int:
        if isinstance(day, datetime):
            raise CalendarError(
                f"{day} is an instant, not a date: use get_trading_date to find its trading date"
            )
        ordinal = day.toordinal()
        low, high = self._bounds
        if not low <= ordinal <= high:
            raise CalendarError(f"{day} is outside the calendar of {self._exchange}{self._reach()}")
        return ordinal

    def _span(self, start: date, end: date) -> tuple[int, int]:
        first, last = self._ordinal(start), self._ordinal(end)
        if last < first:
            raise CalendarError(f"invalid range {start} to {end}: the earlier date must be first")
        return first, last

    def _backtest_window(self) -> tuple[date, date]:
        if self._backtest is None:
            raise ClockError(
                f"no backtest window set on the clock of {self._exchange}: use set_backtest_window first"
            )
        return self._backtest

    def _reach(self) -> str:
        first, last = (date.fromordinal(bound) for bound in self._bounds)
        return f": use dates from {first} to {last}, or another exchange"

    def _runs_out(self, side: str, day: date, n: int) -> str:
        days = "1 trading day" if n == 1 else f"{n} trading days"
        return f"{days} {side} {day} would be outside the calendar of {self._exchange}{self._reach()}"

    def _no_trading_day(self, start: date, end: date) -> str:
        if start == end:
            return f"{_named(start)} is not a trading day of {self._exchange}"
        return f"{self._exchange} has no trading day from {_named(start)} to {_named(end)}"

    def _next_one(self, day: int) -> str:
        try:
            return f"; the next is {_named(date.fromordinal(self._nth_from(day + 1, 0)))}"
        except CalendarError:  # the calendar ends before the next one
            return ""

    def _nearest_ones(self, day: int) -> str:
        try:
            before = _named(date.fromordinal(self._nth_until(day - 1, 0)))
        except CalendarError:  # the calendar starts after the previous one
            return self._next_one(day)
        after = self._next_one(day).removeprefix("; the next is ")
        return f"; the nearest are {before} and {after}" if after else f"; the last is {before}"


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ClockError(f"{instant} has no time zone: use a zone-aware instant")
    return instant.astimezone(UTC)


def _count_from_one(n: int) -> int:
    if n < 1:
        raise CalendarError(f"invalid number of trading days {n}: it must be at least 1")
    return n


def _at(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _named(day: date) -> str:
    return day.strftime("%A %Y-%m-%d")

"""Exchange calendars, built by the library exchange_calendars, which is imported on first use.

A calendar is built for whole years around the requested dates, with explicit bounds: the library's default is
a span around today, so the same request would give another answer next year.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from datetime import UTC, date
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final, Protocol, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.config.exchanges import resolve_exchange
from tapedeck.engine.errors import CalendarError

if TYPE_CHECKING:
    import pandas as pd
    from pandas.tseries.holiday import AbstractHolidayCalendar

Ints = NDArray[np.int64]
Instants = NDArray[np.datetime64]
_Scalar = TypeVar("_Scalar", bound=np.generic)

# Margins of a window: room for a year of history before, and for the next sessions after. Years more cost
# next to nothing, another build does.
_YEARS_BEFORE: Final = 2
_YEARS_AFTER: Final = 1
# The library's rules for holidays run from 1970 to 2200 where a calendar has no bounds.
_EARLIEST: Final = date(1970, 1, 1)
_LATEST: Final = date(2199, 12, 31)
# A Saturday on which BSE and NSE traded, for the budget of India, and the sessions beside it.
_SPECIAL_SATURDAY: Final = (date(2025, 1, 31), date(2025, 2, 1), date(2025, 2, 3))
_WINDOWS_KEPT: Final = 16


class _LibraryCalendar(Protocol):
    """The part of a calendar of exchange_calendars used here; the library ships no types."""

    schedule: pd.DataFrame
    early_closes: pd.DatetimeIndex
    regular_holidays: AbstractHolidayCalendar | None
    weekmask: str
    tz: ZoneInfo

    def __init__(self, start: pd.Timestamp, end: pd.Timestamp) -> None: ...

    @classmethod
    def bound_min(cls) -> pd.Timestamp | None: ...

    @classmethod
    def bound_max(cls) -> pd.Timestamp | None: ...


@dataclass(frozen=True, slots=True)
class ExchangeInfo:
    """One exchange of the library: its code, other names, zone, and the dates its calendar covers."""

    code: str
    aliases: tuple[str, ...]
    zone: str
    first: date
    last: date


@dataclass(frozen=True, slots=True, eq=False)
class CalendarWindow:
    """The sessions of one exchange from `first` to `last`, both inclusive, as columns.

    `days`: int64, shape (n,), ordinals (`date.toordinal`) of the trading days, ascending. `opens`, `closes`,
    `break_starts`, `break_ends`: datetime64[s], shape (n,), UTC; NaT where a day has no break. `is_early`:
    bool, shape (n,). `open_weekdays`: seven flags, Monday first: the days on which the market would trade.
    Arrays are read-only, and shared.
    """

    code: str
    zone: ZoneInfo
    first: date
    last: date
    open_weekdays: tuple[bool, ...]
    days: Ints
    opens: Instants
    closes: Instants
    break_starts: Instants
    break_ends: Instants
    is_early: NDArray[np.bool_]

    def covers(self, first: int, last: int) -> bool:
        """Whether the dates with these ordinals lie in the window."""
        return self.first.toordinal() <= first and last <= self.last.toordinal()

    def position(self, ordinal: int) -> int:
        """Return how many trading days of the window lie before the date with that ordinal."""
        return int(np.searchsorted(self.days, ordinal, side="left"))

    def has_session(self, ordinal: int) -> bool:
        """Whether the date with that ordinal is a trading day."""
        at = self.position(ordinal)
        return at < len(self.days) and int(self.days[at]) == ordinal

    def sessions(self, start: int, stop: int) -> tuple[TradingSession, ...]:
        """Return the sessions at positions `[start, stop)`."""
        cut = slice(start, stop)
        return tuple(
            TradingSession(
                exchange=self.code,
                zone=self.zone,
                trading_day=date.fromordinal(day),
                regular_open=opened.replace(tzinfo=UTC),
                regular_close=closed.replace(tzinfo=UTC),
                is_early_close=early,
                break_start=None if pause is None else pause.replace(tzinfo=UTC),
                break_end=None if resumption is None else resumption.replace(tzinfo=UTC),
            )
            for day, opened, closed, pause, resumption, early in zip(
                self.days[cut].tolist(),
                self.opens[cut].tolist(),
                self.closes[cut].tolist(),
                self.break_starts[cut].tolist(),
                self.break_ends[cut].tolist(),
                self.is_early[cut].tolist(),
                strict=True,
            )
        )


def exchange_zone(name: str) -> ZoneInfo:
    """Return the zone of an exchange, given as a code, an alias or a group."""
    return ZoneInfo(_factories()[_code_of(name)].tz.key)


def exchange_bounds(name: str) -> tuple[date, date]:
    """Return the first and the last date of an exchange's calendar."""
    factory = _factories()[_code_of(name)]
    lower, upper = factory.bound_min(), factory.bound_max()
    first = _EARLIEST if lower is None else max(_EARLIEST, lower.date())
    last = _LATEST if upper is None else min(_LATEST, upper.date())
    return first, last


def load_calendar(name: str, first: date, last: date) -> CalendarWindow:
    """Return the calendar of an exchange around the dates from `first` to `last`, both inclusive.

    The window holds whole years, with a margin for history and for the next days; it depends on these dates
    only. Raises CalendarError on dates out of the calendar's bounds or in the wrong order, on an unknown
    exchange, and where the installed libraries cannot build its calendar.
    """
    code = _code_of(name)
    lower, upper = exchange_bounds(code)
    if last < first:
        raise CalendarError(f"invalid range {first} to {last}: the earlier date must be first")
    for day in (first, last):
        if not lower <= day <= upper:
            raise CalendarError(
                f"{day} is outside the calendar of {code}: use dates from {lower} to {upper}, "
                "or another exchange"
            )
    opening = max(lower, date(max(first.year - _YEARS_BEFORE, lower.year), 1, 1))
    ending = min(upper, date(min(last.year + _YEARS_AFTER, upper.year), 12, 31))
    try:
        return _load(code, opening, ending)
    except (NotImplementedError, ValueError) as error:
        raise CalendarError(
            f"cannot build the calendar of {code} by {_library_versions()} "
            f"({type(error).__name__}: {textwrap.shorten(str(error), 100, placeholder='…')}). Install other "
            "versions of the two, or choose another exchange."
        ) from error


def list_exchanges() -> tuple[ExchangeInfo, ...]:
    """Return every exchange of the library, by code."""
    others: dict[str, list[str]] = {code: [] for code in _factories()}
    for alias, code in _aliases().items():
        others[code].append(alias)
    return tuple(
        ExchangeInfo(code, tuple(sorted(others[code])), exchange_zone(code).key, *exchange_bounds(code))
        for code in sorted(others)
    )


@cache
def _factories() -> dict[str, type[_LibraryCalendar]]:
    """Calendar classes by code; the library has no public way to a class, and only classes know bounds."""
    from exchange_calendars import calendar_utils  # noqa: PLC0415 - half a second: paid when first needed

    factories = dict(calendar_utils._default_calendar_factories)
    _check_weekend_sessions(factories["XBOM"])
    return factories


def _check_weekend_sessions(bombay: type[_LibraryCalendar]) -> None:
    """Raise CalendarError where the installed libraries leave out sessions on weekends.

    exchange_calendars (4.13 and before) does so with pandas 3.1, without an error. The sessions
    are tested, not the versions, as a later release may repair it. Takes 15 ms, once per process.
    """
    import pandas as pd  # noqa: PLC0415 - comes with exchange_calendars, and is as slow

    first, _, last = _SPECIAL_SATURDAY
    sessions = bombay(start=pd.Timestamp(first), end=pd.Timestamp(last)).schedule.index
    if tuple(session.date() for session in sessions) != _SPECIAL_SATURDAY:
        raise CalendarError(
            f"{_library_versions()} leaves out sessions on weekends, such as Saturday 2025-02-01 on XBOM, so "
            "days would be skipped. Install versions that have them: "
            "pip install 'pandas<3.1' 'exchange-calendars>=4.12'"
        )


def _library_versions() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - only on the way to an error

    return f"exchange_calendars {version('exchange_calendars')} with pandas {version('pandas')}"


@cache
def _aliases() -> dict[str, str]:
    from exchange_calendars import aliases_to_names  # noqa: PLC0415 - as above

    return dict(aliases_to_names())


def _code_of(name: str) -> str:
    # A code of the library is taken as it is: one of them (us_futures) is spelled like a group.
    return name if name in _factories() else resolve_exchange(name)


def _build(code: str, first: date, last: date) -> _LibraryCalendar:
    """Build the library's calendar, with holiday rules evaluated for these dates only.

    By default the library evaluates them from 1970 to 2200 for any calendar, which is most of its time:
    0.18 s instead of 0.09 s on XNYS, 2.6 s instead of 0.6 s on XKRX.
    """
    import pandas as pd  # noqa: PLC0415 - comes with exchange_calendars, and is as slow
    from pandas.tseries.holiday import AbstractHolidayCalendar  # noqa: PLC0415 - as above

    factory = _factories()[code]
    begin, finish = pd.Timestamp(first), pd.Timestamp(last)

    class HolidaysWithin(AbstractHolidayCalendar):
        def __init__(self, inner: AbstractHolidayCalendar) -> None:
            super().__init__(rules=inner.rules)
            self._inner = inner

        def holidays(self, *_: object) -> pd.DatetimeIndex:  # type: ignore[override]  # called without dates
            return self._inner.holidays(begin, finish)

    class BoundedCalendar(factory):  # type: ignore[misc, valid-type]  # a class known at run time only
        @property
        def regular_holidays(self) -> AbstractHolidayCalendar | None:
            inner = super().regular_holidays
            return None if inner is None else HolidaysWithin(inner)

    return BoundedCalendar(start=begin, end=finish)


@lru_cache(_WINDOWS_KEPT)
def _load(code: str, first: date, last: date) -> CalendarWindow:
    """Return the columns of the library's calendar, which is not kept.

    It is built for one year more than is returned: at the end of a calendar the library can mistake the last
    session for the first of the next year (XKRX opens later on that day; seen with 2000-12-26 in a
    calendar up to 2000).
    """
    beyond = min(exchange_bounds(code)[1], date(min(last.year + 1, _LATEST.year), 12, 31))
    calendar = _build(code, first, beyond)
    schedule = calendar.schedule.loc[: last.isoformat()]
    sessions = schedule.index.to_numpy().astype("datetime64[D]")
    early = calendar.early_closes.to_numpy().astype("datetime64[D]")

    def column(name: str) -> Instants:
        return _frozen(schedule[name].dt.tz_localize(None).to_numpy().astype("datetime64[s]"))

    return CalendarWindow(
        code=code,
        zone=ZoneInfo(calendar.tz.key),
        first=first,
        last=last,
        open_weekdays=tuple(flag == "1" for flag in calendar.weekmask),
        days=_frozen(sessions.astype(np.int64) + date(1970, 1, 1).toordinal()),
        opens=column("open"),
        closes=column("close"),
        break_starts=column("break_start"),
        break_ends=column("break_end"),
        is_early=_frozen(np.isin(sessions, early)),
    )


def _frozen(values: NDArray[_Scalar]) -> NDArray[_Scalar]:
    # Requests for the same dates share one window.
    values.flags.writeable = False
    return values

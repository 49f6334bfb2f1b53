"""Stored bars that no session plays: on days without a session, after an early close, at the close itself.

Bars outside regular hours on a trading day are ordinary: many vendors' files have pre- and post-market. They
are counted apart. In a series with such bars, one at the close or after an early close is post-market, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from tapedeck.engine.clock.calendars import exchange_bounds
from tapedeck.engine.clock.changed_sessions import SessionChanges
from tapedeck.engine.clock.slots import day_label, epoch_seconds
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.intervals import DAY, Interval

Ints = NDArray[np.int64]
_MARGIN: Final = timedelta(days=2)  # a session's hours are within a day and a half of its date, in any zone


class BarPlace(IntEnum):
    """Place of a bar in the calendar."""

    SESSION = 0
    OUTSIDE_HOURS = 1
    NO_SESSION = 2
    AFTER_EARLY_CLOSE = 3
    AT_CLOSE = 4
    IN_BREAK = 5


_NEVER: Final = date.max.toordinal()
_IN_WORDS: Final[Mapping[BarPlace, str]] = {
    BarPlace.NO_SESSION: "on days without a session",
    BarPlace.AFTER_EARLY_CLOSE: "after an early close",
    BarPlace.AT_CLOSE: "at the close itself",
    BarPlace.IN_BREAK: "in a break",
}


@dataclass(frozen=True, slots=True)
class UnplayedBars:
    """Bars of one series that no session plays.

    `count`: their number; `first`: the trading date of the first, None without any. The others count each
    place, whether or not it is part of `count`: `at_close` and `after_early_close` are not where the series
    has bars `outside_hours`, which never are.
    """

    count: int
    first: date | None
    no_session: int = 0
    after_early_close: int = 0
    at_close: int = 0
    in_break: int = 0
    outside_hours: int = 0

    @property
    def reasons(self) -> Mapping[str, int]:
        """The counted bars by place, in words; places without bars are left out."""
        has_post_market = (
            self.count < self.no_session + self.in_break + self.at_close + self.after_early_close
        )
        counts = {
            BarPlace.NO_SESSION: self.no_session,
            BarPlace.AFTER_EARLY_CLOSE: 0 if has_post_market else self.after_early_close,
            BarPlace.AT_CLOSE: 0 if has_post_market else self.at_close,
            BarPlace.IN_BREAK: self.in_break,
        }
        return {_IN_WORDS[place]: count for place, count in counts.items() if count}


@dataclass(frozen=True, slots=True, eq=False)
class CalendarSpans:
    """A span of the calendar, cut into spans of one place each.

    `starts`: int64, shape (n,), seconds UTC, ascending; each span ends where the next begins, the last one at
    `end`. `places`: int64, shape (n,), `BarPlace`. `days`: int64, shape (n,), ordinals of the trading dates.
    """

    starts: Ints
    places: Ints
    days: Ints
    end: int

    def __len__(self) -> int:
        return len(self.starts)

    def count(self, opened_at: Ints) -> Ints:
        """Return the number of bars in each span, int64 (n,); bars beyond the spans are left out."""
        # Bars are many and usually in order, spans are few: look up the spans among the bars.
        in_order = opened_at if bool((opened_at[1:] >= opened_at[:-1]).all()) else np.sort(opened_at)
        return np.diff(np.searchsorted(in_order, [*self.starts.tolist(), self.end]))

    def position(self, instant: int) -> int:
        """Return the number of spans that begin before an instant."""
        return int(np.searchsorted(self.starts, instant))

    def part(self, start: int, stop: int) -> CalendarSpans:
        """Return the spans at positions `[start, stop)`."""
        end = int(self.starts[stop]) if stop < len(self) else self.end
        return CalendarSpans(self.starts[start:stop], self.places[start:stop], self.days[start:stop], end)

    def tally(self, counts: Ints) -> PlaceTally:
        """Return the bars of S series by place, from their number in each span, shape (S, n)."""
        days = np.where(counts > 0, self.days, _NEVER)
        of_place = [self.places == place for place in BarPlace]
        return PlaceTally(
            np.stack([counts[:, own].sum(axis=1) for own in of_place], axis=1),
            np.stack([days[:, own].min(axis=1, initial=_NEVER) for own in of_place], axis=1),
        )


@dataclass(frozen=True, slots=True, eq=False)
class PlaceTally:
    """Bars of S series by place. `totals`: int64, shape (S, places); `firsts`: trading date of the first."""

    totals: Ints
    firsts: Ints

    def __add__(self, other: PlaceTally) -> PlaceTally:
        return PlaceTally(self.totals + other.totals, np.minimum(self.firsts, other.firsts))

    @property
    def any_unplayed(self) -> bool:
        """Whether any series has unplayed bars, without pre- and post-market."""
        return bool(self._told(extended=False).any())

    def unplayed(self, *, extended: bool = False) -> list[UnplayedBars]:
        """Return the unplayed bars of each series; `extended`: whether pre- and post-market are played."""
        told = self._told(extended=extended)
        counts = np.where(told, self.totals, 0).sum(axis=1).tolist()
        firsts = np.where(told, self.firsts, _NEVER).min(axis=1).tolist()
        return [
            UnplayedBars(
                count=count,
                first=date.fromordinal(first) if count else None,
                no_session=totals[BarPlace.NO_SESSION],
                after_early_close=totals[BarPlace.AFTER_EARLY_CLOSE],
                at_close=totals[BarPlace.AT_CLOSE],
                in_break=totals[BarPlace.IN_BREAK],
                outside_hours=totals[BarPlace.OUTSIDE_HOURS],
            )
            for count, first, totals in zip(counts, firsts, self.totals.tolist(), strict=True)
        ]

    def _told(self, *, extended: bool) -> NDArray[np.bool_]:
        """Return where there are bars that count as unplayed, shape (S, places)."""
        told = self.totals > 0
        told[:, [BarPlace.SESSION, BarPlace.OUTSIDE_HOURS]] = False
        has_post_market = self.totals[:, BarPlace.OUTSIDE_HOURS] > 0
        for place in (BarPlace.AFTER_EARLY_CLOSE, BarPlace.AT_CLOSE):
            told[:, place] &= not extended
            told[has_post_market, place] = False
        return told


def unplayed_bars(
    opened_at: Ints,
    *,
    exchange: str,
    interval: Interval,
    extended: bool,
    changes: SessionChanges | None = None,
) -> UnplayedBars:
    """Return the bars of one series that no session of an exchange (a code or a group) plays.

    `opened_at`: int64, shape (n,), in any order, as stored: seconds UTC of the open, of a daily bar midnight
    UTC of its trading day. `extended`: whether pre- and post-market are played. `changes`: days of a session
    file that differ from the calendar. Bars beyond the calendar's dates are left out. Raises CalendarError
    for an unknown exchange.
    """
    if not len(opened_at):
        return UnplayedBars(0, None)
    time = TimeManager(exchange, changes=changes)
    first, last = (datetime.fromtimestamp(int(at), UTC).date() for at in (opened_at.min(), opened_at.max()))
    lower, upper = exchange_bounds(exchange)
    first, last = max(lower, first - _MARGIN), min(upper, last + _MARGIN)
    if last < first:
        return UnplayedBars(0, None)
    spans = calendar_spans(time, interval, first, last)
    return spans.tally(spans.count(opened_at)[None, :]).unplayed(extended=extended)[0]


def calendar_spans(time: TimeManager, interval: Interval, first: date, last: date) -> CalendarSpans:
    """Return the spans from the trading date `first` to `last`, both inclusive, for bars of an interval."""
    if not interval.is_intraday:
        return _daily_spans(time, first, last)
    lower, upper = exchange_bounds(time.exchange)
    sessions = time.trading_sessions(max(lower, first - _MARGIN), min(upper, last + _MARGIN))
    days = np.arange(first.toordinal(), last.toordinal() + 2, dtype=np.int64)
    midnights = _day_starts(days, time.zone, _evening(sessions))
    end = int(midnights[-1])
    utc_days = range(-(-int(midnights[0]) // DAY.seconds) * DAY.seconds, end, DAY.seconds)
    edges = {int(midnights[0]), *midnights[:-1].tolist(), *utc_days, *_edges(sessions)}
    starts = np.array(sorted(edge for edge in edges if midnights[0] <= edge < end), dtype=np.int64)
    own = days[np.searchsorted(midnights, starts, side="right") - 1]
    return CalendarSpans(starts, *_places(starts, own, sessions), end)


def describe_unplayed(unplayed: Mapping[str, UnplayedBars], interval: Interval) -> str | None:
    """Return one sentence about the unplayed bars of symbols, or None if there are none."""
    found = {symbol: bars for symbol, bars in unplayed.items() if bars.count}
    if not found:
        return None
    total = sum(bars.count for bars in found.values())
    first, of = min((bars.first, symbol) for symbol, bars in found.items() if bars.first is not None)
    names = list(found)
    whose = ", ".join(names) if len(names) <= 3 else f"{len(names)} symbols, such as {of}"
    reasons: dict[str, int] = {}
    for bars in found.values():
        for words, count in bars.reasons.items():
            reasons[words] = reasons.get(words, 0) + count
    parts = ", ".join(f"{count:,} {words}" for words, count in reasons.items())
    verb, noun = ("lies", "bar") if total == 1 else ("lie", "bars")
    hint = ""
    if set(reasons) == {_IN_WORDS[BarPlace.AT_CLOSE]}:
        hint = "; bars at the close may be labelled by their close: import them with --label close"
    where = f"outside all sessions, first on {first}: {parts}"
    return f"{total:,} {interval} {noun} of {whose} {verb} {where}{hint}"


def _daily_spans(time: TimeManager, first: date, last: date) -> CalendarSpans:
    days = np.arange(first.toordinal(), last.toordinal() + 1, dtype=np.int64)
    played = np.array([s.trading_day.toordinal() for s in time.trading_sessions(first, last)], dtype=np.int64)
    places = np.where(np.isin(days, played), BarPlace.SESSION, BarPlace.NO_SESSION).astype(np.int64)
    labels = np.array([day_label(int(day)) for day in days], dtype=np.int64)
    return CalendarSpans(labels, places, days, day_label(int(days[-1]) + 1))


def _evening(sessions: Iterable[TradingSession]) -> timedelta:
    """Return how long before its date a session opens: zero, unless it opens the evening before."""
    for session in sessions:
        opened = session.regular_open.astimezone(session.zone).replace(tzinfo=None)
        midnight = datetime.combine(session.trading_day, datetime.min.time())
        if opened < midnight:
            return midnight - opened
    return timedelta(0)


def _day_starts(days: Ints, zone: ZoneInfo, evening: timedelta) -> Ints:
    """Return the instant from which bars belong to each date: its midnight, or the usual open before it."""
    midnight = datetime.min.time()
    starts = [datetime.combine(date.fromordinal(day), midnight) - evening for day in days.tolist()]
    return np.array([epoch_seconds(start.replace(tzinfo=zone)) for start in starts], dtype=np.int64)


def _edges(sessions: Iterable[TradingSession]) -> Iterable[int]:
    for session in sessions:
        for start, stop in session.segments:
            yield epoch_seconds(start)
            yield epoch_seconds(stop)
        yield epoch_seconds(session.regular_close) + 1  # the close itself is a span of one second


def _places(starts: Ints, days: Ints, sessions: tuple[TradingSession, ...]) -> tuple[Ints, Ints]:
    """Return the place of each span, and its trading date; `days`: the dates by the clock, int64 (n,)."""
    places = np.full(len(starts), BarPlace.NO_SESSION, dtype=np.int64)
    owners = days.copy()
    early = [session.trading_day.toordinal() for session in sessions if session.is_early_close]
    trading = {session.trading_day.toordinal(): epoch_seconds(session.regular_close) for session in sessions}
    closes = np.array([trading.get(day, -1) for day in days.tolist()], dtype=np.int64)
    places[closes >= 0] = BarPlace.OUTSIDE_HOURS
    places[(closes >= 0) & np.isin(days, early) & (starts > closes)] = BarPlace.AFTER_EARLY_CLOSE
    for session in sessions:
        opened, closed = epoch_seconds(session.regular_open), epoch_seconds(session.regular_close)
        begin, stop, after = np.searchsorted(starts, [opened, closed, closed + 1])
        places[begin:stop] = BarPlace.SESSION
        places[stop:after] = BarPlace.AT_CLOSE
        owners[begin:after] = session.trading_day.toordinal()
        if len(session.segments) > 1:
            pause, resumption = epoch_seconds(session.segments[0][1]), epoch_seconds(session.segments[1][0])
            places[np.searchsorted(starts, pause) : np.searchsorted(starts, resumption)] = BarPlace.IN_BREAK
    return places, owners

"""Changed sessions: a calendar with the days that a session file gives other hours, or makes holidays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import numpy as np

from tapedeck.engine.clock.calendars import CalendarWindow, exchange_bounds, load_calendar
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.config.changed_sessions import ChangedSession
from tapedeck.engine.errors import CalendarError

SessionChanges = Mapping[date, ChangedSession]
_MIDNIGHT = time(0)


@dataclass(frozen=True, slots=True)
class ChangeFault:
    """A change that the calendar does not allow: its day, the field (None: the whole entry), the message."""

    day: date
    field: str | None
    message: str

    @property
    def place(self) -> str:
        """The path of the field below `sessions`."""
        return str(self.day) if self.field is None else f"{self.day}.{self.field}"


def with_changes(window: CalendarWindow, changes: SessionChanges) -> CalendarWindow:
    """Return a calendar with the changed days that lie in it.

    Raises CalendarError for a change that `change_faults` would name.
    """
    own = {day: change for day, change in changes.items() if window.first <= day <= window.last}
    if not own:
        return window
    usual = _Usual(window)
    kept = ~np.isin(window.days, [day.toordinal() for day in own])
    made = [usual.changed(day, change) for day, change in own.items() if not change.holiday]

    def merged(values: np.ndarray, added: list[object]) -> np.ndarray:
        column = np.concatenate([values[kept], np.array(added, dtype=values.dtype)])[order]
        column.flags.writeable = False
        return column

    ordinals = [session.trading_day.toordinal() for session in made]
    order = np.argsort(np.concatenate([window.days[kept], np.array(ordinals, dtype=np.int64)]))
    return replace(
        window,
        days=merged(window.days, list(ordinals)),
        opens=merged(window.opens, [_naive(session.regular_open) for session in made]),
        closes=merged(window.closes, [_naive(session.regular_close) for session in made]),
        break_starts=merged(window.break_starts, [_naive(session.break_start) for session in made]),
        break_ends=merged(window.break_ends, [_naive(session.break_end) for session in made]),
        is_early=merged(window.is_early, [session.is_early_close for session in made]),
    )


def change_faults(exchange: str, changes: SessionChanges) -> list[ChangeFault]:
    """Return every change that does not fit the calendar of an exchange (a code or a group), by day."""
    first, last = exchange_bounds(exchange)
    faults: list[ChangeFault] = []
    valid: dict[date, ChangedSession] = {}
    for day, change in sorted(changes.items()):
        if not first <= day <= last:
            reach = f"use dates from {first} to {last}"
            faults.append(ChangeFault(day, None, f"is outside the calendar of {exchange}: {reach}"))
            continue
        fault = _fault_of(load_calendar(exchange, day, day), day, change)
        if fault is None:
            valid[day] = change
        else:
            faults.append(fault)
    if valid:
        faults += _overlaps(with_changes(load_calendar(exchange, min(valid), max(valid)), valid), valid)
    return sorted(faults, key=lambda fault: fault.day)


def _fault_of(window: CalendarWindow, day: date, change: ChangedSession) -> ChangeFault | None:
    if change.holiday:
        return None
    try:
        _Usual(window).changed(day, change)
    except _ChangeError as error:
        return ChangeFault(day, error.field, error.message)
    return None


def _overlaps(window: CalendarWindow, changes: SessionChanges) -> Iterator[ChangeFault]:
    """Yield a fault for each changed session that overlaps the one before or after it."""
    sessions = window.sessions(0, len(window.days))
    for earlier, later in pairwise(sessions):
        if later.regular_open >= earlier.regular_close:
            continue
        if later.trading_day in changes:
            message = (
                f"begins at {_local(later, later.regular_open)}, before the session of {earlier.trading_day} "
                f"closes, {_local(earlier, earlier.regular_close)}"
            )
            yield ChangeFault(later.trading_day, None, message)
        else:
            message = (
                f"ends at {_local(earlier, earlier.regular_close)}, after the session of {later.trading_day} "
                f"opens, {_local(later, later.regular_open)}"
            )
            yield ChangeFault(earlier.trading_day, None, message)


class _ChangeError(CalendarError):
    """A change that cannot be made: its field, or None, and the message without the day."""

    def __init__(self, day: date, field: str | None, message: str) -> None:
        super().__init__(f"sessions: {day}: {message}")
        self.field, self.message = field, message


class _Usual:
    """The calendar's own hours, which changes complete and are compared with."""

    def __init__(self, window: CalendarWindow) -> None:
        self._window = window

    def changed(self, day: date, change: ChangedSession) -> TradingSession:
        """Return the session of a day with the changed hours."""
        own = self._session(day)
        if own is None and (change.open is None or change.close is None):
            missing = "open" if change.open is None else "close"
            raise _ChangeError(
                day, None, f"{self._window.code} has no session on {day:%A} {day}: give {missing}, too"
            )
        closed = own.regular_close if change.close is None and own else self._close(day, change)
        opened = own.regular_open if change.open is None and own else self._open(day, change, closed)
        if opened >= closed:
            zone = self._window.zone
            hours = f"open {opened.astimezone(zone):%H:%M}, close {closed.astimezone(zone):%H:%M}"
            field = "open" if change.close is None else "close"
            raise _ChangeError(day, field, f"the session must close after its open, not {hours}")
        return self._with_break(day, own, opened, closed)

    def _close(self, day: date, change: ChangedSession) -> datetime:
        time_of_day = change.close or _MIDNIGHT
        date_of_close = day + timedelta(days=time_of_day == _MIDNIGHT)
        return datetime.combine(date_of_close, time_of_day, self._window.zone).astimezone(UTC)

    def _open(self, day: date, change: ChangedSession, closed: datetime) -> datetime:
        time_of_day = change.open or _MIDNIGHT
        opened = datetime.combine(day, time_of_day, self._window.zone)
        if opened >= closed and self._opens_on_evenings():
            opened = datetime.combine(day - timedelta(days=1), time_of_day, self._window.zone)
        return opened.astimezone(UTC)

    def _with_break(
        self, day: date, own: TradingSession | None, opened: datetime, closed: datetime
    ) -> TradingSession:
        """Return the session; a break that is not within its hours is left out."""
        start, end = (None, None) if own is None else (own.break_start, own.break_end)
        if start is None or end is None or not (opened < start and end < closed):
            start = end = None
        window = self._window
        unchanged = own is not None and own.regular_close == closed
        is_early = own.is_early_close if own is not None and unchanged else self._is_early(day, closed)
        return TradingSession(window.code, window.zone, day, opened, closed, is_early, start, end)

    def _session(self, day: date) -> TradingSession | None:
        at = self._window.position(day.toordinal())
        if not self._window.has_session(day.toordinal()):
            return None
        return self._window.sessions(at, at + 1)[0]

    def _opens_on_evenings(self) -> bool:
        """Whether the exchange's sessions open on the date before, by the first of the calendar."""
        return any(_days_from(s, s.regular_open) < 0 for s in self._window.sessions(0, 1))

    def _is_early(self, day: date, closed: datetime) -> bool:
        """Whether a close is earlier than that of the nearest day that does not close early."""
        usual = np.flatnonzero(~self._window.is_early)
        if not len(usual):
            return False
        nearest = int(usual[np.argmin(np.abs(self._window.days[usual] - day.toordinal()))])
        session = self._window.sessions(nearest, nearest + 1)[0]
        own = closed.astimezone(session.zone).replace(tzinfo=None) - datetime.combine(day, _MIDNIGHT)
        known = session.regular_close.astimezone(session.zone).replace(tzinfo=None)
        return own < known - datetime.combine(session.trading_day, _MIDNIGHT)


def _days_from(session: TradingSession, instant: datetime) -> int:
    return (instant.astimezone(session.zone).date() - session.trading_day).days


def _naive(instant: datetime | None) -> np.datetime64:
    return np.datetime64("NaT", "s") if instant is None else np.datetime64(instant.replace(tzinfo=None), "s")


def _local(session: TradingSession, instant: datetime) -> str:
    return f"{instant.astimezone(session.zone):%Y-%m-%d %H:%M}"

"""News of a live session: what became known between two looks at it, in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.feeds.live_status import Alert, GapState, LivePhase, LiveStatus
from tapedeck.engine.read.events import Event
from tapedeck.engine.read.snapshot import Snapshot
from tapedeck.engine.tape.session_record import SessionSummary
from tapedeck.engine.tape.session_view import SessionView

_MINUTE: Final = 60
_LACKING: Final = (GapState.WAITING, GapState.ASKED, GapState.UNFILLABLE)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The recording waits for the next open. `now`: the market's time, UTC."""

    now: datetime
    opens: datetime
    opens_day: date


@dataclass(frozen=True, slots=True)
class Minute:
    """A minute of the market that was revealed.

    `clock`: its end, UTC; `slot`: slots over, of `slots`; `bars`: of the minute, all symbols; `missing`:
    symbols without a bar in it; `total`: bars of the session so far; `lacking`: missing bars of the session
    that are not explained; `alerts`: of the recording up to its end.
    """

    trading_day: date
    clock: datetime
    zone: ZoneInfo
    slot: int
    slots: int
    bars: int
    missing: tuple[str, ...]
    total: int
    lacking: int
    alerts: int
    edition: int

    @property
    def is_last(self) -> bool:
        """Whether it is the last minute of its session."""
        return self.slot == self.slots


@dataclass(frozen=True, slots=True)
class SessionOver:
    """A session that was recorded to its end, with the stamp of the sessions so far."""

    session: SessionSummary
    stamp: str


News = Waiting | Minute | Event | Alert | SessionOver


class LiveNews:
    """Compares snapshots of a live run; each minute, event, alert and session is told once."""

    def __init__(self) -> None:
        self._waits_for: date | None = None
        self._day: date | None = None
        self._frontier = 0
        self._events: tuple[Event, ...] = ()
        self._texts: dict[int, str] = {}
        self._alert = 0
        self._alerts = 0
        self._sessions = 0

    def of(self, snapshot: Snapshot, events: tuple[Event, ...]) -> list[News]:
        """Return the news of a snapshot since the one before; `events`: all of the run, taken after it."""
        alerts = self._new_alerts(snapshot.live)
        timed: list[Minute | Alert] = [*self._minutes(snapshot, alerts), *alerts]
        timed.sort(key=_time_of)
        waiting = self._waiting(snapshot.live)
        return [*waiting, *timed, *self._new_events(events), *self._over(snapshot)]

    def _waiting(self, live: LiveStatus | None) -> Iterator[Waiting]:
        if (
            live is None
            or live.phase is not LivePhase.WAITING
            or live.opens is None
            or live.opens <= live.now
        ):
            return
        if live.opens_day is not None and live.opens_day != self._waits_for:
            self._waits_for = live.opens_day
            yield Waiting(live.now, live.opens, live.opens_day)

    def _minutes(self, snapshot: Snapshot, alerts: Sequence[Alert]) -> Iterator[Minute]:
        view = snapshot.view
        if view is None:
            return
        if view.trading_day != self._day:
            self._day, self._frontier = view.trading_day, 0
        if view.frontier > self._frontier:
            before = self._alerts - len(alerts)
            for minute in _minutes_of(view, self._frontier, snapshot.live):
                new = sum(alert.at <= minute.clock for alert in alerts)
                yield replace(minute, alerts=before + new)
            self._frontier = view.frontier

    def _new_events(self, events: tuple[Event, ...]) -> Iterator[Event]:
        """Yield events that are new, or have a new text, such as a gap that has ended."""
        if events is self._events:
            return
        self._events = events
        known, self._texts = self._texts, {event.number: event.text for event in events}
        yield from (event for event in events if known.get(event.number) != event.text)

    def _new_alerts(self, live: LiveStatus | None) -> Sequence[Alert]:
        alerts = () if live is None else live.alerts
        new = [alert for alert in alerts if alert.number > self._alert]
        if new:
            self._alert = new[-1].number
            self._alerts += len(new)
        return new

    def _over(self, snapshot: Snapshot) -> Iterator[SessionOver]:
        new, self._sessions = snapshot.finished[self._sessions :], len(snapshot.finished)
        yield from (SessionOver(session, snapshot.stamp) for session in new)


def lacking_bars(live: LiveStatus | None) -> int:
    """Return the number of missing bars that are asked for, or cannot be had."""
    counts = None if live is None else live.gap_counts
    return 0 if counts is None else sum(counts.get(state, 0) for state in _LACKING)


def _time_of(one: Minute | Alert) -> datetime:
    return one.clock if isinstance(one, Minute) else one.at


def _minutes_of(view: SessionView, start: int, live: LiveStatus | None) -> Iterator[Minute]:
    """Yield the minutes that end after frontier `start`, up to that of the view."""
    present = view.present_grid(view.base_interval)
    totals = np.cumsum(present.sum(axis=0))
    ends = view.slot_times.closed_at[: view.frontier]
    begin = start
    while begin and ends[begin - 1] % _MINUTE:  # a minute that was not over at the last look
        begin -= 1
    for slot in range(start, view.frontier):
        is_close = slot + 1 == view.slots
        if ends[slot] % _MINUTE and not is_close:
            continue
        bars = present[:, begin : slot + 1]
        has_bar = bars.any(axis=1)
        yield Minute(
            trading_day=view.trading_day,
            clock=utc_from_epoch(int(ends[slot])),
            zone=view.session.zone,
            slot=slot + 1,
            slots=view.slots,
            bars=int(bars.sum()),
            missing=tuple(view.symbols[row] for row in np.flatnonzero(~has_bar)),
            total=int(totals[slot]),
            lacking=lacking_bars(live),
            alerts=0,
            edition=0 if live is None else live.edition,
        )
        begin = slot + 1

"""Schedule of a scanner: the frontiers of a session's tape at which it runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import time

from tapedeck.engine.clock.slots import SessionSlots, epoch_seconds
from tapedeck.engine.clock.start_time import time_in_session
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.config.scanners import PRE_SESSION, ScanMoment, Scanner, ScanSchedule
from tapedeck.engine.intervals import MINUTE


def scan_frontiers(at: Sequence[ScanMoment], slots: SessionSlots) -> tuple[int, ...]:
    """Return the frontiers at which a scanner runs in a session, ascending, each once.

    `pre_session`, and times at or before the open, are frontier 0. Another time is the first frontier whose
    clock has reached it; a time after the session's close has none that day, such as on an early close.
    """
    close = epoch_seconds(slots.session.regular_close)
    found = {slots.frontier_reaching(instant) for moment in at for instant in _instants(moment, slots, close)}
    return tuple(sorted(found))


def schedule_warnings(scanners: Sequence[Scanner], sessions: Sequence[TradingSession]) -> tuple[str, ...]:
    """Return a warning for each scanner that runs in none of the sessions."""
    return tuple(
        f"session_data_config.scanners[{position}] ({scanner.name}) never runs: "
        "none of its times is within a session"
        for position, scanner in enumerate(scanners)
        if not any(scan_frontiers(scanner.at, SessionSlots(session, MINUTE)) for session in sessions)
    )


def _instants(moment: ScanMoment, slots: SessionSlots, close: int) -> Iterator[int]:
    """Yield the instants of a moment up to the close, seconds UTC."""
    if isinstance(moment, ScanSchedule):
        opened = epoch_seconds(slots.session.regular_open)
        first = opened if moment.start is None else _instant(moment.start, slots)
        last = close if moment.end is None else min(close, _instant(moment.end, slots))
        yield from range(first, last + 1, moment.every.seconds)
    elif moment == PRE_SESSION:
        yield slots.clock(0)
    elif isinstance(moment, time) and (instant := _instant(moment, slots)) <= close:
        yield instant


def _instant(time_of_day: time, slots: SessionSlots) -> int:
    return epoch_seconds(time_in_session(slots.session, time_of_day))

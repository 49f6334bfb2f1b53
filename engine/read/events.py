"""Events of a run in one numbered list: gaps, breaks, bookmarks, sessions, symbols, scans, fills."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import Enum
from operator import attrgetter
from threading import RLock
from typing import Final

from tapedeck.engine.broker.orders import Side
from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.errors import EngineError
from tapedeck.engine.read.account_events import AccountEvent, AccountEvents
from tapedeck.engine.read.gap_numbers import GapNumbers
from tapedeck.engine.tape.bar_grid import Ints
from tapedeck.engine.tape.played_session import PlayedSession
from tapedeck.engine.tape.session_view import SessionView
from tapedeck.engine.tape.symbol_changes import ChangeKind, SymbolChange
from tapedeck.engine.tape.tape import Lineage, Tape

_MARKS_KEPT: Final = 5_000
_SESSIONS_KEPT: Final = 2_000
_GAPS_KEPT: Final = 2_000
_FILLS_KEPT: Final = 5_000
_ORDER: Final = attrgetter("place", "number")
_PLACE: Final = attrgetter("place")


class EventKind(Enum):
    """Kind of an event."""

    GAP = "gap"
    BREAK = "break"
    BOOKMARK = "bookmark"
    ERROR = "error"
    SESSION = "session"
    SYMBOL = "symbol"
    """A symbol joined or left."""
    SCAN = "scan"
    """A scanner found symbols, or failed."""
    BUY = "buy"
    """An order of a strategy to buy filled, or a part of it."""
    SELL = "sell"
    """An order of a strategy to sell filled, or a part of it."""
    NOTE = "note"
    """A strategy noted something."""
    CORRECTION = "correction"
    """A bar in which an order filled was corrected afterwards."""


_ACCOUNT_KINDS: Final = {Side.BUY: EventKind.BUY, Side.SELL: EventKind.SELL, None: EventKind.NOTE}


@dataclass(frozen=True, slots=True)
class Event:
    """One event, with its moment.

    `slot`: the last slot over when it became known, −1 for the session's open, None outside of a session. A
    gap's event is at its first missing slot; once the gap has ended, it is replaced by one of the same number
    that includes the end. `last`: last missing slot of a gap that has ended, else None. `place`: its clock
    (seconds since 1970 UTC), for sorting; for an event without a clock, the latest one before it.
    """

    number: int
    kind: EventKind
    slot: int | None
    trading_day: date | None
    clock: datetime | None
    symbol: str | None
    text: str
    place: int
    last: int | None = None

    @property
    def frontier(self) -> int:
        """The frontier at which it became known."""
        return 0 if self.slot is None else self.slot + 1


class EventLog:
    """Events in the order of the market's clock; safe to write and read from any thread.

    The latest few thousand are kept, with separate limits for gaps, for opens and closes of sessions, for
    fills and notes of strategies, and for the rest, so that bookmarks are kept among many others.
    """

    def __init__(self, *, marks_kept: int = _MARKS_KEPT, gaps_kept: int = _GAPS_KEPT) -> None:
        self._lock = RLock()  # guards all below
        self._number = 0
        self._latest = 0
        self._marks: deque[Event] = deque(maxlen=marks_kept)
        self._sessions: deque[Event] = deque(maxlen=_SESSIONS_KEPT)
        self._gaps: deque[Event] = deque(maxlen=gaps_kept)
        self._fills: deque[Event] = deque(maxlen=_FILLS_KEPT)
        self._account = AccountEvents(_FILLS_KEPT)
        self._gaps_kept = gaps_kept
        self._gaps_begun = 0
        self._finished: deque[GapTracker] = deque()
        self._gaps_finished = 0
        self._lineage: Lineage | None = None
        self._begun: date | None = None  # trading day of the session that began last
        self._tracker: GapTracker | None = None
        self._listed: tuple[Event, ...] | None = ()
        self._gaps_listed = 0

    def begin_session(self, tape: Tape, *, frontier: int = 0) -> None:
        """Add the open of a session, and follow its gaps."""
        with self._lock:
            self._drop_session()
            self._account.begin_session()
            self._lineage, self._begun = tape.lineage, tape.session.trading_day
            self._tracker = _tracker_of(tape)
            early = ", early close" if tape.session.is_early_close else ""
            close = tape.session.regular_close.astimezone(tape.session.zone)
            self.add(EventKind.SESSION, f"session opens, to {close:%H:%M}{early}", frontier=frontier)

    def end_session(self) -> None:
        """Add the close of the session, and drop its tape; its events stay."""
        with self._lock:
            if self._lineage is None:
                return
            self.add(EventKind.SESSION, "session is over", frontier=self._lineage.current.frontier)
            if self._tracker is not None:
                self._tracker.finish()
            self._lineage = None

    def change_symbols(self, made: Tape, changes: Sequence[SymbolChange]) -> None:
        """Add joins and leaves of the current session, of the one that has just ended, or before the open.

        `made`: the edition with them, which is to take its tape's place after this call. Gaps of a joined
        symbol are listed from the open on; those of one that leaves stay listed, up to now.
        """
        with self._lock:
            self._update()
            session = PlayedSession(made)
            for change in changes:
                self.add(
                    EventKind.SYMBOL,
                    _text_of(change),
                    frontier=change.frontier,
                    symbol=change.symbol,
                    session=session,
                )
            if made.session.trading_day != self._begun:
                return  # it is still to begin, with these symbols
            self._tracker = self._tracker or _tracker_of(made)
            if self._tracker is None:
                return
            before = self._tracker.count
            self._number, _ = self._tracker.advance(made, self._number)
            self._gaps_begun += self._tracker.count - before
            if self._lineage is None:
                self._tracker.finish()

    def add(
        self,
        kind: EventKind,
        text: str,
        *,
        frontier: int | None = None,
        symbol: str | None = None,
        session: PlayedSession | None = None,
    ) -> Event:
        """Add an event at a frontier of the current session (by default its present one), and return it.

        `session`: another session, such as the last one after the run. Raises EngineError for a frontier
        outside the session.
        """
        with self._lock:
            self._update()
            self._number += 1
            if session is None and self._lineage is not None:
                session = PlayedSession(self._lineage.current)
            if session is None:
                event = Event(self._number, kind, None, None, None, symbol, text, self._latest)
            else:
                at, slots = session.frontier if frontier is None else frontier, session.slot_times
                if not 0 <= at <= len(slots):
                    raise EngineError(f"slot {at} is outside the session's {len(slots)} slots")
                place, day = slots.clock(at), session.trading_day
                self._latest = max(self._latest, place)
                event = Event(self._number, kind, at - 1, day, utc_from_epoch(place), symbol, text, place)
            (self._sessions if kind is EventKind.SESSION else self._marks).append(event)
            self._listed = None
            return event

    def events(self) -> tuple[Event, ...]:
        """Return the kept events, sorted by `place` and number; the same tuple until something changes."""
        with self._lock:
            return self._list()

    def unlisted_gaps(self) -> int:
        """Return the number of gaps that `events` has dropped."""
        with self._lock:
            self._list()
            return self._gaps_begun - self._gaps_listed

    def _list(self) -> tuple[Event, ...]:
        self._update()
        if self._listed is None:
            while self._finished:  # texts are made on demand only
                self._gaps += self._finished.popleft().gaps(self._gaps_kept)
            self._gaps_finished = 0
            gaps = list(self._gaps)
            if self._tracker is not None:
                gaps = [*gaps, *self._tracker.gaps(self._gaps_kept)][-self._gaps_kept :]
            self._gaps_listed = len(gaps)
            self._fills += map(_event_of, self._account.take())
            self._listed = tuple(sorted((*self._sessions, *self._marks, *gaps, *self._fills), key=_ORDER))
        return self._listed

    def _drop_session(self) -> None:
        """Drop the session before; its gaps stay, as far as they can be among the latest."""
        if self._tracker is None:
            return
        self._finished.append(self._tracker)
        self._gaps_finished += self._tracker.count
        while self._gaps_finished - self._finished[0].count >= self._gaps_kept:
            self._gaps_finished -= self._finished.popleft().count
        self._tracker = None

    def _update(self) -> None:
        """Assign numbers to fills, notes and gaps since the last update, and note gaps that have ended."""
        if self._lineage is None:
            return
        number = self._account.advance(self._lineage.current, self._number)
        if number != self._number:
            self._number, self._listed = number, None
        if self._tracker is None:
            return
        before = self._tracker.count
        self._number, changed = self._tracker.advance(self._lineage.current, self._number)
        self._gaps_begun += self._tracker.count - before
        if changed:
            self._listed = None


class GapTracker:
    """Events of the gaps of a session, made on demand; in between they are only counted."""

    def __init__(self, tape: Tape) -> None:
        self._slots = tape.slots
        self._known = GapNumbers(tape)
        self._listed: dict[tuple[int, int, int], Event] = {}
        self._times: dict[int, str] = {}  # few distinct times for many gaps

    @property
    def count(self) -> int:
        """Number of known gaps."""
        return self._known.count

    def advance(self, tape: Tape, number: int) -> tuple[int, bool]:
        """Count the gaps that have begun, as `GapNumbers.advance` does."""
        return self._known.advance(tape, number)

    def finish(self) -> None:
        """Drop the tape; the gaps stay."""
        self._known.finish()

    def gaps(self, limit: int) -> list[Event]:
        """Return up to `limit` known gaps, those that begin last, in the order of their first slots."""
        known = self._known.numbered()
        columns = (known.numbers, known.runs.rows, known.runs.first, known.runs.last)
        listed = {}
        for number, row, first, last in zip(*(column[-limit:].tolist() for column in columns), strict=True):
            end = None if self._known.is_open(row, last) else last
            key = (number, first, -1 if end is None else end)
            listed[key] = self._listed.get(key) or self._event(number, self._known.symbols[row], first, end)
        self._listed = listed
        return list(listed.values())

    def _event(self, number: int, symbol: str, first: int, last: int | None) -> Event:
        """Return a gap's event; `last`: None while it has not ended."""
        place = int(self._slots.closed_at[first])
        clock, day = utc_from_epoch(place), self._slots.session.trading_day
        text = self._text(first, last)
        return Event(number, EventKind.GAP, first, day, clock, symbol, text, place, last)

    def _text(self, first: int, last: int | None) -> str:
        begun = self._time(self._slots.opened_at, first)
        if last is None:
            return _no_bar_since(begun)
        if first == last:
            return f"1 bar missing, {begun}"
        return f"{last - first + 1} bars missing, {begun} to {self._time(self._slots.opened_at, last)}"

    def _time(self, instants: Ints, slot: int) -> str:
        seconds = int(instants[slot])
        text = self._times.get(seconds)
        if text is None:
            text = self._times[seconds] = _time_of_day(seconds, self._slots.session)
        return text


def _tracker_of(tape: Tape) -> GapTracker | None:
    """Return what follows the gaps of a tape; None if it has none, or they are not measured."""
    return None if tape.scores is None or tape.base.full else GapTracker(tape)


def _event_of(one: AccountEvent) -> Event:
    kind, place = _ACCOUNT_KINDS[one.side], one.slots.clock(one.slot + 1)
    day = one.slots.session.trading_day
    return Event(one.number, kind, one.slot, day, utc_from_epoch(place), one.symbol, one.text, place)


def _text_of(change: SymbolChange) -> str:
    if change.kind is ChangeKind.LEFT:
        return "leaves"
    return "joins, kept" if change.keep else "joins"


def events_known_at(events: tuple[Event, ...], view: SessionView) -> tuple[Event, ...]:
    """Return the events known at the frontier of a view, in order, with the texts of that moment.

    Returns `events` itself if all were known. A gap that had not ended then has no end.
    """
    known = events[: bisect_right(events, view.clock_seconds, key=_PLACE)]
    if len(known) == len(events) and view.is_latest:
        return events
    first = bisect_left(
        known, view.slot_times.clock(0), key=_PLACE
    )  # first event of this session; earlier gaps have ended
    return known[:first] + tuple(_as_known_at(event, view) for event in known[first:])


def _as_known_at(event: Event, view: SessionView) -> Event:
    frontier = view.frontier
    is_over = event.last is None or frontier > event.last + 1 or frontier == view.slots
    if is_over or event.slot is None or event.trading_day != view.trading_day:
        return event
    begun = _time_of_day(int(view.slot_times.opened_at[event.slot]), view.session)
    return replace(event, text=_no_bar_since(begun), last=None)


def _no_bar_since(begun: str) -> str:
    return f"no bar since {begun}"


def _time_of_day(seconds: int, session: TradingSession) -> str:
    local = utc_from_epoch(seconds).astimezone(session.zone)
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"

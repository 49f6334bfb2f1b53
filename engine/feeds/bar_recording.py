"""Bar recording: bars and quotes on their way to the journal, the session that is shown, and the store.

The order is: journal, then the session, then the store. No threads: `LiveRecorder` drives it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import TypeVar

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots, epoch_seconds
from tapedeck.engine.errors import EngineError
from tapedeck.engine.feeds.arrival_counts import ArrivalCounter
from tapedeck.engine.feeds.arrival_journal import ArrivalJournal
from tapedeck.engine.feeds.arrivals import MICROSECONDS, Arrivals
from tapedeck.engine.feeds.day_bounds import day_bounds
from tapedeck.engine.feeds.early_quotes import EarlyQuotes
from tapedeck.engine.feeds.free_space import SpaceAlerts, amount
from tapedeck.engine.feeds.held_bars import HeldBars, Mask, Taken
from tapedeck.engine.feeds.journal_backlog import JournalBacklog
from tapedeck.engine.feeds.known_bars import known_bars
from tapedeck.engine.feeds.known_quotes import known_quotes
from tapedeck.engine.feeds.outcomes import Outcome
from tapedeck.engine.feeds.quote_arrivals import QuoteArrivals
from tapedeck.engine.feeds.recorded_day import ClockAnchor, RecordedDay
from tapedeck.engine.feeds.recorded_days import check_source, read_day, restore_days
from tapedeck.engine.feeds.recorder_messages import (
    Arrived,
    QuotesArrived,
    RecorderStatus,
    SessionBegun,
    SymbolsJoined,
)
from tapedeck.engine.feeds.store_writer import StoreWriter
from tapedeck.engine.feeds.symbol_claims import SymbolClaims
from tapedeck.engine.feeds.walked_part import WalkedPart
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_store import BarStore, Floats, Ints
from tapedeck.engine.tape.scan_records import ScanRecord
from tapedeck.engine.tape.symbol_changes import SymbolChange

_Arrived = TypeVar("_Arrived", Arrivals, QuoteArrivals)


@dataclass(slots=True)
class _Session:
    """A session that takes bars; `is_ended`: only those after its close.

    `is_fold_due`: its bars are to be in any store by now, even in one of Parquet.
    """

    day: RecordedDay
    held: HeldBars
    is_ended: bool = False
    is_fold_due: bool = True
    walks: tuple[WalkedPart, ...] = ()
    """What strategies walked in earlier recordings of it."""


class BarRecording:
    """Recording of one feed's bars of one interval, and of its quotes if `takes_quotes`.

    `send` gets what changed in the shown session, `alert` texts for the user. Times called `now` are seconds
    of the machine's monotonic clock. Any method may raise StoreError, except for lack of space.
    """

    def __init__(
        self,
        store: BarStore,
        journal: ArrivalJournal,
        claims: SymbolClaims,
        interval: Interval,
        source: str,
        *,
        send: Callable[[Arrived | QuotesArrived], None],
        alert: Callable[[str], None],
        takes_quotes: bool = False,
    ) -> None:
        if not (interval.is_base and interval.is_intraday):
            raise EngineError(f"{interval} bars cannot be recorded: use 1s or 1m")
        alerts = SpaceAlerts(journal.path.parent, alert)
        self.interval, self.source = interval, source
        self.frontier = 0
        """Number of slots of the shown session that are revealed; set by the player's thread."""
        self.status = RecorderStatus()
        """Replaced after each batch; any thread may read it."""
        self._journal, self._claims = journal, claims
        self._send, self._alert, self._takes_quotes = send, alert, takes_quotes
        self._backlog = JournalBacklog(journal, alerts)
        self._writer = StoreWriter(store, alerts)
        self._sessions: list[_Session] = []  # by time; at most one of them has ended
        self._shown: date | None = None
        self._batches = 0
        self._sequences: dict[int, int] = {}  # the journal's last one after a batch, since the last walk
        self._counter = ArrivalCounter()
        self._has_restored = False
        self._early_quotes = EarlyQuotes()

    @property
    def stores_at_once(self) -> bool:
        """Whether each batch goes to the store, rather than a session at its end."""
        return self._writer.writes_at_once

    def begin_session(
        self,
        slots: SessionSlots,
        symbols: Sequence[str],
        now: float,
        *,
        kept: Sequence[str] = (),
        clock: ClockAnchor | None = None,
        has_strategies: bool = False,
    ) -> SessionBegun:
        """Take bars of a session from now on, and restore those of an earlier recording from the journal.

        `symbols`: those of the file; `kept`: those that it begins with beside them, in the rows after; an
        earlier recording of it knows better. `has_strategies`: they are to know of slots that they have
        walked what they knew then. The store has the restored bars afterwards. Raises SymbolsClaimedError if
        another process records a symbol, FeedError if another feed has recorded one on that day, EngineError
        if the session is open.
        """
        session = slots.session
        if any(one.day.trading_day == session.trading_day for one in self._sessions):
            raise EngineError(f"the session of {session.trading_day} is being recorded already")
        begun = self._recorded(session.trading_day, symbols)
        if begun is not None and begun.kept:
            kept = begun.kept
        changes = () if begun is None else begun.changes
        scans = () if begun is None else self._journal.scans(begun)
        walks = self._journal.walks(begun) if begun is not None and has_strategies else ()
        bounds = day_bounds(session)
        has_quotes = self._takes_quotes or self._journal.has_quotes(self.interval, *bounds)
        held = HeldBars.of_session((*symbols, *kept), slots, has_quotes=has_quotes)
        day = RecordedDay(
            session.trading_day,
            self.interval,
            tuple(sorted(symbols)),
            self.source,
            held.since,
            held.until,
            epoch_seconds(session.regular_close),
            clock,
            kept=tuple(kept),
        )
        self._claims.add(held.symbols)
        check_source(self._journal, day)
        if not self._has_restored:
            restore_days(self._journal, self._writer, day, now)
            self._has_restored = True
        read_day(self._journal, held, day)
        for earlier in self._sessions:
            held.take(earlier.held.hand_over_from(held.since))  # some may not be in the journal yet
            if held.quotes is not None and earlier.held.quotes is not None:
                held.take_quotes(earlier.held.quotes.hand_over_from(held.since, earlier.held.symbols))
        self._sequences[self._batches] = self._journal.last_sequence
        self._sessions.append(_Session(day, held, walks=walks))
        self._sessions.sort(key=lambda one: one.held.since)
        self._backlog.add(partial(self._journal.begin_day, day))
        is_saved = self._backlog.write(now, is_last=True)
        self._write_store(now, is_last=True)
        self._update_status()
        bars = int(np.count_nonzero(held.kinds >= 0))
        kept, walked = held.symbols[len(symbols) :], walks[-1].stop if walks else 0
        return SessionBegun(session.trading_day, bars, is_saved, kept, changes, scans, walked)

    def show(self, trading_day: date, received: float) -> None:
        """Send all that is held of a session, and from now on what changes in it, instead of that before."""
        session = self._session(trading_day)
        self._shown = trading_day
        self._send_held(session, np.arange(len(session.held.symbols), dtype=np.int64), received)

    def show_symbols(self, trading_day: date, symbols: Sequence[str], received: float) -> None:
        """Send all that is held of some symbols of the session that is shown."""
        session = self._session(trading_day)
        rows = session.held.rows_of(symbols)
        self._send_held(session, np.unique(rows[rows >= 0]), received)

    # Symbols that join and leave

    def add_symbols(
        self,
        trading_day: date,
        changes: Sequence[SymbolChange],
        at: float,
        now: float,
        *,
        is_new: bool = True,
    ) -> SymbolsJoined:
        """Take bars of further symbols of a session, and journal that they joined.

        `at`: market time, seconds UTC. `is_new`: False for changes that the journal has. Raises
        SymbolsClaimedError and FeedError as `begin_session`, EngineError if the session takes no more bars.
        """
        session = self._session(trading_day)
        if session.is_ended:
            raise EngineError(f"the session of {trading_day} has ended: it takes no more symbols")
        symbols = [change.symbol for change in changes]
        self._claims.add(symbols)
        recorded = {
            symbol for day in self._journal.days_of(trading_day, self.interval) for symbol in day.all_symbols
        }
        known = [symbol for symbol in symbols if symbol in recorded]
        if known:
            check_source(self._journal, replace(session.day, symbols=tuple(known), kept=()))
        for symbol in session.held.join(symbols):
            if symbol in recorded:
                read_day(self._journal, session.held, session.day, symbol=symbol)
        empty = {symbol: session.held.empty_times(symbol) for symbol in symbols}
        self._note_changes(session, changes, at, now, is_new=is_new)
        if before := self._early_quotes.pop(symbols):
            self.take_quotes(before, now, lambda: now)
        return SymbolsJoined(session.held.symbols, empty)

    def drop_symbols(
        self,
        trading_day: date,
        changes: Sequence[SymbolChange],
        at: float,
        now: float,
        *,
        is_new: bool = True,
    ) -> None:
        """Take no more bars of some symbols of a session, and journal that they left; as `add_symbols`.

        What is held of them is stored as that of the others. They stay claimed until the end.
        """
        session = self._session(trading_day)
        session.held.leave([change.symbol for change in changes])
        self._note_changes(session, changes, at, now, is_new=is_new)

    def take(self, arrivals: Arrivals, received_at: float, now: Callable[[], float]) -> None:
        """Take a batch: journal it, send what changed, store it. `received_at`: `now` of the first one."""
        parts = self._routed(arrivals)
        for session, part in parts:
            ours = part.take(np.flatnonzero(session.held.rows_of(part.symbols) >= 0))
            if len(ours):
                write = partial(self._journal.append, ours, self.interval, self.source)
                self._backlog.add(write, bars=len(ours))
        self._batches += 1
        self._backlog.add(partial(self._note_sequence, self._batches))
        is_saved = self._backlog.write(now())
        if is_saved:
            self.status = replace(self.status, save_lag_s=now() - received_at)
        for session, part in parts:
            self._take(session, part, is_saved=is_saved)
        if self._write_store(now()) and is_saved and self.stores_at_once:
            self.status = replace(self.status, stored_lag_s=now() - received_at)
        self._update_status()

    def take_quotes(self, arrivals: QuoteArrivals, received_at: float, now: Callable[[], float]) -> None:
        """Take a batch of quotes, as `take`; the journal gets those alone that change what is held."""
        parts = []
        for session, part in self._routed(arrivals):
            if session.held.quotes is None:
                continue
            taken = session.held.take_quotes(part)
            parts.append((session, taken))
            self._early_quotes.add(part.take(np.flatnonzero(taken.outcomes == Outcome.NOT_OURS)))
            self._counter.count_quotes(taken)
            if fault := self._counter.new_quote_fault(part, taken, session.day.trading_day):
                self._alert(f"feed {self.source}: {fault}; the quote is left out")
            if len(taken.changed):
                changes = part.take(taken.changed)
                write = partial(self._journal.append_quotes, changes, self.interval, self.source)
                self._backlog.add(write, quotes=len(changes))
        self._batches += 1
        self._backlog.add(partial(self._note_sequence, self._batches))
        if self._backlog.write(now()):
            self.status = replace(self.status, save_lag_s=now() - received_at)
        for session, taken in parts:
            if session.day.trading_day == self._shown and len(taken.at_slots):
                rows, slots = np.unique(np.stack([taken.rows, taken.slots]), axis=1)
                self._send_quotes(session.held, rows, slots)
        self._write_store(now())
        self._update_status()

    def leave_out_quotes(self, quotes: int) -> None:
        """Count quotes that were left out before, as they were malformed."""
        self._counter.quotes_left_out += quotes

    def confirm_empty(self, symbol: str, opened_at: Ints) -> None:
        """Note slots in which a symbol had no trade, by the feed's history; `retry` writes them."""
        for session in self._sessions:
            held = session.held
            times = opened_at[(opened_at >= held.since) & (opened_at < held.until)]
            if len(times) and held.rows_of([symbol])[0] >= 0:
                self._backlog.add(
                    partial(self._journal.add_empty_slots, symbol, self.interval, times, self.source)
                )
                held.add_empty(symbol, times)

    def retry(self, now: float, *, is_last: bool = False) -> bool:
        """Write what waits for space, if a try is due, or the last one; return whether nothing waits."""
        is_saved = self._backlog.write(now, is_last=is_last)
        is_stored = self._write_store(now, is_last=is_last)
        self._update_status()
        return is_saved and is_stored

    @property
    def retry_due(self) -> float | None:
        """Time at which `retry` is due; None if nothing waits for space."""
        waits = [one.due for one in (self._backlog.retries, self._writer.retries) if one.due is not None]
        return min(waits) if waits else None

    def end_session(self, trading_day: date, now: float, *, reconciled: bool) -> bool:
        """Take no more bars of a session, but of its extended hours after the close; fold it into the store.

        Returns whether journal and store have all its bars; if not, for lack of space, they are tried again.
        """
        session = self._session(trading_day)
        session.is_ended = True
        session.held.closed_before = session.day.closes
        self._backlog.add(partial(self._journal.end_day, session.day, reconciled=reconciled))
        is_saved = self._backlog.write(now, is_last=True)
        session.is_fold_due = True
        is_stored = self._write_store(now, is_last=True)
        for earlier in [one for one in self._sessions if one.is_ended and one is not session]:
            self._retire(earlier, now)
        self._update_status()
        return is_saved and is_stored

    def note_export(self, trading_day: date, now: float) -> None:
        """Note in the journal that a session was exported."""
        day = self._session(trading_day).day
        self._backlog.add(partial(self._journal.note_export, day))
        self._backlog.write(now)

    def note_scans(self, trading_day: date, records: Sequence[ScanRecord], now: float) -> None:
        """Note in the journal what scanners of a session found, and whether it joined."""
        self._backlog.add(partial(self._journal.add_scans, self._session(trading_day).day, records))
        self._backlog.write(now)

    def note_walk(self, trading_day: date, slots: range, number: int, now: float) -> None:
        """Note in the journal that strategies walk some slots, with what is known.

        `number`: that of the last `Arrived` message of which they know.
        """
        self._backlog.add(partial(self._add_walk, self._session(trading_day).day, slots, number))
        self._backlog.write(now)

    def close(self, now: float) -> None:
        """Write all that waits; an alert tells what could not be written."""
        for session in list(self._sessions):
            self._retire(session, now)
        self._backlog.write(now, is_last=True)
        self._update_status()
        if self._backlog.has_arrivals:
            lost = amount(self._backlog.bars, self._backlog.quotes)
            self._alert(f"{lost} were not saved, for lack of space: they are lost")

    def release(self) -> None:
        """End the claims on symbols; safe to call twice."""
        self._claims.release()

    def _routed(self, arrivals: _Arrived) -> list[tuple[_Session, _Arrived]]:
        """Return the arrivals by session: each goes to the last one that begins before it, or the first."""
        if not self._sessions:
            if isinstance(arrivals, Arrivals):
                self._counter.not_ours += len(arrivals)
            return []
        since = [session.held.since for session in self._sessions]
        at = np.maximum(np.searchsorted(since, arrivals.opened_at, side="right") - 1, 0)
        return [(self._sessions[i], arrivals.take(np.flatnonzero(at == i))) for i in np.unique(at).tolist()]

    def _recorded(self, trading_day: date, symbols: Sequence[str]) -> RecordedDay | None:
        """Return an earlier recording of a day by a session file with these symbols."""
        wanted = tuple(sorted(symbols))
        days = self._journal.days_of(trading_day, self.interval)
        return next((day for day in days if day.symbols == wanted), None)

    def _note_sequence(self, batch: int) -> None:
        """Note how far the journal reaches after a batch."""
        self._sequences[batch] = self._journal.last_sequence

    def _add_walk(self, day: RecordedDay, slots: range, number: int) -> None:
        batch = max(one for one in self._sequences if one <= number)
        self._journal.add_walk(day, WalkedPart(slots.start, slots.stop, self._sequences[batch]))
        self._sequences = {one: last for one, last in self._sequences.items() if one >= batch}

    def _note_changes(
        self, session: _Session, changes: Sequence[SymbolChange], at: float, now: float, *, is_new: bool
    ) -> None:
        for change in changes if is_new else ():
            self._backlog.add(partial(self._journal.add_change, session.day, change, int(at * MICROSECONDS)))
        self._backlog.write(now)
        self._write_store(now)
        self._update_status()

    def _take(self, session: _Session, arrivals: Arrivals, *, is_saved: bool) -> None:
        held = session.held
        taken = held.take(arrivals)
        is_shown = session.day.trading_day == self._shown
        self._counter.count(arrivals, taken, self.interval, self.frontier if is_shown else 0)
        if fault := self._counter.new_fault(arrivals, taken, session.day.trading_day):
            self._alert(f"feed {self.source}: {fault}; the bar is in the journal, but not shown or stored")
        if is_shown and len(taken.at_slots):
            rows, slots, is_new = _changes(taken)
            received = float(arrivals.received[taken.at_slots].max()) / MICROSECONDS
            self._send_bars(held, rows, slots, is_new, received, saved=is_saved)

    def _send_held(self, session: _Session, rows: Ints, received: float) -> None:
        if self._takes_quotes:
            self._send_held_quotes(session, rows)
        held, saved = session.held, not self._backlog.bars
        at, slots = np.nonzero(held.kinds[rows] >= 0)
        is_new = np.ones(len(at), np.bool_)
        if not session.walks:
            self._send_bars(held, rows[at], slots, is_new, received, saved=saved)
            return
        known = known_bars(self._journal, session.day, held, rows, session.walks)
        values = known.values[:, at, slots]
        self._send_bars(held, rows[at], slots, is_new, received, saved=saved, values=values, known_at=0)
        for later in known.later:
            is_new = np.zeros(len(later.rows), np.bool_)
            cells = later.rows, later.slots, is_new
            self._send_bars(held, *cells, received, saved=saved, values=later.values, known_at=later.known_at)

    def _send_bars(
        self,
        held: HeldBars,
        rows: Ints,
        slots: Ints,
        is_new: Mask,
        received: float,
        *,
        saved: bool,
        values: Floats | None = None,
        known_at: int | None = None,
    ) -> None:
        """Send bars as they are held, or other `values` of them."""
        if self._shown is None:
            return
        self._send(
            Arrived(
                self._shown,
                rows,
                slots,
                held.values[:, rows, slots] if values is None else values,
                held.kinds[rows, slots],
                is_new,
                received,
                saved,
                self._batches,
                known_at,
            )
        )

    def _send_held_quotes(self, session: _Session, rows: Ints) -> None:
        held = session.held
        assert held.quotes is not None  # they are taken
        at, slots = held.quotes.quoted(rows)
        if not session.walks:
            self._send_quotes(held, rows[at], slots)
            return
        for known in known_quotes(self._journal, session.day, held, rows, session.walks):
            self._send_quotes(held, known.rows, known.slots, values=known.values, known_at=known.known_at)

    def _send_quotes(
        self,
        held: HeldBars,
        rows: Ints,
        slots: Ints,
        *,
        values: Floats | None = None,
        known_at: int | None = None,
    ) -> None:
        """Send quotes as they are held, or other `values` of them."""
        if self._shown is None or held.quotes is None or not self._takes_quotes:
            return
        if values is None:
            values = held.quotes.values[:, rows, slots]
        self._send(QuotesArrived(self._shown, rows, slots, values, self._batches, known_at))

    def _write_store(self, now: float, *, is_last: bool = False) -> bool:
        """Write the bars that the store is to have by now; return whether it has them."""
        due = [session for session in self._sessions if self.stores_at_once or session.is_fold_due]
        # The store has what the journal adds up to: without the journal, it waits.
        if self._backlog.has_arrivals or not self._writer.write(
            [one.held for one in due], now, is_last=is_last
        ):
            return False
        for session in due:
            session.is_fold_due = False
        return True

    def _retire(self, session: _Session, now: float) -> None:
        """Forget a session, once the store has all its bars."""
        self._backlog.write(now, is_last=True)
        session.is_fold_due = True
        if self._write_store(now, is_last=True):
            self._backlog.add(partial(self._journal.note_stored, session.day))
            self._sessions.remove(session)

    def _session(self, trading_day: date) -> _Session:
        for session in self._sessions:
            if session.day.trading_day == trading_day:
                return session
        raise EngineError(f"the session of {trading_day} is not being recorded")

    def _update_status(self) -> None:
        self.status = replace(
            self.status,
            counts=self._counter.counts(),
            journal_bytes=self._journal.size_bytes,
            unsaved=self._backlog.bars,
            unstored=sum(session.held.unstored_bars for session in self._sessions),
            unsaved_quotes=self._backlog.quotes,
            unstored_quotes=sum(session.held.unstored_quotes for session in self._sessions),
        )


def _changes(taken: Taken) -> tuple[Ints, Ints, Mask]:
    """Return rows and slots that changed, each once, and whether the first change was a new bar."""
    keys = np.stack([taken.rows, taken.slots])
    (rows, slots), first = np.unique(keys, axis=1, return_index=True)
    return rows, slots, taken.outcomes[taken.at_slots[first]] == Outcome.NEW

"""Live player: reveals the slots of a session that is being recorded, and mends those behind the frontier."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np

from tapedeck.engine.clock.pacing import achieved_speed
from tapedeck.engine.clock.slots import epoch_seconds
from tapedeck.engine.metrics.performance import Count, PerformanceMetrics
from tapedeck.engine.run.data_processor import DataProcessor
from tapedeck.engine.run.data_quality_manager import DataQualityManager
from tapedeck.engine.run.editions import Corrections, changes_of, mended
from tapedeck.engine.run.live_alerts import LiveBreakpoints
from tapedeck.engine.run.live_reveal import due_frontier, next_reveal
from tapedeck.engine.run.live_run import LiveRun
from tapedeck.engine.run.live_walk import LiveWalk
from tapedeck.engine.run.session_feed import ProcessMessages
from tapedeck.engine.run.session_scans import SessionScans
from tapedeck.engine.run.symbol_changer import SymbolChanger
from tapedeck.engine.run.symbol_requests import SymbolRequest
from tapedeck.engine.run.worker import Worker
from tapedeck.engine.tape.bar_grid import Floats, Ints
from tapedeck.engine.tape.session_data import SessionData
from tapedeck.engine.tape.symbol_changes import ChangeKind
from tapedeck.engine.tape.tape import Tape

_LONGEST_WAIT_S = 1.0
"""Longest wait, in seconds, until the clocks are compared again."""


class LivePlayer:
    """Moves the frontier of a session in the market's time, in the coordinator's thread.

    Bars for slots ahead of the frontier are written in place; those for slots behind it are collected, and
    make one new edition of the tape. Workers are never waited for, but for an edition, when symbols join or
    leave, and at the close.
    """

    def __init__(
        self,
        session_data: SessionData,
        live: LiveRun,
        metrics: PerformanceMetrics,
        *,
        processor: DataProcessor,
        quality: DataQualityManager,
        breakpoints: LiveBreakpoints,
        symbols: SymbolChanger,
        scans: SessionScans,
        walk: LiveWalk | None = None,
        process_messages: ProcessMessages,
        on_change: Callable[[], None],
    ) -> None:
        self._data = session_data
        self._live = live
        self._metrics = metrics
        self._processor, self._quality = processor, quality
        self._breakpoints = breakpoints
        self._symbols, self._scans = symbols, scans
        self._walk = walk
        self._repeating: SymbolRequest | None = None  # of the first planned change
        self._process_messages = process_messages
        self._on_change = on_change
        self._handed: dict[Worker[range], int] = {processor: 0, quality: 0}
        self._late: list[Corrections] = []  # bars and empty slots behind the frontier
        self._begun = (time.monotonic(), 0)

    @property
    def _tape(self) -> Tape:
        return self._data.require_tape()

    # For the coordinator

    def begin(self, start_frontier: int) -> None:
        """Do nothing: a live session begins with the market."""
        del start_frontier

    def play(self) -> None:
        """Record the session to its close, and reconcile it."""
        self._backfill()
        self._begun = (time.monotonic(), self._tape.frontier)
        while self._tape.frontier < len(self._tape) or self._scans.is_running:
            self._turn()  # symbols that a scan finds can join until the session is compared
        self._wait_until_walked()
        self._reconcile()

    def flush(self) -> None:
        """Hand over revealed slots that were not handed over yet, without waiting."""
        for worker in self._handed:
            self._hand_over(worker)

    def achieved_speed(self) -> float | None:
        """Return market seconds per second since the session was opened."""
        since, frontier = self._begun
        offsets = self._tape.slots.paced_seconds()
        traded = float(offsets[self._tape.frontier] - offsets[frontier])
        return achieved_speed(traded, time.monotonic() - since)

    def wait_until_computed(self) -> None:
        """Wait until all revealed slots are computed and scored."""
        self.flush()
        while not all(worker.is_ready for worker in self._handed):
            self._process_messages(None)

    def take(self, rows: Ints, slots: Ints, values: Floats) -> None:
        """Take bars that arrived: `rows`, `slots` int64 (m,), `values` float64 (5, m)."""
        tape = self._tape
        behind = slots < tape.frontier
        if behind.any():
            self._late.append(Corrections(rows[behind], slots[behind], values[:, behind]))
        ahead = ~behind
        if ahead.any():
            tape.base.write_bars(rows[ahead], slots[ahead], values[:, ahead])

    def take_quotes(self, rows: Ints, slots: Ints, values: Floats) -> None:
        """Take last quotes of slots: `rows`, `slots` int64 (m,), `values` float64 (4, m); NaN takes away."""
        tape = self._tape
        if tape.quotes is None:
            return
        late = tape.quotes.is_late(rows, slots, tape.frontier)
        late |= np.isnan(values).all(axis=0)  # the symbol may have none any more
        late |= any(len(one.quote_rows) for one in self._late)  # those before are not on the tape yet
        if late.any():
            self._late.append(
                Corrections(quote_rows=rows[late], quote_slots=slots[late], quotes=values[:, late])
            )
        ahead = ~late
        if ahead.any():
            tape.quotes.write_quotes(rows[ahead], slots[ahead], values[:, ahead])

    def take_empty(self, rows: Ints, slots: Ints) -> None:
        """Take slots that are confirmed empty: int64 (m,) each."""
        behind = slots < self._tape.frontier
        if behind.any():
            none = np.empty(0, dtype=np.int64)
            self._late.append(Corrections(none, none, np.empty((5, 0)), rows[behind], slots[behind]))
        self._tape.base.confirm_empty(rows[~behind], slots[~behind])

    # The session's life

    def wait_for_open(self) -> None:
        """Wait until the session opens; commands still take effect."""
        self._live.show(self._tape, self, self._process_messages)
        self._on_change()  # from here on the session can be shown
        # The first copy of large grids takes long, as its memory is new; editions use it again.
        self._tape.next_edition(np.empty(0, dtype=np.int64))
        opens = epoch_seconds(self._tape.session.regular_open)
        while self._live.clock.now() < opens:
            self._change_symbols()
            self._live.follow(self._tape)
            self._pause_until(opens)
        self._live.open_session()

    def _backfill(self) -> None:
        """In mid-session ask for what was missed, so that it is there when the first slots are revealed."""
        now, slots = self._live.clock.now(), self._tape.slots
        if slots.slots_over_at(math.floor(now)) == 0:
            return
        self._live.backfill()
        while self._live.is_backfilling:
            self._change_symbols()
            self._pause_until(self._live.follow(self._tape))

    def _turn(self) -> None:
        """Take what has arrived, and do what is due."""
        self._process_messages(0)
        self._take_known()
        self._mend()
        self._change_symbols()
        now = self._live.clock.now()
        settle = self._live.settle_s
        held_at = min(self._planned_frontier(), self._live.reveal_limit(self._tape.frontier))
        self._reveal(min(due_frontier(self._tape, now, settle), held_at))
        self._feed_consumers()
        self._go_on_walking()
        self._breakpoints.search(self._tape)
        self._scans.run_due(self._settle)
        due = next_reveal(self._tape, now, settle)
        if self._planned_frontier() == self._tape.frontier:
            due = now if self._repeating is None else math.inf  # slots are held until it is made
        if self._live.again.has_due(self._tape.frontier):
            due = now
        self._pause_until(min(due, self._live.follow(self._tape)))

    def _reconcile(self) -> None:
        """Compare the session with the feed's history; bars may still arrive meanwhile."""
        while self._planned_frontier() == self._tape.frontier:
            self._change_symbols()
            self._pause_until(self._live.clock.now() if self._repeating is None else math.inf)
        self._live.close_session()
        while not self._live.is_reconciled:
            self._process_messages(0)
            self._take_known()
            self._mend()
            self._change_symbols()
            due = self._live.follow(self._tape)
            if not self._live.is_reconciled:
                self._pause_until(due)
        self._live.end_recording(self._process_messages)
        # What was recorded up to that moment is sent before it is done, and belongs to the session.
        self._process_messages(0)
        self._mend()
        self._breakpoints.search(self._tape)
        self._live.end_session(self._tape)

    # Symbols that join and leave

    def _change_symbols(self) -> None:
        """Have symbols join and leave: as planned for this frontier, then as asked for."""
        symbols = self._live.symbols
        while self._planned_frontier() == self._tape.frontier:
            change = symbols.planned
            assert change is not None  # it has a frontier
            if self._repeating is None:
                if change.kind is ChangeKind.LEFT:
                    self._wait_until_walked()
                    self._live.take_all_of(change.symbol)
                self._repeating = self._symbols.repeat(change)
            self._symbols.apply(self._settle, until=self._repeating)
            if not self._repeating.outcome.done():
                return
            error = self._repeating.outcome.exception()
            if error is not None:
                symbols.pass_planned(change)
                self._live.alert(f"{change.text}: not done again: {error}")
            self._repeating = None
        if not symbols.restores and self._live.again.is_over:
            self._symbols.apply(self._settle)

    def _planned_frontier(self) -> int:
        """Return the frontier at which the next planned change is made; past the close without one."""
        planned = self._live.symbols.planned
        return len(self._tape) + 1 if planned is None else max(self._tape.frontier, planned.frontier)

    def _settle(self) -> None:
        """Wait until the workers are idle, and all that has arrived is on the tape."""
        self.wait_until_computed()
        self._mend()
        self._wait_until_walked()
        self._breakpoints.note(self._tape)

    def _pause_until(self, due: float) -> None:
        """Wait for a message, or until the market's time `due`, or until the clock may have been set."""
        left = self._live.clock.real_seconds(due - self._live.clock.now())
        check = None if self._walk is None else self._walk.seconds_to_check()
        longest = _LONGEST_WAIT_S if check is None else min(check, _LONGEST_WAIT_S)
        self._process_messages(min(longest, max(0.0, left)))

    # Strategies

    def _go_on_walking(self) -> None:
        """Have strategies walk what is revealed, with all that has arrived."""
        if self._walk is not None:
            self._mend()
            self._walk.advance(self._tape)

    def _wait_until_walked(self) -> None:
        """Wait until strategies have walked all revealed slots, and all that has arrived is on the tape."""
        self.wait_until_computed()
        while self._walk is not None and self._walk.walked < self._tape.frontier:
            self._go_on_walking()
            self._process_messages(self._walk.seconds_to_check())
        self._mend()
        self._go_on_walking()

    def _take_known(self) -> None:
        """Take bars that strategies, as they walk the session again, know from this frontier on."""
        frontier = self._tape.frontier
        if self._live.again.has_due(frontier):
            self._wait_until_walked()
            self._live.take_known(frontier)

    def _reveal(self, frontier: int) -> None:
        tape, before = self._tape, self._tape.frontier
        if frontier > before:
            tape.frontier = frontier
            self._metrics.count(Count.BARS, int(tape.base.present[:, before:frontier].sum()))
            self._count_overrun()
            self._on_change()

    def _feed_consumers(self) -> None:
        for worker in self._handed:
            if worker.is_ready:
                self._hand_over(worker)

    def _count_overrun(self) -> None:
        """Count slots that are revealed while the processor computes those before: once for each reveal."""
        if not self._processor.is_ready:
            self._processor.overruns += 1
            self._metrics.count(Count.OVERRUNS)
        if self._walk is not None:
            self._walk.count_overrun()

    def _hand_over(self, worker: Worker[range]) -> None:
        handed, frontier = self._handed[worker], self._tape.frontier
        if handed < frontier:
            worker.hand_over(range(handed, frontier))
            self._handed[worker] = frontier

    # Editions

    def _mend(self) -> None:
        """Make one new edition of all corrections that have arrived."""
        if not self._late:
            return
        self.wait_until_computed()  # more may arrive meanwhile
        late, self._late = self._late, []
        corrections = changes_of(self._tape, late)
        if corrections is None:
            return
        before, computer = self._tape, self._processor.computer
        assert computer is not None  # the session is set up
        made = mended(before, corrections, computer, self._quality.scores)
        self._data.replace_tape(made)
        self._live.note_edition(made)
        self._breakpoints.compare(before, made)
        if self._walk is not None:
            self._walk.tell_corrected(before, made, corrections)
        self._on_change()

"""Session player: requests a tape's blocks, and publishes slots up to the transport's limit."""

from __future__ import annotations

import time
from collections.abc import Callable

from tapedeck.engine.clock.pacing import Pace, achieved_speed
from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.metrics.performance import Count, PerformanceMetrics
from tapedeck.engine.run.analysis_engine import AnalysisEngine
from tapedeck.engine.run.breakpoints import Breakpoints
from tapedeck.engine.run.render_priority import RenderPriority
from tapedeck.engine.run.session_feed import ProcessMessages
from tapedeck.engine.run.session_scans import SessionScans
from tapedeck.engine.run.subscription import PaceMode
from tapedeck.engine.run.symbol_changer import SymbolChanger
from tapedeck.engine.run.transport import Transport
from tapedeck.engine.run.worker import Worker
from tapedeck.engine.tape.session_data import SessionData
from tapedeck.engine.tape.tape import Tape


class SessionPlayer:
    """Moves the frontier of one session's tape, in the coordinator's thread.

    Data-driven: a block is computed before it is revealed; slots computed beyond a pause stay hidden.
    Clock-driven: slots are revealed when due, and consumers follow as fast as they can. With breakpoints set,
    or strategies, slots are computed before they are revealed here, too, so that no hit is missed. Play that
    is data-driven waits for `consumers`; it waits for `followers` at the close only. `find_earlier_values` is
    called before breakpoints are searched; it may handle commands. `scans` run at exactly their slots, before
    commands. With strategies, `analysis`, only slots that they have walked are revealed, and they do not walk
    past a slot at which something else may intervene.
    """

    def __init__(
        self,
        session_data: SessionData,
        transport: Transport,
        time_manager: TimeManager,
        metrics: PerformanceMetrics,
        *,
        consumers: tuple[Worker[range], ...],
        followers: tuple[Worker[range], ...],
        breakpoints: Breakpoints,
        symbols: SymbolChanger,
        scans: SessionScans,
        analysis: AnalysisEngine | None,
        process_messages: ProcessMessages,
        find_earlier_values: Callable[[], None],
        on_change: Callable[[], None],
        render_priority: RenderPriority,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._data = session_data
        self._transport = transport
        self._time = time_manager
        self._metrics = metrics
        self._consumers = consumers
        self._followers = followers
        self._breakpoints = breakpoints
        self._symbols = symbols
        self._scans = scans
        self._analysis = analysis
        self._process_messages = process_messages
        self._find_earlier_values = find_earlier_values
        self._on_change = on_change
        self._render_priority = render_priority
        self._monotonic = monotonic
        self._handed = dict.fromkeys((*consumers, *followers), 0)
        self._pace: Pace | None = None
        self._paced_revision = -1
        self._paced_from = (monotonic(), 0)

    @property
    def _tape(self) -> Tape:
        return self._data.require_tape()

    def begin(self, start_frontier: int) -> None:
        """Compute and reveal the slots before a start in mid-session at once, with their scans."""
        # A command may interrupt the computation, which then starts again.
        while min(self._handed[worker] for worker in self._consumers) < start_frontier:
            self._compute_to(start_frontier)
        if self._analysis is not None:
            self._find_earlier_values()
        self._scans.run_due(self.wait_until_computed)
        while self._tape.frontier < start_frontier:
            self._reveal_walked(self._scans.limit(start_frontier), counts_as_step=False)
            self._scans.run_due(self.wait_until_computed)

    def play(self) -> None:
        """Play the tape from its frontier to its close, and wait until all of it is computed."""
        tape, transport = self._tape, self._transport
        self._find_earlier_values()
        self._break_at(self._breakpoints.search(tape, tape.frontier, tape.frontier))
        while True:
            self._scans.run_due(self.wait_until_computed)
            self._process_messages(0)
            self._symbols.apply(self.wait_until_computed)
            tape = self._tape
            if transport.pause_if_reached(tape.slots, tape.frontier):
                self._on_change()
            if self._paced_revision != transport.revision:
                self._set_pace()
            if transport.is_held:
                self._process_messages(None)
            elif tape.frontier == len(tape):
                break
            elif transport.waits_for_clock:
                self._play_by_clock()
            else:
                self._play_by_data()
        self.wait_until_computed()

    def wait_until_computed(self) -> None:
        """Wait until all consumers and followers have computed up to the frontier."""
        self.flush()
        while not self._is_computed():
            self._process_messages(None)

    def flush(self) -> None:
        """Hand over revealed slots that were not handed over yet, without waiting."""
        for worker in (*self._consumers, *self._followers):
            self._hand_over(worker, self._tape.frontier)

    def achieved_speed(self) -> float | None:
        """Return market seconds per second since play last started; None while paused."""
        if self._transport.is_held:
            return None
        tape, (since, frontier) = self._data.tape, self._paced_from
        if tape is None or frontier > tape.frontier:  # another thread may ask between two sessions
            return None
        offsets = tape.slots.paced_seconds()
        traded = float(offsets[tape.frontier] - offsets[frontier])
        return achieved_speed(traded, self._monotonic() - since)

    # Data-driven

    def _play_by_data(self) -> None:
        limit = self._transport.limit(self._tape.slots, self._tape.frontier)
        if limit > self._tape.frontier:
            self._compute_to(limit)
            self._find_earlier_values()
            # A command meanwhile may have lowered the limit; slots beyond it stay hidden.
            limit = self._transport.limit(self._tape.slots, self._tape.frontier)
        self._reveal_computed(self._scans.limit(limit))

    def _reveal_computed(self, limit: int) -> None:
        """Reveal computed slots up to `limit`, or up to the first breakpoint hit."""
        start = self._tape.frontier + 1
        stop = min(limit, *(self._handed[worker] for worker in self._consumers))
        found = None
        if self._breakpoints.read_account:  # known once the strategies have walked the slot
            stop = min(stop, start)
            self._reveal_walked(stop)
            stop = min(stop, self._tape.frontier)
        if self._breakpoints.any_set and start <= stop:
            found = self._breakpoints.search(self._tape, start, stop)
        if self._reveal_walked(stop if found is None else found):
            self._break_at(found)

    def _reveal_walked(self, frontier: int, *, counts_as_step: bool = True) -> bool:
        """Reveal computed slots up to a frontier as strategies walk them; return whether it is reached.

        A command meanwhile ends it at the slot where they stand.
        """
        analysis = self._analysis
        if analysis is None or frontier <= self._tape.frontier:
            self._reveal(frontier, counts_as_step=counts_as_step)
            return True
        before = self._intervention()
        analysis.walk_to(frontier)
        try:
            while not analysis.is_ready:
                self._process_messages(analysis.seconds_to_check())
                if self._intervention() != before:
                    analysis.interrupt()
                self._reveal(analysis.walked, counts_as_step=counts_as_step)
        finally:
            self._reveal(analysis.walked, counts_as_step=counts_as_step)
        self._on_change()  # a pause has taken effect
        return self._tape.frontier == frontier

    def _intervention(self) -> tuple[int, int, int]:
        """Return what differs once a command may change how far strategies may walk."""
        return self._transport.revision, self._breakpoints.revision, self._symbols.waiting

    def _break_at(self, frontier: int | None) -> None:
        """Pause at a breakpoint hit at a frontier just revealed; None: no hit."""
        if frontier is not None:
            self._transport.hold()
            self._breakpoints.fire(self._tape, frontier)
            self._on_change()

    def _compute_to(self, limit: int) -> None:
        """Have slots up to `limit` computed, unless a command changes the transport first."""
        self._render_priority.yield_to_rendering()
        revision = self._transport.revision
        while not all(worker.is_ready for worker in self._consumers):
            self._process_messages(None)
        if revision != self._transport.revision:
            return
        for worker in (*self._consumers, *self._followers):
            self._hand_over(worker, limit)
        waited = False
        while not all(worker.is_ready for worker in self._consumers):
            if not waited:
                self._metrics.count(Count.BACK_PRESSURE)
                waited = True
            self._process_messages(None)

    def _hand_over(self, worker: Worker[range], limit: int) -> None:
        handed = self._handed[worker]
        if handed < limit:
            worker.hand_over(range(handed, limit))
            self._handed[worker] = limit

    # Clock-driven

    def _play_by_clock(self) -> None:
        tape, pace = self._tape, self._pace
        if pace is None:
            return
        limit = self._transport.limit(tape.slots, tape.frontier)
        due = self._scans.limit(min(limit, pace.due(self._monotonic())))
        if due > tape.frontier and (self._breakpoints.any_set or self._analysis is not None):
            self._compute_to(due)
            self._find_earlier_values()
            self._reveal_computed(min(due, self._transport.limit(tape.slots, tape.frontier)))
            return
        if due > tape.frontier:
            self._reveal(due)
            self._feed_consumers(count_overruns=True)
            return
        self._feed_consumers(count_overruns=False)
        wait = pace.deadline(tape.frontier + 1) - self._monotonic()
        self._process_messages(max(0.0, wait))

    def _feed_consumers(self, *, count_overruns: bool) -> None:
        """Hand revealed slots to each consumer that is ready; a late one gets a larger block next time."""
        for worker in self._consumers:
            if worker.is_ready:
                self._hand_over(worker, self._tape.frontier)
            elif count_overruns:
                worker.overruns += 1
                self._metrics.count(Count.OVERRUNS)
        for worker in self._followers:
            self._hand_over(worker, self._tape.frontier)

    def _set_pace(self) -> None:
        """Apply a pause, resume or change of speed to the pace, without a jump within the current slot."""
        transport, now, frontier = self._transport, self._monotonic(), self._tape.frontier
        self._paced_revision = transport.revision
        self._paced_from = (now, frontier)
        if transport.speed == 0:
            self._pace = None
        elif transport.paused:
            if self._pace is not None:
                self._pace.hold(now)
        elif self._pace is None:
            offsets = self._tape.slots.paced_seconds()
            self._pace = Pace(offsets, speed=transport.speed, now=now, frontier=frontier)
        else:
            self._pace.rebase(now, frontier, transport.speed)
        mode = PaceMode.CLOCK_DRIVEN if transport.waits_for_clock else PaceMode.DATA_DRIVEN
        for worker in self._consumers:
            worker.subscription.mode = mode

    def _reveal(self, frontier: int, *, counts_as_step: bool = True) -> None:
        tape = self._tape
        before = tape.frontier
        if frontier <= before:
            return
        self._time.set_backtest_time(utc_from_epoch(tape.slots.clock(frontier)))
        tape.frontier = frontier
        if tape.base.full:
            bars = (frontier - before) * len(tape.symbols)
        else:
            bars = int(tape.base.present[:, before:frontier].sum())
        self._metrics.count(Count.BARS, bars)
        if counts_as_step:
            self._transport.use_steps(frontier - before)
        self._on_change()

    def _is_computed(self) -> bool:
        return all(worker.is_ready for worker in (*self._consumers, *self._followers))

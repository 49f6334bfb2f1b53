"""Live walk: has strategies walk a live session, which goes on meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple, Protocol

from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.metrics.performance import Count, PerformanceMetrics
from tapedeck.engine.run.editions import Corrections
from tapedeck.engine.run.live_run import LiveRun
from tapedeck.engine.tape.bar_grid import OPEN
from tapedeck.engine.tape.tape import Tape


class WalkStage(Protocol):
    """The thread in which strategies walk. See `AnalysisEngine`."""

    overruns: int
    walked: int
    """Number of slots that were walked and published."""

    @property
    def is_ready(self) -> bool:
        """Whether it has walked all that was handed over."""
        ...

    def walk_over(self, tape: Tape, stop: int) -> None:
        """Begin to walk up to `stop` over an edition of the tape. Only while it is ready."""
        ...

    def seconds_to_check(self) -> float | None:
        """Return the longest time to wait until this is called again. StrategyError for a call that lasts."""
        ...


class _Noted(NamedTuple):
    """Slots that are to be walked once the journal has what is known of them: up to `stop`, of `tape`."""

    tape: Tape
    stop: int
    written: Future[None]


class _Corrected(NamedTuple):
    """Open of a bar before and after it was corrected."""

    was: float
    now: float


class LiveWalk:
    """Hands revealed slots over to the strategies, in the coordinator's thread.

    They walk over the edition that is newest when they begin, so that editions need not wait for them. The
    journal has what they know before they walk: after a kill they decide the same again. `wake` wakes the
    coordinator.
    """

    def __init__(
        self, stage: WalkStage, live: LiveRun, metrics: PerformanceMetrics, wake: Callable[[], None]
    ) -> None:
        self._stage, self._live, self._metrics, self._wake = stage, live, metrics, wake
        self._noted: _Noted | None = None
        self._begun = 0  # slots that are walked, or begun to be
        self._corrected: dict[tuple[str, int], _Corrected] = {}  # among those that are being walked

    @property
    def walked(self) -> int:
        """Number of slots that were walked."""
        return self._stage.walked

    def seconds_to_check(self) -> float | None:
        """See `WalkStage.seconds_to_check`."""
        return self._stage.seconds_to_check()

    def count_overrun(self) -> None:
        """Take note that slots are revealed: those before may not be walked yet."""
        if not self._stage.is_ready or self._noted is not None:
            self._stage.overruns += 1
            self._metrics.count(Count.OVERRUNS)

    def tell_corrected(self, before: Tape, after: Tape, corrections: Corrections) -> None:
        """Tell of the bars in which orders filled, and that an edition corrects: the fills stay."""
        for row, slot in zip(corrections.rows.tolist(), corrections.slots.tolist(), strict=True):
            if slot < self._begun:
                opens = float(before.base.values[OPEN, row, slot]), float(after.base.values[OPEN, row, slot])
                self._corrected[after.symbols[row], slot] = _Corrected(*opens)
        self._tell(after)

    def _tell(self, tape: Tape) -> None:
        """Tell of corrected bars that are known to have filled orders; forget those that filled none."""
        if not self._corrected or tape.account is None:
            return
        record = tape.account.record
        filled = {(fill.symbol, fill.slot) for fill in record.fills}
        for (symbol, slot), opens in sorted(self._corrected.items()):
            if (symbol, slot) in filled:
                clock = utc_from_epoch(int(tape.slots.opened_at[slot])).astimezone(tape.session.zone)
                text = (
                    f"the bar of {clock:%H:%M} was corrected after an order had filled in it (open "
                    f"{opens.was:g}, now {opens.now:g}): orders and fills stay as they were"
                )
                self._live.note_corrected_fill(symbol, text)
        self._corrected = {
            cell: opens
            for cell, opens in self._corrected.items()
            if cell[1] >= record.walked and cell not in filled
        }

    def advance(self, tape: Tape) -> None:
        """Go on with the walk as far as can be without waiting. Only with all that arrived on the tape."""
        self._tell(tape)
        if not self._stage.is_ready:
            return
        noted = self._noted
        if noted is not None:
            if noted.written.done():
                noted.written.result()  # raises if the recorder has ended
                self._noted = None
                self._stage.walk_over(noted.tape, noted.stop)
            return
        start, stop = self._stage.walked, min(tape.frontier, tape.processed)
        if start >= stop or not self._live.has_taken_all:
            return
        self._begun = stop
        if stop <= self._live.again.stop:
            self._stage.walk_over(tape, stop)  # the journal has it
            return
        written = self._live.note_walk(range(start, stop))
        self._noted = _Noted(tape, stop, written)
        written.add_done_callback(lambda _: self._wake())

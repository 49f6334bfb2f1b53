"""Kernels: what computes one indicator's columns, block by block, and what it is given for that."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from tapedeck.engine.indicators.compact_series import CompactSeries
from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.bar_grid import BarGrid, Floats
from tapedeck.engine.tape.tape import Tape


class Kernel(Protocol):
    """Computes one indicator of one tape, for blocks that follow each other from the open on.

    How the session is cut into blocks must not change a bit: a value depends on slots at or before its own
    only, and sums run in order, with the carry of the block before in their first term.
    """

    def advance(self, slots: range, columns: range) -> None:
        """Write the columns of the indicator's interval that a block completes.

        `slots`: the block's base slots; `columns`: columns of the interval, none where no bucket ends in the
        block. A value stands where there is a bar; elsewhere the column stays NaN.
        """


class RunningValues(ABC):
    """Values by base slot since the open, which indicators on several intervals share.

    `values`: float64 (S, n), NaN where there is none yet; a slot without a bar carries the value on.
    """

    __slots__ = ("values",)

    values: Floats

    @abstractmethod
    def advance(self, base: BarGrid, start: int, stop: int) -> None:
        """Compute slots [start, stop), which must follow those computed before."""


class SharedRunning:
    """Running values with how far they are, so that the first of their readers advances them for all."""

    __slots__ = ("_reached", "running")

    def __init__(self, running: RunningValues) -> None:
        self.running = running
        self._reached = 0

    def reach(self, base: BarGrid, slots: range) -> None:
        """Compute the slots of a block, unless that is done."""
        if slots.stop > self._reached:
            self.running.advance(base, slots.start, slots.stop)
            self._reached = slots.stop


class KernelInputs(NamedTuple):
    """What a kernel reads, and the columns that it writes.

    `grid`: the bars of `interval`. `columns`: one array (S, columns of `interval`) per output, all NaN.
    `against`: values of the historical indicator that the kind compares with, (S, minutes) or (S, 1).
    `series`: for kinds with a lookback, the bars of the interval with the missing ones taken out, earlier
    sessions first; the block's own are appended before a kernel is called. Of each row the first `skipped`
    bars are older than the kind's warm-up asks for, and must not be read: they are there or not, as other
    indicators need them.
    """

    tape: Tape
    interval: Interval
    grid: BarGrid
    parameters: Mapping[str, float | int]
    columns: tuple[Floats, ...]
    against: Floats | None
    series: CompactSeries
    skipped: list[int]
    running: dict[str, SharedRunning]

    def shared_running(self, name: str, make: Callable[[int, int], RunningValues]) -> SharedRunning:
        """Return the running values called `name` of this tape; `make(symbols, slots)` makes them once."""
        if name not in self.running:
            self.running[name] = SharedRunning(make(*self.tape.base.shape))
        return self.running[name]

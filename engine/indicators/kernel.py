"""Kernels: computation of an indicator's columns block by block, and its inputs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, NamedTuple, Self

from tapedeck.engine.indicators.compact_series import CompactSeries
from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.bar_grid import BarGrid, Floats, Ints
from tapedeck.engine.tape.row_selection import gathered
from tapedeck.engine.tape.tape import Tape


class CarriedRows:
    """State that is carried from block to block, with a row per symbol.

    `carries`: names of the attributes that hold it, arrays whose first axis is the symbols; none by default.
    A correction computes the rows that it touches again, on their own, and they take the place of the old
    ones; a symbol that joins is computed on its own, too. So a carry that is not named here makes values
    wrong after either.
    """

    __slots__ = ()

    carries: ClassVar[tuple[str, ...]] = ()

    def take_over(self, before: Self, part: Self, rows: Ints) -> None:
        """Take the rows of `before`, which may be this object itself, and those of `part` as `rows`."""
        for name in self.carries:
            own, old = getattr(self, name), getattr(before, name)
            if own is not old:
                own[: len(old)] = old
            own[rows] = getattr(part, name)

    def change_rows(self, before: Self, kept: Ints, part: Self, added: Ints) -> None:
        """Take the rows `kept` of `before`, then the rows `added` of `part`; each may be this object."""
        for name in self.carries:
            setattr(self, name, gathered([(getattr(before, name), kept), (getattr(part, name), added)]))


class Kernel(CarriedRows, ABC):
    """Computes one indicator of one tape, for consecutive blocks from the open on.

    The cut into blocks must not change a bit: a value depends only on slots at or before its own, and sums
    run in order, with the carry of the block before in their first term.
    """

    @abstractmethod
    def advance(self, slots: range, columns: range) -> None:
        """Write the columns of the indicator's interval that a block completes.

        `slots`: the block's base slots; `columns`: columns of the interval, empty if no bucket ends in the
        block. Values are written for bars that are present; for others the column stays NaN.
        """


class RunningValues(CarriedRows, ABC):
    """Values by base slot since the open, shared by indicators on several intervals.

    `values`: float64 (S, n), NaN before the first value; a slot without a bar repeats the last value.
    """

    __slots__ = ("values",)

    carries: ClassVar[tuple[str, ...]] = ("values",)
    values: Floats

    @abstractmethod
    def advance(self, base: BarGrid, start: int, stop: int) -> None:
        """Compute slots [start, stop); `start`: the end of the slots computed before."""


class SharedRunning:
    """Running values with their frontier: the first reader of a block advances them for all readers."""

    __slots__ = ("_reached", "running")

    def __init__(self, running: RunningValues) -> None:
        self.running = running
        self._reached = 0

    def reach(self, base: BarGrid, slots: range) -> None:
        """Compute the slots of a block, unless they are computed already."""
        if slots.stop > self._reached:
            self.running.advance(base, slots.start, slots.stop)
            self._reached = slots.stop

    def take_rows(self, part: SharedRunning, rows: Ints) -> None:
        """Take rows as they were computed on their own, up to the same slot."""
        self.running.take_over(self.running, part.running, rows)

    def change_rows(self, kept: Ints, part: SharedRunning, added: Ints) -> None:
        """Go on with the rows `kept`, then the rows `added` of `part`, computed up to the same slot."""
        self.running.change_rows(self.running, kept, part.running, added)


class KernelInputs(NamedTuple):
    """Inputs of a kernel, and the columns that it writes.

    `grid`: the bars of `interval`; `grid.values[field]` is (S, columns of `interval`), fields as in `FIELDS`.
    `columns`: one array (S, columns of `interval`) per output, all NaN.
    `against`: values of the historical indicator that the kind compares with, (S, minutes) or (S, 1).
    `series`: for kinds with a lookback, the bars of the interval without the missing ones, earlier sessions
    first; the bars of a block are appended before the kernel is called. The first `skipped` bars of each row
    are older than the kind's history and must not be read: their number depends on other indicators.
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
        """Return the tape's running values called `name`; the first call runs `make(symbols, slots)`."""
        if name not in self.running:
            self.running[name] = SharedRunning(make(*self.tape.base.shape))
        return self.running[name]

"""Block computer: computes a tape's derived bars and session indicators from its base bars, block by block.

Plain arithmetic over grids, without threads. Every column depends only on slots at or before its own, and
every sum runs in order, so results do not depend on the cut into blocks, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tapedeck.engine.indicators.compact_series import CompactSeries
from tapedeck.engine.indicators.kernel import Kernel, KernelInputs, SharedRunning
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.indicators.warm_up import columns_used, sessions_used
from tapedeck.engine.intervals import WEEK, Interval
from tapedeck.engine.tape.bar_grid import FIELDS, BarGrid
from tapedeck.engine.tape.tape import IndicatorColumn, Tape

HistoryOf = Callable[[Interval], Sequence[BarGrid]]


class BlockComputer:
    """Computes one tape's derived bars and indicators, for consecutive blocks.

    Indicators on 1w are complete from the start, as their weeks are over before the session.
    `history_of(interval)` returns the grids of earlier sessions, oldest first: one grid per session below a
    day, one grid with a column per day for days, one with a column per complete week for weeks.
    `min_completeness`: the session file's fraction.
    `cancelled` is called between indicators; once it returns True, the block is abandoned and the computer
    must not be used again.
    """

    def __init__(
        self,
        tape: Tape,
        specs: Sequence[IndicatorSpec],
        history_of: HistoryOf,
        *,
        min_completeness: float = 0.0,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._tape = tape
        self._cancelled = cancelled
        self._min_completeness = min_completeness
        columns = _columns(tape, specs)
        running: dict[str, SharedRunning] = {}
        by_interval: dict[Interval, list[IndicatorSpec]] = {}
        for spec in specs:
            by_interval.setdefault(spec.interval, []).append(spec)
        _compute_weekly(tape, by_interval.pop(WEEK, ()), history_of, columns)
        self._groups = [
            _IntervalGroup(tape, interval, tape.grid(interval), members, history_of, columns, running)
            for interval, members in by_interval.items()
        ]
        for column in columns.values():
            tape.set_indicator(column)

    def compute(self, start: int, stop: int) -> bool:
        """Compute the columns that slots [start, stop) complete; `start`: the end of the block before.

        Returns True if the block was finished, False if it was cancelled.
        """
        tape = self._tape
        for interval, grid in tape.derived.items():
            first, last = tape.columns_over(interval, start), tape.columns_over(interval, stop)
            if first < last:
                grid.derive(tape.base, first, last, self._min_completeness)
        slots = range(start, stop)
        return all(group.advance(slots, self._cancelled) for group in self._groups)


class _IntervalGroup:
    """Indicators on the bars of one interval; those with a lookback share one compact series."""

    def __init__(
        self,
        tape: Tape,
        interval: Interval,
        grid: BarGrid,
        members: Sequence[IndicatorSpec],
        history_of: HistoryOf,
        outputs: Mapping[str, IndicatorColumn],
        running: dict[str, SharedRunning],
    ) -> None:
        self._tape, self._interval, self._grid = tape, interval, grid
        with_history = [spec for spec in members if spec.lookback is not None]
        lengths = {spec.history_bars for spec in with_history}
        fields = {FIELDS.index(name) for spec in with_history for name in spec.description.inputs}
        history = self._history(history_of, max(lengths, default=0))
        symbols, columns = self._grid.shape
        capacity = columns + sum(earlier.shape[1] for earlier in history)
        self._series = CompactSeries(sorted(fields), symbols, capacity)
        for earlier in history:
            self._series.append(earlier, 0, earlier.shape[1])
        self._history_lengths: list[int] = self._series.length.tolist()
        skipped = {bars: self._skipped(history, bars) for bars in lengths}

        def kernel(spec: IndicatorSpec) -> Kernel:
            against = None if spec.against is None else tape.historical[spec.against].values
            return spec.description.kernel(
                KernelInputs(
                    tape=tape,
                    interval=interval,
                    grid=self._grid,
                    parameters=spec.parameters,
                    columns=tuple(outputs[name].values for name in spec.outputs),
                    against=against,
                    series=self._series,
                    skipped=[] if spec.lookback is None else skipped[spec.history_bars],
                    running=running,
                )
            )

        self._session_kernels = [kernel(spec) for spec in members if spec.lookback is None]
        self._series_kernels = [kernel(spec) for spec in with_history]

    def _history(self, history_of: HistoryOf, bars: int) -> Sequence[BarGrid]:
        """Return the grids of the earlier sessions in the longest history of the members."""
        if not bars:
            return ()
        history = history_of(self._interval)
        if not self._interval.is_intraday:
            return history
        sizes = [grid.shape[1] for grid in history]
        return history[len(history) - sessions_used(sizes, bars) :]

    def _skipped(self, history: Sequence[BarGrid], bars: int) -> list[int]:
        """Return the number of bars at the head of each row that are older than a history of so many."""
        sizes = [grid.shape[1] for grid in history]
        daily = not self._interval.is_intraday
        older = sum(sizes) - columns_used(sizes, bars, sessions_are_columns=daily)
        if older == 0:
            return [0] * self._grid.shape[0]
        skipped = np.zeros(self._grid.shape[0], dtype=np.int64)
        for grid in history:
            part = min(older, grid.shape[1])
            if part:
                skipped += grid.present[:, :part].sum(axis=1)
            older -= part
        counts: list[int] = skipped.tolist()
        return counts

    def advance(self, slots: range, cancelled: Callable[[], bool]) -> bool:
        """Compute the columns that a block completes; return False if cancelled."""
        first = self._tape.columns_over(self._interval, slots.start)
        last = self._tape.columns_over(self._interval, slots.stop)
        return self.compute(slots, range(first, last), cancelled)

    def compute(self, slots: range, columns: range, cancelled: Callable[[], bool]) -> bool:
        """Compute the given columns; return False if cancelled."""
        first, last = columns.start, columns.stop
        for kernel in self._session_kernels:
            kernel.advance(slots, columns)
        if not self._series_kernels or not columns:
            return True
        self._series.append(self._grid, first, last)
        for kernel in self._series_kernels:
            if cancelled():
                return False
            kernel.advance(slots, columns)
        if last == self._grid.shape[1] and not self._grid.is_full(0, last):
            # The next session reads this grid as history, without packing it again.
            self._grid.packed = self._series.packed_since(self._history_lengths)
        return True


def _compute_weekly(
    tape: Tape,
    members: Sequence[IndicatorSpec],
    history_of: HistoryOf,
    columns: Mapping[str, IndicatorColumn],
) -> None:
    """Write the values at the last complete week, which takes the place of the session's bars.

    The current week is not over, and a bar counts once it is over; before the open, none of it is known.
    """
    weeks = history_of(WEEK) if members else ()
    if not weeks:
        return
    (grid,) = weeks
    earlier, last = BarGrid.loaded(grid.values[:, :, :-1]), BarGrid.loaded(grid.values[:, :, -1:])
    group = _IntervalGroup(tape, WEEK, last, members, lambda _: [earlier], columns, {})
    group.compute(range(0), range(1), lambda: False)


def _columns(tape: Tape, specs: Sequence[IndicatorSpec]) -> dict[str, IndicatorColumn]:
    """Return the indicators' empty columns by name, in order; one array holds those of an interval."""
    names: dict[Interval, int] = {}
    for spec in specs:
        names[spec.interval] = names.get(spec.interval, 0) + len(spec.outputs)
    shapes = {interval: (len(tape.symbols), len(tape.opened_at(interval))) for interval in names}
    arrays = {
        interval: iter(np.full((count, *shapes[interval]), np.nan)) for interval, count in names.items()
    }
    return {
        name: IndicatorColumn(name, spec.interval, next(arrays[spec.interval]))
        for spec in specs
        for name in spec.outputs
    }

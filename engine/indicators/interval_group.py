"""Interval group: the indicators on the bars of one interval, computed together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tapedeck.engine.indicators.compact_series import CompactSeries
from tapedeck.engine.indicators.kernel import Kernel, KernelInputs, SharedRunning
from tapedeck.engine.indicators.row_history import HistoryOf
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.indicators.warm_up import columns_used, sessions_used
from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.bar_grid import FIELDS, BarGrid, Ints
from tapedeck.engine.tape.tape import IndicatorColumn, Tape


class IntervalGroup:
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
        self._members = members
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
        self._skipped = {bars: self._skipped_of(history, bars) for bars in lengths}
        self._make_kernels(outputs, running)

    def _make_kernels(
        self, outputs: Mapping[str, IndicatorColumn], running: dict[str, SharedRunning]
    ) -> None:
        def kernel(spec: IndicatorSpec) -> Kernel:
            against = None if spec.against is None else self._tape.historical[spec.against].values
            return spec.description.kernel(
                KernelInputs(
                    tape=self._tape,
                    interval=self._interval,
                    grid=self._grid,
                    parameters=spec.parameters,
                    columns=tuple(outputs[name].values for name in spec.outputs),
                    against=against,
                    series=self._series,
                    skipped=[] if spec.lookback is None else self._skipped[spec.history_bars],
                    running=running,
                )
            )

        self._session_kernels = [kernel(spec) for spec in self._members if spec.lookback is None]
        self._series_kernels = [kernel(spec) for spec in self._members if spec.lookback is not None]

    def _history(self, history_of: HistoryOf, bars: int) -> Sequence[BarGrid]:
        """Return the grids of the earlier sessions in the longest history of the members."""
        if not bars:
            return ()
        history = history_of(self._interval)
        if not self._interval.is_intraday:
            return history
        sizes = [grid.shape[1] for grid in history]
        return history[len(history) - sessions_used(sizes, bars) :]

    def _skipped_of(self, history: Sequence[BarGrid], bars: int) -> list[int]:
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
        self._keep_packed(last)
        return True

    def move_to(self, tape: Tape, part: IntervalGroup, rows: Ints, running: dict[str, SharedRunning]) -> None:
        """Go on over the next edition of the tape, with `rows` as `part` has computed them alone."""
        self._tape, self._grid = tape, tape.grid(self._interval)
        self._series.take_rows(part._series, rows)
        before = self._kernels()
        self._make_kernels(tape.indicators, running)
        for kernel, old, other in zip(self._kernels(), before, part._kernels(), strict=True):
            kernel.take_over(old, other, rows)
        if self._series_kernels:
            self._keep_packed(tape.columns_over(self._interval, tape.processed))

    def change_rows(
        self, tape: Tape, kept: Ints, part: IntervalGroup, added: Ints, running: dict[str, SharedRunning]
    ) -> None:
        """Go on over the next edition of the tape, with the rows `kept`, then the rows `added` of `part`."""
        self._tape, self._grid = tape, tape.grid(self._interval)
        self._history_lengths = _chosen(self._history_lengths, kept, part._history_lengths, added)
        self._skipped = {
            bars: _chosen(skipped, kept, part._skipped[bars], added)
            for bars, skipped in self._skipped.items()
        }
        # A late bar may come for any column, so each row has room for all of them.
        capacity = max(self._history_lengths, default=0) + self._grid.shape[1]
        self._series.change_rows(kept, part._series, added, capacity)
        before, others = self._kernels(), part._kernels()
        self._make_kernels(tape.indicators, running)
        for kernel, old, other in zip(self._kernels(), before, others, strict=True):
            kernel.change_rows(old, kept, other, added)
        if self._series_kernels:
            self._keep_packed(tape.columns_over(self._interval, tape.processed))

    def _kernels(self) -> tuple[Kernel, ...]:
        return (*self._session_kernels, *self._series_kernels)

    def _keep_packed(self, over: int) -> None:
        """Keep the session's packed bars once all `over` columns are there, unless none is missing.

        The next session reads this grid as history, without packing it again.
        """
        if over == self._grid.shape[1] and not self._grid.is_full(0, over):
            self._grid.packed = self._series.packed_since(self._history_lengths)


def _chosen(values: list[int], kept: Ints, others: list[int], added: Ints) -> list[int]:
    """Return the values of the rows `kept`, then the other ones of the rows `added`."""
    return [*(values[row] for row in kept.tolist()), *(others[row] for row in added.tolist())]

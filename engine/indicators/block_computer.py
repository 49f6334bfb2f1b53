"""Compute what a tape derives from its base bars, block by block: derived bars and session indicators.

Plain arithmetic over grids, without threads. Every column depends on slots at or before its own only, and
every sum runs in order, so the way in which a session is cut into blocks does not change a bit of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tapedeck.engine.indicators.compact_series import CompactSeries
from tapedeck.engine.indicators.running import RunningExtreme, RunningVwap
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.indicators.talib_functions import TalibFunction, tail_of_output
from tapedeck.engine.indicators.warm_up import columns_used, sessions_used
from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.bar_grid import VOLUME, BarGrid, Floats, Mask, canonical
from tapedeck.engine.tape.tape import IndicatorColumn, Tape

HistoryOf = Callable[[Interval], Sequence[BarGrid]]
_Running = RunningVwap | RunningExtreme

_RUNNING: Mapping[str, Callable[[int, int], _Running]] = {
    "VWAP": RunningVwap,
    "SESSION_HIGH": lambda symbols, slots: RunningExtreme(symbols, slots, highest=True),
    "SESSION_LOW": lambda symbols, slots: RunningExtreme(symbols, slots, highest=False),
}


class BlockComputer:
    """Computes one tape's derived bars and indicators, for blocks that follow each other.

    `history_of(interval)` gives the grids of earlier sessions, oldest first: a grid a session below a day,
    one grid with a column a day for days. `min_completeness` is the session file's. `cancelled` is asked now
    and then: when it says so, a block is given up half-way, and nothing more can be computed.
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
        self._running: dict[str, _Running] = {}
        self._shown: list[tuple[Interval, _Running, Floats]] = []
        self._relative: list[tuple[Interval, Floats, Floats]] = []
        talib: dict[Interval, list[tuple[IndicatorSpec, TalibFunction]]] = {}
        _add_columns(tape, specs)
        for spec in specs:
            if spec.function is not None:
                talib.setdefault(spec.interval, []).append((spec, spec.function))
            elif spec.kind == "RELATIVE_VOLUME":
                self._add_relative(spec)
            else:
                self._add_running(spec)
        self._groups = [
            _TalibGroup(tape, interval, group, history_of(interval)) for interval, group in talib.items()
        ]

    def compute(self, start: int, stop: int) -> bool:
        """Compute what slots [start, stop) add; `start` is where the block before ended.

        Returns whether the block was finished, rather than cancelled.
        """
        tape = self._tape
        for interval, grid in tape.derived.items():
            first, last = tape.columns_over(interval, start), tape.columns_over(interval, stop)
            if first < last:
                grid.derive(tape.base, first, last, self._min_completeness)
        for running in self._running.values():
            running.advance(tape.base, start, stop)
        for interval, running, column in self._shown:
            self._show_running(interval, running, column, start, stop)
        for interval, usual, column in self._relative:
            first, last = tape.columns_over(interval, start), tape.columns_over(interval, stop)
            relative_volume(tape.grid(interval).values[VOLUME], usual, column, first, last)
        for group in self._groups:
            first, last = tape.columns_over(group.interval, start), tape.columns_over(group.interval, stop)
            if first < last and not group.advance(first, last, self._cancelled):
                return False
        return True

    def _add_running(self, spec: IndicatorSpec) -> None:
        symbols, slots = self._tape.base.shape
        if spec.kind not in self._running:
            self._running[spec.kind] = _RUNNING[spec.kind](symbols, slots)
        column = self._tape.indicators[spec.name].values
        self._shown.append((spec.interval, self._running[spec.kind], column))

    def _add_relative(self, spec: IndicatorSpec) -> None:
        usual = self._tape.historical[str(spec.against)].values
        column = self._tape.indicators[spec.name].values
        self._relative.append((spec.interval, usual, column))

    def _show_running(
        self, interval: Interval, running: _Running, column: Floats, start: int, stop: int
    ) -> None:
        """Copy a running value to the bars of an interval: to each that of its last slot."""
        tape = self._tape
        first, last = tape.columns_over(interval, start), tape.columns_over(interval, stop)
        if interval == tape.base_interval:
            values = running.values[:, first:last]
        else:
            values = running.values[:, tape.derived[interval].buckets.stops[first:last] - 1]
        grid = tape.grid(interval)
        if grid.is_full(first, last):
            column[:, first:last] = values
        else:
            np.copyto(column[:, first:last], values, where=grid.present[:, first:last])
        canonical(column[:, first:last])


class _TalibGroup:
    """The TA-Lib indicators on the bars of one interval, over one compact series."""

    def __init__(
        self,
        tape: Tape,
        interval: Interval,
        members: Sequence[tuple[IndicatorSpec, TalibFunction]],
        history: Sequence[BarGrid],
    ) -> None:
        self.interval = interval
        self._grid = tape.grid(interval)
        if interval.is_intraday:
            sizes = [grid.shape[1] for grid in history]
            used = max(sessions_used(sizes, function.lookback) for _, function in members)
            history = history[len(history) - used :]
        symbols, columns = self._grid.shape
        capacity = columns + sum(grid.shape[1] for grid in history)
        fields = sorted({field for _, function in members for field in function.inputs})
        self._series = CompactSeries(fields, symbols, capacity)
        for grid in history:
            self._series.append(grid, 0, grid.shape[1])
        self._before_today: list[int] = self._series.length.tolist()
        skipped = {
            lookback: self._skipped(history, lookback)
            for lookback in {function.lookback for _, function in members}
        }
        self._indicators = [
            _TalibIndicator(
                function,
                [tape.indicators[name].values for name in spec.outputs],
                skipped[function.lookback],
            )
            for spec, function in members
        ]

    def _skipped(self, history: Sequence[BarGrid], lookback: int) -> list[int]:
        """Return how many bars at the head of each row are older than this function's warm-up asks for."""
        sizes = [grid.shape[1] for grid in history]
        older = sum(sizes) - columns_used(sizes, lookback, sessions_are_columns=not self.interval.is_intraday)
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

    def advance(self, first: int, last: int, cancelled: Callable[[], bool]) -> bool:
        """Compute columns [first, last); return whether that was finished."""
        self._series.append(self._grid, first, last)
        for indicator in self._indicators:
            if cancelled():
                return False
            indicator.advance(self._series, self._grid, first, last)
        if last == self._grid.shape[1] and not self._grid.is_full(0, last):
            # Tomorrow this is history, and need not be packed again.
            self._grid.packed = self._series.packed_since(self._before_today)
        return True


class _TalibIndicator:
    """One TA-Lib function with the columns that its outputs go to."""

    def __init__(self, function: TalibFunction, columns: Sequence[Floats], skipped: list[int]) -> None:
        self._function = function
        self._columns = tuple(columns)
        self._skipped = skipped

    def advance(self, series: CompactSeries, grid: BarGrid, first: int, last: int) -> None:
        """Compute columns [first, last), whose bars already stand at the end of `series`."""
        width = last - first
        lengths = series.length.tolist()
        targets = [column[:, first:last] for column in self._columns]
        if grid.is_full(first, last):
            self._compute_full(series, lengths, targets, width)
        else:
            self._compute_gapped(series, lengths, targets, grid.present[:, first:last])
        for target in targets:
            canonical(target)

    # These loops run once per symbol and indicator: what can be looked up before them, is.

    def _compute_full(
        self, series: CompactSeries, lengths: list[int], targets: list[Floats], width: int
    ) -> None:
        function, arguments = self._function.function, self._function.arguments
        lookback, several = self._function.lookback, len(targets) > 1
        sources = [series.values[field] for field in self._function.inputs]
        rows = enumerate(zip(self._skipped, lengths, strict=True))
        if not several and all(
            stop - start - width >= lookback for start, stop in zip(self._skipped, lengths, strict=True)
        ):
            (target,) = targets
            for row, (start, stop) in rows:
                target[row] = function(*[source[row, start:stop] for source in sources], *arguments)[-width:]
            return
        for row, (start, stop) in rows:
            result = function(*[source[row, start:stop] for source in sources], *arguments)
            for target, output in zip(targets, result if several else (result,), strict=True):
                target[row] = tail_of_output(output, width, lookback)

    def _compute_gapped(
        self, series: CompactSeries, lengths: list[int], targets: list[Floats], present: Mask
    ) -> None:
        function, arguments = self._function.function, self._function.arguments
        lookback, several = self._function.lookback, len(targets) > 1
        sources = [series.values[field] for field in self._function.inputs]
        counts = present.sum(axis=1).tolist()
        for row, (start, stop, count) in enumerate(zip(self._skipped, lengths, counts, strict=True)):
            if count == 0:
                continue
            result = function(*[source[row, start:stop] for source in sources], *arguments)
            for target, output in zip(targets, result if several else (result,), strict=True):
                target[row, present[row]] = tail_of_output(output, count, lookback)


def relative_volume(volume: Floats, usual: Floats, out: Floats, first: int, last: int) -> None:
    """Write volume / usual volume of the same minute into `out[:, first:last]`; NaN where usual is 0.

    `volume`, `out`: (S, minutes of the session); `usual`: (S, minutes), NaN where nothing is known.
    """
    divisor = usual[:, first:last]
    target = out[:, first:last]
    np.divide(volume[:, first:last], divisor, out=target, where=divisor > 0)
    canonical(target)


def _add_columns(tape: Tape, specs: Sequence[IndicatorSpec]) -> None:
    """Put the indicators' empty columns on the tape, in their order; one array holds those of an interval."""
    names: dict[Interval, int] = {}
    for spec in specs:
        names[spec.interval] = names.get(spec.interval, 0) + len(spec.outputs)
    columns = {
        interval: iter(np.full((count, *tape.grid(interval).shape), np.nan))
        for interval, count in names.items()
    }
    for spec in specs:
        for name in spec.outputs:
            tape.set_indicator(IndicatorColumn(name, spec.interval, next(columns[spec.interval])))

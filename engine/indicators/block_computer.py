"""Block computer: computes a tape's derived bars, quotes and session indicators, block by block.

Plain arithmetic over grids, without threads. Every column depends only on slots at or before its own, and
every sum runs in order, so results do not depend on the cut into blocks, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tapedeck.engine.indicators.interval_group import IntervalGroup
from tapedeck.engine.indicators.kernel import SharedRunning
from tapedeck.engine.indicators.row_history import HistoryOf, RowHistory
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.intervals import WEEK, Interval
from tapedeck.engine.tape.bar_grid import BarGrid, Ints
from tapedeck.engine.tape.tape import IndicatorColumn, Tape


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
        self._specs = tuple(specs)
        self._history = RowHistory.of(history_of, len(tape.symbols))
        self._cancelled = cancelled
        self._min_completeness = min_completeness
        columns = _columns(tape, specs)
        self._running: dict[str, SharedRunning] = {}
        by_interval: dict[Interval, list[IndicatorSpec]] = {}
        for spec in specs:
            by_interval.setdefault(spec.interval, []).append(spec)
        _compute_weekly(tape, by_interval.pop(WEEK, ()), history_of, columns)
        self._groups = [
            IntervalGroup(tape, interval, tape.grid(interval), members, history_of, columns, self._running)
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
        if tape.quotes is not None:
            tape.quotes.hold(tape.base, start, stop)
        slots = range(start, stop)
        return all(group.advance(slots, self._cancelled) for group in self._groups)

    # Editions

    def for_rows(self, tape: Tape, rows: Ints) -> BlockComputer:
        """Return a new computer of the same indicators, but for those on 1w, for a tape of some symbols.

        `tape`: of the symbols of `rows` alone.
        """
        specs = [spec for spec in self._specs if spec.interval != WEEK]
        history = self._history.of_rows(rows)
        return BlockComputer(tape, specs, history.grids, min_completeness=self._min_completeness)

    def move_to(self, tape: Tape, part: BlockComputer, rows: Ints) -> None:
        """Go on from here over the next edition of the tape.

        `part`: has computed `rows` alone up to the same slot; what it carries takes the place of theirs.
        """
        for name, running in self._running.items():
            running.take_rows(part._running[name], rows)
        for group, other in zip(self._groups, part._groups, strict=True):
            group.move_to(tape, other, rows, self._running)
        self._tape = tape

    def change_rows(self, tape: Tape, kept: Ints, part: BlockComputer | None) -> None:
        """Go on from here over the next edition of the tape, with other rows.

        They are the rows `kept` of this computer, int64, ascending, then all rows of `part`, which has
        computed its own tape alone up to the same slot. Histories may differ in depth.
        """
        if part is None:
            self._take_rows(tape, kept, self, np.empty(0, dtype=np.int64))
        else:
            self._take_rows(tape, kept, part, np.arange(len(part.symbols)))

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols of its tape."""
        return self._tape.symbols

    def _take_rows(self, tape: Tape, kept: Ints, part: BlockComputer, added: Ints) -> None:
        for name, running in self._running.items():
            running.change_rows(kept, part._running[name], added)
        for group, other in zip(self._groups, part._groups, strict=True):
            group.change_rows(tape, kept, other, added, self._running)
        self._history = self._history.of_rows(kept).followed_by(part._history.of_rows(added))
        self._tape = tape


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
    group = IntervalGroup(tape, WEEK, last, members, lambda _: [earlier], columns, {})
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

"""Kernel of TA-Lib's functions: calls each over history and session, and keeps a block's last values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tapedeck.engine.indicators.kernel import Kernel, KernelInputs
from tapedeck.engine.indicators.undefined import Tail, UndefinedRule
from tapedeck.engine.tape.bar_grid import Floats, Mask, canonical

_FLOAT64: Final = np.dtype(np.float64)


@dataclass(frozen=True, slots=True)
class TalibFunction:
    """One TA-Lib function with its parameters bound.

    Called as `function(*inputs, *arguments)`, with arrays (n,) without missing bars; `inputs`: positions in
    `FIELDS`. `outputs`: TA-Lib's output names; several outputs are returned as a tuple. `lookback`: number
    of bars before the first value. `parameters`: the arguments by name. `undefined`: the rule for values that
    are missing although TA-Lib returns a number. Source of every formula: TA-Lib.
    """

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[str, ...]
    lookback: int
    arguments: tuple[float | int, ...]
    function: Callable[..., Any]
    parameters: Mapping[str, float | int]
    undefined: UndefinedRule | None = None


class TalibKernel(Kernel):
    """Computes the columns of one TA-Lib function's outputs.

    TA-Lib returns the same bits for a prefix as for the whole series, so no carry is needed.
    """

    def __init__(self, function: TalibFunction, inputs: KernelInputs) -> None:
        self._function = function
        self._columns = inputs.columns
        self._grid, self._series, self._skipped = inputs.grid, inputs.series, inputs.skipped

    def advance(self, slots: range, columns: range) -> None:
        """Write the columns that a block completes."""
        del slots
        first, last = columns.start, columns.stop
        lengths = self._series.length.tolist()
        targets = [column[:, first:last] for column in self._columns]
        if self._grid.is_full(first, last):
            self._compute_full(lengths, targets, last - first)
        else:
            self._compute_gapped(lengths, targets, self._grid.present[:, first:last])
        if self._function.undefined is not None:
            self._remove_undefined(self._function.undefined, targets, first, last)
        for target in targets:
            canonical(target)

    def _remove_undefined(self, rule: UndefinedRule, targets: list[Floats], first: int, last: int) -> None:
        """Write NaN over the values of windows that have neither gain nor loss."""
        present = self._grid.present[:, first:last]
        counts: list[int] = present.sum(axis=1).tolist()
        rows = [row for row, count in enumerate(counts) if count]
        width = max(counts, default=0) + self._function.lookback
        if not rows:
            return
        masks = rule(Tail(self._series, rows, self._skipped, width), self._function.parameters)
        for target, mask in zip(targets, masks * (len(targets) // len(masks)), strict=True):
            for at in np.flatnonzero(mask.any(axis=1)).tolist():
                row = rows[at]
                columns = np.flatnonzero(present[row])
                target[row, columns[mask[at, width - counts[row] :]]] = np.nan

    # These loops run once per symbol and indicator, so attributes are looked up before them.

    def _compute_full(self, lengths: list[int], targets: list[Floats], width: int) -> None:
        function, arguments = self._function.function, self._function.arguments
        lookback, several = self._function.lookback, len(targets) > 1
        sources = [self._series.values[field] for field in self._function.inputs]
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

    def _compute_gapped(self, lengths: list[int], targets: list[Floats], present: Mask) -> None:
        function, arguments = self._function.function, self._function.arguments
        lookback, several = self._function.lookback, len(targets) > 1
        sources = [self._series.values[field] for field in self._function.inputs]
        counts = present.sum(axis=1).tolist()
        for row, (start, stop, count) in enumerate(zip(self._skipped, lengths, counts, strict=True)):
            if count == 0:
                continue
            result = function(*[source[row, start:stop] for source in sources], *arguments)
            for target, output in zip(targets, result if several else (result,), strict=True):
                target[row, present[row]] = tail_of_output(output, count, lookback)


def tail_of_output(output: NDArray[Any], count: int, lookback: int) -> Floats:
    """Return the last `count` values as float64, NaN during warm-up.

    Pattern functions return integers, with 0 during warm-up, which would look like a value.
    """
    start = len(output) - count
    values = output[start:]
    if start >= lookback and values.dtype is _FLOAT64:
        return values
    values = values.astype(np.float64)
    values[: max(0, lookback - start)] = np.nan
    return values

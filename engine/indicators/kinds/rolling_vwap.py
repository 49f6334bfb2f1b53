"""Rolling VWAP: VWAP of the last n bars, those of earlier sessions included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import numpy as np

from tapedeck.engine.indicators.kernel import Kernel, KernelInputs
from tapedeck.engine.indicators.kind import IndicatorKind, WholeNumber
from tapedeck.engine.indicators.kinds.vwap import typical_price
from tapedeck.engine.indicators.reasons import Evidence, Reasons
from tapedeck.engine.tape.bar_grid import CLOSE, FIELDS, HIGH, LOW, VOLUME, Floats, canonical
from tapedeck.engine.tape.session_totals import sum_in_order

# Number of bars of several rows that are summed at once: few calls, and the sums stay in the cache.
_CHUNK: Final = 16_384


class RollingVwap(IndicatorKind):
    """VWAP of the last `timeperiod` bars of the indicator's interval, skipping missing ones.

    Price is the typical price (high + low + close) / 3. Missing until there are `timeperiod` bars, and while
    their volume is 0. The default of 20 bars is the usual one of moving averages on charts.
    """

    type = "ROLLING_VWAP"
    inputs = ("high", "low", "close", "volume")
    formula = "Σ (high + low + close) / 3 × volume ÷ Σ volume, of the last timeperiod bars"
    parameters = MappingProxyType({"timeperiod": WholeNumber(20, 1, 100_000)})
    over_price = True
    overlay_order = 1

    def lookback(self, parameters: Mapping[str, float | int]) -> int:
        """Return the length of the window less one."""
        return self._window(parameters) - 1

    def kernel(self, inputs: KernelInputs) -> RollingVwapKernel:
        """Return the kernel that sums the windows."""
        return RollingVwapKernel(inputs, self._window(inputs.parameters))

    def explain(self, evidence: Evidence) -> Reasons:
        """Return the bars of the window, and their sums."""
        window = self._window(evidence.parameters)
        columns = np.flatnonzero(evidence.bars.present)[-window:]
        run = evidence.bars.last(len(evidence.bars.opened_at) - int(columns[0]) if len(columns) else 0)
        price, volume = typical_price(run.bars), run.field("volume")
        sums = {"Σ typical price × volume": price * volume, "Σ volume": volume}
        return replace(
            super().explain(replace(evidence, bars=run)),
            inputs=(run.as_input("typical price", price), run.as_input("volume")),
            terms={name: float(sum_in_order(values[run.present])) for name, values in sums.items()},
        )

    def _window(self, parameters: Mapping[str, float | int]) -> int:
        return int(parameters.get("timeperiod", self.parameters["timeperiod"].default))


class RollingVwapKernel(Kernel):
    """Sums each window from its oldest bar on, so the only carry is the bars before the block."""

    def __init__(self, inputs: KernelInputs, window: int) -> None:
        self._window = window
        self._grid, self._series, self._skipped = inputs.grid, inputs.series, inputs.skipped
        (self._column,) = inputs.columns

    def advance(self, slots: range, columns: range) -> None:
        """Write the columns that a block completes."""
        del slots
        present = self._grid.present[:, columns.start : columns.stop]
        target = self._column[:, columns.start : columns.stop]
        counts: list[int] = present.sum(axis=1).tolist()
        rows = [row for row, count in enumerate(counts) if count]
        width = max(counts, default=0) + self._window - 1
        size = max(1, _CHUNK // width) if width else 1
        for start in range(0, len(rows), size):
            chunk = rows[start : start + size]
            for row, values in zip(chunk, self._values(chunk, width), strict=True):
                target[row, present[row]] = values[len(values) - counts[row] :]
        canonical(target)

    def _values(self, rows: list[int], width: int) -> Floats:
        """Return the values at the last bars of some rows, with windows within the last `width` bars.

        NaN for a window that is not full, as the bars before a row's first are NaN.
        """
        bars = np.full((len(FIELDS), len(rows), width), np.nan)
        lengths = self._series.length
        for at, row in enumerate(rows):
            stop = int(lengths[row])
            start = max(self._skipped[row], stop - width)
            for field in (HIGH, LOW, CLOSE, VOLUME):
                bars[field, at, width - stop + start :] = self._series.values[field][row, start:stop]
        volume = bars[VOLUME]
        money, traded = window_sums(np.stack([typical_price(bars) * volume, volume]), self._window)
        value = np.full(traded.shape, np.nan)
        np.divide(money, traded, out=value, where=traded > 0.0)
        return value


def window_sums(values: Floats, window: int) -> Floats:
    """Return the sum of each run of `window` values (…, m), shape (…, m - window + 1), oldest first.

    Both branches add in that order; the number of runs decides which takes fewer calls.
    """
    count = values.shape[-1] - window + 1
    if count < window:
        runs = [np.cumsum(values[..., at : at + window], axis=-1)[..., -1] for at in range(count)]
        return np.stack(runs, axis=-1)
    sums: Floats = values[..., :count].copy()
    for shift in range(1, window):
        sums += values[..., shift : shift + count]
    return sums


KINDS: Final = (RollingVwap(),)

"""Layout of a chart: rows and columns of title, legend, candles, volumes, panes and axes, by its size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

AXIS_WIDTH: Final = 10
"""Columns of the price axis: its line, and prices of up to nine characters."""
_NARROWEST_WITH_AXIS: Final = 28
_WIDEST_STRIDE: Final = 3
WIDEST_ZOOM: Final = 12
"""Most columns from one candle to the next when zoomed in."""
_VOLUME_SHARE: Final = 6
_TALL: Final = 16
_MIDDLING: Final = 10
_VOLUME_SHARE_WITH_PANES: Final = 10
_LEAST_PANE: Final = 4
_MOST_PANE: Final = 9
"""Rows of a pane, its title's included."""


@dataclass(frozen=True, slots=True)
class PaneRows:
    """Rows of a pane: that of its title, and those of its lines from `top` on."""

    title: int
    rows: int

    @property
    def top(self) -> int:
        """The first row of the lines."""
        return self.title + 1


@dataclass(frozen=True, slots=True)
class ChartLayout:
    """Rows of the parts (None: not shown), the column of the price axis, and the number of candles.

    `forming`: 1 if a place right of the candles is for one that is not over, else 0. `panes`: those that fit,
    below the volumes, from the top; the price keeps at least half of the height then.

    The legend is below the title. `axis_left`: column of the price axis; equal to the width if there is no
    axis. The column left of it holds the numbers of the overlays; the last candle is left of that.
    """

    title: int | None
    legend_rows: int
    plot_top: int
    plot_rows: int
    volume_rows: int
    rule: int | None
    times: int | None
    axis_left: int
    stride: int
    candles: int
    forming: int = 0
    panes: tuple[PaneRows, ...] = ()

    @classmethod
    def of(
        cls,
        width: int,
        height: int,
        count: int,
        legend: int,
        *,
        axis_width: int = AXIS_WIDTH,
        has_forming: bool = False,
        panes: int = 0,
        wanted: int | None = None,
    ) -> ChartLayout:
        """Return the layout for `count` candles and a legend of at most `legend` lines.

        `has_forming`: with a place for a candle that is not over, if the chart is wide enough for an axis.
        `panes`: how many there are to place.
        `wanted`: candles to spread over the width; None: as many as fit at the usual distance.
        """
        legend_rows = min(legend, 2 if height >= _TALL else 1 if height >= _MIDDLING else 0)
        rule = height - 2 if height >= 7 else None
        top = (1 if height >= 4 else 0) + legend_rows
        bottom = height - (2 if rule is not None else 0)
        pane_rows = _pane_rows(height, bottom - top, panes) if height >= _TALL else ()
        share = _VOLUME_SHARE_WITH_PANES if pane_rows else _VOLUME_SHARE
        volume_rows = max(1, (bottom - top) // share) if height >= 9 else 0
        plot_rows = max(bottom - top - volume_rows - sum(pane_rows), 1)
        axis_left = width - axis_width if width >= _NARROWEST_WITH_AXIS else width
        available = max(axis_left - 1, 1)
        forming = int(has_forming and axis_left < width)
        # Two columns are reserved for the divider: the stride is the same with and without it.
        widest = _WIDEST_STRIDE if wanted is None else WIDEST_ZOOM
        spread = (count if wanted is None else wanted) + forming
        stride = max(1, min(widest, (available - 2) // max(spread, 1)))
        return cls(
            title=0 if height >= 4 else None,
            legend_rows=legend_rows,
            plot_top=top,
            plot_rows=plot_rows,
            volume_rows=volume_rows,
            rule=rule,
            times=None if rule is None else rule + 1,
            axis_left=axis_left,
            stride=stride,
            candles=min(count, (available - 1) // stride - forming if available > 1 else 1),
            forming=forming,
            panes=_placed(pane_rows, top + plot_rows + volume_rows),
        )

    @property
    def volume_top(self) -> int:
        """The first row of the volumes."""
        return self.plot_top + self.plot_rows

    @property
    def forming_column(self) -> int:
        """The column of the candle that is not over, else of the last one."""
        return self.axis_left - 2

    def columns(self, shown: slice, today: int) -> NDArray[np.intp]:
        """Return the column of each candle in `shown`; the first of today has a blank column before it."""
        indices = np.arange(shown.start, shown.stop)
        last = max(self.forming_column - self.forming * self.stride, 0)
        columns = last - (shown.stop - 1 - indices) * self.stride
        if shown.start < today < shown.stop and self.stride == 1:
            columns = columns - (indices < today)
        placed: NDArray[np.intp] = np.maximum(columns, 0).astype(np.intp)
        return placed


def _pane_rows(height: int, available: int, wanted: int) -> tuple[int, ...]:
    """Return the rows of each pane that fits, its title's included.

    `available`: rows for price, volumes and panes; half of the height is left to the price.
    """
    spare = available - max(1, available // _VOLUME_SHARE_WITH_PANES) - (height + 1) // 2
    count = min(wanted, spare // _LEAST_PANE)
    return (min(spare // count, _MOST_PANE),) * count if count > 0 else ()


def _placed(rows: tuple[int, ...], top: int) -> tuple[PaneRows, ...]:
    """Return panes one below the other, from row `top` on."""
    starts = [top + sum(rows[:number]) for number in range(len(rows))]
    return tuple(PaneRows(start, count - 1) for start, count in zip(starts, rows, strict=True))

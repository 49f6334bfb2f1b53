"""Drawing of candles, levels and volumes into a rectangle of a canvas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tapedeck.console.app.widgets.canvas import BLANK, Canvas, with_tint
from tapedeck.console.app.widgets.price_scale import PriceScale

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Inks = NDArray[np.uint16]


def _points(signs: str) -> NDArray[np.uint32]:
    return np.array([ord(sign) for sign in signs], dtype=np.uint32)


# Glyphs by the contents of a cell's upper half (rows) and lower half (columns): blank, wick or body.
_THIN: Final = _points(" ╷╻╵│╽╹╿┃").reshape(3, 3)
# Without colour a fallen candle is solid, as on paper. No glyph has a wick next to a solid half.
_SOLID: Final = _points(" ╷▄╵│▄▀▀█").reshape(3, 3)
_UPPER, _LOWER, _FULL = "▀▄█"
_DOTTED: Final = "┄"
_DIVIDER: Final = "┊"
_LEVELS: Final = _points("▁▂▃▄▅▆▇█")


@dataclass(frozen=True, slots=True)
class Plot:
    """A rectangle of a canvas: rows [top, top + rows), and the column of each candle, shape (m,)."""

    canvas: Canvas
    top: int
    rows: int
    columns: Indices


def draw_candles(
    plot: Plot,
    scale: PriceScale,
    ohlc: tuple[Floats, Floats, Floats, Floats],
    inks: Inks,
    *,
    solid_falls: bool,
) -> None:
    """Draw wicks and bodies; `inks`: style code of each candle, (m,). A missing bar leaves a blank."""
    opens, highs, lows, closes = (scale.halves(prices) for prices in ohlc)
    body_top, body_end = np.minimum(opens, closes), np.maximum(opens, closes)
    present = (np.minimum(np.minimum(highs, lows), body_top) >= 0)[None, :]
    half = np.arange(2 * plot.rows)[:, None]
    wick = (half >= np.minimum(highs, body_top)) & (half <= np.maximum(lows, body_end)) & present
    body = (half >= body_top) & (half <= body_end) & present
    state = wick.astype(np.intp) + body
    upper, lower = state[0::2], state[1::2]
    glyphs = _THIN[upper, lower]
    if solid_falls:
        glyphs = np.where(ohlc[3] < ohlc[0], _SOLID[upper, lower], glyphs)
    _copy_glyphs(plot, glyphs, np.broadcast_to(inks, glyphs.shape))


def draw_level(plot: Plot, scale: PriceScale, price: float, ink: int) -> None:
    """Draw a dotted line in the row of a price, in cells that are still blank; none off the scale."""
    if not scale.low <= price <= scale.high:
        return
    row = plot.top + int(scale.halves(np.array([price]))[0]) // 2
    _fill_blanks(plot.canvas, (row, slice(0, int(plot.columns[-1]) + 1)), _DOTTED, ink)


def draw_divider(plot: Plot, column: int, ink: int) -> None:
    """Draw a dotted line down a column, in cells that are still blank."""
    _fill_blanks(plot.canvas, (slice(plot.top, plot.top + plot.rows), column), _DIVIDER, ink)


def is_under_lines(glyphs: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Return which glyphs a line replaces: blanks, levels and dividers."""
    is_under: NDArray[np.bool_] = (glyphs == BLANK) | (glyphs == ord(_DOTTED)) | (glyphs == ord(_DIVIDER))
    return is_under


def is_solid(glyphs: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Return which glyphs are blocks that a solid candle may have, too."""
    is_block: NDArray[np.bool_] = (glyphs == ord(_UPPER)) | (glyphs == ord(_LOWER)) | (glyphs == ord(_FULL))
    return is_block


def _fill_blanks(canvas: Canvas, area: tuple[int | slice, int | slice], sign: str, ink: int) -> None:
    blank = canvas.glyphs[area] == BLANK
    canvas.glyphs[area][blank] = ord(sign)
    canvas.codes[area][blank] = ink


def draw_marks(plot: Plot, halves: Indices, sign: str, ink: int, *, is_below: bool) -> None:
    """Write a sign below or above candles; `halves`: half row of each one's low or high, -1: no mark.

    At the edge of the plot it is written over the candle's end.
    """
    marked = np.flatnonzero(halves >= 0)
    rows = np.clip(halves[marked] // 2 + (1 if is_below else -1), 0, plot.rows - 1) + plot.top
    plot.canvas.glyphs[rows, plot.columns[marked]] = ord(sign)
    plot.canvas.codes[rows, plot.columns[marked]] = ink


def draw_volumes(plot: Plot, volumes: Floats, inks: Inks) -> float:
    """Draw a bar of blocks for each volume; return the largest, which fills all rows, or 0 without volume."""
    present = np.isfinite(volumes) & (volumes > 0)
    largest = float(np.max(volumes[present], initial=0.0))
    if largest <= 0.0:
        return 0.0
    draw_blocks(plot, np.where(present, volumes, 0.0) / largest, inks)
    return largest


def draw_blocks(plot: Plot, shares: Floats, inks: Inks) -> None:
    """Draw a bar of blocks for each share of the plot's height, 0 to 1; one above 0 has at least a step."""
    heights = np.ceil(shares * len(_LEVELS) * plot.rows).astype(np.intp)
    below = len(_LEVELS) * np.arange(plot.rows - 1, -1, -1)[:, None]
    filled = np.clip(heights[None, :] - below, 0, len(_LEVELS))
    glyphs = np.where(filled > 0, _LEVELS[np.maximum(filled, 1) - 1], np.uint32(BLANK))
    _copy_glyphs(plot, glyphs, np.broadcast_to(inks, glyphs.shape))


def _copy_glyphs(plot: Plot, glyphs: NDArray[np.uint32], codes: Inks) -> None:
    """Write glyphs that are not blank; the tint of a line that is there already becomes their background."""
    rows = slice(plot.top, plot.top + plot.rows)
    drawn = glyphs != BLANK
    area = plot.canvas.glyphs[rows]
    styles = plot.canvas.codes[rows]
    below, inks = area[:, plot.columns], styles[:, plot.columns]
    is_over_line = drawn & ~is_under_lines(below)
    if is_over_line.any():
        codes = np.where(is_over_line, with_tint(codes, inks), codes)
    area[:, plot.columns] = np.where(drawn, glyphs, below)
    styles[:, plot.columns] = np.where(drawn, codes, inks)

"""Equity curve: heights follow the equity, and what is not over is blank."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tapedeck.console.app.widgets import EquityCurve, EquityData
from tapedeck.console.app.widgets.canvas import Canvas

BLOCKS = " ▁▂▃▄▅▆▇█"


def painted(data: EquityData, width: int, height: int) -> list[str]:
    curve, canvas = EquityCurve(), Canvas(width, height)
    curve.show(data)
    curve.paint(canvas)
    return [canvas.line(y) for y in range(height)]


def heights(lines: list[str], cells: int) -> list[int]:
    """Return the eighths of a row that each column has, a dotted line counting as none."""
    return [sum(max(BLOCKS.find(line[x]), 0) for line in lines) for x in range(cells)]


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20),
    st.floats(-1e6, 1e6),
    st.integers(1, 5),
)
def test_a_higher_equity_is_never_drawn_lower(values: list[float], opening: float, height: int) -> None:
    drawn = heights(painted(EquityData(np.array(values), 20, opening), 20, height), 20)
    assert drawn[len(values) :] == [0] * (20 - len(values))
    assert min(drawn[: len(values)]) >= 1
    order = np.argsort(values, kind="stable")
    assert np.all(np.diff(np.array(drawn)[order]) >= 0)
    if max(values) >= opening and max(values) > min(*values, opening):
        assert max(drawn) == 8 * height


def test_each_cell_shows_the_last_equity_of_its_slots_and_labels_the_bounds() -> None:
    values = np.array([100.0, 100.0, 90.0, 110.0, 110.0, 100.0])
    lines = painted(EquityData(values, 60, 95.0), 37, 3)
    assert [line[30:].strip() for line in lines] == ["110.00", "", "90.00"]
    drawn = heights(lines, 30)
    assert drawn[:4] == [drawn[0], 24, drawn[0], 0]
    assert "┄" in lines[1] + lines[2]

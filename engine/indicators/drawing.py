"""Forms in which charts draw the outputs of an indicator."""

from __future__ import annotations

from enum import Enum


class OutputForm(Enum):
    """How a chart draws one output."""

    LINE = "line"
    """A connected line."""
    HISTOGRAM = "histogram"
    """Bars from zero, such as those of MACD."""
    DOTS = "dots"
    """A dot for each bar, such as those of SAR."""
    HIDDEN = "hidden"
    """Not drawn: its values are on another scale than the other outputs'."""

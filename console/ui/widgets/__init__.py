"""The console's own widgets: frozen data in, a canvas out, messages for what is clicked or chosen."""

from console.ui.widgets.candle_chart import CandleChart
from console.ui.widgets.chart_data import ChartData
from console.ui.widgets.coverage_map import CoverageMap
from console.ui.widgets.gap_map import GapMap
from console.ui.widgets.line_list import LineList
from console.ui.widgets.map_data import CoverageData, GapMapData
from console.ui.widgets.sparkline import sparkline
from console.ui.widgets.strip_data import StripData, StripTick, TickKind
from console.ui.widgets.styled_lines import StyledLine, StyledLines
from console.ui.widgets.symbol_rows import SymbolRows
from console.ui.widgets.symbol_table import SymbolTable
from console.ui.widgets.tape_strip import TapeStrip

__all__ = [
    "CandleChart",
    "ChartData",
    "CoverageData",
    "CoverageMap",
    "GapMap",
    "GapMapData",
    "LineList",
    "StripData",
    "StripTick",
    "StyledLine",
    "StyledLines",
    "SymbolRows",
    "SymbolTable",
    "TapeStrip",
    "TickKind",
    "sparkline",
]

"""The console's own widgets: frozen data in, a canvas out, messages for what is clicked or chosen."""

from tapedeck.console.app.widgets.candle_chart import CandleChart
from tapedeck.console.app.widgets.chart_data import ChartData
from tapedeck.console.app.widgets.coverage_map import CoverageMap
from tapedeck.console.app.widgets.gap_map import GapMap
from tapedeck.console.app.widgets.line_list import LineList
from tapedeck.console.app.widgets.map_data import CoverageData, GapMapData
from tapedeck.console.app.widgets.sparkline import sparkline
from tapedeck.console.app.widgets.strip_data import StripData, StripTick, TickKind
from tapedeck.console.app.widgets.styled_lines import StyledLine, StyledLines
from tapedeck.console.app.widgets.symbol_rows import SymbolRows
from tapedeck.console.app.widgets.symbol_table import SymbolTable
from tapedeck.console.app.widgets.tape_strip import TapeStrip

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

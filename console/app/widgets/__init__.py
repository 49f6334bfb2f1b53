"""Widgets of the console: each takes frozen data, draws a canvas and posts messages for clicks."""

from tapedeck.console.app.widgets.candle_chart import CandleChart
from tapedeck.console.app.widgets.chart_data import (
    ChartData,
    ChartLine,
    ChartMark,
    ChartPane,
    ChartWindow,
    FormingCandle,
    LineForm,
    MarkKind,
)
from tapedeck.console.app.widgets.coverage_map import CoverageData, CoverageMap
from tapedeck.console.app.widgets.equity_curve import EquityCurve, EquityData
from tapedeck.console.app.widgets.gap_map import GapMap, GapMapData
from tapedeck.console.app.widgets.line_list import LineList
from tapedeck.console.app.widgets.sparkline import sparkline
from tapedeck.console.app.widgets.styled_lines import StyledLine, StyledLines
from tapedeck.console.app.widgets.symbol_table import SymbolTable
from tapedeck.console.app.widgets.table_columns import SymbolRows
from tapedeck.console.app.widgets.tape_strip import StripData, StripTick, TapeStrip, TickKind

__all__ = [
    "CandleChart",
    "ChartData",
    "ChartLine",
    "ChartMark",
    "ChartPane",
    "ChartWindow",
    "CoverageData",
    "CoverageMap",
    "EquityCurve",
    "EquityData",
    "FormingCandle",
    "GapMap",
    "GapMapData",
    "LineForm",
    "LineList",
    "MarkKind",
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

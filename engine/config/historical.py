"""Section `historical`: bars of earlier sessions to load, and trailing indicators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictBool, StrictInt, ValidationInfo, field_validator

from tapedeck.engine.config.faults import fault
from tapedeck.engine.config.fields import AllOrSymbols, Intervals, PeriodField
from tapedeck.engine.config.names import IndicatorName
from tapedeck.engine.config.readers import ALL
from tapedeck.engine.config.section import Section


class HistoricalData(Section):
    """Bars of one or more intervals over a number of trading days, for all symbols or some."""

    trailing_days: Annotated[StrictInt, Field(ge=1, le=25_000)]
    """Number of trading days before the session; at least 1."""
    intervals: Intervals
    """Intervals to load, such as [1m, 1d, 1w]."""
    apply_to: AllOrSymbols = ALL
    """The word `all`, or a list of symbols."""

    def applies_to(self, symbol: str) -> bool:
        """Whether the bars of `symbol` are to be loaded."""
        return self.apply_to == ALL or symbol in self.apply_to


def _read_granularity(value: object) -> object:
    return "minute" if value == "intraday" else value


Granularity = Annotated[Literal["daily", "minute"], BeforeValidator(_read_granularity)]


class HistoricalIndicator(Section):
    """A trailing value over earlier sessions, without the current one."""

    type: Literal["trailing_average", "trailing_max", "trailing_min"]
    """Average, maximum or minimum of the values."""
    period: PeriodField
    """Length: 10d (trading days), 52w, 6m, 1y (calendar)."""
    granularity: Granularity = "daily"
    """`daily`: one value; `minute`: one value for each minute of the session (averages only)."""
    field: Literal["open", "high", "low", "close", "volume"]
    """Column of the bars."""
    skip_early_close: StrictBool = False
    """Whether to skip days with an early close, as their volume is lower."""

    @field_validator("granularity")
    @classmethod
    def _check_granularity(cls, granularity: str, info: ValidationInfo) -> str:
        type_ = info.data.get("type", "trailing_average")
        if granularity == "minute" and type_ != "trailing_average":
            raise fault(f"must be daily for {type_}: only trailing_average supports minute", "daily")
        return granularity


class HistoricalConfig(Section):
    """Data of earlier sessions."""

    enable_quality: StrictBool = True
    """Whether to measure the quality of the loaded history; if not, it is 100 %, marked as not measured."""
    data: tuple[HistoricalData, ...] = ()
    """Bars to load before each session. Bars that indicators need are added automatically."""
    indicators: Mapping[IndicatorName, HistoricalIndicator] = Field(default_factory=dict)
    """Trailing indicators, by name."""

    @property
    def keeps_days(self) -> bool:
        """Whether days or weeks are loaded, which an export then has, too."""
        return any(not interval.is_intraday for entry in self.data for interval in entry.intervals)

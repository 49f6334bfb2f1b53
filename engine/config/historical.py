"""What a session knows of earlier days: bars to load, and indicators to make of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictBool, StrictInt, ValidationInfo, field_validator

from tapedeck.engine.config.faults import fault
from tapedeck.engine.config.fields import ApplyTo, Intervals, PeriodField
from tapedeck.engine.config.names import IndicatorName
from tapedeck.engine.config.readers import ALL
from tapedeck.engine.config.section import Section


class HistoricalData(Section):
    """Bars of one or more intervals, over so many trading days, for all symbols or some."""

    trailing_days: Annotated[StrictInt, Field(ge=1, le=25_000)]
    """Trading days before the session, counted back from it; at least 1."""
    intervals: Intervals
    """Intervals to load, such as [1m, 1d]; 1w is possible here, and only here."""
    apply_to: ApplyTo = ALL
    """The word `all`, or a list of those symbols that this is for."""

    def applies_to(self, symbol: str) -> bool:
        """Whether the bars of `symbol` are asked for."""
        return self.apply_to == ALL or symbol in self.apply_to


def _read_granularity(value: object) -> object:
    return "minute" if value == "intraday" else value


Granularity = Annotated[Literal["daily", "minute"], BeforeValidator(_read_granularity)]


class HistoricalIndicator(Section):
    """A trailing value over earlier sessions: nothing of today is in it."""

    type: Literal["trailing_average", "trailing_max", "trailing_min"]
    """What is made of the values: their average, the highest, or the lowest."""
    period: PeriodField
    """How far back: 10d (trading days), 52w, 6m, 1y (calendar)."""
    granularity: Granularity = "daily"
    """`daily`: one value; `minute`: one value for each minute of the session (averages only)."""
    field: Literal["open", "high", "low", "close", "volume"]
    """The column of the bars that is looked at."""
    skip_early_close: StrictBool = False
    """Whether days with an early close are left out: their volume is that of a shorter day."""

    @field_validator("granularity")
    @classmethod
    def _check_granularity(cls, granularity: str, info: ValidationInfo) -> str:
        type_ = info.data.get("type", "trailing_average")
        if granularity == "minute" and type_ != "trailing_average":
            raise fault(f"must be daily for {type_}: only a trailing_average is made by the minute", "daily")
        return granularity


class HistoricalConfig(Section):
    """Everything about earlier sessions."""

    enable_quality: StrictBool = True
    """Whether the quality of the loaded history is measured; if not, it counts as 100 %, not measured."""
    data: tuple[HistoricalData, ...] = ()
    """Bars to load before each session. What an indicator needs is loaded by itself."""
    indicators: Mapping[IndicatorName, HistoricalIndicator] = Field(default_factory=dict)
    """Trailing indicators, by name."""

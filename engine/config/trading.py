"""Section `trading_config`: terms of the paper account."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, PlainValidator, StrictInt, TypeAdapter

from tapedeck.engine.config.faults import fault, shown
from tapedeck.engine.config.section import Section
from tapedeck.engine.errors import nearest

NONE: Final = "none"
"""The word that switches a limit, or a cost, off."""
_Above0 = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
_From0 = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
_Percent = Annotated[float, Field(strict=True, ge=0, le=100, allow_inf_nan=False)]
_Share = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]


def _limit(number: Any) -> PlainValidator:  # noqa: ANN401 - an annotated type
    """Return the reader of a number, or the word `none`."""
    adapter: TypeAdapter[Any] = TypeAdapter(number)

    def read(value: object) -> float | Literal["none"]:
        if value == NONE:
            return NONE
        if isinstance(value, str):
            raise fault(f"must be a number or {NONE}, not {shown(value)}", nearest(value, [NONE]))
        valid: float = adapter.validate_python(value)
        return valid

    return PlainValidator(read, json_schema_input_type=number | Literal["none"])


def _none_as_absent(value: object) -> object:
    return None if value == NONE else value


_Amount = Annotated[float | Literal["none"], _limit(_Above0)]
_Count = Annotated[int | Literal["none"], _limit(Annotated[StrictInt, Field(ge=1)])]
_PartOfVolume = Annotated[
    float | Literal["none"],
    _limit(Annotated[float, Field(strict=True, gt=0, le=100, allow_inf_nan=False)]),
]


class CommissionConfig(Section):
    """Commission of an order: one of `per_share`, `per_trade`, `percent`; a `minimum` beside it or alone."""

    per_share: _From0 | None = None
    """For each share, in the currency."""
    per_trade: _From0 | None = None
    """For each order that fills at all, in the currency."""
    percent: _Percent | None = None
    """Percent of the value that filled."""
    minimum: _From0 | None = None
    """Least commission of an order that fills at all, in the currency."""


class SlippageConfig(Section):
    """Slippage of a market order: one of `ticks`, `percent`, `range`."""

    ticks: Annotated[StrictInt, Field(ge=0)] | None = None
    """Ticks; needs `tick_size`."""
    percent: _Percent | None = None
    """Percent of the price."""
    range: _Share | None = None
    """Part of the range of the bar that fills, 0 to 1: 0.1 is a tenth of high less low."""


class TradingConfig(Section):
    """Terms of the paper account. An order that exceeds a limit is refused, with the reason."""

    initial_cash: _Above0 = 100_000.0
    """Cash at the start, in the currency of the prices."""
    max_per_trade: _Amount = 10_000.0
    """Largest value that one order may open, or `none`."""
    max_per_symbol: _Amount = 20_000.0
    """Largest value held in one symbol, or `none`."""
    max_open_positions: _Count = 10
    """Most symbols held at once, or `none`."""
    allow_short: Annotated[bool, Field(strict=True)] = False
    """Whether more may be sold than is held."""
    participation: _PartOfVolume = 2.5
    """Largest part of a bar's volume that fills, in percent, or `none`: all fills in the first bar."""
    commission: Annotated[CommissionConfig | None, BeforeValidator(_none_as_absent)] = None
    """What an order costs, such as {per_share: 0.005, minimum: 1}; default: nothing."""
    slippage: Annotated[SlippageConfig | None, BeforeValidator(_none_as_absent)] = None
    """How much worse than its bar's price a market order fills, such as {percent: 0.05}; default: nothing."""
    lot: _Above0 = 1.0
    """Shares that are traded as one: quantities are multiples of it."""
    tick_size: _Above0 | None = None
    """Smallest step of a price; slippage is rounded up to whole ticks."""
    digits: Annotated[StrictInt, Field(ge=0, le=12)] = 6
    """Decimal places of money."""

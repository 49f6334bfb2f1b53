"""Strategies, in a session file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainValidator,
    StrictBool,
    StrictInt,
    TypeAdapter,
    WithJsonSchema,
    model_validator,
)

from tapedeck.engine.config.class_names import class_reader, name_or_class
from tapedeck.engine.config.fields import AllOrSymbols, IntradayInterval, TimeOfDay
from tapedeck.engine.config.names import IDENTIFIER_SCHEMA, read_identifier, without_required_name
from tapedeck.engine.config.readers import ALL, read_rule
from tapedeck.engine.config.section import Section

_Above0 = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
_ABOVE_0: Final = TypeAdapter(_Above0)


def _read_strategy_name(value: str) -> str:
    return read_identifier(value, "strategy name")


def _read_parameter_name(value: str) -> str:
    return read_identifier(value, "parameter name")


ParameterName = Annotated[str, AfterValidator(_read_parameter_name), WithJsonSchema(IDENTIFIER_SCHEMA)]
Parameters = Mapping[ParameterName, JsonValue]


def _read_stop(value: object) -> float | str:
    return read_rule(value) if isinstance(value, str) else _ABOVE_0.validate_python(value)


Stop = Annotated[
    float | str,
    PlainValidator(_read_stop, json_schema_input_type=_Above0 | Annotated[str, Field(min_length=1)]),
]


class EntrySize(Section):
    """Size of an entry, by the close that decides it, rounded down to the lot.

    One of `shares`, `cash`, `percent`, or `risk` with `stop`.
    """

    shares: _Above0 | None = None
    """Shares."""
    cash: _Above0 | None = None
    """Value, in the currency of the prices."""
    percent: _Above0 | None = None
    """Value, in percent of the equity."""
    risk: _Above0 | None = None
    """Loss if the price moves against the position by `stop`, in percent of the equity."""
    stop: Stop | None = None
    """Distance that `risk` counts with: percent of the close, or a value of the symbol such as `2 * atr`."""


class Strategy(Section):
    """Gives orders to the paper account: by rules (`enter`), or by a class (`strategy`)."""

    model_config = ConfigDict(json_schema_extra=without_required_name)

    name: Annotated[str, AfterValidator(_read_strategy_name), WithJsonSchema(IDENTIFIER_SCHEMA)]
    """Name in panels and exports; default: that of the class."""
    symbols: AllOrSymbols = ALL
    """The word `all`, or a list of symbols; a rule decides for each of them on its own."""
    parameters: Parameters = Field(default_factory=dict)
    """Values by name: `$name` stands for them in rules and indicators; a class gets them as arguments."""
    enter: Annotated[str, AfterValidator(read_rule)] | None = None
    """Rule: enters while it is true, without a position and without a working order."""
    exit: Annotated[str, AfterValidator(read_rule)] | None = None
    """Rule: leaves when it is true, and then nothing is entered."""
    size: EntrySize | None = None
    """How much an entry buys, or sells short; required with `enter`."""
    side: Literal["long", "short"] = "long"
    """`long` buys to enter, `short` sells."""
    flat_at_close: StrictBool = False
    """Whether positions are closed at the close of each session."""
    no_entry_after: TimeOfDay | None = None
    """Latest time of an entry, in exchange time, such as "15:45"."""
    max_entries_per_day: Annotated[StrictInt, Field(ge=1)] | None = None
    """Most entries in one symbol and session."""
    stop_loss: _Above0 | None = None
    """Leaves at a close with this loss, in percent of the average price."""
    take_profit: _Above0 | None = None
    """Leaves at a close with this profit, in percent of the average price."""
    strategy: Annotated[str, AfterValidator(class_reader("my_strategies.cross:Crossover"))] | None = None
    """The class, as `module:Class` or `path/to/file.py:Class`; paths begin at the session file's folder."""
    interval: IntradayInterval | None = None
    """Interval of the bars that the class gets; default: the shortest of the session."""
    timeout_seconds: Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)] = 5.0
    """Longest time of each call of the class."""

    @model_validator(mode="before")
    @classmethod
    def _name_after_class(cls, value: object) -> object:
        if not isinstance(value, Mapping) or (name := strategy_name(value)) is None:
            return value
        return {**value, "name": name}


def strategy_name(definition: Mapping[str, object]) -> object:
    """Return the name of a strategy as a file has it: its own, else that of its class, else None."""
    return name_or_class(definition, "strategy")

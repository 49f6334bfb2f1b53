"""Field types: validator, serializer and JSON Schema of single fields."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Final, Literal

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from tapedeck.engine.config.period import PERIOD_PATTERN, Period
from tapedeck.engine.config.readers import (
    ALL,
    QUOTES,
    read_all_or_symbols,
    read_date,
    read_interval,
    read_intervals,
    read_intraday_interval,
    read_period,
    read_streams,
    read_symbols,
    read_time,
    read_universe_symbols,
)
from tapedeck.engine.intervals import COMMON_SPELLINGS, DAY, WEEK, Interval
from tapedeck.engine.symbols import LONGEST_SYMBOL

_INTERVAL_PATTERN: Final = "[1-9][0-9]{0,4}[smh]|1[dw]"


def _texts(values: tuple[object, ...]) -> list[str]:
    return [str(value) for value in values]


_INTERVAL_SCHEMA: Final = {
    "type": "string",
    "pattern": f"^({_INTERVAL_PATTERN})$",
    "examples": list(COMMON_SPELLINGS),
}
_SESSION_INTERVAL_SCHEMA: Final = {
    "type": "string",
    "pattern": "^([1-9][0-9]{0,4}[smh]|1d)$",
    "examples": [text for text in COMMON_SPELLINGS if text != str(WEEK)],
}
_INTRADAY_SCHEMA: Final = {
    "type": "string",
    "pattern": "^[1-9][0-9]{0,4}[smh]$",
    "examples": [text for text in COMMON_SPELLINGS if Interval.parse(text) < DAY],
}
_SYMBOL_SCHEMA: Final = {"type": "string", "pattern": r"^[^\s=]\S*$", "maxLength": LONGEST_SYMBOL}
SYMBOL_PATTERN_SCHEMA: Final = {"type": "string", "pattern": r"^[^\s=]*[*?]\S*$", "maxLength": LONGEST_SYMBOL}


def _list_of(items: dict[str, object]) -> dict[str, object]:
    return {"type": "array", "items": items, "minItems": 1, "uniqueItems": True}


ALL_OR_LIST_SCHEMAS: Final = [{"const": ALL}, _list_of(_SYMBOL_SCHEMA)]
_WRITE_ALL_OR_LIST: Final = PlainSerializer(lambda value: value if value == ALL else list(value))
BarInterval = Annotated[
    Interval, PlainValidator(read_interval), PlainSerializer(str), WithJsonSchema(_INTERVAL_SCHEMA)
]
IntradayInterval = Annotated[
    Interval, PlainValidator(read_intraday_interval), PlainSerializer(str), WithJsonSchema(_INTRADAY_SCHEMA)
]
Intervals = Annotated[
    tuple[Interval, ...],
    PlainValidator(read_intervals),
    PlainSerializer(_texts),
    WithJsonSchema(_list_of(_INTERVAL_SCHEMA)),
]
Streams = Annotated[
    tuple[Interval | Literal["quotes"], ...],
    PlainValidator(read_streams),
    PlainSerializer(_texts),
    WithJsonSchema(_list_of({"anyOf": [{"const": QUOTES}, _SESSION_INTERVAL_SCHEMA]})),
]
Symbols = Annotated[
    tuple[str, ...],
    PlainValidator(read_symbols),
    PlainSerializer(list),
    WithJsonSchema(_list_of(_SYMBOL_SCHEMA)),
]
AllOrSymbols = Annotated[
    Literal["all"] | tuple[str, ...],
    PlainValidator(read_all_or_symbols),
    _WRITE_ALL_OR_LIST,
    WithJsonSchema({"anyOf": ALL_OR_LIST_SCHEMAS}),
]
UniverseSymbols = Annotated[
    Literal["all"] | tuple[str, ...],
    PlainValidator(read_universe_symbols),
    _WRITE_ALL_OR_LIST,
    WithJsonSchema({"anyOf": ALL_OR_LIST_SCHEMAS}),
]
PeriodField = Annotated[
    Period,
    PlainValidator(read_period),
    PlainSerializer(str),
    WithJsonSchema(
        {"type": "string", "pattern": f"^{PERIOD_PATTERN}$", "examples": ["10d", "52w", "6m", "1y"]}
    ),
]
TradingDate = Annotated[
    date,
    PlainValidator(read_date),
    PlainSerializer(date.isoformat),
    WithJsonSchema({"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}),
]
TimeOfDay = Annotated[
    time,
    PlainValidator(read_time),
    PlainSerializer(time.isoformat),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{2}:[0-9]{2}(:[0-9]{2})?$", "examples": ["10:30"]}),
]

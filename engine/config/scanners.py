"""Scanners and their universe, in a session file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    PlainValidator,
    StrictBool,
    StrictInt,
    WithJsonSchema,
    model_validator,
)

from tapedeck.engine.config.class_names import class_reader, name_or_class
from tapedeck.engine.config.faults import fault, shown
from tapedeck.engine.config.fields import (
    ALL_OR_LIST_SCHEMAS,
    SYMBOL_PATTERN_SCHEMA,
    IntradayInterval,
    TimeOfDay,
    UniverseSymbols,
)
from tapedeck.engine.config.names import IDENTIFIER_SCHEMA, read_identifier, without_required_name
from tapedeck.engine.config.readers import distinct, read_file_name, read_pattern, read_rule, read_time
from tapedeck.engine.config.section import Section
from tapedeck.engine.errors import nearest

PRE_SESSION: Final = "pre_session"
"""The moment before the first slot, at which history and the pre-market are known."""


class ScanSchedule(Section):
    """Repeated moments of a scanner."""

    start: Annotated[TimeOfDay | None, Field(alias="from")] = None
    """First run, in exchange time; default: the open."""
    end: Annotated[TimeOfDay | None, Field(alias="to")] = None
    """Latest run, in exchange time; default: the close."""
    every: IntradayInterval
    """Time from one run to the next, such as 5m."""


ScanMoment = Literal["pre_session"] | time | ScanSchedule
"""When a scanner runs: before the session, at a time of day (exchange time), or repeatedly."""


def _read_moment(value: object) -> ScanMoment:
    if isinstance(value, ScanSchedule):
        return value
    if isinstance(value, Mapping):
        return ScanSchedule.model_validate(value)
    if value == PRE_SESSION:
        return PRE_SESSION
    if isinstance(value, time) or (isinstance(value, str) and value[:1].isdigit()):
        return read_time(value)
    near = nearest(value, [PRE_SESSION]) if isinstance(value, str) else None
    allowed = f'{PRE_SESSION}, a time of day such as "09:35", or {{from, to, every}}'
    raise fault(f"must be {allowed}, not {shown(value)}", near)


_SCHEDULE_SCHEMA: Final = Literal["pre_session"] | TimeOfDay | ScanSchedule


def _write_moments(moments: tuple[ScanMoment, ...]) -> list[object]:
    return [_write_moment(moment) for moment in moments]


def _write_moment(moment: ScanMoment) -> object:
    if isinstance(moment, ScanSchedule):
        return moment.model_dump(by_alias=True, exclude_none=True)
    return moment.isoformat() if isinstance(moment, time) else moment


ScanMoments = Annotated[
    tuple[ScanMoment, ...],
    PlainSerializer(_write_moments),
    PlainValidator(
        distinct(_read_moment, "times", f'[{PRE_SESSION}, "09:35"]'),
        json_schema_input_type=tuple[_SCHEDULE_SCHEMA, ...] | _SCHEDULE_SCHEMA,  # type: ignore[valid-type]
    ),
]


def _read_scanner_name(value: str) -> str:
    return read_identifier(value, "scanner name")


def scanner_name(definition: Mapping[str, Any]) -> object:
    """Return the name of a scanner as a file has it: its own, else that of its class, else None."""
    return name_or_class(definition, "scanner")


class Scanner(Section):
    """Finds symbols of the universe: by a rule (`where`), or by a class (`scanner`)."""

    model_config = ConfigDict(json_schema_extra=without_required_name)

    name: Annotated[str, AfterValidator(_read_scanner_name), WithJsonSchema(IDENTIFIER_SCHEMA)]
    """Name in panels and exports; default: that of the class."""
    where: Annotated[str, AfterValidator(read_rule)] | None = None
    """Rule: a condition, in which a bare name such as gap_pct is the value of the symbol looked at."""
    by: Annotated[str, AfterValidator(read_rule)] | None = None
    """Value that ranks what the rule finds, largest first, such as gap_pct; default: by symbol."""
    top: Annotated[StrictInt, Field(ge=1)] | None = None
    """Most symbols that one run finds; default: all."""
    scanner: Annotated[str, AfterValidator(class_reader("my_scanners.gaps:GapScanner"))] | None = None
    """The class, as `module:Class` or `path/to/file.py:Class`; paths begin at the session file's folder."""
    parameters: Mapping[str, JsonValue] = Field(default_factory=dict)
    """Arguments of the class."""
    at: ScanMoments
    """When it runs: `pre_session`, times such as "09:35", or {from, to, every}; exchange time."""
    add: StrictBool = True
    """Whether symbols that it finds join the session; if not, they are only reported."""
    keep: StrictBool = False
    """Whether the following sessions begin with symbols that it added."""
    max_symbols: Annotated[StrictInt, Field(ge=1)] = 20
    """Most symbols that it adds to one session; others that it finds are only reported."""
    required: StrictBool = False
    """Whether a failure of this scanner ends the run; if not, the session goes on."""
    timeout_seconds: Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)] = 5.0
    """Longest time of each call of the class."""

    @model_validator(mode="before")
    @classmethod
    def _name_after_class(cls, value: object) -> object:
        if not isinstance(value, Mapping) or (name := scanner_name(value)) is None:
            return value
        return {**value, "name": name}


class Universe(Section):
    """Symbols that scanners look at; the store has their 1m bars. One of `symbols`, `file`, `pattern`."""

    symbols: UniverseSymbols | None = None
    """A list, or `all`: every symbol of the store."""
    file: Annotated[str, AfterValidator(read_file_name)] | None = None
    """Text file with one symbol a line; its path begins at the session file's folder."""
    pattern: Annotated[str, AfterValidator(read_pattern), WithJsonSchema(SYMBOL_PATTERN_SCHEMA)] | None = None
    """Symbols of the store, with * and ?, such as "A*"."""
    indicators: tuple[str, ...] = ()
    """Indicators of the file, session or historical, that are computed for the universe, too."""
    average_days: Annotated[StrictInt, Field(ge=1, le=250)] = 10
    """Trading days over which `avg_volume_to_now` is the average."""
    memory_mb: Annotated[StrictInt, Field(ge=16)] = 512
    """Most memory for the bars that are read at once; at least one session is read."""


def _add_short_forms(schema: dict[str, Any]) -> None:
    schema["anyOf"] = [*ALL_OR_LIST_SCHEMAS, SYMBOL_PATTERN_SCHEMA, *schema["anyOf"]]


UniverseField = Annotated[Universe | None, Field(json_schema_extra=_add_short_forms)]
"""The universe; the file may also have its `symbols` or `pattern` alone (`short_forms`)."""

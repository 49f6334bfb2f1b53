"""Fault scripts: faults of a feed as data, listed one by one or drawn at random from a seed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BeforeValidator, Field, PlainValidator, StrictBool, StrictInt, ValidationError
from pydantic_core import ErrorDetails

from tapedeck.engine.config.documents import find_lines, parse_text
from tapedeck.engine.config.faults import shown
from tapedeck.engine.config.lines import with_lines
from tapedeck.engine.config.plain_documents import dotted
from tapedeck.engine.config.problems import value_message
from tapedeck.engine.config.section import Section
from tapedeck.engine.config.text_files import read_text_file
from tapedeck.engine.errors import WHOLE_FILE, ConfigError, ConfigProblem, listed, nearest
from tapedeck.engine.feeds.fault_times import (
    Moment,
    read_moment,
    read_seconds,
    read_seconds_or_never,
    read_symbol_list,
)

_SUFFIXES: Final = (".yaml", ".yml", ".json")

At = Annotated[Moment, PlainValidator(read_moment)]
Seconds = Annotated[float, BeforeValidator(read_seconds), Field(ge=0, allow_inf_nan=False)]
SomeSeconds = Annotated[float, BeforeValidator(read_seconds), Field(gt=0, allow_inf_nan=False)]
Factor = Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class _BarFault(Section):
    """A fault of some bars: those that open from `at` on, within `for`."""

    at: At
    """Open of the first bar, exchange time: 10:31 on every day, or 2013-10-07 10:31."""
    duration: SomeSeconds = Field(default=1.0, alias="for")
    """Span in which bars open, such as 90, 90s, 5m or 1h; by default the bar at that time."""
    symbol: Annotated[tuple[str, ...], PlainValidator(read_symbol_list)] = ()
    """One symbol, or a list; by default all."""


class Duplicate(_BarFault):
    """The message arrives again."""

    kind: Literal["duplicate"]
    after: Seconds = 0.5
    """Seconds between the messages."""
    times: Annotated[StrictInt, Field(ge=1, le=100)] = 1
    """Number of repeats."""


class Reorder(_BarFault):
    """The bars arrive when the last of them is due, the last one first."""

    kind: Literal["reorder"]


class Late(_BarFault):
    """The bar arrives later than usual."""

    kind: Literal["late"]
    by: SomeSeconds
    """Seconds of delay."""


class Early(_BarFault):
    """The bar arrives before its end by our clock."""

    kind: Literal["early"]
    by: SomeSeconds
    """Seconds before the end of the bar."""


class Corrected(_BarFault):
    """The first message is wrong, and an updated one follows with the stored values."""

    kind: Literal["corrected"]
    after: SomeSeconds = 30.0
    """Seconds until the updated message."""
    price: Factor = 1.001
    """Prices of the first message, as a multiple of the stored ones."""
    volume: Factor = 0.8
    """Volume of the first message, as a multiple of the stored one."""


class Missing(_BarFault):
    """The bar is never delivered."""

    kind: Literal["missing"]
    history_after: Annotated[float | Literal["never"], PlainValidator(read_seconds_or_never)] = 0.0
    """Seconds after which history has the bar, or never."""


class HistoryLate(_BarFault):
    """History has the bar later than the stream."""

    kind: Literal["history_late"]
    by: SomeSeconds
    """Seconds during which history lacks the bar."""


class HistoryDiffers(_BarFault):
    """History has other values than the stream; they are the final ones."""

    kind: Literal["history_differs"]
    after: Seconds = 0.0
    """Seconds after which history has the other values."""
    price: Factor = 1.001
    """Prices of history, as a multiple of the stored ones."""
    volume: Factor = 1.25
    """Volume of history, as a multiple of the stored one."""


class _SpanFault(Section):
    """A fault of the whole feed, from `at` on, for a time."""

    at: At
    """Begin, exchange time: 10:31:20 on every day, or 2013-10-07 10:31:20."""
    duration: SomeSeconds = Field(alias="for")
    """Length, such as 90, 90s, 5m or 1h."""


class Disconnect(_SpanFault):
    """The connection is lost, and connecting fails meanwhile."""

    kind: Literal["disconnect"]


class Mute(_SpanFault):
    """The feed is connected, and sends nothing."""

    kind: Literal["mute"]


class HistoryFails(_SpanFault):
    """Requests for history fail."""

    kind: Literal["history_fails"]
    how: Literal["error", "hang"] = "error"
    """`error`: at once; `hang`: at the end of the time given for the answer."""


BarFault = Duplicate | Reorder | Late | Early | Corrected | Missing | HistoryLate | HistoryDiffers
SpanFault = Disconnect | Mute | HistoryFails
Fault = Annotated[BarFault | SpanFault, Field(discriminator="kind")]
_KINDS: Final[Mapping[str, Any]] = {
    get_args(model.model_fields["kind"].annotation)[0]: model
    for model in (*get_args(BarFault), *get_args(SpanFault))
}


class RandomFaults(Section):
    """Faults drawn from a seed: the same bars and seed give the same faults, however they are asked for."""

    seed: StrictInt
    """Number that decides all faults."""
    duplicate: Share = 0.0
    """Share of bars that arrive twice, up to 90 s apart."""
    reorder: Share = 0.0
    """Share of bars that arrive after the next one."""
    late: Share = 0.0
    """Share of bars that arrive up to 5 minutes late."""
    early: Share = 0.0
    """Share of bars that arrive up to 2 s before their end."""
    corrected: Share = 0.0
    """Share of bars whose first message is wrong for up to 2 minutes."""
    missing: Share = 0.0
    """Share of bars that only history has, after up to 2 minutes."""
    lost: Share = 0.0
    """Share of bars that neither stream nor history has."""
    history_late: Share = 0.0
    """Share of bars that history has up to 2 minutes later."""
    history_differs: Share = 0.0
    """Share of bars with other values in history."""
    gap: Share = 0.0
    """Share of minutes in which a gap of 1 to 15 minutes of all symbols begins; history has the bars."""
    disconnect: Share = 0.0
    """Share of minutes in which the connection is lost, for up to 5 minutes."""
    mute: Share = 0.0
    """Share of minutes in which the feed falls silent, for up to 10 minutes."""
    history_fails: Share = 0.0
    """Share of minutes from which history fails, for up to 2 minutes."""


class FaultScript(Section):
    """A fault script. Of several faults of one kind that fit a bar, the first applies."""

    faults: tuple[Fault, ...] = ()
    """Faults one by one."""
    random: RandomFaults | None = None
    """Faults at random."""
    history_confirms_empty: StrictBool = False
    """Whether history tells that minutes without a bar had no trade."""
    provider_ahead: Annotated[float, Field(allow_inf_nan=False)] = 0.0
    """Seconds by which the provider's clock is ahead of ours."""


def load_fault_script(path: Path) -> FaultScript:
    """Read the fault script at `path`, YAML or JSON; ConfigError with all its faults and their lines."""
    text = read_text_file(path, "fault script", suffixes=_SUFFIXES)
    is_json = path.suffix.lower() == ".json"
    document = parse_text(text, str(path), is_json=is_json)
    try:
        return parse_fault_script(document, str(path))
    except ConfigError as error:
        problems = with_lines(error.problems, find_lines(text, is_json=is_json))
        raise ConfigError(error.source, problems) from error


def parse_fault_script(document: object, source: str = "fault script") -> FaultScript:
    """Check a document of plain values; `source` names it in errors. Raises ConfigError with all faults."""
    if not isinstance(document, Mapping):
        fields = ", ".join(FaultScript.model_fields)
        found = "is empty" if document is None else f"must be a mapping of fields, not {shown(document)}"
        raise ConfigError(source, [ConfigProblem(WHOLE_FILE, document, f"{found}: its fields are {fields}.")])
    try:
        return FaultScript.model_validate(document)
    except ValidationError as error:
        raise ConfigError(source, [_problem_of(one) for one in error.errors(include_url=False)]) from error


def _problem_of(detail: ErrorDetails) -> ConfigProblem:
    # Within a fault, pydantic puts the kind before the field.
    place = tuple(
        part
        for index, part in enumerate(detail["loc"])
        if not (index == 2 and detail["loc"][0] == "faults" and part in _KINDS)
    )
    value: object = detail["input"]
    match detail["type"]:
        case "missing":
            value, message, near = None, f"is required: {_fields_at(detail).get(str(place[-1]), '')}", None
        case "extra_forbidden":
            known = list(_fields_at(detail))
            message = f"unknown field {str(place[-1])!r}: the fields here are {', '.join(known)}"
            near = nearest(str(place[-1]), known)
        case "union_tag_invalid" | "union_tag_not_found":
            kind = value.get("kind") if isinstance(value, Mapping) else None
            place, value = (*place, "kind"), kind
            message = f"must be one of {listed(_KINDS, len(_KINDS))}, not {shown(kind)}"
            near = nearest(kind, _KINDS) if isinstance(kind, str) else None
        case _:
            message, near = value_message(detail)
    return ConfigProblem(dotted(place), value, f"{message.rstrip('.')}.", near)


def _fields_at(detail: ErrorDetails) -> dict[str, str]:
    """Return the fields of the model of an error, as a script spells them, with their descriptions."""
    loc = detail["loc"]
    model: Any = FaultScript
    if len(loc) > 1:
        model = RandomFaults if loc[0] == "random" else _KINDS[str(loc[2])]
    return {info.alias or name: info.description or "" for name, info in model.model_fields.items()}

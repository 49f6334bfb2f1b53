"""Conversion of pydantic's errors to the problems of a session file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tapedeck.engine.config.faults import FAULT, Location, shown
from tapedeck.engine.config.misplaced import unknown_field
from tapedeck.engine.config.plain_documents import HIDDEN, dotted
from tapedeck.engine.config.session_config import SessionConfig
from tapedeck.engine.errors import ConfigProblem, nearest

Message = tuple[str, str | None]
"""A message, and the nearest valid spelling or None."""

_KINDS: Final = {
    "string_type": "text (in quotes, if YAML reads it as another type)",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "model_type": "a mapping of fields",
    "model_attributes_type": "a mapping of fields",
    "mapping_type": "a mapping",
    "dict_type": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
    "finite_number": "a finite number",
}
_BOUNDS: Final = {
    "greater_than": ("greater than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}
_YES_AND_NO: Final = {
    "yes": "true",
    "on": "true",
    "true": "true",
    "no": "false",
    "off": "false",
    "false": "false",
}


def problems_of(error: ValidationError, origins: Mapping[Location, Location]) -> list[ConfigProblem]:
    """Return the problems in `error`, with their paths in the file.

    `origins`: for each field moved from an older one, its path in the file.
    """
    details = error.errors(include_url=False)
    return [_problem_of(detail, origins) for detail in details if detail["input"] != HIDDEN]


def _problem_of(detail: ErrorDetails, origins: Mapping[Location, Location]) -> ConfigProblem:
    place = _place_in_file(detail["loc"])
    value = None if detail["type"] == "missing" else detail["input"]
    message, suggestion = _message(detail, place)
    return ConfigProblem(dotted(_origin(place, origins)), value, message, suggestion)


def _origin(place: Location, origins: Mapping[Location, Location]) -> Location:
    """Return the path in the file of a field that was moved, or is within one that was."""
    for length in range(len(place), 0, -1):
        if place[:length] in origins:
            return (*origins[place[:length]], *place[length:])
    return place


def _place_in_file(loc: Location) -> Location:
    """Return the path in the file: without the steps that pydantic and the model's `parameters` add."""
    return tuple(
        part
        for index, part in enumerate(loc)
        # In the file, an indicator's parameters are on the level of its type.
        if part != "[key]" and not (part == "parameters" and index >= 2 and loc[index - 2] == "indicators")
    )


def _message(detail: ErrorDetails, place: Location) -> Message:
    """Return the message of one error."""
    if detail["type"] == "missing":
        return _missing_field(place), None
    if detail["type"] == "extra_forbidden":
        return unknown_field(place, _fields_of(_model_at(place[:-1])))
    return value_message(detail)


def value_message(detail: ErrorDetails) -> Message:
    """Return the message of an error about a value, of any model: not of a missing or unknown field."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == FAULT:
        return context["message"], context["suggestion"] or None
    allowed = _type_or_bound_message(kind, detail["input"], context)
    return allowed or (_SPECIAL.get(kind, _pydantic_message)(detail), None)


def _type_or_bound_message(kind: str, value: object, context: Mapping[str, Any]) -> Message | None:
    """Return the message for a value of the wrong type or size, or None for another fault."""
    if kind == "literal_error":
        return _not_among(value, _choices(context["expected"]))
    if kind in _KINDS:
        near = _YES_AND_NO.get(value.casefold()) if kind == "bool_type" and isinstance(value, str) else None
        return f"must be {_KINDS[kind]}, not {shown(value)}", near
    if kind in _BOUNDS:
        words, key = _BOUNDS[kind]
        return f"must be {words} {_number(context[key])}, not {shown(value)}", None
    return None


def _not_among(value: object, choices: list[str]) -> Message:
    near = nearest(value, choices) if isinstance(value, str) else None
    return f"must be {_any_of(choices)}, not {shown(value)}", near


def _any_of(choices: Sequence[str]) -> str:
    return " or ".join(filter(None, [", ".join(choices[:-1]), choices[-1]]))


def _choices(expected: str) -> list[str]:
    """Return the values of a literal, from pydantic's `'a', 'b' or 'c'`."""
    return [word.strip("' ") for word in expected.replace(" or ", ",").split(",")]


def _number(bound: float) -> str:
    return str(int(bound)) if bound == int(bound) else str(bound)


def _pydantic_message(detail: ErrorDetails) -> str:
    return f"invalid value {shown(detail['input'])}: {detail['msg']}"


_SPECIAL: Final[dict[str, Callable[[ErrorDetails], str]]] = {
    "string_too_short": lambda detail: "must not be empty",
    "string_too_long": lambda detail: (
        f"must have at most {detail['ctx']['max_length']} characters, not {len(detail['input'])}"
    ),
}


def _missing_field(place: Location) -> str:
    """Return the message for a missing field: its description, and its values if it is a choice."""
    model, name = _model_at(place[:-1]), str(place[-1])
    info = next(info for key, info in model.model_fields.items() if name == (info.alias or key))
    text = f"is required: {info.description or ''}"
    if get_origin(info.annotation) is not Literal:
        return text
    return f"{text.rstrip('.')}: {_any_of(get_args(info.annotation))}"


def _fields_of(model: type[BaseModel]) -> dict[str, str]:
    """Return the names of a model's fields as the file spells them, with their descriptions."""
    return {info.alias or name: info.description or "" for name, info in model.model_fields.items()}


def _model_at(place: Location) -> type[BaseModel]:
    """Return the model of the fields at `place`, skipping indicator names and list positions."""
    model: type[BaseModel] = SessionConfig
    for part in place:
        field = next(
            (info for name, info in model.model_fields.items() if part == (info.alias or name)), None
        )
        if field is not None:
            model = next(_models_in(field.annotation), model)
    return model


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)

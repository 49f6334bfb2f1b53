"""`--indicator` option: `[NAME=]KIND[:v1,v2][@INTERVAL]` to the definition of a session file."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic_core import PydanticCustomError

from tapedeck.engine.config.catalogue import output_names
from tapedeck.engine.config.names import is_reserved, read_indicator_name
from tapedeck.engine.errors import ConfigProblem, shortened
from tapedeck.engine.indicators.kind import IndicatorKind
from tapedeck.engine.indicators.registry import REGISTRY
from tapedeck.engine.printable import printable_line

FORM: Final = "[NAME=]KIND[:V,V][@INTERVAL]"
OPTION: Final = "--indicator"
USUAL: Final = "usual_volume"
"""Name of the historical indicator that is added for kinds that compare with one."""
_EXAMPLES: Final = "RSI, RSI:14, RSI:14@5m or rsi=RSI:14@5m"
_PERIOD: Final = "10d"
_LONGEST: Final = 500
_LONGEST_NAME: Final = 100
_WHOLE: Final = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER: Final = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?")
_PART: Final = "[^=:@]"
_TEXT: Final = re.compile(
    f"(?:(?P<name>{_PART}*)=)?(?P<kind>{_PART}+)(?::(?P<values>{_PART}*))?(?:@(?P<at>{_PART}*))?"
)

Definition = dict[str, object]


class IndicatorProblem(Exception):
    """A fault of one option, as a problem of the command line."""

    def __init__(self, text: str, message: str, suggestion: str | None = None) -> None:
        self.problem = ConfigProblem(place_of(text), text, f"{message.rstrip('.')}.", suggestion)
        super().__init__(message)


def place_of(text: str) -> str:
    """Return the option with its text, as problems name it."""
    return f"{OPTION} {shortened(printable_line(text))}"


@dataclass(frozen=True, slots=True)
class IndicatorWords:
    """One option: name and interval as written (None: not given), kind, values by parameter."""

    text: str
    name: str | None
    kind: IndicatorKind
    values: dict[str, object]
    interval: str | None


def read_indicator(text: str) -> IndicatorWords:
    """Return the parts of an option's text; IndicatorProblem for an invalid form, kind, name or number."""
    match = _TEXT.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if match is None:
        raise IndicatorProblem(
            text, f"invalid indicator {shortened(text)!r}: write {FORM}, such as {_EXAMPLES}"
        )
    name = None if match["name"] is None else match["name"].strip()
    try:
        if name is not None:
            read_indicator_name(name)
        kind = REGISTRY.read_type(match["kind"])
    except PydanticCustomError as error:
        context = error.context or {}
        raise IndicatorProblem(text, context["message"], context["suggestion"] or None) from None
    if name is not None and len(name) > _LONGEST_NAME:
        raise IndicatorProblem(text, f"the name is too long: use at most {_LONGEST_NAME} characters")
    interval = None if match["at"] is None else match["at"].strip()
    return IndicatorWords(text, name, kind, _values(text, kind, match["values"]), interval)


def definitions_of(words: Sequence[IndicatorWords], interval: str) -> dict[str, Definition]:
    """Return the definitions of `session_data_config.indicators` by name.

    `interval`: that of indicators without one. Those without a name get a free one. Raises IndicatorProblem
    for a name that is given twice.
    """
    taken: set[str] = set()
    for one in words:
        if one.name is not None:
            names = names_of(one.name, one.kind)
            if not taken.isdisjoint(names):
                raise IndicatorProblem(one.text, f"the name {one.name!r} is used already: choose another")
            taken.update(names)
    found: dict[str, Definition] = {}
    for one in words:
        name = one.name if one.name is not None else _free_name(one, interval, taken)
        against = {} if one.kind.against is None else {"against": USUAL}
        values = {name: parameter.default for name, parameter in one.kind.parameters.items()} | one.values
        found[name] = {"type": one.kind.type, "interval": one.interval or interval, **values, **against}
    return found


def historical_of(words: Sequence[IndicatorWords]) -> dict[str, Definition]:
    """Return the historical indicators that the kinds of `words` compare with, by name."""
    need = next((one.kind.against for one in words if one.kind.against is not None), None)
    if need is None:
        return {}
    return {
        USUAL: {"type": need.type, "period": _PERIOD, "granularity": need.granularity, "field": need.field}
    }


def names_of(name: str, kind: IndicatorKind) -> set[str]:
    """Return the names that an indicator takes: its own and those of its outputs."""
    return {name, *output_names(name, kind.outputs)}


def _values(text: str, kind: IndicatorKind, written: str | None) -> dict[str, object]:
    """Return the values by parameter, in the order of the kind; an empty one has its default."""
    if written is None:
        return {}
    values, names = [value.strip() for value in written.split(",")], list(kind.parameters)
    if len(values) > len(names):
        takes = f"it takes {', '.join(names)}" if names else "it takes none"
        raise IndicatorProblem(text, f"too many values for {kind.type}: {takes}")
    return {name: _value(value) for name, value in zip(names, values, strict=False) if value}


def _value(text: str) -> object:
    """Return a number, or the text of a word such as EMA."""
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


def _free_name(words: IndicatorWords, interval: str, taken: set[str]) -> str:
    """Return the first name of an indicator that is valid and not taken, and take it."""
    name = next(name for name in _candidates(words, interval) if _is_free(name, words.kind, taken))
    taken.update(names_of(name, words.kind))
    return name


def _candidates(words: IndicatorWords, interval: str) -> Iterator[str]:
    """Yield names without end: rsi_14, or rsi_14_5m on another interval; then rsi_14_2, and so on."""
    values = list(words.values.values())
    if not values and len(words.kind.parameters) == 1:
        values = [parameter.default for parameter in words.kind.parameters.values()]
    parts = [words.kind.type, *map(str, values)]
    name = re.sub(r"[^a-z0-9]+", "_", "_".join(parts).casefold()).strip("_")
    if words.interval and words.interval != interval:
        name = f"{name}_{re.sub('[^a-z0-9]', '', words.interval.casefold())}"
    yield name
    number = 2
    while True:
        yield f"{name}_{number}"
        number += 1


def _is_free(name: str, kind: IndicatorKind, taken: Collection[str]) -> bool:
    names = names_of(name, kind)
    return name.isidentifier() and names.isdisjoint(taken) and not any(map(is_reserved, names))

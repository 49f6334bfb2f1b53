"""Lines of the fields of a session file: where in its text each key and list entry stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import yaml

from tapedeck.engine.config.faults import Location
from tapedeck.engine.config.plain_documents import dotted
from tapedeck.engine.errors import ConfigProblem

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_UNPLACED: Final = 2**62

Lines = Mapping[str, int]
"""Line, from 1, of each field by its dotted path; of a merged or repeated one, of where it is written."""


@dataclass(frozen=True, slots=True)
class RepeatedKey:
    """A key that its object has had before, with the lines of both."""

    name: str
    line: int
    first: int


def with_lines(problems: Sequence[ConfigProblem], lines: Lines) -> list[ConfigProblem]:
    """Return problems with their lines, in the order of the file; those of no line come last.

    The line of a field that is missing is that of its section.
    """
    placed = [replace(problem, line=_line_of(problem.path, lines)) for problem in problems]
    return sorted(placed, key=lambda problem: problem.line or _UNPLACED)


def _line_of(path: str, lines: Lines) -> int | None:
    while path and path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return lines.get(path)


def lines_of_node(node: yaml.Node | None) -> dict[str, int]:
    """Return the lines of a YAML document, given as its root node, in which merge keys were resolved."""
    return {dotted(place): line for place, line in _walk(node, ())}


def _walk(node: yaml.Node | None, place: Location) -> Iterator[tuple[Location, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*place, str(key.value))
            yield inner, key.start_mark.line + 1
            yield from _walk(value, inner)
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            inner = (*place, position)
            yield inner, value.start_mark.line + 1
            yield from _walk(value, inner)


@dataclass(slots=True)
class _Open:
    """An object or list that is not closed yet; `key`: that of the value being read, or its position."""

    place: Location
    is_object: bool
    key: str | int | None
    seen: dict[str, int] = field(default_factory=dict)


def lines_of_json(text: str) -> tuple[dict[str, int], list[RepeatedKey]]:
    """Return the lines of a valid JSON text, and the keys that an object has more than once."""
    lines: dict[str, int] = {}
    repeated: list[RepeatedKey] = []
    within: list[_Open] = []
    for token, line in _tokens(text):
        top = within[-1] if within else None
        if token in ("}", "]"):
            within.pop()
        elif token == "," and top is not None:
            top.key = None if isinstance(top.key, str) else (top.key or 0) + 1
        elif top is not None and top.is_object and top.key is None:
            top.key = name = str(json.loads(token))
            lines[dotted((*top.place, name))] = line
            if name in top.seen:
                repeated.append(RepeatedKey(name, line, top.seen[name]))
            top.seen.setdefault(name, line)
        elif token != ":":
            place = () if top is None or top.key is None else (*top.place, top.key)
            if top is not None and not top.is_object:
                lines[dotted(place)] = line
            if token in ("{", "["):
                within.append(_Open(place, token == "{", None if token == "{" else 0))
    return lines, repeated


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    """Yield the tokens of a JSON text with their lines."""
    line, counted = 1, 0
    for match in _TOKEN.finditer(text):
        line += text.count("\n", counted, match.start())
        counted = match.start()
        yield match[0], line

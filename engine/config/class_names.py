"""Classes of the user as a session file names them: `module:Class`, or `path/to/file.py:Class`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from tapedeck.engine.config.faults import Location, fault, shown
from tapedeck.engine.config.plain_documents import dotted
from tapedeck.engine.errors import ConfigProblem
from tapedeck.engine.user_path import path_fault

_MODULE: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


def class_reader(example: str) -> Callable[[str], str]:
    """Return a reader of the text of a class, which returns it as written; `example`: for its message."""

    def read(value: str) -> str:
        place, _, name = value.rpartition(":")
        if not name.isidentifier() or path_fault(value) or not (is_path(place) or _MODULE.fullmatch(place)):
            raise fault(
                f"must be module:Class or path/to/file.py:Class, such as {example}, not {shown(value)}"
            )
        return value

    return read


def is_path(place: str) -> bool:
    """Whether the part of a class before the colon is a path, not a module."""
    return place.endswith(".py")


def name_or_class(definition: Mapping[str, object], field: str) -> object:
    """Return the name of an entry as a file has it: its own, else that of its class in `field`, else None."""
    name, class_ = definition.get("name"), definition.get(field)
    return class_.rpartition(":")[2] if name is None and isinstance(class_, str) else name


def repeated_name(name: object, place: Location, taken: dict[object, Location]) -> Iterator[ConfigProblem]:
    """Yield a problem if an earlier scanner, or strategy, has the same name; else add it to `taken`."""
    if not isinstance(name, str):
        return
    first = taken.setdefault(name, place)
    if first != place:
        message = f"the name {name!r} is used already by {dotted(first)}: give one of them another name"
        yield ConfigProblem(dotted((*place, "name")), name, message)

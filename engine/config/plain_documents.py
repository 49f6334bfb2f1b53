"""Plain documents: checks of shape, keys and size before the model, and removal of secrets and nulls."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from tapedeck.engine.config.faults import Location, shown
from tapedeck.engine.config.text_files import MAX_DEPTH, MAX_VALUES, TOO_LARGE
from tapedeck.engine.errors import WHOLE_FILE, ConfigProblem
from tapedeck.engine.printable import printable_line

HIDDEN: Final = "(hidden)"

FREE_FIELDS: Final = frozenset({"metadata", "parameters"})
"""Fields with the user's own keys: nothing in them is renamed, dropped or checked by name."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_SECRET_WORDS: Final = ("key", "secret", "token", "password", "passwd", "passphrase", "credential")


def dotted(place: Location) -> str:
    """Return a location as one line of text: `session_data_config.symbols[2]`."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return printable_line(text) or WHOLE_FILE


def find_misfits(document: object) -> list[ConfigProblem]:
    """Return the problems of shape, keys and size that make a document unusable as a session file."""
    if document is None:
        return [
            ConfigProblem(
                WHOLE_FILE, None, "is empty: a session file starts with session_name and exchange_group"
            )
        ]
    if not isinstance(document, Mapping):
        return [ConfigProblem(WHOLE_FILE, document, f"must be a mapping of fields, not {shown(document)}")]
    problems: list[ConfigProblem] = []
    # A document of a program may contain itself, so the walk has a limit.
    for count, (place, node) in enumerate(_nodes(document)):
        if count >= MAX_VALUES or len(place) >= MAX_DEPTH:
            return [ConfigProblem(WHOLE_FILE, None, TOO_LARGE)]
        if isinstance(node, Mapping):
            problems.extend(_key_problem(place, key) for key in node if not isinstance(key, str))
            problems.extend(_text_problems(place, node))
        else:
            problems.extend(_text_problems(place, [node]))
    return problems


def _key_problem(place: Location, key: object) -> ConfigProblem:
    return ConfigProblem(dotted(place), key, f"the key {shown(key)} must be text, in quotes", f'"{key}"')


def _text_problems(place: Location, texts: Iterable[object]) -> Iterator[ConfigProblem]:
    """Yield a problem for each text with a lone surrogate: no file can hold it, so no run be exported."""
    for text in texts:
        if isinstance(text, str) and (found := _SURROGATE.search(text)):
            message = f"the text {shown(text)} has {found[0]!r}, half of a character: correct or remove it"
            yield ConfigProblem(dotted(place), text, message)


def find_infinite_numbers(document: Mapping[str, object]) -> list[ConfigProblem]:
    """Return a problem for each number that is not finite (`1e999`), which no JSON file can hold."""
    return [
        ConfigProblem(dotted(place), node, f"must be a finite number, not {shown(node)}")
        for place, node in _nodes(document)
        if isinstance(node, float) and not math.isfinite(node)
    ]


def _nodes(node: object, place: Location = ()) -> Iterator[tuple[Location, object]]:
    yield place, node
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _nodes(value, (*place, str(key)))
    elif isinstance(node, list | tuple):
        for position, value in enumerate(node):
            yield from _nodes(value, (*place, position))


def hide_secrets(document: Mapping[str, object]) -> tuple[dict[str, object], list[ConfigProblem]]:
    """Return a copy without likely secrets, and a problem for each, which does not contain the value."""
    problems: list[ConfigProblem] = []
    copy = {key: _without_secrets((key,), value, problems) for key, value in document.items()}
    return copy, problems


def _without_secrets(place: Location, value: object, problems: list[ConfigProblem]) -> object:
    if _is_secret(place) and value is not None:
        problems.append(_secret_problem(place))
        return HIDDEN
    if isinstance(value, Mapping):
        return {key: _without_secrets((*place, key), inner, problems) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets((*place, position), inner, problems) for position, inner in enumerate(value)]
    return value


def _is_secret(place: Location) -> bool:
    *above, name = place
    # Names of indicators are free: `key_level` there is a price.
    if not isinstance(name, str) or (above and above[-1] == "indicators"):
        return False
    return any(word in name.casefold() for word in _SECRET_WORDS)


def _secret_problem(place: Location) -> ConfigProblem:
    return ConfigProblem(
        dotted(place),
        HIDDEN,
        f"the field {place[-1]!r} may hold a secret, which is not allowed in a session file: "
        "use an environment variable or the system keyring, and delete it here "
        "(rename a field that holds no secret)",
    )


def without_nulls(document: Mapping[str, object]) -> dict[str, object]:
    """Return a copy without empty fields, so that they count as absent."""
    return {
        key: value if key in FREE_FIELDS else _without_nulls(value)
        for key, value in document.items()
        if value is not None
    }


def _without_nulls(value: object) -> object:
    if isinstance(value, Mapping):
        return without_nulls(value)
    if isinstance(value, list | tuple):
        return [_without_nulls(inner) for inner in value]
    return value

"""Cross checks of scanners and their universe: fields that go together, and names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from tapedeck.engine.config.class_names import repeated_name
from tapedeck.engine.config.faults import Location
from tapedeck.engine.config.plain_documents import dotted
from tapedeck.engine.config.readers import UNIVERSE_FORMS
from tapedeck.engine.config.scanners import scanner_name
from tapedeck.engine.errors import ConfigProblem, nearest, unknown_name

_PLACE: Final = ("session_data_config", "scanners")
_UNIVERSE: Final = ("session_data_config", "universe")
_SYMBOLS: Final = ("symbols", "file", "pattern")
_NEEDS_RULE: Final = "goes with where only: a class returns what it finds in its order"
_NEEDS_CLASS: Final = "goes with scanner only: a rule has no parameters"


def find_scanner_conflicts(data: Mapping[str, object]) -> Iterator[ConfigProblem]:
    """Yield the conflicts of the scanners and the universe in section `session_data_config`."""
    universe, scanners = data.get("universe"), data.get("scanners")
    if isinstance(universe, Mapping):
        yield from _check_universe(universe, data)
    elif scanners and universe is None:
        yield ConfigProblem(
            dotted(_UNIVERSE),
            None,
            f"is required with scanners: {UNIVERSE_FORMS}",
        )
    names: dict[object, Location] = {}
    for position, scanner in enumerate(scanners if isinstance(scanners, list) else []):
        if isinstance(scanner, Mapping):
            place = (*_PLACE, position)
            yield from _check_kind(scanner, place)
            yield from repeated_name(scanner_name(scanner), place, names)


def find_scanner_warnings(data: Mapping[str, object]) -> Iterator[str]:
    """Yield warnings: valid settings of the universe that are probably mistakes."""
    if data.get("universe") is not None and not data.get("scanners"):
        yield f"{dotted(_UNIVERSE)} has no effect: the file has no scanners"


def _check_universe(universe: Mapping[str, object], data: Mapping[str, object]) -> Iterator[ConfigProblem]:
    given = [name for name in _SYMBOLS if name in universe]
    if len(given) != 1:
        message = f"must have exactly one of symbols, file, pattern; it has {' and '.join(given) or 'none'}"
        yield ConfigProblem(dotted(_UNIVERSE), None, message)
    historical = data.get("historical")
    trailing = historical.get("indicators") if isinstance(historical, Mapping) else None
    known = [
        name
        for section in (data.get("indicators"), trailing)
        if isinstance(section, Mapping)
        for name in section
    ]
    wanted = universe.get("indicators")
    seen: set[str] = set()
    for position, name in enumerate(wanted if isinstance(wanted, list) else []):
        place = dotted((*_UNIVERSE, "indicators", position))
        if not isinstance(name, str):
            continue  # reported by the model
        if name in seen:
            yield ConfigProblem(place, name, f"duplicate entry {name!r}")
        elif name not in known:
            message = unknown_name("indicator", name, known, owner="this file")
            yield ConfigProblem(place, name, message, _indicator_of(name, known) or nearest(name, known))
        seen.add(name)


def _indicator_of(output: str, known: list[str]) -> str | None:
    """Return the indicator of which `output` may be one of several outputs."""
    return max((name for name in known if output.startswith(f"{name}_")), key=len, default=None)


def _check_kind(scanner: Mapping[str, object], place: Location) -> Iterator[ConfigProblem]:
    """Yield the problems of a scanner that is not either a rule or a class, with the fields of one."""
    is_rule, is_class = "where" in scanner, "scanner" in scanner
    if is_rule == is_class:
        message = f"must have where (a rule) or scanner (a class), not {'both' if is_rule else 'neither'}"
        yield ConfigProblem(dotted(place), None, message)
    elif is_class and "by" in scanner:
        yield ConfigProblem(dotted((*place, "by")), scanner["by"], _NEEDS_RULE)
    elif is_rule and scanner.get("parameters"):
        yield ConfigProblem(dotted((*place, "parameters")), None, _NEEDS_CLASS)
    if scanner.get("keep") is True and scanner.get("add") is False:
        message = "must be false with add: false, as there is nothing to keep"
        yield ConfigProblem(dotted((*place, "keep")), True, message)

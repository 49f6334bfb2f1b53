"""Short forms of session files: a value in place of a section or list, moved to the field it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tapedeck.engine.config.faults import Location
from tapedeck.engine.config.readers import is_pattern

_DATA: Final = "session_data_config"


def expand(document: dict[str, object]) -> dict[Location, Location]:
    """Write the short forms of `document` in full, in place; return where in the file each of them stands.

    `universe: all` and a list are its `symbols`, other text with * or ? is its `pattern`; `at: "10:00"` and
    `at: {every: 5m}` are lists of one.
    """
    data = document.get(_DATA)
    if not isinstance(data, dict):
        return {}
    origins: dict[Location, Location] = {}
    universe, scanners = data.get("universe"), data.get("scanners")
    if universe is not None and not isinstance(universe, Mapping):
        field = "pattern" if isinstance(universe, str) and is_pattern(universe) else "symbols"
        data["universe"] = {field: universe}
        origins[_DATA, "universe", field] = (_DATA, "universe")
    for position, scanner in enumerate(scanners if isinstance(scanners, list) else []):
        if isinstance(scanner, dict) and not isinstance(scanner.get("at", []), list):
            place = (_DATA, "scanners", position, "at")
            scanner["at"] = [scanner["at"]]
            origins[*place, 0] = place
    return origins

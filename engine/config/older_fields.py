"""Older fields of session files: deprecated ones, read with a warning, and removed ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tapedeck.engine.config.faults import Location, shown
from tapedeck.engine.config.plain_documents import FREE_FIELDS, dotted
from tapedeck.engine.config.readers import QUOTES
from tapedeck.engine.errors import ConfigProblem, nearest
from tapedeck.engine.intervals import MINUTE, Interval

_DATA: Final = "session_data_config"
_UPKEEP: Final = "data_upkeep"
_RENAMED: Final = {"enabled": "enable_session_quality", "check_interval_seconds": "retry_interval_seconds"}
_DERIVED: Final = "derived_intervals"

_REMOVED: Final = {
    "quality_update_frequency": "quality is scored whenever bars arrive or fall due. Delete the field",
    "prefetch.window_minutes": (
        "whole sessions are loaded ahead. Delete it, and set backtest_config.prefetch_days "
        "(sessions to load ahead) if the default of 5 does not fit"
    ),
}


@dataclass(frozen=True, slots=True)
class Upgrade:
    """A document with current fields.

    `origins`: for each field moved from an older one, its path in the file.
    """

    document: dict[str, object]
    warnings: list[str] = field(default_factory=list)
    problems: list[ConfigProblem] = field(default_factory=list)
    origins: dict[Location, Location] = field(default_factory=dict)


def upgrade(document: Mapping[str, object]) -> Upgrade:
    """Return `document` with older fields moved to current ones, and the warnings and problems found."""
    problems: list[ConfigProblem] = []
    current = _without_removed(document, (), problems)
    current.pop("$schema", None)  # for editors: location of the schema
    result = Upgrade(current, problems=problems)
    _move_upkeep(result, ())
    _move_upkeep(result, (_DATA,))
    return result


def _without_removed(
    section: Mapping[str, object], place: Location, problems: list[ConfigProblem]
) -> dict[str, object]:
    kept: dict[str, object] = {}
    for key, inner in section.items():
        path = dotted((*place, key))
        removed = next((name for name in _REMOVED if f".{path}".endswith(f".{name}")), None)
        if removed is not None:
            problems.append(ConfigProblem(path, inner, f"{removed!r} was removed: {_REMOVED[removed]}"))
            continue
        if not isinstance(inner, Mapping) or key in FREE_FIELDS:
            kept[key] = inner
            continue
        left = _without_removed(inner, (*place, key), problems)
        if left or not inner:  # a section with removed fields only is dropped with them
            kept[key] = left
    return kept


def _move_upkeep(result: Upgrade, above: Location) -> None:
    holder = result.document.get(_DATA) if above else result.document
    if not isinstance(holder, dict) or _UPKEEP not in holder:
        return
    upkeep, place = holder.pop(_UPKEEP), (*above, _UPKEEP)
    if not isinstance(upkeep, Mapping):
        message = f"must be a mapping, not {shown(upkeep)}; its current name is {_DATA}.gap_filler"
        result.problems.append(ConfigProblem(dotted(place), upkeep, message))
        return
    target = result.document.setdefault(_DATA, {})
    if not isinstance(target, dict):
        return  # reported by the model
    for name, value in upkeep.items():
        if name in _RENAMED:
            _move_field(result, target, (*place, name), value)
        elif name == _DERIVED:
            _move_intervals(result, target, (*place, name), value)
        else:
            known = [*_RENAMED, _DERIVED]
            message = f"unknown field {name!r} of {_UPKEEP}: its fields were {', '.join(known)}"
            result.problems.append(
                ConfigProblem(dotted((*place, name)), value, message, nearest(name, known))
            )


def _move_field(result: Upgrade, target: dict[str, object], place: Location, value: object) -> None:
    new = _RENAMED[str(place[-1])]
    filler = target.setdefault("gap_filler", {})
    if not isinstance(filler, dict):
        return  # reported by the model
    now = (_DATA, "gap_filler", new)
    if new in filler:
        message = f"duplicates {dotted(result.origins.get(now, now))}: keep one of them"
        result.problems.append(ConfigProblem(dotted(place), value, message))
        return
    filler[new] = value
    result.origins[now] = place
    result.warnings.append(f"{dotted(place)} is deprecated: use {dotted(now)}")


def _move_intervals(result: Upgrade, target: dict[str, object], place: Location, value: object) -> None:
    if not isinstance(value, list):
        message = f"must be a list of minutes, such as [5, 15], not {shown(value)}; better: {_DATA}.streams"
        result.problems.append(ConfigProblem(dotted(place), value, message))
        return
    derived: list[Interval] = []
    for position, minutes in enumerate(value):
        interval = _minutes(minutes)
        if interval is None:
            message = f"must be whole minutes from 1 to 1439, not {shown(minutes)}"
            result.problems.append(ConfigProblem(dotted((*place, position)), minutes, message))
        else:
            derived.append(interval)
    streams = target.get("streams")
    if isinstance(streams, list):
        present = {_interval_of(item) for item in streams}
        streams.extend(str(interval) for interval in dict.fromkeys(derived) if interval not in present)
    names = ", ".join(str(interval) for interval in derived)
    result.warnings.append(
        f"{dotted(place)} is deprecated: add {names or 'the intervals'} to {_DATA}.streams"
    )


def _minutes(value: object) -> Interval | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 24 * 60:
        return None
    return Interval(value * MINUTE.seconds)


def _interval_of(item: object) -> Interval | None:
    if not isinstance(item, str) or item == QUOTES:
        return None
    try:
        return Interval.parse(item)
    except ValueError:
        return None

"""Older fields of scanners, `schedules` and `pre_session`: read as `at`, with a warning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tapedeck.engine.config.documents import write_yaml_value
from tapedeck.engine.config.faults import Location, shown
from tapedeck.engine.config.older_fields import Upgrade
from tapedeck.engine.config.plain_documents import dotted
from tapedeck.engine.config.scanners import PRE_SESSION
from tapedeck.engine.errors import ConfigProblem

_DATA: Final = "session_data_config"
_OLDER: Final = ("schedules", "pre_session")


def move_schedules(result: Upgrade) -> None:
    """Move the older fields of each scanner to `at`; they ran before the session, too, unless told not to."""
    data = result.document.get(_DATA)
    scanners = data.get("scanners") if isinstance(data, Mapping) else None
    for position, scanner in enumerate(scanners if isinstance(scanners, list) else []):
        if isinstance(scanner, dict):
            _move(result, scanner, (_DATA, "scanners", position))


def _move(result: Upgrade, scanner: dict[str, object], place: Location) -> None:
    older = [name for name in _OLDER if name in scanner]
    if not older:
        return
    schedules, before = scanner.pop("schedules", []), scanner.pop("pre_session", True)
    problems = _problems(schedules, before, place)
    if "at" in scanner:
        message = f"duplicates {dotted((*place, 'at'))}: keep one of them"
        problems += [ConfigProblem(dotted((*place, name)), None, message) for name in older]
    result.problems.extend(problems)
    if problems:
        # Present, so that it is not reported as missing, too.
        scanner.setdefault("at", [PRE_SESSION])
        return
    assert isinstance(schedules, list)
    at = [*([PRE_SESSION] if before else []), *schedules]
    if not at:
        return  # `at` is missing: reported by the model
    scanner["at"] = at
    for index in range(len(schedules)):
        result.origins[*place, "at", index + len(at) - len(schedules)] = (*place, "schedules", index)
    fields = " and ".join(dotted((*place, name)) for name in older)
    verb = "is" if len(older) == 1 else "are"
    result.warnings.append(f"{fields} {verb} deprecated: use at: {write_yaml_value(at)}")


def _problems(schedules: object, before: object, place: Location) -> list[ConfigProblem]:
    found = []
    if not isinstance(schedules, list):
        message = f"must be a list, not {shown(schedules)}; its current name is at"
        found.append(ConfigProblem(dotted((*place, "schedules")), schedules, message))
    if not isinstance(before, bool):
        message = f"must be true or false, not {shown(before)}; better: {PRE_SESSION} in at"
        found.append(ConfigProblem(dotted((*place, "pre_session")), before, message))
    return found

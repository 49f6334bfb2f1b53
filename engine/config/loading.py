"""Loading of session files: from a path or a document to a checked SessionConfig, and back to text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

from pydantic import JsonValue, ValidationError

from tapedeck.engine.config.catalogue import IndicatorCatalogue
from tapedeck.engine.config.changed_sessions import ChangedSession, valid_changes
from tapedeck.engine.config.cross_checks import find_conflicts, find_warnings
from tapedeck.engine.config.documents import find_lines, parse_text, write_yaml
from tapedeck.engine.config.exchanges import find_exchange
from tapedeck.engine.config.given_parameters import with_settings
from tapedeck.engine.config.lines import with_lines
from tapedeck.engine.config.named_files import find_missing_files
from tapedeck.engine.config.older_fields import upgrade
from tapedeck.engine.config.older_scanners import move_schedules
from tapedeck.engine.config.parameters import fill_in
from tapedeck.engine.config.plain_documents import (
    find_infinite_numbers,
    find_misfits,
    hide_secrets,
    without_nulls,
)
from tapedeck.engine.config.problems import problems_of
from tapedeck.engine.config.session_config import SessionConfig
from tapedeck.engine.config.short_forms import expand
from tapedeck.engine.config.text_files import read_text_file, unreadable
from tapedeck.engine.errors import ConfigError, ConfigProblem

_SUFFIXES: Final = (".yaml", ".yml", ".json")
CheckChanges = Callable[[str, Mapping[date, ChangedSession]], list[ConfigProblem]]
"""Returns the problems of changed sessions that do not fit the calendar of an exchange (its code)."""
CheckRules = Callable[[SessionConfig], list[ConfigProblem]]
"""Returns the problems of the rules of scanners and strategies, and of the terms of the account."""


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A valid session file: its configuration, warnings and source."""

    config: SessionConfig
    warnings: tuple[str, ...]
    source: str


def load_session_config(
    path: Path,
    catalogue: IndicatorCatalogue,
    check_changes: CheckChanges | None = None,
    check_rules: CheckRules | None = None,
    settings: Mapping[str, JsonValue] | None = None,
) -> LoadedConfig:
    """Read the session file at `path`, YAML or JSON. Raises ConfigError with all its faults and their lines.

    `catalogue`: the indicators that session files may use. `check_changes`: compares `sessions` with the
    exchange's calendar. `check_rules`: parses the rules. `settings`: as in `parse_session_config`.
    """
    text = _read_text(path)
    is_json = path.suffix.lower() == ".json" or (
        path.suffix.lower() not in _SUFFIXES and text.lstrip()[:1] == "{"
    )
    document = parse_text(text, str(path), is_json=is_json)
    try:
        loaded = parse_session_config(document, str(path), catalogue, check_changes, check_rules, settings)
        config = loaded.config.in_folder(path.absolute().parent)
        if missing := find_missing_files(config):
            raise ConfigError(str(path), _as_sentences(missing))
    except ConfigError as error:
        problems = with_lines(error.problems, find_lines(text, is_json=is_json))
        raise ConfigError(error.source, problems) from error
    return replace(loaded, config=config)


def parse_session_config(
    document: object,
    source: str,
    catalogue: IndicatorCatalogue,
    check_changes: CheckChanges | None = None,
    check_rules: CheckRules | None = None,
    settings: Mapping[str, JsonValue] | None = None,
) -> LoadedConfig:
    """Check a document of plain values; `source` names it in errors. Raises ConfigError with all faults.

    `settings`: values of parameters in place of the document's, by `name` or `strategy.name`.
    """
    wrong_settings: list[ConfigProblem] = []
    if settings and isinstance(document, Mapping):
        document, wrong_settings = with_settings(document, settings)
    misfits = find_misfits(document)
    if misfits or not isinstance(document, Mapping):
        raise ConfigError(source, _as_sentences(misfits))
    safe, problems = hide_secrets(document)
    problems += wrong_settings
    current = upgrade(without_nulls(safe))
    move_schedules(current)
    origins = current.origins | expand(current.document)
    problems += current.problems
    filled = fill_in(current.document)
    problems += filled.problems
    config = None
    try:
        config = SessionConfig.model_validate(current.document, context=catalogue)
    except ValidationError as error:
        problems += [one for one in problems_of(error, origins) if one.path not in filled.places]
    problems += find_conflicts(current.document, catalogue)
    if check_changes is not None:
        problems += _check_changed_sessions(current.document, check_changes)
    problems = problems or find_infinite_numbers(current.document)
    if config is not None and check_rules is not None and not problems:
        problems = check_rules(config)
    if problems or config is None:
        raise ConfigError(source, _as_sentences(problems))
    warnings = (*current.warnings, *filled.warnings, *find_warnings(current.document))
    return LoadedConfig(config, warnings, source)


def _check_changed_sessions(document: Mapping[str, object], check: CheckChanges) -> list[ConfigProblem]:
    """Return the problems of `sessions` against the calendar, if the file names a known exchange."""
    group, data = document.get("exchange_group"), document.get("session_data_config")
    changes = valid_changes(data.get("sessions")) if isinstance(data, Mapping) else {}
    exchange = find_exchange(group) if isinstance(group, str) else None
    return check(exchange, changes) if changes and exchange is not None else []


def dump(config: SessionConfig) -> str:
    """Return `config` as the YAML text of a session file, with all fields."""
    return write_yaml(config.model_dump(mode="json", by_alias=True, exclude_none=True))


def _as_sentences(problems: list[ConfigProblem]) -> list[ConfigProblem]:
    """Return the problems without duplicates, each message ending with a period before a suggestion."""
    unique: dict[str, ConfigProblem] = {}
    for problem in problems:
        sentence = replace(problem, message=f"{problem.message.rstrip('.')}.")
        unique.setdefault(str(sentence), sentence)
    return list(unique.values())


def _read_text(path: Path) -> str:
    text = read_text_file(path, "session file", suffixes=_SUFFIXES)
    if "\0" in text:
        raise unreadable(path, "is a binary file, not YAML or JSON text")
    return text

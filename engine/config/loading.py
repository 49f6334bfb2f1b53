"""Loading of session files: from a path or a document to a checked SessionConfig, and back to text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from tapedeck.engine.config.catalogue import IndicatorCatalogue
from tapedeck.engine.config.cross_checks import find_conflicts, find_warnings
from tapedeck.engine.config.documents import parse_text, write_yaml
from tapedeck.engine.config.older_fields import upgrade
from tapedeck.engine.config.plain_documents import find_misfits, hide_secrets, without_nulls
from tapedeck.engine.config.problems import problems_of
from tapedeck.engine.config.session_config import SessionConfig
from tapedeck.engine.errors import ConfigError, ConfigProblem, nearest

_SUFFIXES: Final = (".yaml", ".yml", ".json")
_MAX_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A valid session file: its configuration, warnings and source."""

    config: SessionConfig
    warnings: tuple[str, ...]
    source: str


def load_session_config(path: Path, catalogue: IndicatorCatalogue) -> LoadedConfig:
    """Read the session file at `path`, YAML or JSON. Raises ConfigError with all its faults.

    `catalogue` has the indicators that the file may ask for.
    """
    text = _read_text(path)
    is_json = path.suffix.lower() == ".json" or (
        path.suffix.lower() not in _SUFFIXES and text.lstrip()[:1] == "{"
    )
    return parse_session_config(parse_text(text, str(path), is_json=is_json), str(path), catalogue)


def parse_session_config(document: object, source: str, catalogue: IndicatorCatalogue) -> LoadedConfig:
    """Check a document of plain values; `source` names it in errors. Raises ConfigError with all faults."""
    misfits = find_misfits(document)
    if misfits or not isinstance(document, Mapping):
        raise ConfigError(source, _as_sentences(misfits))
    safe, problems = hide_secrets(document)
    current = upgrade(without_nulls(safe))
    problems += current.problems
    config = None
    try:
        config = SessionConfig.model_validate(current.document, context=catalogue)
    except ValidationError as error:
        problems += problems_of(error, current.origins)
    problems += find_conflicts(current.document, catalogue)
    if problems or config is None:
        raise ConfigError(source, _as_sentences(problems))
    return LoadedConfig(config, (*current.warnings, *find_warnings(current.document)), source)


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
    try:
        if path.is_dir():
            raise _unreadable(path, f"is a folder, not a session file{_files_in(path)}")
        if path.stat().st_size > _MAX_BYTES:
            raise _unreadable(path, f"is too large for a session file: more than {_MAX_BYTES // 1024} KiB")
        data = path.read_bytes()
    except FileNotFoundError:
        raise _missing(path) from None
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror or error}") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"is not UTF-8 text (byte {error.start + 1}): save it as UTF-8") from error
    if "\0" in text:
        raise _unreadable(path, "is a binary file, not YAML or JSON text")
    return text


def _unreadable(path: Path, message: str, suggestion: str | None = None) -> ConfigError:
    return ConfigError(str(path), _as_sentences([ConfigProblem("file", str(path), message, suggestion)]))


def _missing(path: Path) -> ConfigError:
    folder = path.parent
    if not folder.is_dir():
        return _unreadable(path, f"does not exist, nor does the folder {str(folder)!r}")
    near = nearest(path.name, _session_files(folder))
    return _unreadable(path, "does not exist", str(folder / near) if near else None)


def _files_in(folder: Path) -> str:
    names = _session_files(folder)
    return f"; it contains {', '.join(names[:5])}" if names else ""


def _session_files(folder: Path) -> list[str]:
    # glob, unlike iterdir, returns nothing for a folder without read permission.
    return sorted(entry.name for entry in folder.glob("*.*") if entry.suffix.lower() in _SUFFIXES)

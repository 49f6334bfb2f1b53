"""Settings: values from a flag, the environment, the settings file or the default, in this order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from tapedeck.console.actions.speeds import read_speed
from tapedeck.console.settings.folders import HOME_VARIABLE, Folders
from tapedeck.engine.errors import WHOLE_FILE, ConfigError, ConfigProblem, nearest, shortened
from tapedeck.engine.printable import printable_line
from tapedeck.engine.user_path import expanded, path_fault

PREFIX: Final = "TAPEDECK_"
"""Prefix of the settings' environment variables: TAPEDECK_STORE, TAPEDECK_LOG_LEVEL."""
FILE_NAMES: Final = ("settings.yaml", "settings.yml", "settings.toml")
"""Possible names of the settings file in the config folder."""
COLORS: Final = ("auto", "always", "never")
LOG_FORMATS: Final = ("text", "json")
LOG_LEVELS: Final = ("debug", "info", "warning", "error")
SWITCH: Final = ("on", "off")
CHART_LINES: Final = ("braille", "blocks")
FRAMES: Final = range(1, 31)
"""Allowed frames per second."""
_KEYS: Final = "keys"
_SPEED: Final = 60.0
_FRAMES: Final = 10
# A frame of a large terminal takes some kilobytes; on a slow connection, more frames would delay keys.
_FRAMES_OVER_SSH: Final = 4
_SSH_VARIABLES: Final = ("SSH_CONNECTION", "SSH_TTY")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting with its value and the origin of the value."""

    name: str
    description: str
    value: str | None
    origin: str


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one invocation. `export`: None for no export.

    `speed`: multiple of real time at which the console plays session files at maximum speed; 0 keeps that.
    `frames`: frames per second of the console while values change. `direct_drawing`: whether the console
    draws past Textual's compositor. `chart_lines`: characters of the chart's lines, one of
    CHART_LINES. `keys`: changed keys of the console, action → keys.
    """

    store: Path
    export: Path | None
    log_level: str
    log_format: str
    color: str
    speed: float
    frames: int
    direct_drawing: bool
    chart_lines: str
    keys: Mapping[str, str]
    listed: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class _Definition:
    description: str
    read: Callable[[object, Path], str]
    choices: tuple[str, ...] = ()


class _Default(NamedTuple):
    value: str | None
    origin: str = "default"


class _Faults:
    """Problems by their source: the settings file, a variable or a flag."""

    def __init__(self) -> None:
        self._by_source: dict[str, list[ConfigProblem]] = {}

    def add(self, source: str, problem: ConfigProblem) -> None:
        self._by_source.setdefault(source, []).append(problem)

    def raise_first(self) -> None:
        """Raise ConfigError with all problems of the first source that has any."""
        for source, problems in self._by_source.items():
            raise ConfigError(source, problems)


def resolve_settings(
    folders: Folders, flags: Mapping[str, object], environment: Mapping[str, str] = os.environ
) -> Settings:
    """Return all settings with their origins. `flags`: setting → value on the command line, or None.

    Raises ConfigError with all faults of the settings file, of the environment or of a flag.
    """
    path, document = _read_file(folders.config)
    faults = _Faults()
    for name in document:
        if name not in _NAMES:
            faults.add(str(path), _unknown(str(name)))
    _check_environment(environment)
    defaults = _defaults(folders, environment)
    listed = [
        _resolve(
            name,
            definition,
            flags.get(name),
            environment=environment,
            file=(path, document),
            default=defaults[name],
            faults=faults,
        )
        for name, definition in _DEFINITIONS.items()
    ]
    values = {setting.name: setting.value for setting in listed}
    keys = _key_changes(path, document, faults)
    faults.raise_first()
    listed.append(_listed_keys(keys, path))
    return Settings(
        store=Path(values["store"] or folders.database),
        export=Path(values["export"]) if values["export"] else None,
        log_level=values["log_level"] or "info",
        log_format=values["log_format"] or "text",
        color=values["color"] or "auto",
        speed=_SPEED if values["speed"] is None else float(values["speed"]),
        frames=int(values["frames"] or _FRAMES),
        direct_drawing=values["direct_drawing"] != "off",
        chart_lines=values["chart_lines"] or CHART_LINES[0],
        keys=keys,
        listed=tuple(listed),
    )


def _defaults(folders: Folders, environment: Mapping[str, str]) -> Mapping[str, _Default]:
    """Return the defaults; over SSH the console draws fewer frames."""
    is_remote = any(environment.get(name) for name in _SSH_VARIABLES)
    return {
        "store": _Default(str(folders.database)),
        "export": _Default(None),
        "log_level": _Default("info"),
        "log_format": _Default("text"),
        "color": _Default("auto"),
        "speed": _Default(f"{_SPEED:g}"),
        "frames": _Default(str(_FRAMES_OVER_SSH), "default over SSH")
        if is_remote
        else _Default(str(_FRAMES)),
        "direct_drawing": _Default("on"),
        "chart_lines": _Default(CHART_LINES[0]),
    }


def _resolve(
    name: str,
    definition: _Definition,
    flag: object,
    *,
    environment: Mapping[str, str],
    file: tuple[Path | None, Mapping[str, object]],
    default: _Default,
    faults: _Faults,
) -> Setting:
    variable, option = PREFIX + name.upper(), f"--{name.replace('_', '-')}"
    path, document = file
    if flag is not None:
        value, origin, source, base = flag, f"flag {option}", option, Path()
    elif environment.get(variable):
        value, origin, source, base = environment[variable], f"environment {variable}", variable, Path()
    elif path is not None and document.get(name) is not None:
        value, origin, source, base = document[name], f"file {path}", str(path), path.parent
    else:
        return Setting(name, definition.description, default.value, default.origin)
    try:
        return Setting(name, definition.description, definition.read(value, base), origin)
    except ValueError as error:
        faults.add(source, ConfigProblem(name, value, str(error), nearest(str(value), definition.choices)))
        return Setting(name, definition.description, default.value, default.origin)


# Reading single values


def _read_path(value: object, base: Path) -> str:
    if not isinstance(value, str | os.PathLike) or not str(value).strip():
        raise ValueError(f"must be a path, not {shortened(repr(value))}")
    if (fault := path_fault(str(value))) is not None:
        raise ValueError(fault)
    # A path in the settings file is relative to that file's folder.
    return str(base / expanded(os.fspath(value)))


def _one_of(*choices: str) -> Callable[[object, Path], str]:
    def read(value: object, _base: Path) -> str:
        word = value.strip().lower() if isinstance(value, str) else value
        if not isinstance(word, str) or word not in choices:
            raise ValueError(
                f"must be {', '.join(choices[:-1])} or {choices[-1]}, not {shortened(repr(value))}"
            )
        return word

    return read


def _read_switch(value: object, _base: Path) -> str:
    if isinstance(value, bool):  # `on` and `off` in YAML
        return "on" if value else "off"
    return _one_of(*SWITCH)(value, _base)


def _read_speed(value: object, _base: Path) -> str:
    try:
        return f"{read_speed(str(value)):.15g}"
    except ValueError:
        raise ValueError(
            f"must be a multiple of real time such as 60, or max, not {shortened(repr(value))}"
        ) from None


def _read_frames(value: object, _base: Path) -> str:
    text = str(value).strip()
    if not text.isdecimal() or len(text) > 2 or int(text) not in FRAMES:
        allowed = f"a whole number from {FRAMES[0]} to {FRAMES[-1]}"
        raise ValueError(f"must be frames per second, {allowed}, not {shortened(repr(value))}")
    return str(int(text))


_DEFINITIONS: Final[Mapping[str, _Definition]] = {
    "store": _Definition("bar store: a .db file, or a folder of Parquet files", _read_path),
    "export": _Definition("folder for CSV exports of runs; none: no export", _read_path),
    "log_level": _Definition(f"{', '.join(LOG_LEVELS)}", _one_of(*LOG_LEVELS), LOG_LEVELS),
    "log_format": _Definition("text, or json for JSON lines", _one_of(*LOG_FORMATS), LOG_FORMATS),
    "color": _Definition("auto, always or never; auto respects NO_COLOR", _one_of(*COLORS), COLORS),
    "speed": _Definition(
        "speed of the console, a multiple of real time or max, where the session file has speed_multiplier 0",
        _read_speed,
    ),
    "frames": _Definition(
        f"frames per second of the console while values change, {FRAMES[0]} to {FRAMES[-1]}",
        _read_frames,
    ),
    "direct_drawing": _Definition(
        "on, or off: the console draws through Textual alone, which is slower", _read_switch, SWITCH
    ),
    "chart_lines": _Definition(
        "lines of the chart: braille, or blocks for a terminal font without braille characters",
        _one_of(*CHART_LINES),
        CHART_LINES,
    ),
}

_NAMES: Final = (*_DEFINITIONS, _KEYS)


# The file and the environment


def settings_file(folder: Path) -> Path | None:
    """Return the settings file in the config folder, or None; ConfigError if there are several."""
    found = [folder / name for name in FILE_NAMES if (folder / name).is_file()]
    if len(found) > 1:
        names = " and ".join(path.name for path in found)
        message = f"more than one settings file ({names}): keep one of them"
        raise ConfigError(str(folder), [ConfigProblem("settings", names, message)])
    return found[0] if found else None


def _read_file(folder: Path) -> tuple[Path | None, Mapping[str, object]]:
    """Return the settings file and its content, or None and an empty mapping without a file."""
    path = settings_file(folder)
    if path is None:
        return None, {}
    document = _parse(path, _read_text(path))
    if document is None:
        return path, {}
    if not isinstance(document, Mapping):
        shown = "a list" if isinstance(document, list) else shortened(repr(document))
        message = f"must be a mapping of settings, such as store: bars.db, not {shown}"
        raise ConfigError(str(path), [ConfigProblem(WHOLE_FILE, document, message)])
    return path, document


def _key_changes(path: Path | None, document: Mapping[str, object], faults: _Faults) -> Mapping[str, str]:
    """Return `keys` of the settings file; the console checks the actions and keys."""
    keys = document.get(_KEYS) or {}
    words = [word for pair in keys.items() for word in pair] if isinstance(keys, Mapping) else [None]
    if not isinstance(keys, Mapping) or not all(isinstance(word, str) for word in words):
        message = "must be a mapping of actions to keys, such as {step: right, step_back: left}"
        faults.add(str(path), ConfigProblem(_KEYS, keys, message))
        return {}
    return dict(keys)


def _listed_keys(keys: Mapping[str, str], path: Path | None) -> Setting:
    text = ", ".join(f"{action}: {shown}" for action, shown in keys.items())
    description = (
        "keys of the console, in the settings file only: {step: l, step_back: h}; "
        "an action with an unknown or empty key keeps its default"
    )
    return Setting(_KEYS, description, text or None, f"file {path}" if keys else "default")


def _read_text(path: Path) -> str:
    from tapedeck.engine.config.text_files import read_text_file  # noqa: PLC0415 - only if there is a file

    return read_text_file(path, "settings file")


def _parse(path: Path, text: str) -> object:
    if path.suffix == ".toml":
        import tomllib  # noqa: PLC0415 - only where there is such a file

        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            message = f"is not valid TOML: {error}"
            raise ConfigError(str(path), [ConfigProblem(WHOLE_FILE, None, message)]) from error
    # The import takes a third of a second, and is needed for YAML only.
    from tapedeck.engine.config.documents import parse_text  # noqa: PLC0415

    return parse_text(text, str(path), is_json=False)


def _check_environment(environment: Mapping[str, str]) -> None:
    """Raise ConfigError for a variable similar to the name of a setting; others are ignored."""
    problems = list(_misspelt(environment))
    if problems:
        raise ConfigError("environment", problems)


def _misspelt(environment: Mapping[str, str]) -> Iterator[ConfigProblem]:
    known = [HOME_VARIABLE, *(PREFIX + name.upper() for name in _DEFINITIONS)]
    tails = {name.removeprefix(PREFIX): name for name in known}
    for name in sorted(environment):
        if not name.startswith(PREFIX) or name in known:
            continue
        near = nearest(name.removeprefix(PREFIX), tails)
        if near is not None:
            message = f"unknown setting; the variables of settings are {', '.join(known)}."
            yield ConfigProblem(name, environment[name], message, tails[near])


def _unknown(name: str) -> ConfigProblem:
    message = f"unknown setting; the settings are {', '.join(_NAMES)}."
    return ConfigProblem(printable_line(shortened(name)), None, message, nearest(name, _NAMES))

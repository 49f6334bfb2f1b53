"""Themes: colours from YAML files, tapedeck's and the user's own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails
from textual.color import Color, ColorParseError
from textual.theme import Theme

from tapedeck.engine.config.documents import parse_text
from tapedeck.engine.config.text_files import read_text_file
from tapedeck.engine.errors import WHOLE_FILE, ConfigError, cause_of, did_you_mean, nearest

FOLDER: Final = "themes"
"""Name of the folder of themes, in the package and in the user's configuration folder."""
SUFFIXES: Final = (".yaml", ".yml")
DEFAULT_DARK: Final = "tapedeck-dark"
DEFAULT_LIGHT: Final = "tapedeck-light"
LINE_COLOURS: Final = ("accent", "primary", "secondary", "warning", "foreground")
"""Colours of the chart's lines in a theme that names none."""
_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_FLAG: Final = r"(not )?(bold|dim|italic|underline|overline|strike|reverse|blink)"
_TEXT_STYLE: Final = re.compile(rf"none|{_FLAG}( {_FLAG})*")

FileVersion = tuple[int, int]
"""Modification time (ns) and size of a file; either differs after it was written."""


def _validated_colour(text: str) -> str:
    try:
        Color.parse(text)
    except ColorParseError as error:
        near = f"; did you mean {error.suggested_color!r}?" if error.suggested_color else ""
        message = f"invalid colour {text!r}: use #rrggbb, rgb(…), hsl(…) or a CSS name{near}"
        raise ValueError(message) from None
    return text


def _validated_name(text: str) -> str:
    if _NAME.fullmatch(text) is None:
        raise ValueError(f"invalid name {text!r}: use lower-case words joined by hyphens")
    return text


Colour = Annotated[str, AfterValidator(_validated_colour)]


class ThemeFile(BaseModel):
    """Contents of a theme file. Colours are `#rrggbb` or any other format of Textual's CSS."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, AfterValidator(_validated_name)]
    """Name of the theme: lower-case words joined by hyphens."""
    dark: bool
    """Whether the background is dark."""
    foreground: Colour
    """Text."""
    background: Colour
    """Background of the screen."""
    surface: Colour
    """Background of panels."""
    panel: Colour
    """Background of the cursor's row, and of bars at the edges."""
    primary: Colour
    """Volumes, sparklines, the border of the focused panel."""
    secondary: Colour
    """Second colour of lines and titles."""
    accent: Colour
    """Highlights that are neither good nor bad: the sort column, marks."""
    success: Colour
    """Gains, complete data."""
    warning: Colour
    """Gaps, the past, late data."""
    error: Colour
    """Losses, faults, missing data."""
    lines: tuple[Colour, Colour, Colour, Colour, Colour] | None = None
    """Five lines of the chart; without them accent, primary, secondary, warning and foreground."""
    variables: Mapping[str, str] = Field(default_factory=dict)
    """Further variables of Textual's themes: colours such as `footer-key-foreground`, and text styles."""

    def theme(self) -> Theme:
        """Return the theme for Textual."""
        colours = self.model_dump(exclude={"name", "dark", "lines", "variables"})
        # Text on the cursor has the background's colour: its contrast is that of primary on background.
        cursor = {"block-cursor-background": self.primary, "block-cursor-foreground": self.background}
        lines = line_variables(self.lines or tuple(getattr(self, name) for name in LINE_COLOURS))
        variables = cursor | lines | dict(self.variables)
        return Theme(name=self.name, dark=self.dark, variables=variables, **colours)


def line_variables(colours: Iterable[str]) -> dict[str, str]:
    """Return the variables of Textual's CSS that name the colours of the chart's lines."""
    return {f"line-{number}": colour for number, colour in enumerate(colours, 1)}


@dataclass(frozen=True, slots=True)
class ThemeFailure:
    """An invalid theme file, and the reason. The other files are loaded."""

    source: str
    reason: str

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}"


class ThemesLoaded(NamedTuple):
    """The valid themes, in the order of their files, and the invalid files.

    `own`: path of the user's file → its theme; of a file that has become invalid, its last valid theme.
    `files`: result of `own_theme_files` before the files were read.
    """

    themes: tuple[Theme, ...]
    failures: tuple[ThemeFailure, ...]
    own: Mapping[str, Theme]
    files: tuple[tuple[str, FileVersion], ...]


def load_themes(config_folder: Path | None = None, before: ThemesLoaded | None = None) -> ThemesLoaded:
    """Return tapedeck's themes and those in `config_folder/themes`; the user's replace tapedeck's by name.

    A file that has become invalid keeps its theme of `before`.
    """
    versions = own_theme_files(config_folder)
    bundled = _bundled_themes()
    found = {theme.name: theme for theme in bundled if isinstance(theme, Theme)}
    failures = [failure for failure in bundled if isinstance(failure, ThemeFailure)]
    own: dict[str, Theme] = {}
    for source, text in _own(config_folder):
        result = _read(source, text)
        if isinstance(result, ThemeFailure):
            failures.append(result)
        theme = result if isinstance(result, Theme) else before and before.own.get(source)
        if theme is not None:
            own[source] = found[theme.name] = theme
    return ThemesLoaded(tuple(found.values()), tuple(failures), own, versions)


def own_theme_files(config_folder: Path | None) -> tuple[tuple[str, FileVersion], ...]:
    """Return the user's files with their versions, to detect changes since `load_themes`."""
    try:
        return tuple((path.name, _version(path)) for path in _own_paths(config_folder))
    except OSError:  # the folder was removed, or cannot be read: `load_themes` reports it
        return ()


def _version(path: Path) -> FileVersion:
    try:
        status = path.stat()
    except OSError:  # an editor is replacing the file
        return 0, 0
    return status.st_mtime_ns, status.st_size


@cache
def _bundled_themes() -> tuple[Theme | ThemeFailure, ...]:
    """Return the themes of the package, which do not change during a run."""
    return tuple(_read(source, text) for source, text in _bundled())


def _bundled() -> Iterator[tuple[str, str]]:
    """Yield name and text of the package's theme files."""
    folder = files("tapedeck").joinpath(FOLDER)
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(SUFFIXES):
            yield entry.name, entry.read_text(encoding="utf-8")


def _own(config_folder: Path | None) -> Iterator[tuple[str, str | ThemeFailure]]:
    """Yield path and text of the user's theme files, or why a file, or their folder, cannot be read."""
    try:
        paths = _own_paths(config_folder)
    except OSError as error:
        folder = str(error.filename)
        yield folder, ThemeFailure(folder, f"cannot be read: {cause_of(error)}")
        return
    for path in paths:
        try:
            yield str(path), read_text_file(path, "theme")
        except ConfigError as error:
            yield str(path), _unreadable(str(path), error)


def _unreadable(source: str, error: ConfigError) -> ThemeFailure:
    reasons = (
        problem.message.rstrip(".") if problem.path == WHOLE_FILE else str(problem)
        for problem in error.problems
    )
    return ThemeFailure(source, "; ".join(reasons))


def _own_paths(config_folder: Path | None) -> list[Path]:
    folder = None if config_folder is None else config_folder / FOLDER
    if folder is None or not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and path.is_file())


def _read(source: str, text: str | ThemeFailure) -> Theme | ThemeFailure:
    if isinstance(text, ThemeFailure):
        return text
    try:
        document = parse_text(text, source, is_json=False)
    except ConfigError as error:
        return _unreadable(source, error)
    if document is None:
        return ThemeFailure(source, f"empty file: a theme needs {', '.join(_REQUIRED)}")
    if not isinstance(document, Mapping):
        return ThemeFailure(
            source, "must be a mapping of name, dark and colours, not " + type(document).__name__
        )
    try:
        file = ThemeFile.model_validate(document)
    except ValidationError as error:
        return _failure(source, text, ((_field_path(detail), _message(detail)) for detail in error.errors()))
    faults = [(("variables", name), fault) for name, fault in _variable_faults(file.variables)]
    return _failure(source, text, faults) if faults else file.theme()


# Faults of a file

_FieldPath = tuple[str, ...]
_REQUIRED: Final = tuple(name for name, field in ThemeFile.model_fields.items() if field.is_required())


def _failure(source: str, text: str, faults: Iterable[tuple[_FieldPath, str]]) -> ThemeFailure:
    lines = _lines(text)
    messages = []
    for path, fault in faults:
        at = f"line {lines[path]}: " if path in lines else ""
        messages.append(f"{at}{'.'.join(path)}: {fault}")
    return ThemeFailure(source, "; ".join(messages))


def _lines(text: str) -> dict[_FieldPath, int]:
    """Return the line of each field, those in `variables` included."""
    found: dict[_FieldPath, int] = {}

    def note(node: yaml.Node | None, above: _FieldPath) -> None:
        # Not below `variables`: a YAML alias may refer to a node that contains it.
        if not isinstance(node, yaml.MappingNode) or len(above) > 1:
            return
        for key, value in node.value:
            path = (*above, str(key.value))
            found[path] = key.start_mark.line + 1
            note(value, path)

    note(yaml.compose(text, Loader=yaml.SafeLoader), ())
    return found


def _variable_faults(variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield name and fault of invalid variables, on which Textual would fail during the run."""
    for name, value in variables.items():
        if "style" in name.split("-"):
            if _TEXT_STYLE.fullmatch(value) is None:
                yield name, f"invalid text style {value!r}: use none, or words such as bold italic"
            continue
        try:
            _validated_colour(value)
        except ValueError as error:
            yield name, str(error)


def _field_path(detail: ErrorDetails) -> _FieldPath:
    return tuple(str(part) for part in detail["loc"])


def _message(detail: ErrorDetails) -> str:
    if detail["type"] == "extra_forbidden":
        near = nearest(str(detail["loc"][-1]), ThemeFile.model_fields)
        hint = did_you_mean(near) or f" Fields are {', '.join(ThemeFile.model_fields)}."
        return f"unknown field.{hint}"
    if detail["type"] == "missing":
        return "is missing"
    if detail["input"] is None:
        return 'has no value: put a colour that begins with # in quotes, as in "#ff8800"'
    return detail["msg"].removeprefix("Value error, ")

"""Themes: colours as data, those that come with tapedeck and the user's own."""

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
from tapedeck.engine.errors import ConfigError, nearest

FOLDER: Final = "themes"
"""Name of the folder of themes, in the package and in the user's configuration folder."""
SUFFIXES: Final = (".yaml", ".yml")
DEFAULT_DARK: Final = "tapedeck-dark"
DEFAULT_LIGHT: Final = "tapedeck-light"
_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_FLAG: Final = r"(not )?(bold|dim|italic|underline|overline|strike|reverse|blink)"
_TEXT_STYLE: Final = re.compile(rf"none|{_FLAG}( {_FLAG})*")

Stamp = tuple[int, int]
"""Time of change and size of a file: where either differs, it was written."""


def _checked_colour(text: str) -> str:
    try:
        Color.parse(text)
    except ColorParseError as error:
        near = f"; did you mean {error.suggested_color!r}?" if error.suggested_color else ""
        raise ValueError(f"is no colour: write #rrggbb, rgb(…), hsl(…) or a name of CSS{near}") from None
    return text


def _checked_name(text: str) -> str:
    if _NAME.fullmatch(text) is None:
        raise ValueError("must be lower-case words joined by hyphens, like amber-terminal")
    return text


Colour = Annotated[str, AfterValidator(_checked_colour)]


class ThemeFile(BaseModel):
    """A theme as its file has it. Colours are `#rrggbb` or anything else that CSS in Textual understands."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, AfterValidator(_checked_name)]
    """What the theme is called: lower-case words joined by hyphens."""
    dark: bool
    """Whether the ground is dark."""
    foreground: Colour
    """Text."""
    background: Colour
    """Ground of the screen."""
    surface: Colour
    """Ground of panels."""
    panel: Colour
    """Ground of what is chosen, and of bars at the edges."""
    primary: Colour
    """Volumes, sparklines, borders of what has the focus."""
    secondary: Colour
    """Second colour of lines and titles."""
    accent: Colour
    """What calls for attention without being good or bad: sorted columns, marks."""
    success: Colour
    """Gains, complete data."""
    warning: Colour
    """Gaps, the past, what is late."""
    error: Colour
    """Losses, faults, missing data."""
    variables: Mapping[str, str] = Field(default_factory=dict)
    """Further variables of Textual's themes: colours such as `footer-key-foreground`, and text styles."""

    def theme(self) -> Theme:
        """Return the theme as Textual takes it."""
        colours = self.model_dump(exclude={"name", "dark", "variables"})
        # What lies on the cursor is the ground's own colour, so that it can be read wherever the accents can.
        cursor = {"block-cursor-background": self.primary, "block-cursor-foreground": self.background}
        return Theme(name=self.name, dark=self.dark, variables=cursor | dict(self.variables), **colours)


@dataclass(frozen=True, slots=True)
class ThemeFailure:
    """A file that is no theme, and why; the others are loaded all the same."""

    source: str
    reason: str

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}"


class ThemesLoaded(NamedTuple):
    """The themes that can be used, by name in the order of their files, and the files that cannot.

    `own`: the user's file → its theme, the one before where the file is broken now. `files`: what
    `own_theme_files` said before they were read.
    """

    themes: tuple[Theme, ...]
    failures: tuple[ThemeFailure, ...]
    own: Mapping[str, Theme]
    files: tuple[tuple[str, Stamp], ...]


def load_themes(config_folder: Path | None = None, before: ThemesLoaded | None = None) -> ThemesLoaded:
    """Return the themes of tapedeck and those in `config_folder/themes`; of one name, the user's counts.

    A file that is broken now gives the theme that it gave `before`.
    """
    stamps = own_theme_files(config_folder)
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
    return ThemesLoaded(tuple(found.values()), tuple(failures), own, stamps)


def own_theme_files(config_folder: Path | None) -> tuple[tuple[str, Stamp], ...]:
    """Return the user's files, each with its stamp; where they differ, `load_themes` is worth a call."""
    try:
        return tuple((path.name, _stamp(path)) for path in _own_paths(config_folder))
    except OSError:  # the folder has gone, or is closed; `load_themes` says so
        return ()


def _stamp(path: Path) -> Stamp:
    try:
        status = path.stat()
    except OSError:  # an editor has just put another file in its place
        return 0, 0
    return status.st_mtime_ns, status.st_size


@cache
def _bundled_themes() -> tuple[Theme | ThemeFailure, ...]:
    """Return the themes of the package, which nobody edits while it runs."""
    return tuple(_read(source, text) for source, text in _bundled())


def _bundled() -> Iterator[tuple[str, str]]:
    """Give the themes of the package."""
    folder = files("tapedeck").joinpath(FOLDER)
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(SUFFIXES):
            yield entry.name, entry.read_text(encoding="utf-8")


def _own(config_folder: Path | None) -> Iterator[tuple[str, str | OSError]]:
    try:
        paths = _own_paths(config_folder)
    except OSError as error:
        yield str(error.filename), error
        return
    for path in paths:
        try:
            yield str(path), path.read_bytes().decode("utf-8-sig", errors="replace")
        except OSError as error:
            yield str(path), error


def _own_paths(config_folder: Path | None) -> list[Path]:
    folder = None if config_folder is None else config_folder / FOLDER
    if folder is None or not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and path.is_file())


def _read(source: str, text: str | OSError) -> Theme | ThemeFailure:
    if isinstance(text, OSError):
        return ThemeFailure(source, f"cannot be read: {text.strerror or text}")
    try:
        document = parse_text(text, source, is_json=False)
    except ConfigError as error:
        return ThemeFailure(source, "; ".join(str(problem) for problem in error.problems))
    if document is None:
        return ThemeFailure(source, f"is empty: a theme has {', '.join(_REQUIRED)}")
    if not isinstance(document, Mapping):
        return ThemeFailure(
            source, "must be a mapping of name, dark and colours, not " + type(document).__name__
        )
    try:
        file = ThemeFile.model_validate(document)
    except ValidationError as error:
        return _failure(source, text, ((_place(detail), _in_words(detail)) for detail in error.errors()))
    faults = [(("variables", name), fault) for name, fault in _variable_faults(file.variables)]
    return _failure(source, text, faults) if faults else file.theme()


# What is wrong, and where

_Place = tuple[str, ...]
_REQUIRED: Final = tuple(name for name, field in ThemeFile.model_fields.items() if field.is_required())


def _failure(source: str, text: str, faults: Iterable[tuple[_Place, str]]) -> ThemeFailure:
    lines = _lines(text)
    told = []
    for place, fault in faults:
        at = f"line {lines[place]}: " if place in lines else ""
        told.append(f"{at}{'.'.join(place)}: {fault}")
    return ThemeFailure(source, "; ".join(told))


def _lines(text: str) -> dict[_Place, int]:
    """Return the lines in which the fields stand, and those of `variables`."""
    found: dict[_Place, int] = {}

    def note(node: yaml.Node | None, above: _Place) -> None:
        # No deeper than variables: an alias may lead back to where it stands.
        if not isinstance(node, yaml.MappingNode) or len(above) > 1:
            return
        for key, value in node.value:
            place = (*above, str(key.value))
            found[place] = key.start_mark.line + 1
            note(value, place)

    note(yaml.compose(text, Loader=yaml.SafeLoader), ())
    return found


def _variable_faults(variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Give what Textual would fail on in the middle of the run: values that are not of their kind."""
    for name, value in variables.items():
        if "style" in name.split("-"):
            if _TEXT_STYLE.fullmatch(value) is None:
                yield (
                    name,
                    f"{value!r} is no text style: write none, or words such as bold italic",
                )
            continue
        try:
            _checked_colour(value)
        except ValueError as error:
            yield name, f"{value!r} {error}"


def _place(detail: ErrorDetails) -> _Place:
    return tuple(str(part) for part in detail["loc"])


def _in_words(detail: ErrorDetails) -> str:
    if detail["type"] == "extra_forbidden":
        near = nearest(str(detail["loc"][-1]), ThemeFile.model_fields)
        hint = f" Did you mean {near!r}?" if near else f" Known are {', '.join(ThemeFile.model_fields)}."
        return f"is no field of a theme.{hint}"
    if detail["type"] == "missing":
        return "is missing"
    if detail["input"] is None:
        return 'has no value: a colour that begins with # stands in quotes, as in "#ff8800"'
    reason = detail["msg"].removeprefix("Value error, ")
    return f"{detail['input']!r} {reason}" if detail["type"] == "value_error" else reason

"""Themes: colours as data, those that come with tapedeck and the user's own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails
from textual.color import Color, ColorParseError
from textual.theme import Theme

from engine.config.documents import parse_text
from engine.errors import ConfigError, nearest

FOLDER: Final = "themes"
"""Name of the folder of themes, in the package and in the user's configuration folder."""
SUFFIXES: Final = (".yaml", ".yml")
DEFAULT_DARK: Final = "tapedeck-dark"
DEFAULT_LIGHT: Final = "tapedeck-light"
_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


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
    """Further variables of Textual's themes, such as `footer-key-foreground`."""

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
    """The themes that can be used, by name in the order of their files, and the files that cannot."""

    themes: tuple[Theme, ...]
    failures: tuple[ThemeFailure, ...]


def load_themes(config_folder: Path | None = None) -> ThemesLoaded:
    """Return the themes of tapedeck and those in `config_folder/themes`; of one name, the user's counts."""
    found: dict[str, Theme] = {}
    failures: list[ThemeFailure] = []
    for source, text in (*_bundled(), *_own(config_folder)):
        result = _read(source, text)
        if isinstance(result, Theme):
            found[result.name] = result
        else:
            failures.append(result)
    return ThemesLoaded(tuple(found.values()), tuple(failures))


def own_theme_files(config_folder: Path | None) -> tuple[tuple[str, int], ...]:
    """Return name and time of change of the user's files; where it differs, `load_themes` is worth a call."""
    return tuple((path.name, _changed_at(path)) for path in _own_paths(config_folder))


def _changed_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # an editor has just put another file in its place
        return 0


def _bundled() -> Iterator[tuple[str, str | OSError]]:
    """Give the themes of the package: beside it in a checkout, inside it once it is installed."""
    inside = files("console").joinpath(FOLDER)
    folder = inside if inside.is_dir() else Path(__file__).resolve().parents[2] / FOLDER
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(SUFFIXES):
            yield entry.name, entry.read_text(encoding="utf-8")


def _own(config_folder: Path | None) -> Iterator[tuple[str, str | OSError]]:
    for path in _own_paths(config_folder):
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
    if not isinstance(document, Mapping):
        return ThemeFailure(
            source, "must be a mapping of name, dark and colours, not " + type(document).__name__
        )
    try:
        return ThemeFile.model_validate(document).theme()
    except ValidationError as error:
        return ThemeFailure(source, "; ".join(_in_words(detail) for detail in error.errors()))


def _in_words(detail: ErrorDetails) -> str:
    field = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        near = nearest(field, ThemeFile.model_fields)
        hint = f" Did you mean {near!r}?" if near else f" Known are {', '.join(ThemeFile.model_fields)}."
        return f"{field}: is no field of a theme.{hint}"
    if detail["type"] == "missing":
        return f"{field}: is missing"
    reason = detail["msg"].removeprefix("Value error, ")
    return (
        f"{field}: {detail['input']!r} {reason}" if detail["type"] == "value_error" else f"{field}: {reason}"
    )

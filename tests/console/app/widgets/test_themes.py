"""Themes: tapedeck's and the user's own."""

from __future__ import annotations

import os
import re
from itertools import product
from pathlib import Path

import pytest
from textual.color import Color
from textual.theme import Theme

from tapedeck.console.app.theming import DEFAULT_DARK, DEFAULT_LIGHT, load_themes, own_theme_files

BUNDLED = load_themes().themes
INKS = ("foreground", "primary", "secondary", "accent", "success", "warning", "error")
BACKGROUNDS = ("background", "surface", "panel")
QUIET = 0.75
"""Fraction of the foreground colour in quiet text of the widgets."""


def luminance(colour: Color) -> float:
    """Relative luminance by WCAG 2.1."""
    channels = [
        value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4
        for value in (part / 255 for part in (colour.r, colour.g, colour.b))
    ]
    return 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]


def contrast(one: str | Color, other: str | Color) -> float:
    lighter, darker = sorted((luminance(Color.parse(colour)) for colour in (one, other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_black_on_white_is_the_greatest_contrast() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def test_there_are_dark_light_high_contrast_and_colour_blind_themes() -> None:
    names = {theme.name for theme in BUNDLED}
    assert len(names) >= 6
    assert {DEFAULT_DARK, DEFAULT_LIGHT, "high-contrast", "colour-blind-dark", "colour-blind-light"} <= names
    assert {theme.dark for theme in BUNDLED} == {True, False}
    assert load_themes().failures == ()


@pytest.mark.parametrize("theme", BUNDLED, ids=lambda theme: theme.name)
def test_every_text_is_readable_on_every_background(theme: Theme) -> None:
    for ink, background in product(INKS, BACKGROUNDS):
        assert contrast(getattr(theme, ink), getattr(theme, background)) >= 4.5, (ink, background)


@pytest.mark.parametrize("theme", BUNDLED, ids=lambda theme: theme.name)
def test_quiet_text_is_readable(theme: Theme) -> None:
    for background in BACKGROUNDS:
        under = Color.parse(getattr(theme, background))
        quiet = under.blend(Color.parse(theme.foreground), QUIET)
        assert contrast(quiet, under) >= 4.5, background


@pytest.mark.parametrize("theme", BUNDLED, ids=lambda theme: theme.name)
def test_text_on_a_coloured_background_is_readable(theme: Theme) -> None:
    for background in ("foreground", "warning", "primary"):
        assert contrast(theme.background, getattr(theme, background)) >= 4.5, background  # type: ignore[arg-type]
    colours = theme.to_color_system().generate()
    assert contrast(colours["block-cursor-foreground"], colours["block-cursor-background"]) >= 4.5
    assert contrast(colours["footer-key-foreground"], colours["footer-background"]) >= 4.5


def test_the_high_contrast_theme_has_a_contrast_of_7() -> None:
    theme = next(theme for theme in BUNDLED if theme.name == "high-contrast")
    for ink, background in product(INKS, BACKGROUNDS):
        assert contrast(getattr(theme, ink), getattr(theme, background)) >= 7.0, (ink, background)


def test_gains_and_losses_of_colour_blind_themes_differ_in_blue() -> None:
    """Deuteranopia and protanopia leave the blue-yellow axis: gains must be far bluer than losses."""
    for name in ("colour-blind-dark", "colour-blind-light"):
        theme = next(theme for theme in BUNDLED if theme.name == name)
        gain, loss = Color.parse(theme.success), Color.parse(theme.error)
        assert gain.b - loss.b > 120


# Literal colours; names such as `transparent` are allowed.
HEX = re.compile(r"#[0-9a-fA-F]{3,8}\b|rgb\(|\[(red|green|blue|yellow)\]")


def test_widgets_take_their_colours_from_the_theme_only() -> None:
    folder = Path(__file__).resolve().parents[4] / "console" / "app" / "widgets"
    found = [path.name for path in folder.glob("*.py") if HEX.search(path.read_text(encoding="utf-8"))]
    assert found == []


OWN = """\
name: my-theme
dark: true
foreground: white
background: "#000"
surface: "#111111"
panel: "#222222"
primary: "#80c0ff"
secondary: "#a0a0a0"
accent: "#ffff00"
success: "#00ff00"
warning: "#ffa000"
error: "#ff6060"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "themes").mkdir()
    return tmp_path


def save(folder: Path, name: str, text: str) -> str:
    path = folder / "themes" / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_users_theme_is_loaded_after_those_of_tapedeck(folder: Path) -> None:
    save(folder, "mine.yml", OWN + "variables: {footer-key-foreground: '#ffffff'}\n")
    loaded = load_themes(folder)
    assert loaded.themes[-1].name == "my-theme"
    assert loaded.themes[-1].foreground == "white"
    assert loaded.themes[-1].variables["footer-key-foreground"] == "#ffffff"
    assert loaded.themes[-1].variables["block-cursor-background"] == "#80c0ff"
    assert loaded.failures == ()


def test_a_users_theme_replaces_the_one_of_the_same_name(folder: Path) -> None:
    save(folder, "dark.yaml", OWN.replace("my-theme", DEFAULT_DARK))
    named = [theme for theme in load_themes(folder).themes if theme.name == DEFAULT_DARK]
    assert [theme.background for theme in named] == ["#000"]


def test_valid_themes_load_and_invalid_ones_are_listed_with_their_faults(folder: Path) -> None:
    save(folder, "good.yaml", OWN)
    bad = {
        "colour.yaml": (OWN.replace('"#222222"', "blu"), "panel: invalid colour 'blu': use #rrggbb"),
        "key.yaml": (OWN + "sucess: red\n", "sucess: unknown field. Did you mean 'success'?"),
        "what.yaml": (OWN + "zzz: red\n", "zzz: unknown field. Fields are name, dark, foreground,"),
        "less.yaml": (OWN.replace('error: "#ff6060"\n', ""), "error: is missing"),
        "name.yaml": (
            OWN.replace("my-theme", "My Theme"),
            "name: invalid name 'My Theme': use lower-case",
        ),
        "dark.yaml": (OWN.replace("dark: true", "dark: perhaps"), "dark: Input should be a valid boolean"),
        "list.yaml": ("- red\n", "must be a mapping of name, dark and colours, not list"),
        "form.yaml": ("name: [\n", "line 2"),
    }
    sources = {save(folder, name, text): reason for name, (text, reason) in bad.items()}
    loaded = load_themes(folder)
    assert "my-theme" in {theme.name for theme in loaded.themes}
    assert len(loaded.failures) == len(bad)
    for failure in loaded.failures:
        assert sources[failure.source] in str(failure)


def test_the_nearest_colour_is_suggested(folder: Path) -> None:
    save(folder, "near.yaml", OWN.replace("foreground: white", "foreground: whyte"))
    assert "did you mean 'white'?" in load_themes(folder).failures[0].reason


def test_a_file_that_cannot_be_read_is_listed(folder: Path) -> None:
    path = folder / "themes" / "locked.yaml"
    path.write_bytes(b"\xff\xfe\x00name")
    assert [failure.source for failure in load_themes(folder).failures] == [str(path)]


def test_a_file_that_cannot_be_opened_is_listed_with_the_systems_reason(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = save(folder, "mine.yaml", OWN)

    def refuse(*_arguments: object, **_options: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    assert [str(failure) for failure in load_themes(folder).failures] == [
        f"{source}: cannot be read: Permission denied"
    ]


def test_other_files_are_ignored(folder: Path) -> None:
    save(folder, "notes.txt", "not a theme")
    (folder / "themes" / "folder.yaml").mkdir()
    assert load_themes(folder) == load_themes(None)
    assert load_themes(folder / "nowhere") == load_themes()


def test_a_changed_file_is_detected(folder: Path) -> None:
    assert own_theme_files(None) == own_theme_files(folder) == ()
    save(folder, "mine.yaml", OWN)
    before = own_theme_files(folder)
    assert [name for name, _ in before] == ["mine.yaml"]
    os.utime(folder / "themes" / "mine.yaml", ns=(1, 1))
    assert own_theme_files(folder) != before

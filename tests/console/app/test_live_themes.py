"""Changes of the user's themes during a run."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.color import Color
from textual.pilot import Pilot

from tapedeck.console.app.theming import DEFAULT_DARK, load_themes
from tapedeck.console.app.ui_state import UiState
from tapedeck.engine.read.status import RunState
from tapedeck.engine.store.bar_store import BarStore
from tests.support.console_runs import ConsoleRun, console_run, drive, press, until

MINE = "my-theme"
GREEN, VIOLET = "#00d060", "#d080ff"
OWN = f"""
name: {MINE}
dark: true
foreground: "#ffffff"
background: "#101010"
surface: "#181818"
panel: "#222222"
primary: "#80c0ff"
secondary: "#c0c0c0"
accent: "#ffd060"
success: "{GREEN}"
warning: "#ffc020"
error: "#ff7070"
"""
USED = UiState(theme=MINE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration folder with one theme."""
    made = tmp_path / "config"
    (made / "themes").mkdir(parents=True)
    save(made, OWN)
    return made


def save(folder: Path, text: str, name: str = "mine.yaml") -> Path:
    path = folder / "themes" / name
    path.write_text(text, encoding="utf-8")
    return path


def gain(console: ConsoleRun) -> Color:
    """Return the colour of gains in the symbol table."""
    color = console.app.main.symbols.table.get_component_rich_style("table--gain").color
    assert color is not None
    return Color.from_rich_color(color)


def notices(console: ConsoleRun) -> list[str]:
    return [notice.message for notice in console.app._notifications]


def drawn_with(console: ConsoleRun, color: str) -> bool:
    """Whether a colour is on the screen after all pending drawing."""
    wanted = Color.parse(color).rich_color.triplet
    strips = console.app.screen._compositor.render_strips()
    styles = {segment.style for strip in strips for segment in strip if segment.style}
    return any(
        part is not None and part.triplet == wanted
        for style in styles
        for part in (style.color, style.bgcolor)
    )


def test_an_edit_of_the_theme_in_use_takes_effect_at_once(
    console_store: BarStore, tmp_path: Path, folder: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        assert console.app.theme == MINE
        await press(pilot, "o")
        await until(pilot, lambda: drawn_with(console, GREEN), "green gains")
        save(folder, OWN.replace(GREEN, VIOLET))
        await until(pilot, lambda: gain(console) == Color.parse(VIOLET), "the new colour")
        await until(pilot, lambda: drawn_with(console, VIOLET) and not drawn_with(console, GREEN), "drawn")
        assert console.app.theme == MINE
        assert notices(console) == []
        assert console.app.has_class("-dark-mode")
        save(folder, OWN.replace("dark: true", "dark: false"))
        await until(pilot, lambda: console.app.has_class("-light-mode"), "light")
        assert not console.app.has_class("-dark-mode")

    with console_run(console_store, tmp_path, config_folder=folder, ui_state=USED) as console:
        drive(console, act)


def test_a_new_theme_can_be_selected_with_t(console_store: BarStore, tmp_path: Path, folder: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        assert console.app.theme_names[-1] == MINE
        save(folder, OWN.replace(MINE, "one-more"), "second.yml")
        await until(pilot, lambda: console.app.theme_names[-2:] == (MINE, "one-more"), "the new theme")
        assert console.app.theme == MINE
        await press(pilot, "t")
        assert console.app.theme == "one-more"
        await press(pilot, "t")
        assert console.app.theme == console.app.theme_names[0]

    with console_run(console_store, tmp_path, config_folder=folder, ui_state=USED) as console:
        drive(console, act)


def test_the_themes_folder_can_be_created_during_a_run(console_store: BarStore, tmp_path: Path) -> None:
    folder = tmp_path / "nothing" / "yet"

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        assert console.app.theme_names == tuple(theme.name for theme in load_themes().themes)
        (folder / "themes").mkdir(parents=True)
        save(folder, OWN)
        await until(pilot, lambda: MINE in console.app.theme_names, "the theme")

    with console_run(console_store, tmp_path, config_folder=folder) as console:
        drive(console, act)


def test_an_invalid_edit_is_reported_with_file_and_line_and_the_last_valid_theme_stays(
    console_store: BarStore, tmp_path: Path, folder: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "o")
        path = save(folder, OWN.replace(f'"{GREEN}"', "gren"))
        await until(pilot, lambda: bool(notices(console)), "the fault")
        fault = "invalid colour 'gren': use #rrggbb, rgb(…), hsl(…) or a CSS name; did you mean 'green'?"
        assert notices(console) == [f"{path}: line 11: success: {fault}"]
        assert (console.app.theme, gain(console)) == (MINE, Color.parse(GREEN))
        assert MINE in console.app.theme_names

        save(folder, "name: [\n")
        await until(pilot, lambda: len(notices(console)) == 2, "the next fault")
        assert notices(console)[1].startswith(f"{path}: line 2, column 1: invalid YAML")
        save(folder, OWN.replace(GREEN, VIOLET))
        await until(pilot, lambda: gain(console) == Color.parse(VIOLET), "mended")
        assert len(notices(console)) == 2

    with console_run(console_store, tmp_path, config_folder=folder, ui_state=USED) as console:
        drive(console, act)


def test_a_variable_on_which_textual_would_fail_is_an_invalid_edit(
    console_store: BarStore, tmp_path: Path, folder: Path
) -> None:
    wrong = (
        "variables:\n  text-warning: blu\n  block-cursor-text-style: boldly\n  border: 'red; } Screen {'\n"
    )

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        path = save(folder, OWN + wrong)
        await until(pilot, lambda: bool(notices(console)), "the faults")
        text = notices(console)[0]
        assert text.startswith(f"{path}: line 15: variables.text-warning: invalid colour 'blu'")
        assert "line 16: variables.block-cursor-text-style: invalid text style 'boldly'" in text
        assert "line 17: variables.border: invalid colour 'red; } Screen {'" in text
        await press(pilot, "o")
        await until(pilot, lambda: console.frontier == 60, "an hour")
        assert console.app.failure is None

    with console_run(console_store, tmp_path, config_folder=folder, ui_state=USED) as console:
        drive(console, act)


def test_a_deleted_theme_stays_in_use_until_another_is_chosen(
    console_store: BarStore, tmp_path: Path, folder: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        (folder / "themes" / "mine.yaml").unlink()
        await until(pilot, lambda: MINE not in console.app.theme_names, "gone from the list")
        await press(pilot, "o")
        assert (console.app.theme, gain(console)) == (MINE, Color.parse(GREEN))
        await press(pilot, "t")
        assert console.app.theme == console.app.theme_names[0]
        for _ in console.app.theme_names:
            await press(pilot, "t")
            assert console.app.theme != MINE

    with console_run(console_store, tmp_path, config_folder=folder, ui_state=USED) as console:
        drive(console, act)


def test_tapedecks_theme_returns_when_the_users_of_the_same_name_is_deleted(
    console_store: BarStore, tmp_path: Path, folder: Path
) -> None:
    own = next(theme for theme in load_themes().themes if theme.name == DEFAULT_DARK)
    path = save(folder, OWN.replace(MINE, DEFAULT_DARK))

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        assert (console.app.theme, gain(console)) == (DEFAULT_DARK, Color.parse(GREEN))
        path.unlink()
        await until(pilot, lambda: gain(console) == Color.parse(str(own.success)), "the colour")

    with console_run(console_store, tmp_path, config_folder=folder) as console:
        drive(console, act)


def test_invalid_files_are_reported_once_at_the_start(
    console_store: BarStore, tmp_path: Path, folder: Path
) -> None:
    empty = save(folder, "", "empty.yaml")
    other = save(folder, OWN.replace(f'"{GREEN}"', ""), "other.yaml")

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        lines = notices(console)[0].splitlines()
        assert lines[0].startswith(f"{empty}: empty file: a theme needs name, dark, foreground")
        assert lines[1].startswith(f"{other}: line 11: success: has no value: put a colour that begins")
        save(folder, OWN.replace(GREEN, VIOLET))
        await until(pilot, lambda: gain(console) == Color.parse(VIOLET), "another file's edit")
        assert len(notices(console)) == 1

    with console_run(console_store, tmp_path, config_folder=folder, ui_state=USED) as console:
        drive(console, act)


def test_the_run_continues_while_themes_are_edited(
    console_store: BarStore, tmp_path: Path, folder: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "space")
        for text in ("", OWN, "- red", OWN.replace(GREEN, VIOLET)):
            save(folder, text)
            await pilot.pause()
        await until(pilot, lambda: gain(console) == Color.parse(VIOLET), "the last edit")
        await until(pilot, lambda: console.state is RunState.COMPLETED, "the end")
        assert console.system.error is None

    with console_run(console_store, tmp_path, config_folder=folder, ui_state=USED) as console:
        drive(console, act)


def test_the_theme_in_the_docs_loads(tmp_path: Path) -> None:
    manual = (Path(__file__).resolve().parents[3] / "docs" / "themes.md").read_text(encoding="utf-8")
    theme, variables = (part.partition("```")[0] for part in manual.split("```yaml\n")[1:])
    (tmp_path / "themes").mkdir()
    save(tmp_path, theme + variables)
    loaded = load_themes(tmp_path)
    assert loaded.failures == ()
    assert loaded.themes[-1].name == "evening-desk"
    assert loaded.themes[-1].variables["footer-background"] == "#0f1114"

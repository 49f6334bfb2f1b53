"""Direct drawing, switched on and off: the terminal shows the screen as Textual draws it in full."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pyte
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console
from textual._compositor import CompositorUpdate, LayoutUpdate
from textual.app import App
from textual.events import Resize
from textual.pilot import Pilot

from tapedeck.console.app.console_app import ConsoleApp
from tapedeck.console.textual_ext.compositor import DirectCompositor
from tapedeck.console.textual_ext.screen_diff import DiffUpdate
from tapedeck.engine.store.bar_store import BarStore
from tests.support.console_runs import ConsoleRun, console_run, drive, press, until
from tests.support.pseudo_terminal import terminal

# Steps, looks back, panels, symbols, pages and dialogs, in any order; in a prompt they are text.
KEYS = (
    "m", "o", "comma", "full_stop", "D", "end", "1", "2", "3", "4", "5", "6", "7", "z", "x", "down", "up",
    "i", "s", "t", "w", "escape", "question_mark", "ctrl+p", "slash", "B", "enter", "plus", "apostrophe", "y",
)  # fmt: skip
SIZES = ((80, 24), (120, 36))


class EmulatedTerminal:
    """Emulated terminal that receives the application's output."""

    def __init__(self, columns: int, rows: int) -> None:
        self.console = Console(
            file=io.StringIO(), force_terminal=True, color_system="truecolor", width=columns
        )
        self.actual, self.expected = self._screen(columns, rows), self._screen(columns, rows)
        self.updates: set[type] = set()

    @staticmethod
    def _screen(columns: int, rows: int) -> pyte.Screen:
        screen = pyte.Screen(columns, rows)
        screen.reset_mode(pyte.modes.DECAWM)  # as on the alternate screen: the last column does not wrap
        return screen

    def connect(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Receive Textual's output; without a screen there is none."""
        stream = pyte.Stream(self.actual)

        def display(_app: App[None], _screen: object, update: object) -> None:
            if isinstance(update, CompositorUpdate):
                self.updates.add(type(update))
                stream.feed(update.render_segments(self.console))

        monkeypatch.setattr(App, "_display", display)

    def matches(self, app: ConsoleApp) -> bool:
        """Whether it shows the top screen as Textual draws it in full."""
        compositor = app.screen._compositor
        lines = [[strip] for strip in compositor.render_strips()]
        whole = LayoutUpdate(lines, compositor.size.region)
        pyte.Stream(self.expected).feed(whole.render_segments(self.console))
        return self._cells(self.actual) == self._cells(self.expected)

    @staticmethod
    def _cells(screen: pyte.Screen) -> list[list[pyte.screens.Char]]:
        return [[screen.buffer[y][x] for x in range(screen.columns)] for y in range(screen.lines)]


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keys=st.lists(st.sampled_from(KEYS), max_size=12), size=st.sampled_from(SIZES), is_slow=st.booleans())
def test_after_any_keys_the_terminal_shows_the_screen(
    console_store: BarStore,
    tmp_path: Path,
    *,
    keys: list[str],
    size: tuple[int, int],
    is_slow: bool,
) -> None:
    emulated = EmulatedTerminal(*size)

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        console.app.link.is_slow = is_slow
        for key in ("o", *keys):
            await press(pilot, key)
            await until(pilot, lambda: emulated.matches(console.app), f"the screen after {keys}, at {key}")
        assert emulated.updates == {DiffUpdate}

    with (
        pytest.MonkeyPatch.context() as patch,
        console_run(console_store, tmp_path, direct_drawing=True) as console,
    ):
        emulated.connect(patch)
        drive(console, act, size=size, toasts=True)


@pytest.mark.parametrize("direct_drawing", [True, False])
def test_frames_are_drawn_directly_only_if_switched_on(
    console_store: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, direct_drawing: bool
) -> None:
    taken: list[bool] = []
    works = DirectCompositor.update_widgets

    def update_widgets(compositor: DirectCompositor, widgets: set[object]) -> None:
        taken.append(compositor.draws_directly)
        works(compositor, widgets)  # type: ignore[arg-type]

    monkeypatch.setattr(DirectCompositor, "update_widgets", update_widgets)

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        taken.clear()
        await press(pilot, "o")
        await until(pilot, lambda: console.frontier == 60, "an hour")
        await until(pilot, lambda: bool(taken), "a frame")
        assert any(taken) is direct_drawing

    with console_run(console_store, tmp_path, direct_drawing=direct_drawing) as console:
        drive(console, act)


def test_most_widgets_of_a_frame_are_drawn_directly(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        main = console.app.main
        await press(pilot, "4", "o")
        await until(pilot, lambda: console.frontier == 60, "an hour")
        uncovered = compositor_of(console).free_regions()
        shown = (main.symbols.table, main.chart.query_one("CandleChart"), main.panels["quality"].map)
        assert all(widget in uncovered for widget in shown)
        assert main.symbols not in uncovered  # a panel is covered by the widgets in it

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_a_widget_under_a_toast_is_drawn_by_textual(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        table, compositor = console.app.main.symbols.table, compositor_of(console)
        await press(pilot, "1")
        assert table in compositor.free_regions()
        console.app.notify("exported")
        await until(pilot, lambda: table not in compositor.free_regions(), "the toast")

    with console_run(console_store, tmp_path) as console:
        drive(console, act, size=(80, 24), toasts=True)


@pytest.mark.parametrize("direct_drawing", [True, False])
def test_a_resize_to_the_same_size_repaints_any_screen(
    console_store: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, direct_drawing: bool
) -> None:
    emulated = EmulatedTerminal(80, 24)
    emulated.connect(monkeypatch)

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        for keys in (("o",), ("i",), ("escape", "question_mark"), ("escape", "w"), ("escape", "slash")):
            await press(pilot, *keys)
            await until(pilot, lambda: emulated.matches(console.app), f"the screen of {keys}")
            emulated.actual.erase_in_display(2)  # a terminal that was small for a moment
            console.app.post_message(Resize(console.app.size, console.app.size))
            await until(pilot, lambda: emulated.matches(console.app), f"the screen of {keys}, repainted")
        assert (emulated.updates == {DiffUpdate}) is direct_drawing
        assert (DiffUpdate in emulated.updates) is direct_drawing

    with console_run(console_store, tmp_path, direct_drawing=direct_drawing) as console:
        drive(console, act, size=(80, 24))


def test_a_resize_without_a_signal_is_noticed(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        console.app.link.terminal_size = lambda: (100, 30)
        await until(pilot, lambda: console.app.screen.size == (100, 30), "the new size")

    with console_run(console_store, tmp_path) as console:
        drive(console, act, size=(80, 24))


def compositor_of(console: ConsoleRun) -> DirectCompositor:
    compositor = console.app.main._compositor
    assert isinstance(compositor, DirectCompositor)
    return compositor


def test_a_new_layout_is_drawn_at_once(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        main = console.app.main
        await press(pilot, "m")
        await until(pilot, lambda: main.panels["quality"].map.size.height > 3, "the map")
        main.panels["quality"].map.styles.max_height = 3
        main.draw_now()
        assert main.panels["quality"].map.size.height == 3

    with console_run(console_store, tmp_path) as console:
        drive(console, act, size=(200, 60))


# A key, and a text of the screen that it leads to: the end of the run, a slot before it, help, and back.
WALK = (("\x1b", "■ completed"), (",", "15:59"), ("?", "escape back"), ("\x1b", "15:59"))


def test_both_ways_of_drawing_show_the_same_screens_in_a_real_terminal(
    session: Callable[..., list[str]], tmp_path: Path
) -> None:
    arguments = session("--speed", "0", until="2013-11-26")
    with (
        terminal(tmp_path / "on", *arguments, TAPEDECK_DIRECT_DRAWING="on") as direct,
        terminal(tmp_path / "off", *arguments, TAPEDECK_DIRECT_DRAWING="off") as by_textual,
    ):
        for screen in (direct, by_textual):
            screen.read_until_shown("Run report", "completed")
        for key, text in WALK:
            for screen in (direct, by_textual):
                screen.press(key)
                screen.read_until_shown(text)
            by_textual.read_until_stable()
            direct.read_until(lambda: direct.lines == by_textual.lines, f"this screen:\n{by_textual.text}")
        for screen in (direct, by_textual):
            screen.press("q")
            assert screen.exit_code() == 0
            assert screen.left_changed() == set()

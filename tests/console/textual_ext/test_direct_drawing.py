"""Widgets that nothing covers are drawn past Textual's compositor: the terminal shows what it would show."""

from __future__ import annotations

import io
from pathlib import Path

import pyte
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console
from textual._compositor import LayoutUpdate
from textual.app import App
from textual.pilot import Pilot

from tapedeck.console.app.console_app import ConsoleApp
from tapedeck.console.textual_ext.compositor import DirectCompositor
from tapedeck.console.textual_ext.screen_diff import DiffUpdate, PiecesUpdate, ScreenDiff
from tapedeck.engine.store.bar_store import BarStore
from tests.support.console_runs import Watched, drive, press, until, watched

# Steps, looks back, panels, symbols, pages and dialogs, in any order; what a dialog takes for text is text.
KEYS = (
    "m", "o", "comma", "full_stop", "D", "end", "1", "2", "3", "4", "5", "6", "7", "z", "x", "down", "up",
    "i", "s", "t", "w", "escape", "question_mark", "ctrl+p", "slash", "B", "enter", "plus", "apostrophe", "y",
)  # fmt: skip
SIZES = ((80, 24), (120, 36), (200, 60))


class Glass:
    """A terminal that is written to as the real one is, without a line to it."""

    def __init__(self, columns: int, rows: int) -> None:
        self.console = Console(
            file=io.StringIO(), force_terminal=True, color_system="truecolor", width=columns
        )
        self.shown, self.should_be = self._screen(columns, rows), self._screen(columns, rows)
        self.pieces = 0

    @staticmethod
    def _screen(columns: int, rows: int) -> pyte.Screen:
        screen = pyte.Screen(columns, rows)
        screen.reset_mode(pyte.modes.DECAWM)  # as on the alternate screen: the last column does not wrap
        return screen

    def watch(self, monkeypatch: pytest.MonkeyPatch, *, is_slow: bool) -> None:
        """Have what the console displays written here; to a slow line only the cells that differ."""
        stream, known = pyte.Stream(self.shown), ScreenDiff()
        known.is_thrifty = is_slow

        def display(_app: App[None], _screen: object, update: object) -> None:
            if update is not None:
                self.pieces += isinstance(update, PiecesUpdate)
                stream.feed(DiffUpdate(update, known).render_segments(self.console))  # type: ignore[arg-type]

        monkeypatch.setattr(ConsoleApp, "_display", display)

    def is_right(self, app: ConsoleApp) -> bool:
        """Whether it shows what the screen on top looks like, all of it drawn anew by Textual."""
        compositor = app.screen._compositor
        lines = [[strip] for strip in compositor.render_strips()]
        whole = LayoutUpdate(lines, compositor.size.region)
        pyte.Stream(self.should_be).feed(whole.render_segments(self.console))
        return self._cells(self.shown) == self._cells(self.should_be)

    @staticmethod
    def _cells(screen: pyte.Screen) -> list[list[pyte.screens.Char]]:
        return [[screen.buffer[y][x] for x in range(screen.columns)] for y in range(screen.lines)]


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keys=st.lists(st.sampled_from(KEYS), max_size=14), size=st.sampled_from(SIZES), is_slow=st.booleans())
def test_after_any_keys_the_terminal_shows_the_screen(
    console_store: BarStore, tmp_path: Path, *, keys: list[str], size: tuple[int, int], is_slow: bool
) -> None:
    glass = Glass(*size)

    async def act(console: Watched, pilot: Pilot[None]) -> None:
        for key in ("o", *keys):
            await press(pilot, key)
            await until(pilot, lambda: glass.is_right(console.app), f"what {keys} show at {key}")
        assert glass.pieces

    with pytest.MonkeyPatch.context() as patch, watched(console_store, tmp_path) as console:
        glass.watch(patch, is_slow=is_slow)
        drive(console, act, size=size, toasts=True)


def test_most_of_a_picture_is_drawn_directly(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: Watched, pilot: Pilot[None]) -> None:
        main = console.app.main
        await press(pilot, "o")
        await until(pilot, lambda: console.frontier == 60, "an hour")
        compositor = main._compositor
        assert isinstance(compositor, DirectCompositor)
        alone = compositor._alone()
        shown = (main.symbols.table, main.chart.query_one("CandleChart"), main.panels["quality"].map)
        assert all(widget in alone for widget in shown)
        assert main.symbols not in alone  # a panel lies below what it holds

    with watched(console_store, tmp_path) as console:
        drive(console, act)


def test_what_lies_under_a_toast_is_left_to_textual(console_store: BarStore, tmp_path: Path) -> None:
    async def act(console: Watched, pilot: Pilot[None]) -> None:
        table, compositor = console.app.main.symbols.table, console.app.main._compositor
        assert isinstance(compositor, DirectCompositor)
        assert table in compositor._alone()
        console.app.notify("told")
        await until(pilot, lambda: table not in compositor._alone(), "the toast")

    with watched(console_store, tmp_path) as console:
        drive(console, act, size=(80, 24), toasts=True)

"""Lines of styled text, drawn as Textual's `Static` draws them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from textual.app import App, ComposeResult
from textual.content import Content
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Static

from tapedeck.console.app.widgets import StyledLine, StyledLines

SHORT = [
    Content.styled("SPY", "bold"),
    Content.assemble(("session", "$text-muted"), "  ", ("99.8%", "$text-warning bold")),
    Content(""),
    Content.assemble("rsi ", ("▁▂▃▇", "$text-accent"), " – up"),
]
LONG = [Content.assemble((f"{at:>3} ", "$text-muted"), "word " * at) for at in range(40)]
WIDE = [Content.assemble(("東京", "bold"), " 7203 ", ("株", "$text-error"), " 1")]


class BothWidgets(App[None]):
    """The same lines in `StyledLines` and in Textual's `Static`, one below the other."""

    CSS = """
    Static { height: 1fr; text-wrap: nowrap; text-overflow: ellipsis; }
    StyledLines { overflow: hidden hidden; }
    """

    def __init__(self, lines: Sequence[Content]) -> None:
        super().__init__()
        self.ours = StyledLines()
        self.theirs = Static(Content("\n").join(lines))
        self.ours.show(lines)

    def compose(self) -> ComposeResult:
        """Compose both."""
        yield self.ours
        yield self.theirs


def cells(widget: Widget) -> list[list[tuple[str, object, object]]]:
    """Return the cells of each line of a widget: char, background, and style unless blank."""
    lines = []
    for strip in widget.render_lines(Region(0, 0, *widget.size)):
        line = []
        for text, style, _ in strip:
            assert style is not None
            line += [
                (char, style.bgcolor, None if char == " " else style.clear_meta_and_links()) for char in text
            ]
        lines.append(line)
    return lines


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
@pytest.mark.parametrize("lines", [SHORT, LONG, WIDE], ids=["short", "long", "wide"])
@pytest.mark.parametrize("width", [80, 33])
def test_lines_are_drawn_as_textual_draws_them(lines: list[Content], width: int, theme: str) -> None:
    async def act() -> None:
        app = BothWidgets(lines)
        async with app.run_test(size=(width, 30)) as pilot:
            app.theme = theme
            await pilot.pause()
            assert app.ours.size == app.theirs.size == (width, 15)
            assert cells(app.ours) == cells(app.theirs)

    asyncio.run(act())


class Scrolled(App[None]):
    """An application with a list of lines and a single line."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = StyledLines()
        self.line = StyledLine()

    def compose(self) -> ComposeResult:
        """Compose both."""
        yield self.line
        yield self.lines


def drawn(widget: Widget) -> list[str]:
    """Return the texts of the visible lines."""
    return ["".join(char for char, _, _ in line).strip() for line in cells(widget)]


async def keys(pilot: Pilot[None], *names: str) -> None:
    await pilot.press(*names)
    await pilot.pause()


def test_keys_scroll_long_lists_but_not_a_single_line() -> None:
    async def act() -> None:
        app = Scrolled()
        async with app.run_test(size=(20, 6)) as pilot:
            app.lines.show([Content(str(number)) for number in range(12)])
            await pilot.pause()
            app.lines.focus()
            assert drawn(app.lines)[:5] == ["0", "1", "2", "3", "4"]
            await keys(pilot, "down", "down")
            assert drawn(app.lines)[:5] == ["2", "3", "4", "5", "6"]
            await keys(pilot, "end")
            assert drawn(app.lines)[:5] == ["7", "8", "9", "10", "11"]
            app.lines.show([Content("alone")])
            await pilot.pause()
            assert drawn(app.lines) == ["alone", "", "", "", ""]
            assert not app.line.can_focus

    asyncio.run(act())


def test_at_maximum_speed_a_scrollbar_stays() -> None:
    async def act() -> None:
        app = Scrolled()
        async with app.run_test(size=(20, 6)) as pilot:
            for count, rows in ((12, 12), (2, 12), (20, 20), (1, 20)):
                app.lines.show([Content("x")] * count, is_racing=True)
                await pilot.pause()
                assert app.lines.virtual_size.height == rows
                assert app.lines.show_vertical_scrollbar
            app.lines.show([Content("x")])
            await pilot.pause()
            assert not app.lines.show_vertical_scrollbar

    asyncio.run(act())


def test_a_widget_of_scrollbar_width_draws_no_lines() -> None:
    async def act() -> None:
        app = Scrolled()
        async with app.run_test(size=(1, 6)) as pilot:
            app.lines.show([Content("x")] * 20)
            await pilot.pause()
            app.lines.show([Content("y")] * 30)
            await pilot.pause()
            assert app.lines.show_vertical_scrollbar
            assert app.lines.scrollable_content_region.width == 0

    asyncio.run(act())

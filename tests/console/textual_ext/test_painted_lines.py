"""Painted widgets bypass Textual's styles cache, with the same lines as a result."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
import pytest
from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widget import Widget

from tapedeck.console.app.theming import load_themes
from tapedeck.console.app.widgets import SymbolRows, SymbolTable
from tapedeck.console.app.widgets.column_forms import COUNT, PERCENT, PRICE, SCORE, SPARKLINE, Figures
from tapedeck.console.app.widgets.table_columns import TableColumn


class TableApp(App[None]):
    """An application with the symbol table only, in one of tapedeck's themes."""

    def __init__(self) -> None:
        super().__init__()
        self.table = SymbolTable()
        for theme in load_themes().themes:
            self.register_theme(theme)
        self.theme = "tapedeck-dark"

    def compose(self) -> ComposeResult:
        """Compose the table."""
        yield self.table


def rows(count: int) -> SymbolRows:
    number = np.arange(count, dtype=np.float64)
    forms = {"last": PRICE, "change_pct": PERCENT, "quality": SCORE, "missing": COUNT, "trend": SPARKLINE}
    figures = {
        "last": Figures(100.0 + number),
        "change_pct": Figures(number - 1.0),
        "quality": Figures(np.where(number % 3 == 0, 100.0, 97.46)),
        "missing": Figures(np.where(number % 3 == 0, 0.0, 4.0)),
        "trend": Figures(number[:, None] + np.arange(8.0)[None, :]),
    }
    columns = tuple(TableColumn(key, key, form) for key, form in forms.items())
    return SymbolRows(tuple(f"S{at:02d}" for at in range(count)), columns, figures)


def play(act: Callable[[Pilot[None], SymbolTable], Awaitable[None]]) -> None:
    async def run() -> None:
        app = TableApp()
        async with app.run_test(size=(100, 20)) as pilot:
            await pilot.pause()
            await act(pilot, app.table)

    asyncio.run(run())


def cells(strips: list[Strip]) -> list[list[Segment]]:
    """Return lines as segments without control codes, adjacent ones of the same style joined."""
    return [list(Segment.simplify(strip)) for strip in strips]


def by_textual(widget: Widget, crop: Region) -> list[Strip]:
    widget._styles_cache.clear()
    return Widget.render_lines(widget, crop)


@pytest.mark.parametrize("no_color", [False, True])
@pytest.mark.parametrize("count", [0, 4, 60])
def test_lines_equal_those_rendered_by_textual(
    monkeypatch: pytest.MonkeyPatch, *, no_color: bool, count: int
) -> None:
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")

    async def act(pilot: Pilot[None], table: SymbolTable) -> None:
        if count:
            table.show(rows(count))
        await pilot.pause()
        whole = Region(0, 0, *table.outer_size)
        for crop in (whole, Region(3, 2, 20, 5), Region(0, 0, 10, 1)):
            assert cells(table.render_lines(crop)) == cells(by_textual(table, crop))
        for theme in ("tapedeck-light", "tapedeck-dark"):
            pilot.app.theme = theme
            await pilot.pause()
            assert cells(table.render_lines(whole)) == cells(by_textual(table, whole))
        table.focus()
        await pilot.press("down")
        await pilot.pause()
        assert cells(table.render_lines(whole)) == cells(by_textual(table, whole))

    play(act)


def test_an_unchanged_line_is_the_same_strip() -> None:
    async def act(pilot: Pilot[None], table: SymbolTable) -> None:
        table.show(rows(4))
        await pilot.pause()
        whole = Region(0, 0, *table.outer_size)
        before = table.render_lines(whole)
        changed_rows = rows(4)
        changed_rows.figures["last"].values[2] += 1.0
        table.show(changed_rows)
        await pilot.pause()
        after = table.render_lines(whole)
        changed = [y for y, (one, other) in enumerate(zip(before, after, strict=True)) if one is not other]
        assert [table.render_line(y).text.split()[0] for y in changed] == ["S02"]

    play(act)

"""Widgets that draw themselves go past Textual's styles: what is seen is what Textual would make."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rich.segment import Segment
from textual.geometry import Region
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widget import Widget

from tapedeck.console.app.widgets import SymbolTable
from tapedeck.console.app.widgets.painted import Painted


def cells(strips: list[Strip]) -> list[list[Segment]]:
    """Return lines as segments without control codes, those of the same style joined."""
    return [list(Segment.simplify(strip)) for strip in strips]


def by_textual(widget: Painted, crop: Region) -> list[Strip]:
    widget._styles_cache.clear()
    return Widget.render_lines(widget, crop)


@pytest.mark.parametrize("no_color", [False, True])
@pytest.mark.parametrize("count", [0, 4, 60])
def test_lines_are_those_that_textual_would_make(
    play: Callable[..., Any],
    rows: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    *,
    no_color: bool,
    count: int,
) -> None:
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    table = SymbolTable()

    async def act(pilot: Pilot[None], _stage: Any) -> None:
        if count:
            table.show(rows(tuple(f"S{number:02d}" for number in range(count))))
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

    play(table, act, size=(100, 20))


def test_a_line_that_has_not_changed_is_the_same_strip(
    play: Callable[..., Any], rows: Callable[..., Any]
) -> None:
    table = SymbolTable()

    async def act(pilot: Pilot[None], _stage: Any) -> None:
        table.show(rows())
        await pilot.pause()
        whole = Region(0, 0, *table.outer_size)
        before = table.render_lines(whole)
        shown = rows()
        shown.last[2] += 1.0
        table.show(shown)
        await pilot.pause()
        after = table.render_lines(whole)
        changed = [y for y, (one, other) in enumerate(zip(before, after, strict=True)) if one is not other]
        assert [table.render_line(y).text.split()[0] for y in changed] == ["BAC"]

    play(table, act, size=(100, 20))

"""The layout on the real engine: sizes in use, the strip of a narrow screen, and named layouts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tapedeck.console.app.panels.panel import Panel
from tapedeck.console.app.screens.choice import ChoiceScreen
from tapedeck.console.app.ui_state import UiState, load_ui_state, save_ui_state
from tapedeck.console.app.widgets.painted import Painted
from tapedeck.console.app.widgets.symbol_strip import SymbolStrip
from tapedeck.engine.store.bar_store import BarStore
from tests.support.console_runs import ConsoleRun, console_run, document, drive, enter_line, press, until
from tests.support.scanning_consoles import with_scanners
from tests.support.trading_consoles import with_strategies

_MOST_EMPTY = 10


def shown(console: ConsoleRun) -> dict[str, Panel]:
    return {name: panel for name, panel in console.app.main.panels.items() if panel.display}


def regions(console: ConsoleRun) -> dict[str, tuple[int, int, int, int]]:
    return {name: tuple(panel.region) for name, panel in shown(console).items()}


def empty_rows(panel: Panel) -> int:
    """Return the rows of a panel below its last line, by what its largest list has."""
    lists = [widget for widget in panel.query(Painted) if widget.virtual_size.height]
    return min((widget.size.height - widget.virtual_size.height for widget in lists), default=0)


async def resized(console: ConsoleRun, pilot: Pilot[None], width: int, height: int) -> None:
    await pilot.resize_terminal(width, height)
    main = console.app.main
    await until(pilot, lambda: main.chart.region.right == width, "the new size")


def of_run(kind: str) -> dict[str, Any]:
    return {"plain": document(), "scanners": with_scanners(), "strategies": with_strategies()}[kind]


@pytest.mark.parametrize("kind", ["plain", "scanners", "strategies"])
def test_the_chart_is_the_largest_panel_and_none_wastes_rows_that_another_lacks(
    console_store: BarStore, tmp_path: Path, kind: str
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        console.system.step(20)  # a scanner has a symbol join, which takes a row
        await until(pilot, lambda: console.frontier == 20 and console.is_settled(), "the symbols")
        for size in ((100, 30), (120, 36), (160, 45), (200, 60)):
            await resized(console, pilot, *size)
            before = regions(console)
            areas = {name: panel.region.area for name, panel in shown(console).items()}
            assert max(areas, key=areas.__getitem__) == "chart", (size, areas)
            assert not {"metrics", "log"} & set(areas)
            console.system.step(20)
            await until(pilot, console.is_settled, "the slots")
            await pilot.pause()
            assert regions(console) == before, "panels keep their places while a session plays"
            if any(widget.show_vertical_scrollbar for widget in console.app.main.query(Painted)):
                others = {name: panel for name, panel in shown(console).items() if name != "chart"}
                assert all(empty_rows(panel) < _MOST_EMPTY for panel in others.values())

    with console_run(console_store, tmp_path, config=of_run(kind)) as console:
        drive(console, act, size=(100, 30))


def test_a_narrow_screen_opens_on_the_chart_with_a_strip_of_symbols(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        main, strip = console.app.main, console.app.main.query_one(SymbolStrip)
        assert list(shown(console)) == ["chart"]
        assert strip.region.height == 1
        await until(pilot, lambda: strip.shown_symbols == ("AAA", "BBB", "CCC"), "the strip")
        assert "▸AAA" in strip.render_line(0).text
        await press(pilot, "down")
        assert "▸BBB" in strip.render_line(0).text
        await pilot.click(SymbolStrip, offset=(strip._places[2][0] + 2, 0))
        await until(pilot, lambda: main.symbol == "CCC", "the symbol clicked")
        await pilot.resize_terminal(50, 24)
        await until(pilot, lambda: "CCC" in strip.shown_symbols and len(strip.shown_symbols) < 3, "the rest")
        await press(pilot, "1")
        assert not strip.display
        assert list(shown(console)) == ["symbols"]

    with console_run(console_store, tmp_path) as console:
        drive(console, act, size=(80, 24))


def test_layouts_are_chosen_saved_and_removed(console_store: BarStore, tmp_path: Path) -> None:
    async def pick(pilot: Pilot[None], words: str) -> None:
        await press(pilot, "L")
        screen = pilot.app.screen
        assert isinstance(screen, ChoiceScreen)
        at = next(at for at, text in enumerate(screen._choices.values()) if text.startswith(words))
        await press(pilot, *["down"] * at, "enter")

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        main, first = console.app.main, regions(console)
        await pick(pilot, "watch")
        await until(pilot, lambda: main.panel_layout.active == "symbols", "the table")
        await pick(pilot, "data")
        await until(pilot, lambda: set(shown(console)) == {"quality", "metrics", "events", "log"}, "the data")
        own = main.panel_layout
        await pick(pilot, "save")
        await enter_line(pilot, "mine")
        await pick(pilot, "chart")
        await until(pilot, lambda: regions(console) == first, "the chart")
        await pick(pilot, "mine")
        await until(pilot, lambda: main.panel_layout == own, "the saved layout")
        assert save_ui_state(tmp_path, console.app.ui_state()) is None
        kept, problem = load_ui_state(tmp_path)
        assert problem is None
        assert set(kept.layouts) == {"mine"}
        await pick(pilot, "remove")
        await press(pilot, "enter")
        await until(pilot, lambda: not console.app.ui_state().layouts, "the removal")
        await console.app.do("layout", "mine")  # an error, and no other layout
        assert main.panel_layout == own

    with console_run(console_store, tmp_path, ui_state=UiState()) as console:
        drive(console, act, size=(160, 45))

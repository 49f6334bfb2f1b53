"""Columns of the symbol table: their choice by keys and mouse, their places by width, their figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot
from textual.widgets import Label, OptionList

from tapedeck.console.app.screens.columns import ColumnsScreen
from tapedeck.console.app.table_choice import TableChoice
from tapedeck.console.app.ui_state import UiState, load_ui_state, save_ui_state
from tapedeck.console.app.widgets.column_forms import AMOUNT, PERCENT, PRICE, SPARKLINE, Figures
from tapedeck.console.app.widgets.table_columns import (
    MARKER_WIDTH,
    SymbolRows,
    TableColumn,
    shown_columns,
    symbol_width,
)
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tests.support.console_runs import SYMBOLS, ConsoleRun, console_run, document, drive, press, until

SESSION = "Console test"


def headings(console: ConsoleRun) -> str:
    return " ".join(console.app.main.symbols.table.render_line(0).text.split())


def marks(console: ConsoleRun) -> dict[str, bool]:
    """Return the columns of the dialog in their order, and whether each is shown."""
    options = console.app.screen.query_one(OptionList).options
    words = [str(option.prompt).replace("[ ]", "[_]").split()[:2] for option in options]
    return {key: mark == "[x]" for mark, key in words}


def notices(console: ConsoleRun) -> str:
    return "\n".join(note.message for note in console.app._notifications)


def test_columns_are_chosen_and_ordered_by_keys_and_mouse_and_kept_for_the_session(
    console_store: BarStore, tmp_path: Path
) -> None:
    """Each change is shown at once; the choice is recorded as one action, and saved with the session."""

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        main, choice = console.app.main, console.app.main.symbols.columns
        await press(pilot, "o")
        await until(pilot, lambda: console.frontier == 60 and console.is_settled(), "an hour")
        assert headings(console) == "symbol last chg % gap % volume rel vol rsi_5 qual %"
        assert main.symbols.heading == "1 symbols +4 columns"
        await press(pilot, "c")
        await until(pilot, lambda: isinstance(console.app.screen, ColumnsScreen), "the dialog")
        assert [key for key, shown in marks(console).items() if shown] == list(choice.default)
        assert {"prev_close", "day_high", "vwap", "usual"} < set(marks(console))
        await press(pilot, "space", "d", "d")  # hide the last price, move it down
        assert list(marks(console).items())[:3] == [("change_pct", True), ("gap_pct", True), ("last", False)]
        assert headings(console).startswith("symbol chg % gap % volume rel vol rsi_5")
        await press(pilot, "space", "u", "u")
        assert headings(console).startswith("symbol last chg %")
        await press(pilot, "d")
        assert headings(console).startswith("symbol chg % last")
        await press(pilot, "r")
        assert choice.chosen == ()
        options = console.app.screen.query_one(OptionList)
        high = list(marks(console)).index("day_high")
        options.scroll_to(y=high, animate=False)
        await pilot.pause()
        await pilot.click(OptionList, offset=(10, high - options.scroll_offset.y))
        assert marks(console)["day_high"]
        for _ in range(high - 1):
            await press(pilot, "u")
        foot = console.app.screen.query(".dialog-foot").first(Label)
        await pilot.click(foot, offset=(str(foot.render()).index("u up"), foot.size.height - 1))
        await until(pilot, lambda: next(iter(marks(console))) == "day_high", "the click")
        assert headings(console).startswith("symbol high last chg %")
        await press(pilot, "escape")
        await until(pilot, lambda: console.app.screen is main, "the panels")
        assert console.app.done[-1] == ("columns", " ".join(choice.chosen))
        assert sum(word == "columns" for word, _ in console.app.done) == 1
        await console.app.do("sort", "day_high")
        assert main.symbols.table.sort == ("day_high", True)
        await console.app.do("sort", "gaps")
        await console.app.do("columns", "last day_hgih")
        for sentence in ("unknown column 'day_hgih'. Did you mean 'day_high'?", "unknown column 'gaps'"):
            await until(pilot, lambda sentence=sentence: sentence in notices(console), sentence)
        await console.app.do("columns", "day_high last rsi_5")
        await until(pilot, lambda: headings(console) == "symbol ▼high last rsi_5", "three columns")
        assert main.symbols.heading == "1 symbols"
        saved = console.app.ui_state()
        assert saved.columns == {"other": ("last",), SESSION: ("day_high", "last", "rsi_5")}
        assert save_ui_state(tmp_path, saved) is None

    with console_run(console_store, tmp_path, ui_state=UiState(columns={"other": ("last",)})) as console:
        drive(console, act)
    kept, notice = load_ui_state(tmp_path)
    assert notice is None

    async def again(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: headings(console) == "symbol ▼high last rsi_5", "the saved columns")
        await console.app.do("columns", "default")
        assert console.app.ui_state().columns == {"other": ("last",)}

    with console_run(console_store, tmp_path, ui_state=kept) as console:
        drive(console, again)


def test_each_size_has_default_columns(console_store: BarStore, tmp_path: Path) -> None:
    """Relative volume and RSI are there at each size, change and gap, too; larger ones have more."""

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "full_stop")
        await until(pilot, lambda: console.frontier == 1 and console.is_settled(), "a slot")
        await press(pilot, "1")
        small = "symbol last chg % gap % volume rel vol rsi_5 qual % missing"
        assert headings(console) == small
        assert "1 symbols +3" in console.text("#tabs")
        for size, shown in (
            ((120, 36), "symbol last chg % gap % volume rel vol rsi_5 qual %"),
            ((200, 60), "symbol last chg % gap % volume rel vol rsi_5 ema_5 vwap qual % missing trend"),
        ):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda shown=shown: headings(console) == shown, shown)

    with console_run(console_store, tmp_path) as console:
        drive(console, act, size=(80, 24))


def test_figures_equal_those_of_pandas_over_the_stored_bars(console_store: BarStore) -> None:
    system = SystemManager(
        parse_session_config(document(end_date="2013-11-26"), "columns").config,
        console_store,
        tape_cache_bytes=SystemManager.TAPE_CACHE_BYTES,
    )
    system.start()
    assert system.wait(20)
    system.stop()
    assert system.tape_cache is not None
    session = system.tape_cache.last()
    assert session is not None
    choice = TableChoice(system.prepare())
    for frontier in (1, 17, 200, 390):
        view = session.view(frontier)
        figures = choice.rows(view).figures
        for row, symbol in enumerate(SYMBOLS):
            bars = frame(console_store, symbol)
            today = bars[bars.index.date == pd.Timestamp("2013-11-26").date()]
            today = today[today.index < today.index[0].normalize() + pd.Timedelta(minutes=570 + frontier)]
            before = bars[bars.index.date == pd.Timestamp("2013-11-25").date()]
            if today.empty:
                continue
            close, prior = today["close"].iloc[-1], before["close"].iloc[-1]
            for key, expected in {
                "last": close,
                "change_pct": 100 * (close / prior - 1),
                "change": close - prior,
                "gap_pct": 100 * (today["open"].iloc[0] / prior - 1),
                "day_volume": today["volume"].sum(),
                "day_high": today["high"].max(),
                "day_low": today["low"].min(),
                "prev_close": prior,
                "missing": frontier - len(today),
                "quality": 100 * len(today) / frontier,
                "usual": view.historical(symbol, "usual").value,
            }.items():
                assert figures[key].values[row] == pytest.approx(expected, abs=1e-9), (frontier, symbol, key)


def frame(store: BarStore, symbol: str) -> pd.DataFrame:
    """Return a symbol's stored minutes with their New York labels."""
    bars = store.read(symbol, MINUTE, 0, 2**40)
    labels = pd.to_datetime(bars.opened_at, unit="s", utc=True).tz_convert("America/New_York")
    names = ("open", "high", "low", "close", "volume")
    return pd.DataFrame({name: getattr(bars, name) for name in names}, index=labels)


FORMS = (PRICE, PERCENT, AMOUNT, SPARKLINE)


@given(
    forms=st.lists(st.sampled_from(FORMS), max_size=12),
    ranks=st.randoms(use_true_random=False),
    width=st.integers(0, 200),
    price=st.floats(0.0001, 1e7),
)
def test_columns_that_fit_are_those_of_the_lowest_ranks_in_the_chosen_order(
    forms: list[object], ranks: object, width: int, price: float
) -> None:
    order = list(range(len(forms)))
    ranks.shuffle(order)  # type: ignore[attr-defined]
    columns = tuple(
        TableColumn(f"c{at}", f"column {at}", form, rank)  # type: ignore[arg-type]
        for at, (form, rank) in enumerate(zip(forms, order, strict=True))
    )
    figures = {column.key: Figures(np.array([price]), 4) for column in columns}
    rows = SymbolRows(("AAA",), columns, figures)
    shown = shown_columns(rows, width)
    kept = [place.column for place in shown]
    assert kept == [column for column in columns if column in kept]
    assert sorted(column.rank for column in kept) == list(range(len(kept)))
    edges = [MARKER_WIDTH + symbol_width(rows.symbols), *(edge for p in shown for edge in (p.start, p.stop))]
    assert edges == sorted(edges)
    assert not shown or shown[-1].stop <= width
    assert all(place.width >= place.column.form.width for place in shown)
    wider = shown_columns(rows, width + 1)
    assert {place.column.key for place in shown} <= {place.column.key for place in wider}

"""Columns of quotes: offered where quotes are streamed; made ones bear a sign; copies have all."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from textual.pilot import Pilot

from tapedeck.console.app.screens.columns import ColumnsScreen
from tapedeck.console.app.screens.why import WhyScreen
from tapedeck.console.app.table_choice import TableChoice
from tapedeck.console.app.widgets.figures import MADE, MISSING
from tapedeck.console.panel_data.views import view_text
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.bar_store import BarStore
from tests.support.console_runs import SYMBOLS, ConsoleRun, console_run, document, drive, press, until
from tests.support.markets import fill_store, open_new_store
from tests.support.quotes import fill_quotes

DAY = "2013-11-26"
QUOTES = ("bid", "ask", "spread", "bid_size", "ask_size")


@pytest.fixture(scope="module")
def quoted_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    """Bars of three symbols over two days; AAA and CCC have quotes on the first one."""
    with open_new_store(tmp_path_factory.mktemp("quoted") / "bars.db") as store:
        fill_store(store, SYMBOLS, DAY, "2013-11-27", missing=0.1)
        fill_quotes(store, "AAA", DAY, DAY, missing=0.5)
        fill_quotes(store, "CCC", DAY, DAY, missing=0.5, seed=4)
        yield store


def quoting() -> dict[str, Any]:
    session = document(end_date="2013-11-27")
    session["session_data_config"]["streams"].append("quotes")
    return session


def lines(console: ConsoleRun) -> dict[str, list[str]]:
    """Return the words of the table's rows by symbol; its heading by an empty text."""
    table = console.app.main.symbols.table
    words = [table.render_line(y).text.replace("▸", "").split() for y in range(4)]
    return {"": words[0]} | {line[0]: line[1:] for line in words[1:]}


def why_text(console: ConsoleRun) -> str:
    return " ".join(console.text("#why-text").split())


def test_quotes_are_columns_that_show_what_is_made(quoted_store: BarStore, tmp_path: Path) -> None:
    """Chosen, sorted, copied; the sign of a made quote works without colour, and is told in why and help."""
    session_of_quotes = quoted_store.quotes.read("AAA", MINUTE, 0, 2**40)

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        main, app = console.app.main, console.app
        await press(pilot, "o")
        await until(pilot, lambda: console.frontier == 60 and console.is_settled(), "an hour")
        assert lines(console)[""][:4] == ["symbol", "last", "bid", "ask"]  # by default
        await press(pilot, "c")
        await until(pilot, lambda: isinstance(app.screen, ColumnsScreen), "the dialog")
        assert set(QUOTES) < set(main.symbols.columns.available)
        await press(pilot, "escape")
        await app.do("columns", "bid ask spread bid_size")
        await until(pilot, lambda: lines(console)[""][-1] == "size", "the columns")
        shown, view = lines(console), app.view_state().view
        assert shown[""] == ["symbol", "bid", "ask", "spread", "bid", "size"]
        assert view is not None
        opened = view.slot_times.opened_at
        there = session_of_quotes.opened_at < opened[60]
        bid = session_of_quotes.bid[there]
        assert shown["AAA"][0] == f"{bid[~np.isnan(bid)][-1]:.2f}"
        close = f"{MADE}{view.last_prices()[view.row('BBB')]:.2f}"
        assert shown["BBB"] == [close, close, f"{MADE}0.00", MISSING]
        await app.do("sort", "spread")
        await until(pilot, lambda: main.symbols.table.sort == ("spread", True), "the sort")
        order = main.symbols.table.shown_symbols
        spreads = dict(zip(view.symbols, _spreads(view), strict=True))
        assert order == tuple(sorted(SYMBOLS, key=lambda symbol: -spreads[symbol]))
        await press(pilot, "1", "y", "enter")  # the table is copied, not the chart
        await until(pilot, lambda: bool(app.clipboard), "the clipboard")
        rows = {row["symbol"]: row for row in csv.DictReader(io.StringIO(app.clipboard))}
        assert tuple(rows) == order
        assert [rows[symbol]["made"] for symbol in SYMBOLS] == ["false", "true", "false"]
        assert (rows["BBB"]["bid"], rows["BBB"]["bid_size"]) == (rows["BBB"]["last"], "")
        written = csv.DictReader(io.StringIO(view_text(console.system, "symbols", "csv")))
        assert {row["symbol"]: row for row in written} == rows
        main.symbols.table.focus_symbol("BBB")
        await until(pilot, lambda: main.symbol == "BBB", "the symbol whose quotes are made")
        await app.do("why", "spread")
        await until(pilot, lambda: isinstance(app.screen, WhyScreen), "the explanation")
        await until(pilot, lambda: "bid = ask = close of the last bar" in why_text(console), "its text")
        assert "ask − bid, which is 0 as both are made" in why_text(console)

    with console_run(quoted_store, tmp_path, config=quoting()) as console:
        drive(console, act)


def _spreads(view: object) -> list[float]:
    quotes = view.last_quotes()  # type: ignore[attr-defined]
    return (quotes[1] - quotes[0]).tolist()


def test_without_the_stream_there_are_no_such_columns(quoted_store: BarStore, tmp_path: Path) -> None:
    with console_run(quoted_store, tmp_path, config=document(end_date="2013-11-27")) as console:
        assert not set(QUOTES) & set(TableChoice(console.app.playback.plan).available)
        assert "bid" not in view_text(console.system, "symbols", "csv")

"""Session totals: one number, to the last bit, for all readers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from textual.pilot import Pilot

from tapedeck.console.panel_data.views import view_table
from tapedeck.engine.conditions import Condition
from tapedeck.engine.tape.bar_grid import CLOSE, HIGH, LOW, OPEN, VOLUME
from tests.support.console_runs import ConsoleRun, console_run, document, drive, until
from tests.support.markets import fill_store, open_new_store
from tests.support.naive import in_order

COINS = ("BTC", "ETH", "XRP")
SLOTS = 1111


def coins_document() -> dict[str, Any]:
    """Return a session file over one 24-hour session, with fractional volumes."""
    file = document(start_date="2013-11-26", end_date="2013-11-26")
    file["exchange_group"] = "CRYPTO"
    file["session_data_config"] = {
        "symbols": list(COINS),
        "streams": ["1m", "5m"],
        "indicators": {"vwap": {"type": "VWAP", "interval": "1m"}},
    }
    return file


def figures_by_bar(console: ConsoleRun) -> dict[str, dict[str, float]]:
    """Return each symbol's last price and figures of the day, added up bar by bar."""
    view = console.system.session_data.view()
    assert view is not None
    found = {}
    for row, symbol in enumerate(view.symbols):
        bars = view.bars_grid(view.base_interval)[:, row]
        bars = bars[:, ~np.isnan(bars[CLOSE])]
        first, last = float(bars[OPEN, 0]), float(bars[CLOSE, -1])
        prior = float(view.prior_close.values[row])
        found[symbol] = {
            "last": last,
            "prev_close": prior,
            "change": last - prior,
            "change_pct": (last / prior - 1.0) * 100.0,
            "gap_pct": (first / prior - 1.0) * 100.0,
            "day_open": first,
            "day_high": float(bars[HIGH].max()),
            "day_low": float(bars[LOW].min()),
            "day_volume": float(in_order(bars[VOLUME])),
            "change_open_pct": (last / first - 1.0) * 100.0,
        }
    return found


def test_table_view_copy_why_conditions_and_export_have_the_same_figures(tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        system = console.system
        system.step(SLOTS)
        await until(pilot, lambda: console.frontier == SLOTS and console.is_settled(), "the slots")
        view, expected = system.session_data.view(), figures_by_bar(console)
        tape = system.session_data.tape
        assert view is not None
        assert tape is not None
        volumes = view.bars_grid(view.base_interval)[VOLUME]
        pairwise = {symbol: float(np.nansum(volumes[view.row(symbol)])) for symbol in COINS}
        assert any(pairwise[symbol] != expected[symbol]["day_volume"] for symbol in COINS), "no fractions"

        panel, state = console.app.main.symbols, console.app.view_state()
        table = panel.columns.rows(view)
        for at, symbol in enumerate(table.symbols):
            shown = {name: table.figures[name].values[at] for name in ("last", "change_pct", "day_volume")}
            assert shown.items() <= expected[symbol].items()
        for copy in (panel.as_table(state), view_table(system, "symbols")):
            rows = [dict(zip(copy.headings, row, strict=True)) for row in copy.rows]
            assert {row["symbol"]: {name: row[name] for name in expected["BTC"]} for row in rows} == expected

        state_file = tmp_path / "session.json"
        system.export_json(state_file)
        exported = json.loads(state_file.read_text())["symbols"]
        for symbol, figures in expected.items():
            totals = view.totals(symbol)
            assert totals is not None
            assert (totals.volume, totals.last) == (figures["day_volume"], figures["last"])
            assert exported[symbol]["totals"] == figures
            for name, value in figures.items():
                assert system.explain(symbol, name).value == value
                condition = Condition.parse(f"{symbol}.{name} == {value!r}", system.vocabulary())
                assert condition.holds(tape, SLOTS, SLOTS).all(), name

    with open_new_store(tmp_path / "bars.db") as store:
        fill_store(store, COINS, "2013-11-25", "2013-11-26", exchange="24/7", missing=0.05)
        with console_run(store, tmp_path, config=coins_document()) as console:
            drive(console, act)


def test_why_has_the_same_sums_as_the_running_vwap(tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        system = console.system
        system.step(SLOTS)
        await until(pilot, lambda: console.frontier == SLOTS and console.is_settled(), "the slots")
        view = system.session_data.view()
        assert view is not None
        pairwise = 0
        for symbol in COINS:
            for frontier in range(SLOTS - 40, SLOTS + 1):
                bars = view.bars_grid(view.base_interval)[:, view.row(symbol), :frontier]
                if np.isnan(bars[CLOSE, -1]):
                    continue
                here = bars[:, ~np.isnan(bars[CLOSE])]
                money = (here[HIGH] + here[LOW] + here[CLOSE]) / 3.0 * here[VOLUME]
                why = system.explain(symbol, "vwap", frontier)
                assert why.terms == {
                    "Σ typical price × volume": in_order(money),
                    "Σ volume": in_order(here[VOLUME]),
                }
                assert why.value == why.terms["Σ typical price × volume"] / why.terms["Σ volume"]
                pairwise += float(money.sum()) / float(here[VOLUME].sum()) != why.value
        assert pairwise, "these numbers do not tell one order of adding from another"

    with open_new_store(tmp_path / "bars.db") as store:
        fill_store(store, COINS, "2013-11-26", "2013-11-26", exchange="24/7", missing=0.05)
        with console_run(store, tmp_path, config=coins_document()) as console:
            drive(console, act)

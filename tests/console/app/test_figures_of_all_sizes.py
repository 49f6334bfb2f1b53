"""Decimals of prices far below a cent, and of indicators far smaller than their prices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from textual.pilot import Pilot

from tapedeck.console.app.decimals import column_decimals, sizes_of
from tapedeck.console.app.grid_text import percent, quality_style
from tapedeck.console.app.report_lines import RunReport, report_lines
from tapedeck.console.app.screens.why import _figure, explanation_text
from tapedeck.console.app.widgets import StyledLines
from tapedeck.console.app.widgets.column_forms import SCORE
from tapedeck.console.cli.run_report import _session_row
from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.bar_store import BarColumns, BarStore
from tests.support.console_runs import ConsoleRun, console_run, document, drive, press, until
from tests.support.markets import open_new_store, random_bars

PRICES: dict[str, float] = {"AAA": 168.0, "BBB": 14.0, "COIN": 0.0000125}
"""Approximate price of each symbol."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    """Minute bars of two shares, and of a coin at a thousandth of a cent."""
    sessions = TimeManager("XNYS").trading_sessions(date(2013, 11, 20), date(2013, 11, 26))
    labels = np.concatenate([SessionSlots(session, MINUTE).stored_labels for session in sessions])
    with open_new_store(tmp_path_factory.mktemp("sizes") / "bars.db") as filled:
        for number, (symbol, price) in enumerate(PRICES.items()):
            bars = random_bars(labels, seed=number)
            scaled = {name: getattr(bars, name) * price / 50 for name in ("open", "high", "low", "close")}
            columns = [scaled.get(field.name, getattr(bars, field.name)) for field in fields(BarColumns)]
            filled.write(symbol, MINUTE, BarColumns(*columns))
        yield filled


def session_file(*symbols: str) -> dict[str, Any]:
    file = document()
    file["backtest_config"]["end_date"] = "2013-11-26"
    file["session_data_config"] |= {
        "symbols": list(symbols),
        "indicators": {
            "ema_5": {"type": "EMA", "interval": "1m", "timeperiod": 5},
            "momentum": {"type": "MOM", "interval": "1m", "timeperiod": 1},
        },
    }
    return file


def shown_value(console: ConsoleRun, name: str) -> str:
    """Return the value of an indicator on its panel."""
    lines = console.app.main.panels["indicators"].query_one(StyledLines).text.splitlines()
    (line,) = [line for line in lines if line.startswith(name)]
    return str(line.split()[2])


def test_a_price_far_below_a_cent_is_readable_in_every_panel(store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "o")
        await until(pilot, lambda: console.frontier == 60, "an hour")
        await pilot.pause(0.1)
        view = console.app.view_state().view
        assert view is not None
        last = view.totals("COIN")
        assert last is not None
        price = f"{last.last:.8f}"
        main = console.app.main
        table, chart = main.symbols.table, main.chart.query_one("CandleChart")
        assert price.startswith("0.00001")
        assert price in table.render_line(1).text
        axis = [chart.render_line(y).text for y in range(chart.size.height)]
        assert any(f"◂{price}" in line for line in axis)
        assert not any("…" in line for line in axis[1:])
        assert shown_value(console, "ema_5") == f"{view.indicator('COIN', 'ema_5'):.8f}"

    with console_run(store, tmp_path, config=session_file("COIN")) as console:
        drive(console, act)


def test_an_indicator_much_smaller_than_its_price_has_digits_and_prices_keep_their_cents(
    store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "o")
        await until(pilot, lambda: console.frontier == 60, "an hour")
        await pilot.pause(0.1)
        view = console.app.view_state().view
        assert view is not None
        assert shown_value(console, "ema_5") == f"{view.indicator('BBB', 'ema_5'):.2f}"
        momentum = np.abs(view.indicator_grid("momentum")[view.row("BBB")])
        assert 0.01 < np.nanmax(momentum) < 0.1
        assert shown_value(console, "momentum") == f"{view.indicator('BBB', 'momentum'):.5f}"

    with console_run(store, tmp_path, config=session_file("BBB", "AAA")) as console:
        drive(console, act)


def test_decimals_depend_on_known_values_and_only_decrease() -> None:
    random = np.random.default_rng(1)
    values = np.cumsum(random.normal(0.0, 0.001, (3, 390)), axis=1)
    values[2, :40] = np.nan
    sizes = np.array([sizes_of(values[:, :stop], 390) for stop in range(391)])
    whole = np.array([sizes_of(values[:, :stop]) for stop in range(391)])
    assert (np.diff(whole[41:], axis=0) >= 0).all()
    assert (np.diff(sizes[43:], axis=0) >= 0).all()
    assert (sizes[43:] <= whole[43:]).all()
    assert np.isnan(sizes[0]).all()
    assert np.isnan(sizes[40]).tolist() == [False, False, True]


def test_a_column_has_the_decimals_of_its_smallest_row() -> None:
    assert column_decimals(np.array([12.5, 0.0031, np.nan])) == 6
    assert column_decimals(np.array([168.89, 13.92, np.nan])) == 2
    assert column_decimals(np.array([30_000.0, 0.08])) == 5
    assert column_decimals(np.array([])) == column_decimals(np.array([np.nan])) == 2


def test_why_has_digits_of_small_numbers() -> None:
    assert [_figure("last", value) for value in (100.0, 0.0000123, -0.0031, 0.0)] == [
        "100.0000", "0.00001230", "-0.003100", "0.0000",
    ]  # fmt: skip
    assert _figure("close", 0.0000123, 2.0) == "0.0000", "a column has the decimals of its largest"


def test_why_shows_the_prices_that_a_small_number_is_made_of(store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        console.system.step(60)
        await until(pilot, lambda: console.frontier == 60, "an hour")
        found = console.system.explain("COIN", "ema_5")
        text = explanation_text(found, console.system.session_data.tape.session.zone, 80).plain  # type: ignore[union-attr]
        assert f"{found.inputs[0].values[-1]:.8f}" in text
        assert f"{found.value:.8f}" in text

    with console_run(store, tmp_path, config=session_file("COIN")) as console:
        drive(console, act)


def test_copied_symbols_are_those_that_the_table_shows_in_its_order(store: BarStore, tmp_path: Path) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "o")
        await until(pilot, lambda: console.frontier == 60, "an hour")
        symbols = console.app.main.symbols
        symbols.table.sort_by("last", reverse=False)
        copied = [row[0] for row in symbols.as_table(console.app.view_state()).rows]
        assert copied == list(symbols.table.shown_symbols) == ["COIN", "BBB", "AAA"]
        symbols.filter_by("a, b")
        copied = [row[0] for row in symbols.as_table(console.app.view_state()).rows]
        assert copied == list(symbols.table.shown_symbols) == ["BBB", "AAA"]
        symbols.filter_by("zzz")
        assert symbols.as_table(console.app.view_state()).rows == ()

    with console_run(store, tmp_path, config=session_file(*PRICES)) as console:
        drive(console, act)


def test_a_session_without_slots_has_no_score_in_the_report(store: BarStore, tmp_path: Path) -> None:
    with console_run(store, tmp_path, config=session_file("AAA"), start_paused=False) as console:
        console.system.start()
        console.system.set_speed(0.0)
        assert console.system.wait(20)
        summary = console.system.summary()
    (session,) = summary.sessions
    none = replace(session, played=0, bars=0, quality_pct=100.0)
    for shown, is_scored in ((summary, True), (replace(summary, sessions=(none,)), False)):
        lines = report_lines(RunReport(shown, None, 0, 0), 80)
        assert ("100.00%" in "\n".join(line.plain for line in lines)) is is_scored
    assert [_session_row(of)[2] for of in (session, none)] == [("100.00%", ""), "–"]


@pytest.mark.parametrize(
    ("score", "grade", "style", "text"),
    [
        (100.0, "good", "$text-success", "100.0"),
        (99.96, "fair", "$text-warning", "99.9"),
        (95.0, "fair", "$text-warning", "95.0"),
        (94.99, "bad", "$text-error", "94.9"),
    ],
)
def test_a_score_has_the_same_colour_and_text_everywhere(
    score: float, grade: str, style: str, text: str
) -> None:
    assert (SCORE.tone(score, 2), SCORE.text(score, 2)) == (grade, text)
    assert (quality_style(score), percent(score)) == (style, f"{text}%")

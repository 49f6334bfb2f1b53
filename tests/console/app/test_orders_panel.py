"""Orders panel, marks of fills, and keys to them: at the present and in the past, against plain sums."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from textual.pilot import Pilot

from tapedeck.console.app.panels.orders import OrdersPanel
from tapedeck.console.app.report_lines import RunReport, report_lines
from tapedeck.console.app.rows import chart_data
from tapedeck.console.app.widgets import TickKind
from tapedeck.console.panel_data.views import view_table
from tapedeck.engine.intervals import Interval
from tapedeck.engine.read.events import EventKind
from tapedeck.engine.run.tape_cache import MEMORY_BYTES
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.tape.session_view import SessionView
from tests.support.console_runs import SYMBOLS, ConsoleRun, Drive, console_run, drive, press, until
from tests.support.trading_consoles import ENTERS, LEAVES, REFUSED, SHARES, with_strategies

MINUTE: Final = Interval.parse("1m")
CASH: Final = 100_000.0
OPEN: Final = 9 * 60 + 30


def play(store: BarStore, folder: Path, act: Drive) -> None:
    with console_run(store, folder, config=with_strategies(), memory_bytes=MEMORY_BYTES) as console:
        drive(console, act)


async def at(console: ConsoleRun, pilot: Pilot[None], frontier: int) -> SessionView:
    """Play to a frontier, and return its view."""
    console.system.step(frontier - console.frontier)
    await until(pilot, lambda: console.frontier == frontier and console.is_paused, f"slot {frontier}")
    assert console.system.wait_for(console.is_settled, 20)
    console.app.main.update(console.app.view_state())
    view = console.app.view_state().view
    assert view is not None
    return view


def lines(console: ConsoleRun) -> list[str]:
    """Return account and lines of the panel, with single blanks."""
    panel = console.app.main.panels["orders"]
    assert isinstance(panel, OrdersPanel)
    texts = ("".join(text for text, _ in line.parts) for line in panel._lines)
    return [" ".join(text.split()) for text in (panel.line.text, *texts)]


def clock(frontier: int) -> str:
    return "{:02}:{:02}".format(*divmod(OPEN + frontier, 60))


def first_fill(view: SessionView, symbol: str, decided: int) -> tuple[int, float]:
    """Return slot and open of a symbol's first bar from the frontier of a decision on."""
    opens = view.bars(symbol, MINUTE).open.tolist()
    return next((slot, price) for slot, price in enumerate(opens) if slot >= decided and not np.isnan(price))


def test_positions_orders_and_money_are_those_of_the_time_shown(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "f4")
        assert lines(console)[1:] == ["no position", "", "no order yet"]
        view = await at(console, pilot, 60)
        cash, held = CASH, 0.0
        closes = {}
        for symbol in SYMBOLS:
            bought, sold, again = (first_fill(view, symbol, at) for at in (ENTERS[0], LEAVES, ENTERS[1]))
            cash += SHARES * (-bought[1] + sold[1] - again[1])
            known = view.bars(symbol, MINUTE).close
            closes[symbol] = (again[1], float(known[np.isfinite(known)][-1]))
            held += SHARES * closes[symbol][1]
        shown = lines(console)
        assert shown[0].startswith(
            f"equity {cash + held:,.2f} today {cash + held - CASH:+,.2f} cash {cash:,.2f}"
        )
        assert shown[1:5] == ["positions"] + [
            f"clock {symbol} long 100 at {paid:,.2f} now {last:,.2f} {SHARES * (last - paid):+,.2f}"
            for symbol, (paid, last) in closes.items()
        ]
        assert [line.split()[:4] for line in shown[7:]] == [
            [clock(place), name, symbol, side]
            for place, name, side in (
                (ENTERS[1], "clock", "buy"),
                (LEAVES, "clock", "sell"),
                (REFUSED, "dear", "buy"),
                (ENTERS[0], "clock", "buy"),
            )
            for symbol in (SYMBOLS[:1] if name == "dear" else reversed(SYMBOLS))
        ]
        assert "refused" in next(line for line in shown if " dear " in line)

        await console.app.do("goto", clock(REFUSED - 1))
        await until(pilot, lambda: console.past_frontier == REFUSED - 1, "the past")
        past = lines(console)
        assert not any("dear" in line or "sell" in line for line in past)
        assert past[1] == "positions"
        table = console.app.main.panels["orders"].as_table(console.app.view_state())
        assert {row[0] for row in table.rows} == {
            "equity",
            "cash",
            "realised",
            "commission",
            "position",
            "order",
        }
        assert {row[-2] for row in table.rows if row[0] == "order"} <= {"working", "filled"}
        now = view_table(console.system, "orders")
        assert [row[9] for row in now.rows[:2]] == [round(cash + held, 6), round(cash, 6)]

    play(console_store, tmp_path, act)


def test_enter_on_an_order_goes_to_its_decision_on_a_position_it_focuses_its_symbol(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "f4")
        await at(console, pilot, 60)
        await press(pilot, "home", "down", "down", "enter")
        assert (console.app.main.symbol, console.past_frontier) == (SYMBOLS[1], None)
        await press(pilot, "ctrl+end", "enter")
        await until(pilot, lambda: console.past_frontier == ENTERS[0], "the decision")
        assert console.app.main.symbol == SYMBOLS[0]

    play(console_store, tmp_path, act)


def test_braces_go_through_the_fills_of_the_symbol_over_all_days(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        first = await at(console, pilot, 60)
        fills = [first_fill(first, SYMBOLS[1], place)[0] + 1 for place in (ENTERS[0], LEAVES, ENTERS[1])]
        await press(pilot, "n")
        await until(pilot, lambda: console.system.snapshot().session == 2 and console.is_paused, "day 2")
        await at(console, pilot, 30)
        console.app.main.focus_symbol(SYMBOLS[1])
        data = console.app.main.chart._data(console.app.view_state())
        before = {place - data.today for place in data.bought if place < data.today}
        assert before == {fill - 1 - len(first.slot_times) for fill in (fills[0], fills[2])}
        day = first.trading_day
        for frontier in reversed(fills):
            while True:  # through those of the second day first
                await press(pilot, "left_curly_bracket")
                place = console.app.playback.viewpoint.position
                assert place is not None
                if place.day == day:
                    break
            assert place.frontier == frontier
        await press(pilot, "left_curly_bracket")
        assert any("no earlier fill of BBB" in one.message for one in console.app._notifications)
        assert console.past_frontier == fills[0]
        await press(pilot, "right_curly_bracket")
        assert console.past_frontier == fills[1]
        price = first_fill(first, SYMBOLS[1], LEAVES)[1]
        told = [one.message for one in console.app._notifications]
        assert told == [f"BBB: clock sells 100 at {price:.2f}: exit"]

    play(console_store, tmp_path, act)


def test_fills_are_marks_on_chart_and_timeline_and_events_with_what_happened(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        view = await at(console, pilot, 60)
        bought, sold, again = (first_fill(view, "AAA", place) for place in (ENTERS[0], LEAVES, ENTERS[1]))
        for text, minutes in (("1m", 1), ("5m", 5)):
            data = chart_data(view, "AAA", Interval.parse(text))
            assert data.bought == {bought[0] // minutes, again[0] // minutes}
            assert data.sold == {sold[0] // minutes}
        ticks = console.app.main.events.ticks(console.app.view_state())
        slots = {tick.slot for tick in ticks if tick.kind is TickKind.SELL}
        assert slots == {first_fill(view, symbol, LEAVES)[0] for symbol in SYMBOLS}
        events = [event for event in console.system.events() if event.symbol == "AAA"]
        [first, second] = [event for event in events if event.kind is EventKind.BUY]
        [sale] = [event for event in events if event.kind is EventKind.SELL]
        assert (first.slot, second.slot, sale.slot) == (bought[0], again[0], sold[0])
        assert first.text == f"clock buys 100 at {bought[1]:.6f}".rstrip("0") + ": enter"
        console.app.playback.viewpoint.back(60 - sold[0], console.app.playback.present())
        then = console.app.view_state().view
        assert then is not None
        early = chart_data(then, "AAA", MINUTE)
        assert (early.bought, early.sold) == ({bought[0]}, frozenset())
        report = RunReport(console.system.summary(), view, 1, 1)
        text = "\n".join(line.plain for line in report_lines(report, 100))
        profit = SHARES * (sold[1] - bought[1])
        assert f"{clock(bought[0] + 1)}  {bought[1]:.2f}  {clock(sold[0] + 1)}  {sold[1]:.2f}" in text
        assert f"{profit:+,.2f}" in text

    play(console_store, tmp_path, act)


def test_a_run_without_strategies_has_no_orders(console_store: BarStore, tmp_path: Path) -> None:
    with console_run(console_store, tmp_path) as console:
        assert view_table(console.system, "orders").rows[0][-1] == "this session has no strategies"
        assert "orders" not in console.app.main.panels
        assert not console.app.offers("next_fill")


# Why, and entries


def test_why_from_the_orders_explains_the_decision_of_their_strategy_also_of_an_earlier_day(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        view = await at(console, pilot, 60)
        await press(pilot, "f4", "ctrl+end", "enter")
        await until(pilot, lambda: console.past_frontier == ENTERS[0], "the decision")
        await press(pilot, "w")
        close = view.bars("AAA", MINUTE).close[: ENTERS[0]]
        shown = " ".join(console.text("#why-text").split())
        assert "order 1: buy 100, enter" in shown
        assert f"true: minutes_since_open == {ENTERS[0]} or minutes_since_open == {ENTERS[1]}" in shown
        assert "minutes_since_open is 5" in shown
        assert f"{close[np.isfinite(close)][-1]:,.2f}" in shown
        page = console.app.screen.query_one("#why-page")
        await pilot.resize_terminal(80, 16)
        await until(pilot, lambda: page.max_scroll_y > 0, "a page that is too long")
        await press(pilot, "pagedown")
        await until(pilot, lambda: page.scroll_y > 0, "the rest of the explanation")
        await press(pilot, "pageup")
        await until(pilot, lambda: page.scroll_y == 0, "its beginning")
        await pilot.resize_terminal(120, 36)
        await press(pilot, "escape", "end", "n")
        await until(pilot, lambda: console.system.snapshot().session == 2 and console.is_paused, "day 2")
        await press(pilot, "D")
        await console.app.do("goto", clock(REFUSED))
        await until(pilot, lambda: console.past_frontier == REFUSED, "the refusal")
        await console.app.do("why", "dear")
        await until(pilot, lambda: "why not" in console.text("#why-text"), "the decision, recomputed")
        assert "refused" in console.text("#why-text")

    play(console_store, tmp_path, act)


def test_parentheses_find_the_moments_at_which_the_rule_to_enter_becomes_true(
    console_store: BarStore, tmp_path: Path
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await at(console, pilot, 60)
        console.app.main.focus_symbol("BBB")  # which `dear` does not trade
        for key, place in (
            ("left_parenthesis", ENTERS[1]),
            ("left_parenthesis", ENTERS[0]),
            ("right_parenthesis", ENTERS[1]),
        ):
            await press(pilot, key)
            await until(pilot, lambda place=place: console.past_frontier == place, f"entry {place}")
        await press(pilot, "right_parenthesis")
        text = "no rule to enter in BBB becomes true after the time shown"
        await until(
            pilot, lambda: any(text in one.message for one in console.app._notifications), "the notice"
        )
        assert console.past_frontier == ENTERS[1]

    play(console_store, tmp_path, act)

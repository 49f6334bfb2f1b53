"""Snapshots of all screens and states in two themes, with fixed bars and figures.

The main states are taken in three sizes, others in those that lay them out differently. A state is reached
once in each size for all its views and for both themes: a view is taken in one theme, the theme is changed,
and it is taken in the other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest
from pytest_textual_snapshot import SVGImageExtension
from rich.style import Style
from syrupy.assertion import SnapshotAssertion
from syrupy.location import PyTestLocation
from syrupy.types import SnapshotIndex
from textual.color import Color
from textual.command import CommandList, CommandPalette
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

from tapedeck.console.actions.table import screen_actions
from tapedeck.console.app.screens.breakpoints import BreakpointsScreen
from tapedeck.console.app.screens.choice import ChoiceScreen
from tapedeck.console.app.screens.columns import ColumnsScreen
from tapedeck.console.app.screens.confirm import ConfirmScreen
from tapedeck.console.app.screens.coverage import CoverageScreen
from tapedeck.console.app.screens.find import FindScreen
from tapedeck.console.app.screens.lines import LinesScreen
from tapedeck.console.app.screens.prompt import PromptScreen
from tapedeck.console.app.screens.report import ReportScreen
from tapedeck.console.app.screens.symbol import SymbolScreen
from tapedeck.console.app.screens.text_page import TextPage
from tapedeck.console.app.screens.why import WhyScreen
from tapedeck.console.app.ui_state import UiState
from tapedeck.console.app.widgets import CoverageMap
from tapedeck.console.app.widgets.chart_lines import LineStyle
from tapedeck.console.panel_data.registry import key_of, panel_ids
from tapedeck.engine.feeds.live_status import FeedState, GapState, LivePhase
from tapedeck.engine.read.status import RunState, WorkerState
from tapedeck.engine.store.bar_store import BarStore
from tests.support.console_runs import SYMBOLS, ConsoleRun, document, is_session_shown, press, until
from tests.support.console_states import (
    MANY_SYMBOLS,
    BlockedStore,
    FaultyStore,
    StoppedClock,
    fill_with_holes,
    steady_console,
)
from tests.support.live_consoles import (
    CLOSE,
    OPEN,
    LiveConsole,
    forming,
    gap,
    live_console,
    received,
)
from tests.support.markets import fill_store, open_new_store
from tests.support.scanning_consoles import with_scanners
from tests.support.trading_consoles import with_strategies

THEMES: Final = {"dark": "tapedeck-dark", "light": "tapedeck-light"}
NARROW, MEDIUM, SPLIT, WIDE = "80x24", "120x36", "160x50", "200x60"
BARS_PER_SECOND: Final = 48_200.0
MEMORY_KB: Final = 212 * 2**10

Act = Callable[[ConsoleRun, Pilot[None]], Awaitable[None]]


# Stores


@pytest.fixture(scope="session")
def holed_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    """Half of the bars of three symbols, with long gaps in two of them."""
    with open_new_store(tmp_path_factory.mktemp("holed") / "bars.db") as store:
        fill_with_holes(store, "2013-11-20", "2013-12-03")
        yield store


@pytest.fixture(scope="session")
def wide_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    """Minute bars of 500 symbols over two sessions."""
    with open_new_store(tmp_path_factory.mktemp("wide") / "bars") as store:
        with store.batch():
            fill_store(store, MANY_SYMBOLS, "2013-11-25", "2013-11-26", missing=0.02)
        yield store


def blocked(store: BarStore) -> BarStore:
    """Return a store whose reads block until the run is stopped."""
    return BlockedStore(store.location)


def faulty(store: BarStore) -> BarStore:
    """Return a store that fails for sessions after the first."""
    return FaultyStore(store.location, "2013-11-27")


# Session files


def bare() -> dict[str, Any]:
    """Return a session file without indicators and quality."""
    plain = document(end_date="2013-11-27")
    plain["session_data_config"] = {
        "symbols": plain["session_data_config"]["symbols"],
        "streams": ["1m", "5m"],
        "gap_filler": {"enable_session_quality": False},
    }
    return plain


def wide() -> dict[str, Any]:
    """Return a session file over 500 symbols."""
    many = document(end_date="2013-11-26")
    data = many["session_data_config"]
    del data["historical"], data["indicators"]["rel"]
    data["symbols"] = list(MANY_SYMBOLS)
    return many


def charted() -> dict[str, Any]:
    """Return a session file with lines and panes on two intervals, the day after an early close."""
    many = document(start_date="2013-12-02")
    data = many["session_data_config"]
    data["streams"] = ["1m", "5m", "1h", "1d"]
    data["indicators"] |= {
        "bands": {"type": "BBANDS", "interval": "1m", "timeperiod": 20},
        "macd": {"type": "MACD", "interval": "1m"},
        "sar": {"type": "SAR", "interval": "5m"},
        "atr_5m": {"type": "ATR", "interval": "5m", "timeperiod": 14},
    }
    return many


def of_two_symbols() -> dict[str, Any]:
    """Return a session file over two of the three stored symbols."""
    two = document()
    two["session_data_config"]["symbols"] = list(SYMBOLS[:2])
    return two


# States


def is_paused_at(console: ConsoleRun, frontier: int) -> bool:
    """Whether the run is paused at a frontier, and the tape is computed."""
    now, tape = console.system.snapshot(), console.system.session_data.tape
    settled = tape is not None and tape.computed_frontier() == frontier
    return now.state is RunState.PAUSED and now.frontier == frontier and settled


def is_open_read(console: ConsoleRun) -> bool:
    """Whether the opening values of the day shown, if any, are read."""
    view = console.app.view_state().view
    return view is None or view.trading_day in console.app.playback.openings


async def rest(console: ConsoleRun, pilot: Pilot[None], *words: str) -> None:
    """Update the screen until the session bar shows some words, and what it shows is read from the store."""
    main = console.app.main
    # Fixed figures, whatever the frames take.
    main.metrics.bars_per_second, main.metrics.frame_ms = BARS_PER_SECOND, 0.0

    def shows_all() -> bool:
        main.update(console.app.view_state())
        main.show_keys(console.app.footer_labels())
        return all(word in console.text("#session-line") for word in words)

    def is_at_rest() -> bool:
        return shows_all() and console.app.history_fetch.lacking(main.view_state, main.charts.open) is None

    await until(pilot, lambda: is_open_read(console), "the opening values")
    await until(pilot, is_at_rest, f"{words} on the bar, and earlier bars on the chart")


async def starting(console: ConsoleRun, pilot: Pilot[None]) -> None:
    def all_begun() -> bool:
        threads = console.system.snapshot().threads
        return bool(threads) and all(status.state is not WorkerState.NEW for status in threads)

    await until(pilot, all_begun, "the threads' start")
    await rest(console, pilot, "starting")


async def at_the_open(console: ConsoleRun, pilot: Pilot[None]) -> None:
    await until(pilot, lambda: is_paused_at(console, 0), "the open")
    await rest(console, pilot, "paused", "09:30")


def paused_at(slots: int, *words: str) -> Act:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: is_paused_at(console, 0), "the open")
        console.system.step(slots)
        await until(pilot, lambda: is_paused_at(console, slots), f"slot {slots}")
        await rest(console, pilot, "paused", *words)

    return act


at_half_past_ten = paused_at(60, "10:30")
at_half_past_eleven = paused_at(120, "11:30")


async def playing(console: ConsoleRun, pilot: Pilot[None]) -> None:
    # Too slow for a slot to fall due during the snapshot.
    console.system.set_speed(0.001)
    console.system.resume()
    await rest(console, pilot, "running", "x0.001")


async def looking_back(console: ConsoleRun, pilot: Pilot[None]) -> None:
    await press(pilot, "O", "comma")
    await rest(console, pilot, "PAST", "10:29")


async def at_the_present(console: ConsoleRun, pilot: Pilot[None]) -> None:
    await press(pilot, "end")
    await rest(console, pilot, "paused", "11:30")


async def playing_the_past(console: ConsoleRun, pilot: Pilot[None]) -> None:
    await press(pilot, "O")
    console.app.playback.set_speed(0.001)
    await press(pilot, "space")
    await rest(console, pilot, "PAST ▶", "10:30")


async def joined(console: ConsoleRun, pilot: Pilot[None]) -> None:
    await asyncio.to_thread(console.system.add_symbol, "CCC")
    console.system.step(60)
    await until(pilot, lambda: is_paused_at(console, 120), "slot 120")
    console.app.main.focus_symbol("CCC")
    await rest(console, pilot, "paused", "11:30")


async def before_it_joined(console: ConsoleRun, pilot: Pilot[None]) -> None:
    await press(pilot, "O", "comma")
    await rest(console, pilot, "PAST", "10:29")


async def at_a_quarter_to_ten(console: ConsoleRun, pilot: Pilot[None]) -> None:
    await console.app.do("goto", "09:45")
    await rest(console, pilot, "PAST", "09:45")


def of_symbols(key: str, typed: str = "") -> Act:
    """Open the prompt for a symbol that joins or leaves, and wait for its symbols."""

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await over_panels(key, SymbolScreen)(console, pilot)
        screen = console.app.screen
        assert isinstance(screen, SymbolScreen)
        await until(pilot, lambda: screen.names is not None, "the symbols to choose from")
        await written(console, pilot, typed)

    return act


async def reported(console: ConsoleRun, pilot: Pilot[None]) -> None:
    await at_the_open(console, pilot)
    console.system.resume()
    await until(pilot, lambda: isinstance(console.app.screen, ReportScreen), "the report")
    await until(pilot, lambda: "stamp" in console.text("#report"), "its text")


def on_interval(interval: str) -> Act:
    """Show an interval on the chart."""

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await console.app.do("interval", interval)
        await rest(console, pilot)

    return act


async def at_ten(console: ConsoleRun, pilot: Pilot[None]) -> None:
    """Play on to half an hour after the open."""
    await console.app.do("interval", "1m")
    if (left := 30 - console.frontier) > 0:
        console.system.step(left)
    await until(pilot, lambda: is_paused_at(console, 30), "slot 30")
    await rest(console, pilot, "10:00")


async def pointed(console: ConsoleRun, pilot: Pilot[None]) -> None:
    """Move the crosshair to the last bar of an early close."""
    await at_ten(console, pilot)
    await press(pilot, *["left"] * 31)
    await rest(console, pilot)


async def in_blocks(console: ConsoleRun, pilot: Pilot[None]) -> None:
    console.app.chart_lines = LineStyle.BLOCKS
    console.app.main.chart.chart.refresh()
    await rest(console, pilot)


async def in_dots(console: ConsoleRun, pilot: Pilot[None]) -> None:
    console.app.chart_lines = LineStyle.BRAILLE
    await press(pilot, "backspace")
    await rest(console, pilot)


async def two_charts(console: ConsoleRun, pilot: Pilot[None]) -> None:
    """Open a second chart of another interval, and pin the first to its symbol."""
    await at_ten(console, pilot)
    await press(pilot, "C", "2", "P")
    console.app.main.focus_symbol("BBB")
    await rest(console, pilot)


async def two_charts_of_the_past(console: ConsoleRun, pilot: Pilot[None]) -> None:
    await console.app.do("goto", "09:45")
    await rest(console, pilot, "PAST", "09:45")


def over(word: str) -> Act:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "escape")
        await rest(console, pilot, word)

    return act


async def no_match(console: ConsoleRun, pilot: Pilot[None]) -> None:
    await on_panel("events")(console, pilot)
    await press(pilot, "slash")
    await written(console, pilot, "split")
    await until(pilot, lambda: console.app.main.events.has_class("-faced"), "the face")


async def all_found(console: ConsoleRun, pilot: Pilot[None]) -> None:
    """Clear the filter, and close its line."""
    await press(pilot, "escape")
    await until(pilot, lambda: not console.app.main.events.has_class("-faced"), "the list")


async def written(console: ConsoleRun, pilot: Pilot[None], text: str) -> None:
    """Type into the input line, if any, without a blinking cursor."""
    for line in console.app.screen.query(Input):
        line.cursor_blink = False
        line.insert_text_at_cursor(text)
    await pilot.pause()


def on_panel(panel: str, *, maximised: bool = False) -> Act:
    """Go to a panel by its key."""

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, key_of(panel), *("z" if maximised else ""))
        await rest(console, pilot)

    return act


async def restored(console: ConsoleRun, pilot: Pilot[None]) -> None:
    await press(pilot, "z")
    await rest(console, pilot)


def over_panels(key: str, screen: type[Screen[Any]], *, typed: str = "", breaks: tuple[str, ...] = ()) -> Act:
    """Set breakpoints, press a key, and type into the screen that it opens."""

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        for condition in breaks:
            console.system.add_breakpoint(condition, enabled=condition != SWITCHED_OFF)
        await press(pilot, key)
        await until(pilot, lambda: isinstance(console.app.screen, screen), screen.__name__)
        await written(console, pilot, typed)

    return act


async def why_of_a_strategy(console: ConsoleRun, pilot: Pilot[None]) -> None:
    await over_panels("w", WhyScreen)(console, pilot)
    await press(pilot, "up", "up")
    await until(pilot, lambda: "decided" in console.text("#why-text"), "the decision")


def asked(action: str) -> Act:
    """Do an action that has no key, and wait for its question."""

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await console.app.do(action)
        await until(pilot, lambda: isinstance(console.app.screen, PromptScreen), "the question")
        await written(console, pilot, "")

    return act


async def palette(console: ConsoleRun, pilot: Pilot[None]) -> None:
    await over_panels("ctrl+p", CommandPalette)(console, pilot)
    await all_commands(console, pilot)


async def palette_again(console: ConsoleRun, pilot: Pilot[None]) -> None:
    """Reopen the palette: Textual keeps the colours of its lines."""
    await press(pilot, "escape", "ctrl+p")
    await until(pilot, lambda: isinstance(console.app.screen, CommandPalette), "the palette")
    await written(console, pilot, "")
    await all_commands(console, pilot)


async def all_commands(console: ConsoleRun, pilot: Pilot[None]) -> None:
    """Wait until the palette has found all that there is."""
    commands = sum(console.app.offers(action.id) for action in screen_actions("main"))
    found = console.app.screen.query_one(CommandList)
    await until(pilot, lambda: found.option_count == commands, "all commands")


async def coverage(console: ConsoleRun, pilot: Pilot[None]) -> None:
    await over_panels("8", CoverageScreen)(console, pilot)
    await until(pilot, lambda: "full" in console.text("#coverage-summary"), "the counts")
    await pilot.click(CoverageMap, offset=(20, 2))
    await until(pilot, lambda: bool(console.text("#coverage-day")), "the line of the day")


# Live sessions


def live(act: Callable[[LiveConsole, Pilot[None]], Awaitable[None]]) -> Act:
    """Return an act on a scripted live session."""

    async def on_live(console: ConsoleRun, pilot: Pilot[None]) -> None:
        assert isinstance(console, LiveConsole)
        await until(pilot, lambda: is_session_shown(console), "the session")
        await act(console, pilot)

    return on_live


@live
async def waiting(console: LiveConsole, pilot: Pilot[None]) -> None:
    await rest(console, pilot, "waiting", "in 14:05:00")


async def recorded(console: LiveConsole, pilot: Pilot[None], **changes: Any) -> None:
    """Let an hour arrive, with missing bars, and a bar that is not over."""
    await console.arrive(pilot, 61)
    now, view = OPEN + timedelta(minutes=61, seconds=20), console.app.view_state().view
    assert view is not None
    last = dict(zip(SYMBOLS, view.last_prices().tolist(), strict=True))
    told = {symbol: forming(symbol, OPEN + timedelta(minutes=61), last[symbol], now) for symbol in SYMBOLS}
    *_, early, middle, late = (found.first for found in view.gaps("AAA"))
    gaps = (
        gap("AAA", late, GapState.WAITING),
        gap("AAA", middle, GapState.ASKED, 2),
        gap("AAA", early, GapState.UNFILLABLE),
    )
    counts = {GapState.WAITING: 1, GapState.ASKED: 1, GapState.FILLED: 12, GapState.UNFILLABLE: 1}
    facts: dict[str, Any] = {
        "gaps": gaps,
        "gap_counts": counts,
        "forming": told,
        "edition": 3,
        "recorded_in": "bars.db",
    }
    console.live.follow(61, **{"behind_s": 20.0} | facts | changes)


@live
async def recording(console: LiveConsole, pilot: Pilot[None]) -> None:
    await recorded(console, pilot)
    await rest(console, pilot, "live", "20 s behind")


@live
async def stale(console: LiveConsole, pilot: Pilot[None]) -> None:
    feed = replace(
        received(OPEN + timedelta(minutes=61)), state=FeedState.STALE, reason="no message for 2:30"
    )
    await recorded(console, pilot, feed=feed, now=OPEN + timedelta(minutes=63, seconds=30), behind_s=150)
    await press(pilot, "f2")
    await rest(console, pilot, "stale")


@live
async def reconnecting(console: LiveConsole, pilot: Pilot[None]) -> None:
    lost = replace(received(OPEN + timedelta(minutes=61)), state=FeedState.RECONNECTING, reconnects=2)
    lost = replace(lost, reason="connection reset; trying again in 8 s", unsaved=6)
    await recorded(console, pilot, feed=lost, speed=60.0)
    await press(pilot, "f2")
    await rest(console, pilot, "reconnecting", "6 bars NOT SAVED")


@live
async def looking_back_while_recording(console: LiveConsole, pilot: Pilot[None]) -> None:
    # The present was drawn: from then on there are columns of forming bars.
    await press(pilot, "O")
    await rest(console, pilot, "PAST ‖", "1:00:20 behind")


@live
async def session_over(console: LiveConsole, pilot: Pilot[None]) -> None:
    tomorrow = OPEN + timedelta(days=1)
    now = CLOSE + timedelta(minutes=2)
    feed = received(CLOSE)
    facts = {
        "phase": LivePhase.OVER,
        "now": now,
        "feed": feed,
        "opens": tomorrow,
        "opens_day": tomorrow.date(),
    }
    await console.arrive(pilot, 390, **facts)
    await rest(console, pilot, "session over")


# Snapshots


async def stay(console: ConsoleRun, pilot: Pilot[None]) -> None:
    """Show the stage as it was reached."""


async def leave(console: ConsoleRun, pilot: Pilot[None]) -> None:
    """Close the dialog or page on top."""
    await press(pilot, "escape")
    await until(pilot, lambda: console.app.main.is_current, "the panels")


async def go_on(console: ConsoleRun, pilot: Pilot[None]) -> None:
    """Leave the screen as it is: the next view follows from it."""


@dataclass(frozen=True)
class View:
    """A picture of a stage: the way to it, the way back, and the sizes in which it is taken.

    `again`: the act after a change of theme.
    """

    name: str
    sizes: tuple[str, ...]
    show: Act = stay
    back: Act = go_on
    again: Act = stay


@dataclass(frozen=True)
class Stage:
    """A state of a console, which is reached once in each size, and views of it, in this order.

    `store`: a fixture; `opened`: opens it again. `console`: makes the console.
    """

    name: str
    reach: Act
    views: tuple[View, ...]
    store: str = "console_store"
    opened: Callable[[BarStore], BarStore] = lambda store: store
    config: Mapping[str, Any] = field(default_factory=document)
    has_log: bool = True
    console: Callable[..., AbstractContextManager[ConsoleRun]] = steady_console


@dataclass(frozen=True)
class Shot:
    """A stage on a terminal of a size."""

    stage: Stage
    size: str

    def __str__(self) -> str:
        return f"{self.stage.name}-{self.size}"

    @property
    def views(self) -> list[View]:
        """The views that are taken in this size."""
        return [view for view in self.stage.views if self.size in view.sizes]


ALL: Final = (NARROW, MEDIUM, WIDE)
BREAKS: Final = ("AAA.rsi_5 < 5", "any.quality < 40", "time >= 15:30")
SWITCHED_OFF: Final = "any.quality < 40"
EARLY: Final = document(start_date="2013-11-29")
DIALOGS: Final = (
    View("help", (NARROW, WIDE), over_panels("question_mark", TextPage), leave),
    View("why", (NARROW, MEDIUM), over_panels("w", WhyScreen), leave),
    View("go-to", (NARROW,), over_panels("g", PromptScreen, typed="1430"), leave),
    View("columns", (NARROW, MEDIUM), over_panels("c", ColumnsScreen), leave),
    View("quit", (MEDIUM,), over_panels("q", ConfirmScreen), leave),
    View("palette", (NARROW, WIDE), palette, leave, again=palette_again),
    View("bookmark", (NARROW,), over_panels("apostrophe", PromptScreen), leave),
    View("copy", (NARROW,), over_panels("y", ChoiceScreen), leave),
    View("symbol", (MEDIUM,), asked("symbol"), leave),
    View("speed", (MEDIUM,), asked("speed"), leave),
    View("remove", (NARROW,), of_symbols("r"), leave),
    View("break", (NARROW,), over_panels("b", BreakpointsScreen), leave),
    View(
        "breakpoints",
        (NARROW, MEDIUM),
        over_panels("b", BreakpointsScreen, typed="AAA.closs < 50", breaks=BREAKS),
        leave,
    ),
    View("find", (NARROW, MEDIUM), over_panels("f", FindScreen), leave),
)
STAGES: Final = (
    Stage(
        "empty", at_half_past_ten, (View("empty", (MEDIUM,), on_panel("indicators")),),
        config=bare(), has_log=False,
    ),
    Stage("starting", starting, (View("starting", (NARROW, MEDIUM)),), opened=blocked),
    Stage("open", at_the_open, (View("open", ALL, on_panel("chart")),)),
    Stage("early-close", paused_at(120, "early close", "11:30"),
          (View("early-close", (MEDIUM,), on_panel("chart")),), config=EARLY),
    Stage("dialogs", at_half_past_ten, DIALOGS),
    Stage(
        "times", at_half_past_eleven,
        (
            View("paused", (MEDIUM,)),
            View("looking-back", ALL, looking_back, at_the_present),
            View("playing-the-past", (NARROW,), playing_the_past),
        ),
    ),
    Stage("playing", at_half_past_eleven, (View("playing", ALL, playing),)),
    Stage(
        "panels", at_half_past_eleven,
        (
            View("nothing-found", (MEDIUM,), no_match, all_found),
            *(View(f"alone-{panel}", (NARROW,), on_panel(panel)) for panel in panel_ids(parts=())[1:]),
            *(
                View(f"maximised-{panel}", (MEDIUM,), on_panel(panel, maximised=True), restored)
                for panel in panel_ids(parts=())
            ),
        ),
    ),
    Stage(
        "charts", paused_at(2, "09:32"),
        (
            View("chart-of-hours", (MEDIUM,), on_interval("1h")),
            View("chart-of-days", (MEDIUM,), on_interval("1d")),
            View("chart-two-minutes-after-the-open", (MEDIUM, WIDE), on_interval("5m")),
            View("crosshair", (MEDIUM, WIDE), pointed),
            View("lines-of-blocks", (MEDIUM,), in_blocks, in_dots),
            View("lines", (MEDIUM,), over_panels("v", LinesScreen), leave),
            View("layouts", (NARROW, MEDIUM), over_panels("L", ChoiceScreen), leave),
            View("two-charts", (SPLIT, WIDE), two_charts),
            View("two-charts-looking-back", (SPLIT,), two_charts_of_the_past),
        ),
        config=charted(),
    ),
    Stage("live-waiting", waiting, (View("live-waiting", (NARROW, WIDE)),), console=live_console),
    Stage(
        "live", recording,
        (View("live", ALL), View("live-looking-back", (NARROW, MEDIUM), looking_back_while_recording)),
        console=live_console,
    ),
    Stage("live-stale", stale, (View("live-stale", (NARROW,)),), console=live_console),
    Stage("live-reconnecting", reconnecting, (View("live-reconnecting", (MEDIUM,)),), console=live_console),
    Stage("live-session-over", session_over, (View("live-session-over", (WIDE,)),), console=live_console),
    Stage(
        "failed", reported,
        (View("failed-report", (NARROW,)), View("failed", (NARROW, MEDIUM), over("error"))),
        opened=faulty,
    ),
    Stage(
        "finished", reported,
        (View("finished-report", (NARROW, WIDE)), View("finished", ALL, over("completed"))),
    ),
    Stage(
        "bad-quality", paused_at(180, "12:30"),
        (View("bad-quality", (NARROW, WIDE), on_panel("quality")),), store="holed_store",
    ),
    Stage("coverage", at_half_past_ten, (View("coverage", (NARROW, WIDE), coverage),), store="holed_store"),
    Stage(
        "many-symbols", paused_at(60, "10:30"), (View("many-symbols", (*ALL, SPLIT)),),
        store="wide_store", config=wide(),
    ),
    Stage(
        "two-symbols", at_half_past_ten,
        (
            View("add", (NARROW,), of_symbols("a", "c"), leave),
            View("joined", (MEDIUM,), joined),
            View("joins-later", (MEDIUM,), before_it_joined),
        ),
        config=of_two_symbols(),
    ),
    Stage(
        "scanners", at_half_past_ten,
        (
            View("scanners", (NARROW, WIDE), on_panel("scanners")),
            View("scanners-looking-back", (NARROW,), at_a_quarter_to_ten),
        ),
        config=with_scanners(),
    ),
    Stage(
        "strategies", at_half_past_ten,
        (
            View("why-strategy", (MEDIUM,), why_of_a_strategy),
            View("report-with-trades", (NARROW,), over_panels("9", ReportScreen)),
        ),
        config=with_strategies(),
    ),
    Stage(
        "orders", at_half_past_eleven,
        (
            View("orders", (NARROW, WIDE), on_panel("orders")),
            View("orders-looking-back", (NARROW,), at_a_quarter_to_ten),
        ),
        config=with_strategies(),
    ),
)  # fmt: skip
SHOTS: Final = [
    Shot(stage, size)
    for stage in STAGES
    for size in (*ALL, SPLIT)
    if any(size in view.sizes for view in stage.views)
]


@pytest.fixture(scope="module")
def _fixed_measures() -> Iterator[None]:
    """A stopped clock, a process of fixed size, and a machine in UTC.

    Each picture has the words for its styles made once: Rich names a picture by the words of all its pieces.
    """
    usage = SimpleNamespace(RUSAGE_SELF=0, getrusage=lambda _who: SimpleNamespace(ru_maxrss=MEMORY_KB))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tapedeck.console.app.panels.metrics.resource", usage)
        patch.setattr("tapedeck.console.app.frames.time", StoppedClock())
        patch.setattr(Style, "__repr__", cache(Style.__repr__))
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


async def wear(theme: str, console: ConsoleRun, pilot: Pilot[None]) -> None:
    """Change the theme, and wait for its colours."""
    app = console.app
    app.theme = THEMES[theme]
    wanted = Color.parse(app.theme_variables["background"])
    await until(pilot, lambda: app.main.background_colors[1] == wanted, theme)


async def picture_of(console: ConsoleRun, pilot: Pilot[None]) -> str:
    """Take a snapshot at rest."""
    await pilot.wait_for_scheduled_animations()
    await pilot.pause()
    return console.app.export_screenshot(simplify=True)


def pictures_of(shot: Shot, store: BarStore, folder: Path) -> dict[str, str]:
    """Take the pictures of all views of a stage in both themes, by the names of their files."""
    stage, taken = shot.stage, {}
    columns, lines = map(int, shot.size.split("x"))
    ui_state = UiState(theme=THEMES["dark"])
    with stage.console(stage.opened(store), folder, stage.config, ui_state, has_log=stage.has_log) as console:

        async def take(pilot: Pilot[None]) -> None:
            await stage.reach(console, pilot)
            themes = list(THEMES)
            for view in shot.views:
                await view.show(console, pilot)
                taken[f"{view.name}-{shot.size}-{themes[0]}"] = await picture_of(console, pilot)
                await wear(themes[1], console, pilot)
                await view.again(console, pilot)
                taken[f"{view.name}-{shot.size}-{themes[1]}"] = await picture_of(console, pilot)
                await view.back(console, pilot)
                themes.reverse()
            console.app.exit()

        console.app.run(headless=True, auto_pilot=take, size=(columns, lines))
    return taken


class NamedPictures(SVGImageExtension):
    """Files that are named for the view, not for the stage that it is part of."""

    @classmethod
    def get_snapshot_name(cls, *, test_location: PyTestLocation, index: SnapshotIndex = 0) -> str:
        """Return a file's name without its ending."""
        return f"{test_location.methodname}[{index}]"


@pytest.mark.usefixtures("_fixed_measures")
@pytest.mark.parametrize("shot", SHOTS, ids=str)
def test_every_screen_and_state_looks_as_it_was_accepted(
    request: pytest.FixtureRequest, tmp_path: Path, snapshot: SnapshotAssertion, shot: Shot
) -> None:
    taken = pictures_of(shot, request.getfixturevalue(shot.stage.store), tmp_path)
    assert len(taken) == len(THEMES) * len(shot.views)
    accepted = snapshot.use_extension(NamedPictures)
    assert [name for name, picture in taken.items() if picture != accepted(name=name)] == []

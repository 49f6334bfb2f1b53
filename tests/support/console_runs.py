"""Console runs with the real engine: keys, and conditions to wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from tapedeck.console.app.console_app import ConsoleApp, Setup
from tapedeck.console.app.log_lines import LogLines
from tapedeck.console.app.playback import Playback
from tapedeck.console.app.widgets import StyledLines
from tapedeck.engine.read.status import RunState
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager

SYMBOLS = ("AAA", "BBB", "CCC")
LIMIT_S = 20.0
Drive = Callable[["ConsoleRun", Pilot[None]], Awaitable[None]]


class ConsoleRun:
    """A console and its run, with properties for tests."""

    def __init__(self, app: ConsoleApp) -> None:
        self.app = app

    @property
    def system(self) -> SystemManager:
        """The run shown."""
        return self.app.playback.system

    @property
    def frontier(self) -> int:
        """The engine's frontier."""
        return self.system.snapshot().frontier

    @property
    def past_frontier(self) -> int | None:
        """The frontier shown in the past, None at the present."""
        place = self.app.playback.viewpoint.position
        return None if place is None else place.frontier

    @property
    def state(self) -> RunState:
        """The engine's state."""
        return self.system.state

    @property
    def is_paused(self) -> bool:
        """Whether the engine is paused."""
        return self.system.state is RunState.PAUSED

    def is_settled(self) -> bool:
        """Whether all played slots are computed and scored."""
        tape = self.system.session_data.tape
        return tape is not None and min(tape.processed, tape.scored) >= tape.frontier

    def text(self, selector: str) -> str:
        """Return the text of a widget."""
        widget = self.app.screen.query_one(selector)
        return widget.text if isinstance(widget, StyledLines) else str(widget.render())


def is_session_shown(console: ConsoleRun) -> bool:
    """Whether a session is drawn, and the panels are laid out."""
    main = console.app.main
    view_state = main._view_state
    return view_state is not None and view_state.view is not None and main.focused is not None


async def until(pilot: Pilot[None], condition: Callable[[], bool], awaited: str = "") -> None:
    """Wait until a condition holds, with a limit."""
    waited = 0.0
    while not condition():
        assert waited < LIMIT_S, f"waited in vain: {awaited}"
        await asyncio.sleep(0.02)  # a pause of the pilot asks each widget, and takes six times the work
        waited += 0.02
    await pilot.pause()


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys one after the other."""
    for key in keys:
        await pilot.press(key)
        await pilot.pause()


async def type_line(pilot: Pilot[None], text: str) -> None:
    """Type a line and enter."""
    names = {" ": "space", ".": "full_stop", ":": "colon", "<": "less_than_sign", ">": "greater_than_sign",
             "=": "equals_sign", "_": "underscore", "-": "minus", "+": "plus"}  # fmt: skip
    await pilot.press(*(names.get(letter, letter) for letter in text), "enter")
    await pilot.pause()


async def enter_line(pilot: Pilot[None], text: str) -> None:
    """Replace the line of a dialog, and enter it: quicker than typing it."""
    pilot.app.screen.query_one(Input).value = text
    await press(pilot, "enter")


def document(**backtest: Any) -> dict[str, Any]:
    """Return a session file over four sessions, the third with an early close."""
    return {
        "session_name": "Console test",
        "exchange_group": "US_EQUITY",
        "backtest_config": {
            "start_date": "2013-11-26",
            "end_date": "2013-12-02",
            "prefetch_days": 2,
            **backtest,
        },
        "session_data_config": {
            "symbols": list(SYMBOLS),
            "streams": ["1m", "5m", "1d"],
            "historical": {
                "data": [{"trailing_days": 1, "intervals": ["1m"]}],
                "indicators": {
                    "usual": {
                        "type": "trailing_average",
                        "period": "2d",
                        "granularity": "minute",
                        "field": "volume",
                    }
                },
            },
            "indicators": {
                "ema_5": {"type": "EMA", "interval": "1m", "timeperiod": 5},
                "rsi_5": {"type": "RSI", "interval": "1m", "timeperiod": 5},
                "vwap": {"type": "VWAP", "interval": "1m"},
                "rel": {"type": "RELATIVE_VOLUME", "interval": "1m", "against": "usual"},
            },
        },
    }


@contextmanager
def console_run(
    store: BarStore,
    folder: Path,
    *,
    config: Mapping[str, Any] | None = None,
    memory_bytes: int = 0,
    breaks: Iterable[str] = (),
    **setup: Any,
) -> Iterator[ConsoleRun]:
    """Yield a console before its start, over a run paused at the first open."""
    parsed = parse_session_config(dict(config or document()), "console test").config
    playback = Playback(SystemManager(parsed, store, tape_cache_bytes=memory_bytes))
    for condition in breaks:
        playback.system.add_breakpoint(condition)
    options = {
        "exports": folder / "exports",
        "start_paused": True,
    } | setup
    try:
        with LogLines() as lines:
            yield ConsoleRun(ConsoleApp(playback, store, lines, Setup(**options)))
    finally:
        playback.stop()


def drive(
    console: ConsoleRun, act: Drive, *, size: tuple[int, int] = (120, 36), toasts: bool = False
) -> None:
    """Open the console, wait for the first session, and act. `toasts`: whether it shows notices."""

    async def run() -> None:
        async with console.app.run_test(size=size, notifications=toasts) as pilot:
            await until(pilot, lambda: console.system.state is not RunState.STARTING, "the start")
            await until(
                pilot,
                lambda: console.app.main.is_mounted and console.system.session_data.tape is not None,
                "a session",
            )
            await until(pilot, lambda: is_session_shown(console), "its first frame")
            await act(console, pilot)

    asyncio.run(run())

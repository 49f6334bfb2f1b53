"""Consoles on a scripted live session: the real engine's tape, and a status that the test sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from tapedeck.console.app.console_app import ConsoleApp, Setup
from tapedeck.console.app.log_lines import LogLines
from tapedeck.console.app.playback import Playback
from tapedeck.console.app.ui_state import UiState
from tapedeck.engine.errors import EngineError
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.live_status import (
    Alert,
    FeedState,
    FeedStatus,
    Forming,
    GapState,
    LiveGap,
    LivePhase,
    LiveStatus,
)
from tapedeck.engine.read.snapshot import Snapshot
from tapedeck.engine.read.status import RunState
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tests.support.console_runs import SYMBOLS, ConsoleRun, document, until
from tests.support.console_states import SteadySystem, log_lines

OPEN: Final = datetime(2013, 11, 26, 14, 30, tzinfo=UTC)
CLOSE: Final = datetime(2013, 11, 26, 21, 0, tzinfo=UTC)
FEED: Final = FeedStatus("replay", FeedState.CONNECTED, OPEN - timedelta(hours=15))
WAITING: Final = LiveStatus(
    LivePhase.WAITING, OPEN - timedelta(hours=14, minutes=5), 0.0, FEED, opens=OPEN, opens_day=OPEN.date()
)


class ScriptedLive(SteadySystem):
    """A run that is live for the console: commands are noted and refused, bars come by `arrive`.

    `status` is the live status that snapshots carry; `follow` makes its clock follow the tape.
    """

    def __init__(self, config: Any, store: BarStore) -> None:
        super().__init__(config, store)
        self.status: LiveStatus = WAITING
        self.commands: list[str] = []
        self.was_started_paused: bool | None = None

    @property
    def mode(self) -> str:
        """`live`."""
        return "live"

    @property
    def state(self) -> RunState:
        """State of the run: a recording is never paused."""
        found = super().state
        return RunState.RUNNING if found is RunState.PAUSED else found

    def start(self, *, paused: bool = False) -> None:
        """Start the engine, which stands still until bars arrive."""
        self.was_started_paused = paused
        super().start(paused=True)

    def snapshot(self) -> Snapshot:
        """Return the run as it is now, with the live status."""
        now = super().snapshot()
        state = RunState.RUNNING if now.state is RunState.PAUSED else now.state
        return replace(now, state=state, mode="live", speed=self.status.speed, live=self.status)

    def arrive(self, slots: int) -> None:
        """Let the bars of some slots arrive."""
        super().step(slots)

    def end_session(self) -> None:
        """Let the run play to its end."""
        super().set_speed(0.0)
        super().resume()

    def follow(self, frontier: int, *, behind_s: float = 7.0, **changes: Any) -> None:
        """Set a status of an open market in which the tape is `behind_s` behind at a frontier."""
        now = OPEN + timedelta(minutes=frontier, seconds=behind_s)
        known: dict[str, Any] = {"phase": LivePhase.OPEN, "now": now, "behind_s": behind_s}
        known |= {"feed": received(now), "opens": None, "opens_day": None}
        self.status = replace(self.status, **known | changes)

    def pause(self) -> None:
        """Refuse, as the engine does in live mode."""
        self._refuse("pause")

    def resume(self) -> None:
        """Refuse."""
        self._refuse("resume")

    def step(self, slots: int = 1) -> None:
        """Refuse."""
        self._refuse(f"step {slots}")

    def set_speed(self, speed: float) -> None:
        """Refuse."""
        self._refuse(f"speed {speed:g}")

    def run_to(self, instant: datetime) -> None:
        """Refuse."""
        self._refuse(f"run_to {instant}")

    def run_until(self, text: str) -> None:
        """Refuse."""
        self._refuse(f"run_until {text}")

    def _refuse(self, command: str) -> None:
        self.commands.append(command)
        raise EngineError(f"a live session cannot {command}")


def received(now: datetime, **changes: Any) -> FeedStatus:
    """Return the status of a feed that has sent bars of all symbols up to an instant."""
    last = {symbol: now - timedelta(seconds=2 + 20 * number) for number, symbol in enumerate(SYMBOLS)}
    known: dict[str, Any] = {
        "last_message": now - timedelta(seconds=2),
        "last_by_symbol": last,
        "bars": 354,
        "duplicates": 2,
        "late": 3,
        "corrected": 1,
        "bars_per_minute": 3.0,
        "skew_s": 0.2,
        "save_lag_s": 0.012,
        "journal_bytes": 48_000,
    }
    return replace(FEED, **known | changes)


def forming(symbol: str, opened_at: datetime, price: float, now: datetime) -> Forming:
    """Return a bar that is not over, received three seconds ago."""
    bar = FeedBar(
        symbol, int(opened_at.timestamp()), price, price + 0.05, price - 0.03, price + 0.02, 1_200.0
    )
    return Forming(bar, now - timedelta(seconds=3))


def alert(number: int, text: str, *, is_severe: bool = False) -> Alert:
    """Return an alert at the open."""
    return Alert(number, OPEN, text, is_severe=is_severe)


def gap(symbol: str, slot: int, state: GapState, asked: int = 0) -> LiveGap:
    """Return a missing bar that is asked for five times at most."""
    return LiveGap(symbol, slot, state, asked, 5)


class LiveConsole(ConsoleRun):
    """A console on a scripted live session."""

    @property
    def live(self) -> ScriptedLive:
        """The session."""
        system = self.system
        assert isinstance(system, ScriptedLive)
        return system

    async def arrive(self, pilot: Any, slots: int, **changes: Any) -> None:
        """Let the bars of some slots arrive, and wait until they are computed and shown."""
        wanted = self.frontier + slots
        self.live.arrive(slots)
        await until(pilot, lambda: self.frontier == wanted and self.is_settled(), f"slot {wanted}")
        self.live.follow(wanted, **changes)
        self.app.main.update(self.app.view_state())


@contextmanager
def live_console(
    store: BarStore,
    folder: Path,
    config: Mapping[str, Any] | None = None,
    ui_state: UiState | None = None,
    *,
    has_log: bool = False,
) -> Iterator[LiveConsole]:
    """Yield a console before its start, over a live session that waits for its open."""
    system = ScriptedLive(parse_session_config(dict(config or document()), "live test").config, store)
    setup = Setup(exports=folder / "exports", ui_state=ui_state or UiState(), start_paused=True)
    try:
        yield LiveConsole(ConsoleApp(Playback(system), store, log_lines() if has_log else LogLines(), setup))
    finally:
        system.stop()

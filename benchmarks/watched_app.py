"""Console with a timer: the duration of each frame, from the update until it is written.

It watches the run, or the past that plays while the run is paused some sessions later.
"""

from __future__ import annotations

import gc
import time
from pathlib import Path

from tapedeck.console.app import console_app
from tapedeck.console.app.console_app import ConsoleApp, Setup
from tapedeck.console.app.launch import tuned_interpreter
from tapedeck.console.app.log_lines import LogLines
from tapedeck.console.app.playback import Playback, ViewState
from tapedeck.console.app.screens.main import MainScreen
from tapedeck.console.app.ui_state import UiState
from tapedeck.console.app.viewpoint import Position
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.feeds.live_options import LiveOptions
from tapedeck.engine.read.snapshot import Snapshot
from tapedeck.engine.read.status import RunState
from tapedeck.engine.run.tape_cache import MEMORY_BYTES
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager

SESSIONS_BEFORE = 4
"""Sessions of the past that plays, enough for the seconds of a measurement at the highest speed."""


class TimedApp(ConsoleApp):
    """Console that records the time of each update with its drawing and writing, and exits after the run.

    `plays_past`: play the first sessions at maximum speed, and measure while they play again as the past.
    """

    CSS_PATH = Path(console_app.__file__).with_name("console.tcss")

    def __init__(
        self,
        playback: Playback,
        store: BarStore,
        log_lines: LogLines,
        setup: Setup,
        *,
        plays_past: bool = False,
    ) -> None:
        super().__init__(playback, store, log_lines, setup)
        self._past_begun = not plays_past
        self.frames_ms: list[float] = []
        self.seconds = 0.0
        self.exit_after: float | None = None
        self._began = time.perf_counter()
        self._frame_ms = 0.0

    def on_mount(self) -> None:
        """Check for the end regularly; Textual also calls the console's own `on_mount`."""
        self._began = time.perf_counter()
        self.set_interval(0.05, self._exit_at_end)

    def record_update(self, ms: float) -> None:
        """Record the duration of an update."""
        self._frame_ms = ms

    def record_drawing(self, ms: float) -> None:
        """Record that the changes of the latest update have been written."""
        if self._frame_ms:
            self.frames_ms.append(self._frame_ms + ms)
            self._frame_ms = 0.0

    def _report_end(self, snapshot: Snapshot) -> None:
        """Show no report; the benchmark exits instead."""

    async def _exit_at_end(self) -> None:
        if not self._past_begun:
            self._begin_past()
            return
        spent = time.perf_counter() - self._began
        is_late = self.exit_after is not None and spent > self.exit_after
        is_over = self.playback.system.snapshot().version > 0 and self.playback.system.state.is_over
        if is_late or is_over:
            self.seconds = self.seconds or spent
            await self.end()

    def _begin_past(self) -> None:
        """Run to a later session; once there, play the past from the first open, and measure from then on."""
        playback, now = self.playback, self.playback.system.snapshot()
        if now.session == 1 and now.frontier == 0 and now.state is RunState.PAUSED:
            playback.jump_to(playback.plan.sessions[SESSIONS_BEFORE].regular_open)
        present = playback.present()
        if now.session <= SESSIONS_BEFORE or now.state is not RunState.PAUSED or present is None:
            return
        first = playback.tape_cache.session(playback.plan.sessions[0].trading_day)
        playback.viewpoint.show_at(Position(first, 0), present)
        playback.play_past()
        self._past_begun, self._began = True, time.perf_counter()
        self.frames_ms.clear()


def play_watched(
    config: SessionConfig,
    store: BarStore,
    folder: Path,
    exit_after: float | None,
    *,
    plays_past: bool = False,
    live: LiveOptions | None = None,
    ui_state: UiState | None = None,
) -> tuple[list[float], float, float]:
    """Play in the console on this terminal; return frames in ms, seconds on screen, seconds of the run.

    `plays_past`: the frames are of the past that plays at the run's speed. `live`: record instead.
    `ui_state`: layout, charts and their lines, if not those of a first start.
    """
    refresh, update = MainScreen._compositor_refresh, MainScreen.update

    def timed_refresh(screen: MainScreen) -> None:
        began = time.perf_counter()
        refresh(screen)
        if isinstance(screen.app, TimedApp):
            screen.app.record_drawing(1e3 * (time.perf_counter() - began))

    def timed_update(screen: MainScreen, view_state: ViewState) -> None:
        began = time.perf_counter()
        update(screen, view_state)
        if isinstance(screen.app, TimedApp):
            screen.app.record_update(1e3 * (time.perf_counter() - began))

    MainScreen._compositor_refresh = timed_refresh  # type: ignore[method-assign]
    MainScreen.update = timed_update  # type: ignore[method-assign]
    system = SystemManager(config, store, tape_cache_bytes=MEMORY_BYTES, live=live)
    with LogLines() as lines:
        setup = Setup(
            exports=folder,
            ui_state=ui_state or UiState(),
            before_run=gc.freeze,
            start_paused=plays_past,
        )
        app = TimedApp(Playback(system), store, lines, setup, plays_past=plays_past)
        app.exit_after = exit_after
        with tuned_interpreter():
            app.run()
    system.stop()
    if app.return_code:
        raise RuntimeError(f"the console failed: {app.failure}")
    return app.frames_ms, app.seconds, system.summary().seconds


def play_alone(config: SessionConfig, store: BarStore) -> float:
    """Play without a console; return the seconds of the run."""
    system = SystemManager(config, store)
    system.start()
    system.wait()
    return system.summary().seconds

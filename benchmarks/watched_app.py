"""The console with a stop-watch in it: how long each frame takes, from looking to having written."""

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
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.read.snapshot import Snapshot
from tapedeck.engine.run.tape_cache import MEMORY_BYTES
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager


class TimedApp(ConsoleApp):
    """Adds the time of drawing and writing to that of the look before; leaves by itself at the end."""

    CSS_PATH = Path(console_app.__file__).with_name("console.tcss")

    def __init__(self, playback: Playback, store: BarStore, log_lines: LogLines, setup: Setup) -> None:
        super().__init__(playback, store, log_lines, setup)
        self.frames_ms: list[float] = []
        self.seconds = 0.0
        self.leave_after: float | None = None
        self._began = time.perf_counter()
        self._frame_ms = 0.0

    def on_mount(self) -> None:
        """Look for the end every now and then; Textual calls the console's own on_mount besides."""
        self._began = time.perf_counter()
        self.set_interval(0.05, self._leave_at_end)

    def looked(self, ms: float) -> None:
        """Note how long a look at the run took."""
        self._frame_ms = ms

    def drawn(self, ms: float) -> None:
        """Note that what a look changed has been written."""
        if self._frame_ms:
            self.frames_ms.append(self._frame_ms + ms)
            self._frame_ms = 0.0

    def _report_end(self, snapshot: Snapshot) -> None:
        """Show no report: the benchmark leaves instead."""

    async def _leave_at_end(self) -> None:
        spent = time.perf_counter() - self._began
        late = self.leave_after is not None and spent > self.leave_after
        is_over = self.playback.system.snapshot().version > 0 and self.playback.system.state.is_over
        if late or is_over:
            self.seconds = self.seconds or spent
            await self.end()


def play_watched(
    config: SessionConfig, store: BarStore, folder: Path, leave_after: float | None
) -> tuple[list[float], float, float]:
    """Play in the console on this terminal; return frames in ms, seconds on screen, seconds of the run."""
    refresh, update = MainScreen._compositor_refresh, MainScreen.update

    def timed_refresh(screen: MainScreen) -> None:
        began = time.perf_counter()
        refresh(screen)
        if isinstance(screen.app, TimedApp):
            screen.app.drawn(1e3 * (time.perf_counter() - began))

    def timed_look(screen: MainScreen, view_state: ViewState) -> None:
        began = time.perf_counter()
        update(screen, view_state)
        if isinstance(screen.app, TimedApp):
            screen.app.looked(1e3 * (time.perf_counter() - began))

    MainScreen._compositor_refresh = timed_refresh  # type: ignore[method-assign]
    MainScreen.update = timed_look  # type: ignore[method-assign]
    system = SystemManager(config, store, tape_cache_bytes=MEMORY_BYTES)
    with LogLines() as lines:
        app = TimedApp(Playback(system), store, lines, Setup(exports=folder, before_run=gc.freeze))
        app.leave_after = leave_after
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

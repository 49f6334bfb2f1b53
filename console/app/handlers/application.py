"""Application handlers: help, suspend and quit."""

from __future__ import annotations

import os
import signal

from tapedeck.console.app.context import AppContext
from tapedeck.console.app.handlers.data import DataHandlers
from tapedeck.console.app.live_words import recording_place
from tapedeck.console.app.screens.confirm import ConfirmScreen
from tapedeck.console.app.screens.help import help_page
from tapedeck.engine.errors import EngineError


class ApplicationHandlers:
    """Help, suspend and quit."""

    def __init__(self, app: AppContext, data: DataHandlers) -> None:
        self._app = app
        self._data = data

    async def help(self, _argument: str) -> None:
        """Show the help page."""
        await self._app.open(help_page(self._app.key_changes, self._app.offers))

    async def quit(self) -> None:
        """Quit, after a confirmation if the run is not over."""
        self._app.recording.omit_action()
        if self._app.playback.system.state.is_over:
            self._leave()
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self._leave()

        await self._app.open(self._quit_question(), answered)

    async def restart(self, _argument: str) -> None:
        """Restart the run, after a confirmation if it is not over."""
        self._app.recording.omit_action()
        if self._app.playback.system.state.is_over:
            self._app.restart()
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self._app.restart()

        question = f"The run is not over{self._place()}. Start it again?"
        await self._app.open(ConfirmScreen(question, yes="Start again", no="Stay"), answered)

    def _quit_question(self) -> ConfirmScreen:
        system = self._app.playback.system
        snapshot = system.snapshot()
        if snapshot.live is not None:
            question = f"Stop recording?\n{recording_place(snapshot.live, snapshot, system.time.zone)}"
            return ConfirmScreen(question, yes="Stop and quit", no="Keep recording")
        question = f"The run is not over{self._place()}. End it and quit?"
        return ConfirmScreen(question, yes="End and quit", no="Stay")

    def _place(self) -> str:
        snapshot = self._app.playback.system.snapshot()
        return f", session {snapshot.session} of {snapshot.sessions}" if snapshot.session else ""

    def suspend(self, _argument: str) -> None:
        """Suspend the console until `fg`."""
        self._app.recording.omit_action()
        if not self._app.can_suspend:
            raise EngineError("this terminal cannot suspend programs: quit with q")
        os.kill(os.getpid(), signal.SIGTSTP)

    def quit_now(self, _argument: str) -> None:
        """End the run cleanly, then quit, without a confirmation, as interrupted."""
        self._notify_end()
        self._app.interrupt()

    def _leave(self) -> None:
        self._notify_end()
        self._app.leave()

    def _notify_end(self) -> None:
        waits = ", once the export is written" if self._data.is_exporting else ""
        ended = "recording" if self._app.playback.is_live else "run"
        self._app.notify(f"ending the {ended}{waits}", timeout=5)

"""Breakpoint handlers: set, list, switch, delete, save and load."""

from __future__ import annotations

import re
from pathlib import Path

from tapedeck.console.app.breakpoint_files import MOST, load_named, save_named
from tapedeck.console.app.breakpoint_list import BreakpointList, ListedBreakpoint
from tapedeck.console.app.context import AppContext
from tapedeck.console.app.grid_text import counted
from tapedeck.console.app.handlers.data import short_path, with_path
from tapedeck.console.app.handlers.moments import MomentHandlers
from tapedeck.console.app.screens.breakpoints import BreakpointsScreen
from tapedeck.console.app.screens.prompt import PromptScreen
from tapedeck.engine.conditions import Condition
from tapedeck.engine.errors import EngineError
from tapedeck.engine.user_path import expanded, path_fault

_SUFFIX = ".breakpoints.json"


class BreakpointHandlers:
    """Changes the list of breakpoints. `folder`: where files are saved by default."""

    def __init__(
        self, app: AppContext, breakpoints: BreakpointList, moments: MomentHandlers, folder: Path
    ) -> None:
        self._app = app
        self._playback = app.playback
        self._recording = app.recording
        self._list = breakpoints
        self._moments = moments
        self._folder = folder

    # Actions

    def add(self, condition: str) -> None:
        """Add a breakpoint; after the end of the run or in the past, tell where it was true."""
        added = self._playback.system.add_breakpoint(condition, may_wait=True)
        self._recording.record_break(added.number, added.text)
        waits = f" waits for {', '.join(added.waits_for)}" if added.waits_for else ""
        self._app.notify(f"breakpoint {added.number}{waits}: {added.text}", timeout=4)
        self._moments.remember(added.text)
        if self._playback.viewpoint.position is not None or self._playback.system.state.is_over:
            self._moments.tell_count(added.text)

    async def ask(self, _argument: str) -> None:
        """Open the breakpoints dialog."""

        async def left(answer: tuple[str, str] | None) -> None:
            if answer is not None:
                await self._app.do(*answer)

        symbol = self._app.symbols[0]
        await self._app.open(
            BreakpointsScreen(self, self._meaning, symbol, alerts=self._playback.is_live), left
        )

    def save(self, path: str) -> None:
        """Save the breakpoints to a file."""
        self._recording.omit_action()
        saved, target = self._list.to_save(), self._file(path)
        if not saved:
            raise EngineError("no breakpoints to save: set one first")
        if len(saved) > MOST:
            raise EngineError(f"{len(saved)} breakpoints to save: a file has {MOST} at most")
        verb = "saved, replacing" if target.exists() else "saved to"
        save_named(target, saved)
        self._app.notify(with_path(f"{counted(len(saved), 'breakpoint')} {verb}", target), timeout=8)

    async def ask_save(self, _argument: str) -> None:
        """Prompt for a file, and save the breakpoints to it."""
        await self._ask_file("save_breakpoints", "Save breakpoints to")

    def load(self, path: str) -> None:
        """Add the breakpoints of a file to the list."""
        self._recording.omit_action()
        target = self._file(path)
        saved, before = load_named(target), {one.number for one in self._list.listed()}
        notices = self._list.add(saved)
        added = [one for one in self._list.listed() if one.number not in before]
        for one in added:
            if one.number is not None and one.enabled:
                self._recording.record_break(one.number, one.text)
        for notice in notices:
            self._app.notify(notice, severity="warning", timeout=10)
        self._app.notify(with_path(f"{counted(len(added), 'breakpoint')} loaded from", target), timeout=6)

    async def ask_load(self, _argument: str) -> None:
        """Prompt for a file, and load its breakpoints."""
        await self._ask_file("load_breakpoints", "Load breakpoints from")

    # The dialog

    def listed(self) -> tuple[ListedBreakpoint, ...]:
        """Return the breakpoints in the order of the list."""
        return self._list.listed()

    def remove(self, number: int) -> None:
        """Delete a breakpoint of the run."""
        self._playback.system.remove_breakpoint(number)
        self._recording.record_unbreak(number)

    def delete(self, listed: ListedBreakpoint) -> None:
        """Delete a breakpoint of the list."""
        if listed.number is None:
            self._list.remove_unusable(listed.text)
        else:
            self.remove(listed.number)

    def switch(self, listed: ListedBreakpoint) -> None:
        """Switch a breakpoint on or off; one that the run cannot use stays off."""
        if listed.number is None:
            return
        self._playback.system.enable_breakpoint(listed.number, not listed.enabled)
        if listed.enabled:
            self._recording.record_unbreak(listed.number)
        else:
            self._recording.record_break(listed.number, listed.text)

    # Within

    def _meaning(self, text: str) -> str:
        condition = Condition.parse(text, self._playback.system.vocabulary())
        does = "alerts" if self._playback.is_live else "pauses"
        return f"{does} when {condition.text} becomes true"

    async def _ask_file(self, action: str, title: str) -> None:
        async def chosen(answer: str | None) -> None:
            if answer:
                await self._app.do(action, answer)

        name = re.sub(r"[^a-z0-9]+", "-", self._playback.system.config.session_name.lower()).strip("-")
        proposed = short_path(self._folder.absolute() / f"{name or 'session'}{_SUFFIX}")
        prompt = PromptScreen(title, "a file", lambda text: short_path(self._file(text)), value=proposed)
        await self._app.open(prompt, chosen)

    @staticmethod
    def _file(path: str) -> Path:
        fault = path_fault(path)
        if fault is not None:
            raise EngineError(fault)
        return expanded(path).absolute()

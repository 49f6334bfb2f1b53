"""Breakpoint list: those of the run, and those kept with its session file that the run cannot use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tapedeck.console.app.breakpoint_files import SavedBreakpoint, SavedBreakpoints, load_kept, save_kept
from tapedeck.console.app.grid_text import counted
from tapedeck.console.app.playback import Playback
from tapedeck.engine.errors import ConditionError, did_you_mean
from tapedeck.engine.read.snapshot import Breakpoint

_NOTICES: Final = 3


@dataclass(frozen=True, slots=True)
class ListedBreakpoint:
    """A breakpoint of the list. `fault`: why the run cannot use it, "" if it can; `number`: None then.

    `waits_for`: symbols that are not in the session, and can join it.
    """

    number: int | None
    text: str
    enabled: bool
    hits: int = 0
    fault: str = ""
    waits_for: tuple[str, ...] = ()


class BreakpointList:
    """All breakpoints of the console; the engine's are those of the run shown.

    Those that are set before it is made, by the command line, are not kept. `path`: the file of the kept
    ones, which are set now; None: none are kept. One that is invalid in this run stays in the list,
    switched off.
    """

    def __init__(self, playback: Playback, path: Path | None) -> None:
        self._playback = playback
        self._path = path
        self._given = Counter(known.text for known in playback.system.breakpoints())
        self._unusable: list[ListedBreakpoint] = []
        self._notices: list[str] = []
        self._saved = SavedBreakpoints()
        if path is not None:
            self._saved, notice = load_kept(path)
            for one in self._saved.breakpoints:
                self._given.pop(one.text, None)  # kept, although the command line sets it, too
            self._notices += [*filter(None, [notice]), *self.add(self._saved)]

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should know of the kept breakpoints."""
        return tuple(self._notices[:_NOTICES])

    def listed(self) -> tuple[ListedBreakpoint, ...]:
        """Return all breakpoints, those that the run cannot use last."""
        known = self._playback.system.breakpoints()
        usable = (ListedBreakpoint(b.number, b.text, b.enabled, b.hits, waits_for=b.waits_for) for b in known)
        return (*usable, *self._unusable)

    def add(self, saved: SavedBreakpoints) -> tuple[str, ...]:
        """Add the breakpoints of a file that are not in the list yet.

        Returns notices of those that are not usable, and of those that wait for symbols to join.
        """
        system, present = self._playback.system, {listed.text for listed in self.listed()}
        faulty: list[ListedBreakpoint] = []
        waiting: list[Breakpoint] = []
        for one in saved.breakpoints:
            if one.text in present:
                continue
            present.add(one.text)
            try:
                added = system.add_breakpoint(one.text, enabled=one.enabled, may_wait=True)
            except ConditionError as error:
                fault = f"{error.message}{did_you_mean(error.suggestion)}"
                self._unusable.append(ListedBreakpoint(None, one.text, enabled=False, fault=fault))
                if one.enabled:
                    faulty.append(self._unusable[-1])
            else:
                if one.enabled and added.waits_for:
                    waiting.append(added)
        return (*_switched_off(faulty), *_waiting(waiting), *saved.changed_words())

    def remove_unusable(self, text: str) -> None:
        """Delete a breakpoint that the run cannot use."""
        self._unusable = [one for one in self._unusable if one.text != text]

    def to_save(self) -> tuple[SavedBreakpoint, ...]:
        """Return the breakpoints to write to a file: all but those of the command line."""
        given, saved = Counter(self._given), []
        for one in self.listed():
            if given[one.text]:
                given[one.text] -= 1
            else:
                saved.append(SavedBreakpoint(one.text, one.enabled))
        return tuple(saved)

    def keep(self) -> str | None:
        """Write the kept breakpoints, if they have changed; return a notice if that fails."""
        now = SavedBreakpoints(self.to_save())
        if self._path is None or now == self._saved:
            return None
        self._saved = now
        return save_kept(self._path, now.breakpoints)


def _switched_off(faulty: Sequence[ListedBreakpoint]) -> Iterator[str]:
    """Yield the notice of breakpoints that were on, and that the run cannot use, if there are any."""
    if faulty:
        first = faulty[0]
        yield f"{counted(len(faulty), 'breakpoint')} switched off: {first.text}: {first.fault}"


def _waiting(breakpoints: Sequence[Breakpoint]) -> Iterator[str]:
    """Yield the notice of breakpoints that wait for symbols to join, if there are any."""
    if breakpoints:
        first = breakpoints[0]
        wait = "waits" if len(breakpoints) == 1 else "wait"
        symbols = ", ".join(dict.fromkeys(symbol for one in breakpoints for symbol in one.waits_for))
        yield f"{counted(len(breakpoints), 'breakpoint')} {wait} for {symbols} to join: {first.text}"

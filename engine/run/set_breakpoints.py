"""Set breakpoints: those of a run, on and off, from before its start until after its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

from tapedeck.engine.conditions import Condition, NumberedConditions
from tapedeck.engine.errors import EngineError
from tapedeck.engine.read.snapshot import Breakpoint
from tapedeck.engine.run.messages import AddBreakpoint, EnableBreakpoint, Message, RemoveBreakpoint


@dataclass(frozen=True, slots=True)
class _SetBreakpoint:
    condition: Condition
    enabled: bool


class SetBreakpoints:
    """Breakpoints by number, in the order in which they were set; changes are sent to a run that plays.

    The numbers count from 1, and are not used again. Any thread may call it.
    """

    def __init__(self, send: Callable[[Message], None]) -> None:
        self._send = send
        self._numbers = count(1)
        self._set: Mapping[int, _SetBreakpoint] = {}  # replaced, never changed

    def add(self, condition: Condition, *, enabled: bool = True) -> Breakpoint:
        """Add a breakpoint."""
        number = next(self._numbers)
        self._set = {**self._set, number: _SetBreakpoint(condition, enabled)}
        self._send(AddBreakpoint(number, condition, enabled))
        return Breakpoint(number, condition.text, 0, enabled)

    def remove(self, number: int) -> None:
        """Delete a breakpoint; EngineError for an unknown number."""
        self._require(number)
        self._set = {known: one for known, one in self._set.items() if known != number}
        self._send(RemoveBreakpoint(number))

    def enable(self, number: int, enabled: bool) -> None:
        """Switch a breakpoint on or off; EngineError for an unknown number."""
        known = self._require(number)
        if enabled is not known.enabled:
            self._set = {**self._set, number: replace(known, enabled=enabled)}
            self._send(EnableBreakpoint(number, enabled))

    def listed(self, running: Sequence[Breakpoint]) -> tuple[Breakpoint, ...]:
        """Return all breakpoints, with the hits of `running`, those that the run has received."""
        hits = {known.number: known.hits for known in running}
        return tuple(
            Breakpoint(number, one.condition.text, hits.get(number, 0), one.enabled)
            for number, one in self._set.items()
        )

    def messages(self) -> tuple[AddBreakpoint, ...]:
        """Return the messages that set these breakpoints in a new run."""
        return tuple(AddBreakpoint(number, one.condition, one.enabled) for number, one in self._set.items())

    def conditions(self) -> NumberedConditions:
        """Return the conditions of the breakpoints that are switched on, by number."""
        return tuple((number, one.condition) for number, one in self._set.items() if one.enabled)

    def _require(self, number: int) -> _SetBreakpoint:
        if number not in self._set:
            known = ", ".join(map(str, self._set)) or "none"
            raise EngineError(f"unknown breakpoint {number} (set: {known})")
        return self._set[number]

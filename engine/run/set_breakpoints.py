"""Set breakpoints: those of a run, on and off, from before its start until after its end."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
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
    symbols: tuple[str, ...]

    def listed(self, number: int, hits: int, present: Container[str]) -> Breakpoint:
        """Return it as it is listed; `present`: the symbols of the session."""
        waits_for = tuple(symbol for symbol in self.symbols if symbol not in present)
        return Breakpoint(number, self.condition.text, hits, self.enabled, waits_for)


class SetBreakpoints:
    """Breakpoints by number, in the order in which they were set; changes are sent to a run that plays.

    The numbers count from 1, and are not used again. `present` returns the symbols of the session. Any thread
    may call it.
    """

    def __init__(self, send: Callable[[Message], None], present: Callable[[], Container[str]]) -> None:
        self._send = send
        self._present = present
        self._numbers = count(1)
        self._set: Mapping[int, _SetBreakpoint] = {}  # replaced, never changed

    def add(self, condition: Condition, *, enabled: bool = True) -> Breakpoint:
        """Add a breakpoint."""
        number = next(self._numbers)
        added = _SetBreakpoint(condition, enabled, condition.symbols)
        self._set = {**self._set, number: added}
        self._send(AddBreakpoint(number, condition, enabled))
        return added.listed(number, 0, self._present())

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
        hits, present = {known.number: known.hits for known in running}, self._present()
        return tuple(one.listed(number, hits.get(number, 0), present) for number, one in self._set.items())

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

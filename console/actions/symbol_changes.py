"""Commands that have symbols join and leave: arguments of their actions, completion, and how they end."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from tapedeck.engine.errors import EngineError, did_you_mean, listed, nearest, shortened
from tapedeck.engine.read.events import Event, EventKind
from tapedeck.engine.symbols import symbol_fault
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.symbol_changes import ChangeKind, SymbolChange

KEEP: Final = "keep"
"""Second word of `add`: the following sessions begin with the symbol, too."""
_WORDS: Final = {ChangeKind.JOINED: "add", ChangeKind.LEFT: "remove"}
_FORMS: Final = {ChangeKind.JOINED: "add IBM, or add IBM keep", ChangeKind.LEFT: "remove IBM"}

PendingChange = Future[Event]
"""A change in progress, in another thread or task: its event, or its error."""


@dataclass(frozen=True, slots=True)
class SymbolCommand:
    """A command that a symbol joins or leaves. `keep`: the following sessions begin with it, too."""

    kind: ChangeKind
    symbol: str
    keep: bool = False

    @classmethod
    def read(cls, kind: ChangeKind, text: str) -> SymbolCommand:
        """Return the request of an action's argument. Raises EngineError for an invalid one."""
        fault = argument_fault(kind, text)
        if fault is not None:
            raise EngineError(fault)
        symbol, *rest = text.split()
        return cls(kind, symbol, keep=bool(rest))

    @property
    def action(self) -> str:
        """The word of its action."""
        return _WORDS[self.kind]

    def argument(self, symbol: str) -> str:
        """Return the action's argument, with a symbol as it is stored."""
        return f"{symbol} {KEEP}" if self.keep else symbol

    def make(self, system: SystemManager) -> Event:
        """Have the engine make the change, and return its event once it is made.

        Raises as `add_symbol` and `remove_symbol`. For any thread but the event loop's, which it would block.
        """
        if self.kind is ChangeKind.JOINED:
            change = system.add_symbol(self.symbol, keep=self.keep)
        else:
            change = system.remove_symbol(named(self.symbol, system.session_data.get_active_symbols()))
        return _event_of(change, system.events())


def _event_of(change: SymbolChange, events: Sequence[Event]) -> Event:
    """Return the event of a change that was just made: it has its day and time."""
    return next(
        event
        for event in reversed(events)
        if event.kind is EventKind.SYMBOL
        and (event.symbol, event.frontier) == (change.symbol, change.frontier)
    )


def told(change: Event, system: SystemManager) -> str:
    """Return a change that was just made, in words: `2013-10-07 10:30 EDT: IBM joins`.

    With the warning, if the symbol has no bars on that day.
    """
    assert change.clock is not None  # symbols join and leave in a session
    local = change.clock.astimezone(system.time.zone)
    warnings = [
        event.text
        for event in system.events()
        if event.kind is EventKind.ERROR
        and (event.symbol, event.clock) == (change.symbol, change.clock)
        and event.number > change.number
    ]
    words = ", ".join([f"{change.symbol} {change.text}", *warnings])
    return f"{local:%Y-%m-%d} {f'{local:%H:%M:%S}'.removesuffix(':00')} {local:%Z}: {words}"


def argument_fault(kind: ChangeKind, text: str) -> str | None:
    """Return the fault of an action's argument: a symbol, when joining also `keep` after it; or None."""
    symbol, *rest = text.split() or [""]
    allowed = [[], [KEEP]] if kind is ChangeKind.JOINED else [[]]
    if not symbol:
        return f"symbol missing: use {_FORMS[kind]}"
    if rest not in allowed:
        return f"unexpected word {shortened(rest[-1])!r} after the symbol: use {_FORMS[kind]}"
    return symbol_fault(symbol)


def named(text: str, symbols: Sequence[str]) -> str:
    """Return the symbol of a name, in any case if only one is meant; EngineError if there is none."""
    if text in symbols:
        return text
    found = [symbol for symbol in symbols if symbol.casefold() == text.casefold()]
    if len(found) != 1:
        raise unknown_symbol(text, symbols)
    return found[0]


def unknown_symbol(text: str, symbols: Sequence[str]) -> EngineError:
    """Return the error for a name that no symbol has."""
    hint = did_you_mean(nearest(text, symbols)) or f" Use {listed(symbols)}."
    return EngineError(f"unknown symbol {shortened(text)!r}.{hint}")


def completed(text: str, symbols: Sequence[str], *, keeps: bool) -> str:
    """Return a line with its word completed to the first symbol that begins with it: `ib` to `IBM`.

    `keeps`: whether `keep` may follow: `IBM k` to `IBM keep`.
    """
    symbol, space, rest = text.lstrip().partition(" ")
    if space:
        is_begun = keeps and rest and KEEP.startswith(rest.strip().casefold())
        return f"{symbol} {KEEP}" if is_begun else text
    found = matching(symbol, symbols, 1) if symbol else ()
    return found[0] if found else text


def matching(text: str, symbols: Sequence[str], most: int) -> tuple[str, ...]:
    """Return the first symbols that begin with a text, in any case, a symbol of that very name first."""
    begun, found = text.casefold(), []
    for symbol in symbols:
        if symbol.casefold().startswith(begun):
            found.append(symbol)
            if len(found) == most and found[0].casefold() == begun:
                break
    return tuple(sorted(found, key=lambda symbol: symbol.casefold() != begun)[:most])

"""Symbol changes: which symbols joined and left a session, and at which frontier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class ChangeKind(Enum):
    """Kind of a change."""

    JOINED = "joined"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class SymbolChange:
    """A symbol that joined or left a session while it played.

    `frontier`: number of slots that were over when it took effect. `keep`: whether the following sessions
    begin with a joined symbol, too.
    """

    kind: ChangeKind
    symbol: str
    frontier: int
    keep: bool = False

    @property
    def text(self) -> str:
        """The change as one line, for stamps: `joined IBM at 60`."""
        kept = ", kept" if self.keep else ""
        return f"{self.kind.value} {self.symbol} at {self.frontier}{kept}"


@dataclass(frozen=True, slots=True)
class Stay:
    """The time that a symbol was in a session, for the last time.

    `order`: its place among all symbols of the session, in the order of joining. `joined`: the frontier at
    which it joined, None if the session began with it; `left`: the frontier at which it left, None if it is
    there.
    """

    symbol: str
    order: int
    joined: int | None = None
    left: int | None = None


def stays_of(opening: Sequence[str], changes: Sequence[SymbolChange]) -> tuple[Stay, ...]:
    """Return the last stay of each symbol that was in a session, in the order of joining.

    `opening`: the symbols that it began with. One that joins again moves to the end.
    """
    found = {symbol: Stay(symbol, order) for order, symbol in enumerate(opening)}
    order = len(opening)
    for change in changes:
        if change.kind is ChangeKind.JOINED:
            found.pop(change.symbol, None)
            found[change.symbol] = Stay(change.symbol, order, joined=change.frontier)
            order += 1
        else:
            known = found[change.symbol]
            found[change.symbol] = Stay(change.symbol, known.order, known.joined, change.frontier)
    return tuple(sorted(found.values(), key=lambda stay: stay.order))

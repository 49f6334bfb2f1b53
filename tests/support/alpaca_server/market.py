"""The market that the server plays: what the provider knows in the end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

MINUTE_S = 60


class Bar(NamedTuple):
    """A minute's bar; `t`: its open, seconds UTC."""

    symbol: str
    t: int
    o: float
    h: float
    l: float  # noqa: E741 - names of the protocol
    c: float
    v: float


class Quote(NamedTuple):
    """A quote at `t`, seconds UTC; a side without a quote has price and size 0."""

    symbol: str
    t: float
    bp: float
    bs: float
    ap: float
    as_: float


@dataclass
class Market:
    """Bars and quotes of some symbols, as they are in the end; times of faults count from `opens`.

    `bar_delays`: seconds after a minute's end within which its bars are sent, the first to the last symbol.
    `history_delay_s`: time after a minute's end from which REST has its bars.
    `known`: symbols without bars here that have traded on earlier days.
    """

    bars: Sequence[Bar]
    quotes: Sequence[Quote] = ()
    opens: int = 0
    bar_delays: tuple[float, float] = (0.05, 0.5)
    history_delay_s: float = 1.0
    quote_delay_s: float = 0.02
    known: Iterable[str] = ()
    traded: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        if not self.opens and self.bars:
            self.opens = min(bar.t for bar in self.bars)
        self.traded = frozenset(bar.symbol for bar in self.bars) | frozenset(self.known)

    def minute(self, bar: Bar) -> int:
        """Return the number of a bar's minute, from 0 at the open."""
        return (bar.t - self.opens) // MINUTE_S

"""What is sent when: the stream's messages of a market with its faults, by their time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tests.support.alpaca_server.faults import BarFault
from tests.support.alpaca_server.market import MINUTE_S, Bar, Market, Quote
from tests.support.alpaca_server.wire import bar_message, quote_message

_DAY_S = 86_400
_GROUPS = 8  # frames of one minute's bars


class Due(NamedTuple):
    """A message, and the market's time at which it is sent; `sequence` keeps the order of equal times."""

    at: float
    sequence: int
    kind: str
    item: Bar | Quote

    def message(self) -> dict[str, Any]:
        """Return the map that is sent; the kinds `-` and `<` are bars without a close, and of another day."""
        if isinstance(self.item, Quote):
            return quote_message(self.item)
        if self.kind == "<":
            return bar_message("b", self.item._replace(t=self.item.t - _DAY_S))
        message = bar_message("b" if self.kind == "-" else self.kind, self.item)
        if self.kind == "-":
            del message["c"]
        return message

    @property
    def type(self) -> str:
        """Type on the wire."""
        return "b" if self.kind in "-<" else self.kind


class BarFaults:
    """The faults of bars, found by bar."""

    def __init__(self, market: Market, faults: Sequence[BarFault]) -> None:
        self._market = market
        self._by_minute: dict[int, list[BarFault]] = defaultdict(list)
        for fault in faults:
            self._by_minute[fault.minute].append(fault)

    def of(self, bar: Bar) -> Mapping[str, BarFault]:
        """Return the faults of a bar, by kind."""
        there = self._by_minute.get(self._market.minute(bar))
        if there is None:
            return {}
        return {fault.kind: fault for fault in there if fault.symbol in (None, bar.symbol)}


def first_values(bar: Bar) -> Bar:
    """Return a bar as it is before late trades: one volume less, and a close nearer to the open."""
    return bar._replace(c=bar.o, v=bar.v / 2)


def messages_of(market: Market, faults: BarFaults) -> list[Due]:
    """Return all messages, in the order in which they are sent."""
    first, last = market.bar_delays
    names = sorted({bar.symbol for bar in market.bars})
    delay = {
        name: first + (last - first) * (row * _GROUPS // len(names)) / _GROUPS
        for row, name in enumerate(names)
    }
    found: list[Due] = []

    def add(at: float, kind: str, item: Bar | Quote) -> None:
        found.append(Due(at, len(found), kind, item))

    for bar in market.bars:
        ends = float(bar.t + MINUTE_S)
        its = faults.of(bar)
        if "lost" in its or "missing" in its:
            continue
        kind = "-" if "no close" in its else "<" if "other day" in its else "b"
        sent = first_values(bar) if "updated" in its or "history differs" in its else bar
        at = ends + delay[bar.symbol]
        if "late" in its:
            at += its["late"].by
        if "reorder" in its:
            at += MINUTE_S + last - first
        add(at, kind, sent)
        if "duplicate" in its:
            add(at + its["duplicate"].by, kind, sent)
        if "updated" in its:
            add(ends + its["updated"].by, "u", bar)
    for quote in market.quotes:
        add(quote.t + market.quote_delay_s, "q", quote)
    return sorted(found)

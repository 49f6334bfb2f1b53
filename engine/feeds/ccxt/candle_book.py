"""Candle book: decides which of an exchange's candles are bars, first or updated, and which still form."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tapedeck.engine.feeds.ccxt.exchange_library import Candle
from tapedeck.engine.feeds.feed_bar import BarKind, FeedBar

KEPT_SLOTS: Final = 240
"""Slots of each symbol whose bars are kept, to tell an update from a repetition."""
FARTHEST_AHEAD_S: Final = 3600.0
"""A candle that opens later than this after now is of no market, seconds."""


class Taken(NamedTuple):
    """What became of candles: bars that are over, and those that still form."""

    bars: list[FeedBar]
    forming: list[FeedBar]


class Unconfirmed(NamedTuple):
    """Bars of a symbol that history has not confirmed: those with `first <= opened_at <= last`."""

    symbol: str
    first: int
    last: int


@dataclass(slots=True)
class _Row:
    """What is known of a symbol; bars by `opened_at`."""

    latest: int = -1  # open of its newest candle, with or without a trade
    heard: float = -math.inf  # market time of the last change
    forming: dict[int, FeedBar] = field(default_factory=dict)
    sent: dict[int, FeedBar] = field(default_factory=dict)
    unconfirmed: set[int] = field(default_factory=set)
    doubtful: set[int] = field(default_factory=set)
    asked: float = -math.inf  # when history was asked to confirm, seconds of the machine


class CandleBook:
    """Candles of many symbols and one interval, of `step` seconds. One thread at a time uses it.

    A candle is a bar once it is over: when a later one of its symbol came, or `delay` seconds of the market
    after its end. A change of a bar that was sent is an updated bar; so is what history has otherwise. A
    candle without volume had no trade, and is no bar; nor is one whose values are not numbers.
    """

    def __init__(self, step: int, delay: float, *, kept: int = KEPT_SLOTS) -> None:
        self._step, self._delay, self._kept = step, delay, kept
        self._rows: dict[str, _Row] = {}

    def take(self, symbol: str, candles: Iterable[Candle], now: float) -> Taken:
        """Take candles as received, in any order; `now`: market time, seconds UTC."""
        row = self._rows.setdefault(symbol, _Row())
        taken = Taken([], [])
        for candle in candles:
            bar = bar_of(symbol, candle)
            if bar is None or not self._is_near(bar.opened_at, now):
                continue
            row.latest = max(row.latest, bar.opened_at)
            known = row.sent.get(bar.opened_at) or row.forming.get(bar.opened_at)
            if bar.volume <= 0 or bar == known:
                continue
            row.heard = now
            if bar.opened_at in row.sent:
                row.sent[bar.opened_at] = bar
                row.unconfirmed.add(bar.opened_at)
                taken.bars.append(bar._replace(kind=BarKind.UPDATED))
            else:
                row.forming[bar.opened_at] = bar
        over = [at for at in row.forming if at < row.latest or self._is_over(at, now)]
        taken.bars.extend(self._sent(row, over))
        taken.forming.extend(row.forming.values())
        return taken

    def close(self, now: float) -> list[FeedBar]:
        """Return the bars of slots that are over by the clock, of all symbols."""
        bars: list[FeedBar] = []
        for row in self._rows.values():
            over = [at for at in row.forming if self._is_over(at, now)]
            # Without a candle since their end they may lack the last trades, as when the line has gone mute.
            row.doubtful.update(at for at in over if row.heard < at + self._step)
            bars.extend(self._sent(row, over))
        return bars

    def disconnect(self) -> None:
        """Forget candles that form: what the connection lost of them is not known."""
        for row in self._rows.values():
            row.forming.clear()
            row.latest = -1

    def next_unconfirmed(self, until: float, asked_before: float) -> Unconfirmed | None:
        """Return the bars to confirm next, of slots that ended by `until` (market time), or None.

        Of symbols last asked before `asked_before` (machine time): those with doubtful bars come first, then
        the one that was not asked for the longest time.
        """
        best: tuple[tuple[bool, float], Unconfirmed] | None = None
        for symbol, row in self._rows.items():
            if not row.unconfirmed or row.asked >= asked_before:
                continue
            due = [at for at in row.unconfirmed if at + self._step <= until]
            if not due:
                continue
            order = (row.doubtful.isdisjoint(due), row.asked)
            if best is None or order < best[0]:
                best = order, Unconfirmed(symbol, min(due), max(due))
        return None if best is None else best[1]

    def confirm(
        self, asked: Unconfirmed, candles: Iterable[Candle], machine: float, quiet_until: float
    ) -> list[FeedBar]:
        """Return what history has otherwise, as updated bars; what it confirms is not asked for again.

        Bars that it has and the stream had not are left to those who ask for missing bars: they would hide
        that the stream is mute. The newest candle of an answer may not be complete, unless it ended by
        `quiet_until` (market time). `machine`: machine time of the request.
        """
        row = self._rows[asked.symbol]
        row.asked = machine
        given = {bar.opened_at: bar for one in candles if (bar := bar_of(asked.symbol, one)) is not None}
        newest = max(given, default=-1)
        whole = max(newest - 1, int(quiet_until) - self._step)
        reached = {at for at in row.unconfirmed if asked.first <= at <= min(asked.last, whole)}
        updated: list[FeedBar] = []
        for at in sorted(reached):
            bar = given.get(at)
            if bar is not None and bar.volume > 0 and bar != row.sent.get(at):
                row.sent[at] = bar
                updated.append(bar._replace(kind=BarKind.UPDATED))
        row.unconfirmed -= reached
        row.doubtful -= reached
        return updated

    def not_confirmed(self, asked: Unconfirmed, machine: float) -> None:
        """Take note that history did not answer at `machine`: others come first."""
        self._rows[asked.symbol].asked = machine

    def _is_near(self, opened_at: int, now: float) -> bool:
        """Whether a candle may be of the present; some exchanges send one of another day by mistake."""
        return now - self._kept * self._step <= opened_at <= now + FARTHEST_AHEAD_S

    def _is_over(self, opened_at: int, now: float) -> bool:
        return opened_at + self._step + self._delay <= now

    def _sent(self, row: _Row, over: Sequence[int]) -> list[FeedBar]:
        """Move candles that are over from those that form to those that were sent, and return them."""
        bars = [row.forming.pop(at) for at in sorted(over)]
        for bar in bars:
            row.sent[bar.opened_at] = bar
            row.unconfirmed.add(bar.opened_at)
        if len(row.sent) > self._kept:
            for at in sorted(row.sent)[: len(row.sent) - self._kept]:
                del row.sent[at]
                row.unconfirmed.discard(at)
                row.doubtful.discard(at)
        return bars


def bar_of(symbol: str, candle: Candle) -> FeedBar | None:
    """Return a candle as a bar, or None if its values are not finite numbers."""
    try:
        opened, *values = (float(value) for value in candle[:6])
        if len(values) != 5 or not all(map(math.isfinite, (opened, *values))):
            return None
    except (TypeError, ValueError):
        return None
    opens, high, low, close, volume = values
    return FeedBar(symbol, int(opened) // 1000, opens, high, low, close, volume)

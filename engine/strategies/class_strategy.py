"""Strategy by a class in a walk: when its methods are called, and with what."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, tzinfo
from functools import partial
from itertools import compress, repeat
from math import nan
from typing import Final, cast

import numpy as np

from tapedeck.engine.broker.account_record import PositionKey
from tapedeck.engine.broker.orders import Order
from tapedeck.engine.broker.records import Fill
from tapedeck.engine.conditions.known_values import KnownValues
from tapedeck.engine.conditions.vocabulary import Vocabulary
from tapedeck.engine.strategies.bar import Bar
from tapedeck.engine.strategies.calls import Calls
from tapedeck.engine.strategies.class_loading import LoadedStrategy
from tapedeck.engine.strategies.definition import ClassDefinition
from tapedeck.engine.strategies.desk import Desk
from tapedeck.engine.strategies.market import Market
from tapedeck.engine.strategies.slice import Slice
from tapedeck.engine.strategies.slot_values import SlotValues
from tapedeck.engine.strategies.strategy import Strategy
from tapedeck.engine.strategies.words import TIME_WORDS, time_figures
from tapedeck.engine.tape.bar_grid import BarGrid, Ints, Mask
from tapedeck.engine.tape.earlier_values import EarlierNeed
from tapedeck.engine.tape.quote_grid import ASK, BID
from tapedeck.engine.tape.session_data import SessionData
from tapedeck.engine.tape.tape import row_index

_MOST_BARS: Final = 20_000
"""Bars that are taken out of the grid at once."""
_NO_QUOTE: Final = (repeat(nan), repeat(nan))
_MADE: Final = partial(tuple.__new__, Bar)  # four times as fast as Bar(...)


class ClassStrategy:
    """A strategy by a class, called at the close of each bar of its interval, and when orders change.

    The instance is made when the first session begins.
    """

    def __init__(
        self, definition: ClassDefinition, loaded: LoadedStrategy, market: Market, calls: Calls, desk: Desk
    ) -> None:
        self.definition = definition
        self._loaded, self._market, self._calls, self._desk = loaded, market, calls, desk
        kind = loaded.strategy
        self._has_on_bar = kind.on_bar is not Strategy.on_bar
        self._has_on_slice = kind.on_slice is not Strategy.on_slice
        self._strategy: Strategy | None = None
        self._known: tuple[KnownValues, int, int] | None = None
        self._next_slot = self._stop = 0
        desk.values = self._values
        desk.tells_orders = kind.on_order is not Strategy.on_order

    def earlier_needs(self, rows: Mapping[str, int]) -> frozenset[EarlierNeed]:
        """Return what it reads of the sessions before, as rules do: nothing."""
        return frozenset()

    # Sessions and blocks

    def set_rows(self) -> None:
        """Take the symbols of the market's tape, which began or has other rows."""
        tape, chosen = self._market.tape, self.definition.symbols
        self._rows: Ints | slice = slice(None)
        symbols = tape.symbols
        if chosen is not None:
            wanted = frozenset(chosen)
            rows = [row for row, symbol in enumerate(symbols) if symbol in wanted]
            self._rows, symbols = np.array(rows, dtype=np.int64), tuple(symbols[row] for row in rows)
        self._desk.symbols, self._places = symbols, row_index(symbols)

    def begin_session(self, data: SessionData | None) -> None:
        """Begin a session."""
        tape, zone = self._market.tape, self._market.tape.session.zone
        self._interval = self.definition.interval or tape.base_interval
        self._ends = (
            None if self._interval == tape.base_interval else tape.derived[self._interval].buckets.ends
        )
        self._opened_at = _datetimes(tape.opened_at(self._interval), zone)
        self._closed_at = _datetimes(tape.closed_at(self._interval), zone)
        self._names = dict.fromkeys((*Vocabulary.of(tape).names, *TIME_WORDS))
        self._known = None
        self._desk.data.begin_session(data)
        if self._strategy is None:
            self._strategy = self._calls.once(self.definition.name, self._made, "__init__")
        self._on_bar, self._on_slice = self._strategy.on_bar, self._strategy.on_slice
        self._calls.once(self.definition.name, self._strategy.on_session_start, "on_session_start")

    def _made(self) -> Strategy:
        kind = self._loaded.strategy
        made = kind.__new__(kind)
        made._desk = self._desk  # noqa: SLF001 - before __init__, which users may override
        made.parameters = self._loaded.parameters
        made.__init__(self._loaded.parameters)  # type: ignore[misc]
        return made

    def begin_block(self, start: int, stop: int, known: KnownValues) -> Iterable[tuple[int, int]]:
        """Begin the slots [start, stop); return when it is to be called first, as (0, slot).

        `known`: values of the frontiers start + 1 … stop.
        """
        self._stop, self._known = stop, (known, start, stop)
        self._bars_from = self._bars_to = 0
        self._desk.data.forget()
        self._next_slot = start if self._desk.changed else self._next_close(start)
        return ((0, self._next_slot),)

    def bars_held_before(self) -> Mapping[PositionKey, int]:
        """Return the bars of its positions in the sessions before, which only rules count."""
        return {}

    def end_session(self) -> None:
        """End the session where the walk stands."""
        if self._strategy is not None:
            self._calls.once(self.definition.name, self._strategy.on_session_end, "on_session_end")

    # Slots

    def take(self, fill: Fill) -> tuple[int, int]:
        """Take a fill of one of its orders; return when it is to be called, as (0, slot)."""
        return self._taken(fill.order)

    def take_ended(self, order: Order) -> tuple[int, int]:
        """Take an order that has ended otherwise; return when it is to be called, as (0, slot)."""
        return self._taken(order.number)

    def _taken(self, number: int) -> tuple[int, int]:
        self._desk.take(number)
        if self._desk.changed and self._next_slot != self._market.slot:
            self._next_slot = self._market.slot
            return 0, self._next_slot
        return 0, self._stop  # nothing to tell, or it is to be called in this slot anyhow

    def decide(self, row: int) -> int:
        """Call its methods at the market's slot; return when it is to be called next."""
        slot = self._market.slot
        if self._next_slot != slot:
            return self._stop  # it is due later, or was called already
        name, strategy = self.definition.name, self._strategy
        assert strategy is not None  # made at the session's begin
        if self._desk.changed:
            self._calls.each(name, strategy.on_order, self._desk.take_changed(), "on_order")
        column = self._column_closed_by(slot)
        if column is not None:
            if self._has_on_bar:
                self._calls.each(name, self._on_bar, self._bars(column), "on_bar")
            if self._has_on_slice:
                self._calls.each(name, self._on_slice, (self._slice(column),), "on_slice")
        self._next_slot = self._next_close(slot + 1)
        return self._next_slot

    def _next_close(self, slot: int) -> int:
        """Return the first slot from `slot` on at which a bar ends; the block's end if there is none."""
        if self._ends is None:
            return min(slot, self._stop)
        place = bisect_left(self._ends, slot + 1)
        return min(self._ends[place] - 1, self._stop) if place < len(self._ends) else self._stop

    def _column_closed_by(self, slot: int) -> int | None:
        if self._ends is None:
            return slot
        place = bisect_left(self._ends, slot + 1)
        return place if place < len(self._ends) and self._ends[place] == slot + 1 else None

    @property
    def _grid(self) -> BarGrid:
        return self._market.tape.grid(self._interval)

    def _slice(self, column: int) -> Slice:
        return Slice(
            self._desk.symbols,
            self._places,
            self._opened_at[column],
            self._closed_at[column],
            self._grid,
            column,
            self._rows,
            self._values(),
        )

    def _values(self) -> SlotValues:
        """Return the values at the market's slot."""
        slot = self._market.slot
        if self._known is not None:
            known, start, stop = self._known
            if start <= slot < stop:
                return SlotValues(known, slot - start, self._names)
        tape = self._market.tape
        return SlotValues(KnownValues(tape, slot + 1, slot + 1, time_figures(tape)), 0, self._names)

    def _bars(self, column: int) -> Iterator[Bar]:
        """Return the bars of a column, in the order of rows."""
        if not self._bars_from <= column < self._bars_to:
            self._take_bars(column)
        place = column - self._bars_from
        quotes: Iterable[Iterable[float]] = _NO_QUOTE if self._quotes is None else self._quotes[place]
        bars = zip(
            self._desk.symbols,
            repeat(self._opened_at[column]),
            repeat(self._closed_at[column]),
            *self._lists[place],
            *quotes,
        )
        chosen = bars if self._complete[place] else compress(bars, self._present[place])
        return cast("Iterator[Bar]", map(_MADE, chosen))

    def _take_bars(self, column: int) -> None:
        """Take the bars of some columns out of the grid, from one on."""
        grid, stop = self._grid, self._stop
        end = stop if self._ends is None else bisect_left(self._ends, stop + 1)
        end = min(end, column + max(1, _MOST_BARS // max(1, len(self._desk.symbols))))
        present: Mask = grid.present[self._rows, column:end].T
        self._lists = grid.values[:, self._rows, column:end].transpose(2, 0, 1).tolist()
        self._quotes = self._taken_quotes(column, end)
        self._present = present
        self._complete: list[bool] = np.all(present, axis=1).tolist()
        self._bars_from, self._bars_to = column, end

    def _taken_quotes(self, column: int, end: int) -> list[list[list[float]]] | None:
        """Return bids and asks of all symbols as they stood at the closes of some columns' bars."""
        quotes = self._market.tape.quotes
        if quotes is None:
            return None
        closes = np.arange(column, end) if self._ends is None else np.array(self._ends[column:end]) - 1
        held = quotes.values[BID : ASK + 1, self._rows][:, :, closes]
        found: list[list[list[float]]] = held.transpose(2, 0, 1).tolist()
        return found


def _datetimes(seconds: Ints, zone: tzinfo) -> list[datetime]:
    return [datetime.fromtimestamp(one, zone) for one in seconds.tolist()]

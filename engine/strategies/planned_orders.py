"""Orders of a block worked out at once, for strategies whose rules and sizes read no account.

For such a strategy a block is a sequence of slots in each symbol: the first at which it enters, the bar that
fills, the first from there on at which it leaves, and so on.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from tapedeck.engine.broker.money import MoneyScale
from tapedeck.engine.broker.order_batch import NOT_FILLED, OrderColumns
from tapedeck.engine.broker.order_checks import MOST_LOTS
from tapedeck.engine.broker.orders import Order
from tapedeck.engine.strategies.definition import RuleDefinition
from tapedeck.engine.strategies.market import Market
from tapedeck.engine.strategies.reasons import ENTER, EXIT
from tapedeck.engine.strategies.symbol_state import SymbolState
from tapedeck.engine.tape.bar_grid import CLOSE, Floats, Ints, Mask


class SlotLists:
    """The slots at which something is true, for each row. `first`: slot of the mask's first column."""

    __slots__ = ("_edges", "_slots")

    def __init__(self, mask: Mask, first: int) -> None:
        rows, columns = np.nonzero(mask)
        self._edges: list[int] = np.searchsorted(rows, np.arange(len(mask) + 1)).tolist()
        self._slots: list[int] = (columns + first).tolist()

    def next(self, row: int, start: int, stop: int) -> int:
        """Return the first slot from `start` on; `stop` if there is none before it."""
        slots, end = self._slots, self._edges[row + 1]
        at = bisect_left(slots, start, self._edges[row], end)
        return slots[at] if at < end and slots[at] < stop else stop


class RuleSlots(NamedTuple):
    """Where a strategy may enter, in slots before `entries_end`, and where it leaves."""

    enters: SlotLists
    exits: SlotLists
    entries_end: int


class Outcome(NamedTuple):
    """Where a symbol stands after the plan. `entry`: place of the order that bought what it holds."""

    rank: int
    state: SymbolState
    holds: bool
    entry: int | None
    entries: int


@dataclass(slots=True)
class OrderPlan:
    """Orders of the slots [start, stop), in columns that grow; `outcomes`: of the symbols that have some.

    `held`: lots that an order sells which were held before, `working`: orders from before, by place.
    """

    start: int
    stop: int
    ranks: list[int] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    is_entry: list[bool] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)
    fill_slots: list[int] = field(default_factory=list)
    held: dict[int, int] = field(default_factory=dict)
    working: dict[int, Order] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)

    def add(self, rank: int, state: SymbolState, rules: RuleSlots, bars: SlotLists | None) -> bool:
        """Add the orders of a symbol; False if they cannot be worked out so.

        `bars`: slots in which it has bars, None if in all of the block.
        """
        order = state.exit if state.entry is None else state.entry
        if order is None:
            return self._add_new(rank, state, rules, bars, self.start, None)
        row, first, stop, is_entry = state.row, len(self.rows), self.stop, state.entry is not None
        if order.filled or (is_entry and (state.exit is not None or state.lots)):
            return False
        slot = _next_bar(bars, row, self.start, stop)
        if is_entry and rules.exits.next(row, self.start, slot) < slot:
            return False  # it is cancelled
        if slot == stop:
            return True
        self.working[first] = order
        self._append(rank, row, is_entry, self.start, slot)
        return self._add_new(rank, state, rules, bars, slot, first)

    def _add_new(
        self,
        rank: int,
        state: SymbolState,
        rules: RuleSlots,
        bars: SlotLists | None,
        slot: int,
        filled: int | None,
    ) -> bool:
        """Add new orders of a symbol, decided from a slot on.

        `filled`: place of its order that works since before the plan, and fills in that slot.
        """
        row, stop, first = state.row, self.stop, len(self.rows)
        holds = bool(state.lots) if filled is None else self.is_entry[filled]
        held_at_first, entry = holds, filled if holds else None
        next_exit, next_entry = rules.exits.next, rules.enters.next
        entries_end = min(stop, rules.entries_end)
        decided_at, filled_at = list[int](), list[int]()
        while True:
            decided = next_exit(row, slot, stop) if holds else next_entry(row, slot, entries_end)
            if decided >= (stop if holds else entries_end):
                break
            slot = decided + 1
            if bars is not None:
                slot = bars.next(row, slot, stop)
                if not holds and slot > decided + 1 and next_exit(row, decided + 1, slot) < slot:
                    return False  # it is cancelled
            decided_at.append(decided)
            filled_at.append(slot)
            if slot >= stop:
                filled_at[-1] = NOT_FILLED
                break
            holds = not holds
        count = len(decided_at)
        if count:
            self.ranks += [rank] * count
            self.rows += [row] * count
            self.slots += decided_at
            self.fill_slots += filled_at
            turns = [not held_at_first, held_at_first] * (count // 2 + 1)
            self.is_entry += turns[:count]
            fills = count - (filled_at[-1] == NOT_FILLED)
            if holds and fills:
                entry = first + fills - 1
            elif not holds:
                entry = None
            if filled is None and state.lots:
                self.held[first] = state.lots
        if filled is not None or count:
            entries = sum(self.is_entry[first:])
            self.outcomes.append(Outcome(rank, state, holds, entry, entries))
        return True

    def _append(self, rank: int, row: int, is_entry: bool, slot: int, fill_slot: int) -> None:
        self.ranks.append(rank)
        self.rows.append(row)
        self.is_entry.append(is_entry)
        self.slots.append(slot)
        self.fill_slots.append(fill_slot)

    def columns(
        self, definitions: tuple[RuleDefinition, ...], market: Market, scale: MoneyScale
    ) -> OrderColumns | None:
        """Return the orders as columns; None if one has no size, or no price to be measured by."""
        row, slot = np.array(self.rows, dtype=np.int64), np.array(self.slots, dtype=np.int64)
        rank, is_entry = np.array(self.ranks, dtype=np.int64), np.array(self.is_entry)
        fill_slot = np.array(self.fill_slots, dtype=np.int64)
        close = self._closes(row, slot, market)
        if not (np.isfinite(close) & (close > 0)).all():
            return None
        lots = np.zeros(len(row), dtype=np.int64)
        for number, definition in enumerate(definitions):
            of_strategy = np.flatnonzero(is_entry & (rank == number))
            found = definition.size.lots_by_close(scale, close[of_strategy])
            if found is None:
                return None
            lots[of_strategy] = found
        for place, order in self.working.items():
            lots[place] = order.lots
        for place, count in self.held.items():
            lots[place] = count
        exits = np.flatnonzero(lots == 0)
        if (exits == 0).any() or is_entry[exits].any():
            return None
        lots[exits] = lots[exits - 1]
        if not ((lots > 0) & (lots <= MOST_LOTS)).all():
            return None
        return OrderColumns(
            strategies=tuple(definition.name for definition in definitions),
            symbols=market.tape.symbols,
            rank=rank,
            row=row,
            is_entry=is_entry,
            slot=slot,
            fill_slot=fill_slot,
            lots=lots,
            close=close,
            bars=market.tape.base.values[:, row, fill_slot],
            reasons=[ENTER if entry else EXIT for entry in self.is_entry],
            working=self.working,
        )

    def _closes(self, row: Ints, slot: Ints, market: Market) -> Floats:
        """Return the last close known at each deciding slot; that of the order where it worked before."""
        base = market.tape.base
        close: Floats = base.values[CLOSE, row, slot]
        for place in np.flatnonzero(~base.present[row, slot]).tolist():
            if place not in self.working:
                symbol, at = market.tape.symbols[row[place]], int(slot[place])
                close[place] = market.closes(symbol, at, at + 1)[0]
        for place, order in self.working.items():
            close[place] = order.close
        return close


def _next_bar(bars: SlotLists | None, row: int, start: int, stop: int) -> int:
    if bars is None:
        return min(start, stop)
    return bars.next(row, start, stop)

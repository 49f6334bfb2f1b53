"""Walk of rule strategies over the tapes of one session after another."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from heapq import heappop, heappush

import numpy as np

from tapedeck.engine.broker.equity_column import equity_column
from tapedeck.engine.broker.money import Ints
from tapedeck.engine.broker.orders import BEFORE_FIRST_SLOT
from tapedeck.engine.broker.paper_broker import PaperBroker
from tapedeck.engine.broker.records import Fill
from tapedeck.engine.broker.terms import AccountTerms
from tapedeck.engine.conditions.known_values import KnownValues
from tapedeck.engine.conditions.vocabulary import Vocabulary
from tapedeck.engine.errors import EngineError
from tapedeck.engine.strategies.definition import RuleDefinition
from tapedeck.engine.strategies.market import Market
from tapedeck.engine.strategies.rule_strategy import RuleStrategy
from tapedeck.engine.strategies.symbol_state import SymbolState
from tapedeck.engine.strategies.words import time_figures
from tapedeck.engine.strategies.working_orders import WorkingOrders
from tapedeck.engine.tape.earlier_values import EarlierNeed
from tapedeck.engine.tape.tape import Tape, row_index


class RuleWalk:
    """Walks strategies over tapes, slot by slot.

    In each slot orders that work are tried against its bars, then the account is valued, then strategies
    decide on what is known at its close: in their order, and symbols in the order of rows. Only slots are
    visited at which something can happen. How the walk is cut into blocks does not matter.

    `broker`: has orders, fills and the account. `definitions`: in the order of the session file;
    ConditionError for a rule that the vocabulary does not allow, EngineError for an unknown symbol.
    """

    def __init__(
        self, definitions: Sequence[RuleDefinition], terms: AccountTerms, vocabulary: Vocabulary
    ) -> None:
        self._market = Market()
        names = [definition.name for definition in definitions]
        self.broker = PaperBroker(terms, names, self._market.last_close)
        self._orders = WorkingOrders(self.broker, self._market)
        self._strategies = [
            RuleStrategy(definition, vocabulary, self.broker, self._market, self._orders)
            for definition in definitions
        ]
        self._ranks = {name: rank for rank, name in enumerate(names)}
        self._walked = 0
        self._equity: list[Ints] = []
        self._due: list[int] = []

    @property
    def equity(self) -> Ints:
        """Equity at the close of each slot walked of the session, in units, int64 (slots,)."""
        return np.concatenate(self._equity) if self._equity else np.zeros(0, dtype=np.int64)

    def earlier_needs(self, symbols: Sequence[str]) -> frozenset[EarlierNeed]:
        """Return what the rules read of the sessions before; `symbols`: those of the tape's rows."""
        rows = row_index(symbols)
        return frozenset(need for strategy in self._strategies for need in strategy.earlier_needs(rows))

    def begin_session(self, tape: Tape) -> None:
        """Begin a session, that of a tape; positions and orders are those of the session before."""
        self._market.tape, self._market.slot = tape, BEFORE_FIRST_SLOT
        self._walked, self._equity = 0, []
        self.broker.begin_session(tape.session.trading_day, len(tape), tape.symbols)
        self._orders.begin_block(0, 0)
        for strategy in self._strategies:
            strategy.set_rows()
            strategy.begin_session()

    def advance(self, tape: Tape, start: int, stop: int) -> tuple[Fill, ...]:
        """Walk the slots [start, stop) of the session, and return their fills.

        `tape`: that of the session, computed up to `stop`, or its newest edition. EngineError unless `start`
        is where the walk stands.
        """
        if start != self._walked or not start <= stop <= len(tape):
            raise EngineError(f"the walk stands at slot {self._walked}: cannot walk from {start} to {stop}")
        self._take_edition(tape)
        if start == stop:
            return ()
        cash = self.broker.account.cash
        held = {(one.strategy, one.symbol): one.lots for one in self.broker.account.holdings()}
        fills = self._walk(start, stop)
        self._walked = stop
        self._market.slot = stop - 1
        self._equity.append(self._equity_of(start, stop, cash, held, fills))
        return tuple(fills)

    def end_session(self) -> None:
        """End the session where the walk stands."""
        self._orders.end_session()
        for strategy in self._strategies:
            strategy.end_session(self._walked)
        self._market.end_session(self._walked)

    def _equity_of(
        self, start: int, stop: int, cash: int, held: dict[tuple[str, str], int], fills: list[Fill]
    ) -> Ints:
        """Return the equity at the slots [start, stop); `cash`, `held`: before them."""
        shifted = [fill._replace(slot=fill.slot - start) for fill in fills] if start else fills
        closes = partial(self._market.closes, start=start, stop=stop)
        return equity_column(self.broker.scale, stop - start, cash, held, shifted, closes)

    def _take_edition(self, tape: Tape) -> None:
        before = self._market.tape
        if tape is before:
            return
        self._market.take_edition(tape, self._walked)
        if tape.symbols != before.symbols:
            self.broker.set_symbols(tape.symbols)
            for strategy in self._strategies:
                strategy.set_rows()

    def _walk(self, start: int, stop: int) -> list[Fill]:
        tape, due = self._market.tape, self._due
        due.clear()
        self._stop = stop
        known = KnownValues(tape, start + 1, stop, time_figures(tape))
        for rank, strategy in enumerate(self._strategies):
            strategy.begin_block(start, stop, known)
            for state in strategy.by_row.values():
                self._schedule(rank, state, start)
        self._orders.begin_block(start, stop)
        fills: list[Fill] = []
        rows, places = len(tape.symbols), len(tape.symbols) * len(self._strategies)
        while True:
            slot = self._orders.next_slot
            if due:
                slot = min(slot, due[0] // places)
            if slot >= stop:
                return fills
            self._market.slot = slot
            if self._orders.next_slot == slot:
                fills += self._try_orders(slot)
            while due and due[0] // places == slot:
                rank, row = divmod(heappop(due) % places, rows)
                strategy = self._strategies[rank]
                state = strategy.by_row[row]
                if state.next_slot == slot:
                    strategy.decide(state)
                    self._schedule(rank, state, slot + 1)

    def _try_orders(self, slot: int) -> list[Fill]:
        fills = self._orders.try_now()
        for fill in fills:
            rank = self._ranks[fill.strategy]
            self._schedule(rank, self._strategies[rank].take(fill), slot)
        return fills

    def _schedule(self, rank: int, state: SymbolState, start: int) -> None:
        """Note when a symbol is to be decided next, from a slot on."""
        if state.row < 0:
            return
        state.next_slot = self._strategies[rank].next_slot(state, start)
        if state.next_slot < self._stop:
            rows = len(self._market.tape.symbols)
            heappush(self._due, (state.next_slot * len(self._strategies) + rank) * rows + state.row)

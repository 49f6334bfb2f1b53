"""Walk of strategies over the tapes of one session after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from heapq import heappop, heappush
from pathlib import Path

import numpy as np

from tapedeck.engine.broker.account_record import AccountRecord, HeldPosition, StrategyNote
from tapedeck.engine.broker.equity_column import equity_column
from tapedeck.engine.broker.money import Ints
from tapedeck.engine.broker.orders import BEFORE_FIRST_SLOT
from tapedeck.engine.broker.paper_broker import PaperBroker
from tapedeck.engine.broker.records import Fill
from tapedeck.engine.broker.terms import AccountTerms
from tapedeck.engine.conditions.known_values import KnownValues
from tapedeck.engine.conditions.vocabulary import Vocabulary
from tapedeck.engine.errors import EngineError
from tapedeck.engine.strategies.definition import ClassDefinition, RuleDefinition
from tapedeck.engine.strategies.market import Market
from tapedeck.engine.strategies.planning import plan_orders
from tapedeck.engine.strategies.rule_strategy import RuleStrategy
from tapedeck.engine.strategies.strategy_error import StrategyError
from tapedeck.engine.strategies.symbol_state import SymbolState
from tapedeck.engine.strategies.words import time_figures
from tapedeck.engine.strategies.working_orders import WorkingOrders
from tapedeck.engine.tape.earlier_values import EarlierNeed
from tapedeck.engine.tape.session_data import SessionData
from tapedeck.engine.tape.tape import Tape, row_index

__all__ = ["StrategyError", "StrategyWalk"]


class StrategyWalk:
    """Walks strategies over tapes, slot by slot.

    In each slot orders that work are tried against its bars, then the account is valued, then strategies
    decide on what is known at its close: in their order, and symbols in the order of rows. Only slots are
    visited at which something can happen. How the walk is cut into blocks does not matter.

    `definitions`: in the order of the session file; ConditionError for a rule that the vocabulary does not
    allow, EngineError for an unknown symbol, ConfigError for a class that cannot be loaded. `folder`: of the
    session file. `broker`: has orders, fills and the account.

    `walked`: number of slots walked of the session, set as the walk goes on. `standing`: an object that is
    another one at each call of users' code; `calling`: name of the strategy whose code is called now, else
    None. Any thread may read these three; all else is for one thread.
    """

    def __init__(
        self,
        definitions: Sequence[RuleDefinition | ClassDefinition],
        terms: AccountTerms,
        vocabulary: Vocabulary,
        *,
        folder: Path = Path(),
    ) -> None:
        self._market = Market()
        self.names: tuple[str, ...] = tuple(definition.name for definition in definitions)
        self.broker = PaperBroker(terms, self.names, self._market.last_close)
        self.code_hashes: Mapping[str, str] = {}
        self.walked = 0
        self.standing: object = None
        self.calling: str | None = None
        self._orders = WorkingOrders(self.broker, self._market)
        self._strategies: list[RuleStrategy] = []
        for definition in definitions:
            if not isinstance(definition, RuleDefinition):
                raise EngineError(f"strategy {definition.name}: classes are not supported yet")
            strategy = RuleStrategy(definition, vocabulary, self.broker, self._market, self._orders)
            self._strategies.append(strategy)
        self._ranks = {name: rank for rank, name in enumerate(self.names)}
        self._equity: list[Ints] = []
        self._notes: list[StrategyNote] = []
        self._due: list[int] = []
        self._plans = False

    @property
    def equity(self) -> Ints:
        """Equity at the close of each slot walked of the session, in units, int64 (slots,)."""
        if len(self._equity) > 1:
            self._equity = [np.concatenate(self._equity)]
        return self._equity[0] if self._equity else np.zeros(0, dtype=np.int64)

    def earlier_needs(self, symbols: Sequence[str]) -> frozenset[EarlierNeed]:
        """Return what the rules read of the sessions before; `symbols`: those of the tape's rows."""
        rows = row_index(symbols)
        return frozenset(need for strategy in self._strategies for need in strategy.earlier_needs(rows))

    def record(self) -> AccountRecord:
        """Return the account of the session as it stands. EngineError before the first session."""
        if not hasattr(self, "_opening"):
            raise EngineError("the walk has begun no session yet")
        cash, equity, realised, commission, held = self._opening
        return AccountRecord(
            day=self._market.tape.session.trading_day,
            scale=self.broker.scale,
            strategies=self.names,
            walked=self.walked,
            opening_cash=cash,
            opening_equity=equity,
            opening_realised=realised,
            opening_commission=commission,
            opening_positions=held,
            orders=tuple(self.broker.session_orders),
            fills=self.broker.session_fills,
            trades=self.broker.session_trades,
            notes=tuple(self._notes),
            equity=self.equity,
        )

    # The session

    def begin_session(self, tape: Tape, data: SessionData | None = None) -> None:
        """Begin a session, that of a tape; positions and orders are those of the session before.

        `data`: of the run, which classes read up to their slot. Raises StrategyError.
        """
        self._market.tape, self._market.slot = tape, BEFORE_FIRST_SLOT
        self.walked, self._equity, self._notes = 0, [], []
        self.broker.begin_session(tape.session.trading_day, len(tape), tape.symbols)
        self._opening = self._opening_figures()
        self._plans = all(strategy.can_be_planned for strategy in self._strategies)
        self._orders.begin_block(0, 0)
        self._orders.cancel_except(tape.rows)
        for strategy in self._strategies:
            strategy.set_rows()
            strategy.begin_session()

    def advance(
        self, tape: Tape, start: int, stop: int, is_interrupted: Callable[[], bool] = lambda: False
    ) -> tuple[Fill, ...]:
        """Walk the slots [start, stop) of the session, and return their fills.

        `tape`: that of the session, computed up to `stop`, or its newest edition. `is_interrupted`: asked
        before each slot that is visited; once it is true the walk ends before that slot, at `walked`.
        EngineError unless `start` is where the walk stands; StrategyError after the slot in which a
        strategy failed: the account stands after that slot.
        """
        if start != self.walked or not start <= stop <= len(tape):
            raise EngineError(f"the walk stands at slot {self.walked}: cannot walk from {start} to {stop}")
        self._take_edition(tape)
        if start == stop:
            return ()
        cash = self.broker.account.cash
        held = {(one.strategy, one.symbol): one.lots for one in self.broker.account.holdings()}
        fills: list[Fill] = []
        try:
            self._walk(start, stop, fills, is_interrupted)
        finally:
            self._market.slot = self.walked - 1
            if self.walked > start:
                self._equity.append(self._equity_of(start, self.walked, cash, held, fills))
        return tuple(fills)

    def end_session(self) -> None:
        """End the session where the walk stands. Raises StrategyError."""
        self._orders.end_session()
        for strategy in self._strategies:
            strategy.end_session(self.walked)
        self._market.end_session(self.walked)

    def _opening_figures(self) -> tuple[int, int, int, int, tuple[HeldPosition, ...]]:
        """Return cash, equity, realised profit, commission and positions of the account."""
        account = self.broker.account
        figures = account.figures()
        held = tuple(HeldPosition(one.strategy, one.symbol, one.lots, one.cost) for one in account.holdings())
        return figures.cash, figures.equity, figures.realised, figures.commission, held

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
        self._market.take_edition(tape, self.walked)
        if tape.symbols != before.symbols:
            self.broker.set_symbols(tape.symbols)
            self._orders.cancel_except(tape.rows)
            for strategy in self._strategies:
                strategy.set_rows()

    # Slots

    def _walk(self, start: int, stop: int, fills: list[Fill], is_interrupted: Callable[[], bool]) -> None:
        """Walk the slots [start, stop), and set `walked`; fills are added to `fills`."""
        due = self._due
        self._begin_block(start, stop)
        while self._plans and start < stop:
            if is_interrupted():
                return
            found = plan_orders(self._strategies, self._market, self.broker, start, stop)
            if found is None:
                self._plans = False
                break
            self.walked = start = found.stop
            self._orders.take(found.working)
            fills += found.fills
        if start == stop:
            return
        self._schedule_all(start, stop)
        places = len(self._market.tape.symbols) * len(self._strategies)
        while True:
            slot = self._orders.next_slot
            if due:
                slot = min(slot, due[0] // places)
            if slot >= stop:
                self.walked = stop
                return
            self.walked = self._market.slot = slot
            if is_interrupted():
                return
            if self._orders.next_slot == slot:
                fills += self._try_orders(slot)
            try:
                self._decide(slot)
            except StrategyError:
                self.walked = slot + 1
                raise

    def _begin_block(self, start: int, stop: int) -> None:
        tape = self._market.tape
        self._due.clear()
        self._stop = stop
        known = KnownValues(tape, start + 1, stop, time_figures(tape))
        for strategy in self._strategies:
            strategy.begin_block(start, stop, known)

    def _schedule_all(self, start: int, stop: int) -> None:
        """Note for all symbols when they are to be decided next, and when orders can fill, from a slot on."""
        for rank, strategy in enumerate(self._strategies):
            for state in strategy.by_row.values():
                self._schedule(rank, state, start)
        self._orders.begin_block(start, stop)

    def _decide(self, slot: int) -> None:
        """Have strategies decide that are due at the close of a slot."""
        due, rows = self._due, len(self._market.tape.symbols)
        places = rows * len(self._strategies)
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

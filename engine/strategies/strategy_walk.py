"""Walk of strategies over the tapes of one session after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from heapq import heappop, heappush
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydantic import JsonValue

from tapedeck.engine.broker.account_record import AccountRecord, HeldPosition, PositionKey, StrategyNote
from tapedeck.engine.broker.equity_column import equity_column
from tapedeck.engine.broker.money import Ints
from tapedeck.engine.broker.orders import BEFORE_FIRST_SLOT
from tapedeck.engine.broker.paper_broker import PaperBroker
from tapedeck.engine.broker.records import Fill
from tapedeck.engine.broker.terms import AccountTerms
from tapedeck.engine.conditions.known_values import KnownValues
from tapedeck.engine.conditions.vocabulary import Vocabulary
from tapedeck.engine.errors import EngineError
from tapedeck.engine.strategies.calls import Calls
from tapedeck.engine.strategies.class_loading import load_strategies
from tapedeck.engine.strategies.class_strategy import ClassStrategy
from tapedeck.engine.strategies.definition import ClassDefinition, RuleDefinition
from tapedeck.engine.strategies.desk import Desk
from tapedeck.engine.strategies.market import Market
from tapedeck.engine.strategies.planning import are_planned, plan_orders
from tapedeck.engine.strategies.rule_strategy import RuleStrategy
from tapedeck.engine.strategies.strategy_error import StrategyError
from tapedeck.engine.strategies.words import time_figures
from tapedeck.engine.strategies.working_orders import WorkingOrders
from tapedeck.engine.tape.earlier_values import EarlierNeed
from tapedeck.engine.tape.session_data import SessionData
from tapedeck.engine.tape.tape import Tape, row_index

__all__ = ["StrategyError", "StrategyWalk"]


class _Block(NamedTuple):
    """A block that is walked: its first slot, cash and lots before it, its fills so far."""

    start: int
    cash: int
    held: dict[PositionKey, int]
    fills: list[Fill]


class StrategyWalk:
    """Walks strategies over tapes, slot by slot.

    In each slot orders that work are tried against its bars, then the account is valued, then strategies
    decide on what is known at its close: in their order, and symbols in the order of rows. Only slots are
    visited at which something can happen. How the walk is cut into blocks does not matter.

    `definitions`: in the order of the session file; ConditionError for a rule that the vocabulary does not
    allow, EngineError for an unknown symbol, ConfigError for a class that cannot be loaded. `folder`: of the
    session file. `broker`: has orders, fills and the account.

    `names`: of the strategies; `code_hashes`: SHA-256 of the code of those that are classes; `parameters`:
    values of theirs, by name; all set once. `walked`: number of slots walked of the session, set as the walk
    goes on. Any thread may read `walked`, `standing` and `calling`; all else is for one thread.
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
        self.parameters: Mapping[str, Mapping[str, JsonValue]] = {}
        self.walked = 0
        self._calls = Calls(self._market)
        self._orders = WorkingOrders(self.broker, self._market)
        self._strategies = self._made(definitions, vocabulary, folder)
        self._ranks = {name: rank for rank, name in enumerate(self.names)}
        self._equity: list[Ints] = []
        self._notes: list[StrategyNote] = []
        self._due: list[int] = []
        self._block: _Block | None = None
        self._stop, self._rows = 0, 1
        self._plans = False

    def _made(
        self,
        definitions: Sequence[RuleDefinition | ClassDefinition],
        vocabulary: Vocabulary,
        folder: Path,
    ) -> list[RuleStrategy | ClassStrategy]:
        """Return the strategies of the definitions, and note the hashes of their classes."""
        loaded = load_strategies(definitions, vocabulary, folder)
        self.code_hashes = {name: one.code_hash for name, one in loaded.items()}
        self.parameters = {name: one.values for name, one in loaded.items()}
        made: list[RuleStrategy | ClassStrategy] = []
        for definition in definitions:
            if isinstance(definition, RuleDefinition):
                made.append(RuleStrategy(definition, vocabulary, self.broker, self._market, self._orders))
                continue
            name = definition.name
            desk = Desk(name, self.broker, self._market, self._orders, self._calls, self._take_note)
            made.append(ClassStrategy(definition, loaded[name], self._market, self._calls, desk))
        return made

    def _take_note(self, note: StrategyNote) -> None:
        self._notes.append(note)

    @property
    def standing(self) -> object:
        """An object that is another one at each call of users' code."""
        return self._calls.standing

    @property
    def calling(self) -> str | None:
        """Name of the strategy whose code is called now, else None."""
        return self._calls.calling

    @property
    def slot(self) -> int:
        """The slot where the walk stands, BEFORE_FIRST_SLOT before the first; any thread may read it."""
        return self._market.slot

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
            opening_closes=self._opening_closes,
            opening_bars_held=self._opening_bars_held,
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
        self._plans = are_planned(self._strategies)
        self._opening_closes = {one.symbol: self._market.last_close(one.symbol) for one in self._opening[4]}
        self._opening_bars_held: dict[PositionKey, int] = {}
        for strategy in self._strategies:
            self._opening_bars_held |= strategy.bars_held_before()
        self._orders.begin_block(0, 0)
        self._orders.cancel_except(tape.rows)
        self._tell_ended()
        for strategy in self._strategies:
            strategy.set_rows()
        for strategy in self._strategies:
            strategy.begin_session(data)

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
        self._block = _Block(start, cash, held, fills)
        try:
            self._walk(start, stop, fills, is_interrupted)
        finally:
            self._end_block()
        return tuple(fills)

    def leave(self) -> None:
        """Leave the walk after the slot where a call of users' code hangs; for another thread.

        The account stands after that slot, and the call can give no orders or notes any more.
        """
        self._calls.leave()
        if self._block is not None:
            self.walked = self._market.slot + 1
            self._end_block()

    def _end_block(self) -> None:
        """Value the account at the slots of the block that were walked."""
        block, self._block = self._block, None
        if block is None:
            return
        self._market.slot = self.walked - 1
        if self.walked > block.start:
            equity = self._equity_of(block.start, self.walked, block.cash, block.held, block.fills)
            self._equity.append(equity)

    def end_session(self) -> None:
        """End the session where the walk stands. Raises StrategyError."""
        try:
            for strategy in self._strategies:
                if isinstance(strategy, ClassStrategy):
                    strategy.end_session()
        finally:
            self._orders.end_session()
            self._tell_ended()
            for strategy in self._strategies:
                if isinstance(strategy, RuleStrategy):
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
        closes = partial(self._market.closes_of, start=start, stop=stop)
        return equity_column(self.broker.scale, stop - start, cash, held, fills, closes, start)

    def _take_edition(self, tape: Tape) -> None:
        before = self._market.tape
        if tape is before:
            return
        self._market.take_edition(tape, self.walked)
        if tape.symbols != before.symbols:
            self.broker.set_symbols(tape.symbols)
            self._orders.cancel_except(tape.rows)
            self._tell_ended()
            for strategy in self._strategies:
                strategy.set_rows()

    # Slots

    def _walk(self, start: int, stop: int, fills: list[Fill], is_interrupted: Callable[[], bool]) -> None:
        """Walk the slots [start, stop), and set `walked`; fills are added to `fills`."""
        if self._plans:
            start = self._walk_planned(start, stop, fills, is_interrupted)
            if self._plans:
                return
        due = self._due
        self._begin_block(start, stop)
        places = self._rows * len(self._strategies)
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

    def _walk_planned(
        self, start: int, stop: int, fills: list[Fill], is_interrupted: Callable[[], bool]
    ) -> int:
        """Walk slots as they are planned, up to `stop` or until it is interrupted; return where it stands.

        No more is planned in the session once it cannot be done.
        """
        known = KnownValues(self._market.tape, start + 1, stop, time_figures(self._market.tape))
        for strategy in self._strategies:
            strategy.begin_block(start, stop, known)
        while start < stop and not is_interrupted():
            found = plan_orders(self._strategies, self._market, self.broker, start, stop)
            if found is None:
                self._plans = False
                break
            self.walked = start = found.stop
            self._orders.take(found.working)
            fills += found.fills
        return start

    def _begin_block(self, start: int, stop: int) -> None:
        tape = self._market.tape
        self._due.clear()
        self._stop, self._rows = stop, max(1, len(tape.symbols))
        known = KnownValues(tape, start + 1, stop, time_figures(tape))
        for rank, strategy in enumerate(self._strategies):
            for row, slot in strategy.begin_block(start, stop, known):
                self._schedule(rank, row, slot)
        self._orders.begin_block(start, stop)

    def _decide(self, slot: int) -> None:
        """Have strategies decide that are due at the close of a slot."""
        due, rows, places = self._due, self._rows, self._rows * len(self._strategies)
        while due and due[0] // places == slot:
            rank, row = divmod(heappop(due) % places, rows)
            self._schedule(rank, row, self._strategies[rank].decide(row))

    def _try_orders(self, slot: int) -> list[Fill]:
        fills = self._orders.try_now()
        for fill in fills:
            rank = self._ranks[fill.strategy]
            self._schedule(rank, *self._strategies[rank].take(fill))
        self._tell_ended()
        return fills

    def _tell_ended(self) -> None:
        """Tell strategies of their orders that expired, or left with their symbol."""
        ended, self._orders.ended = self._orders.ended, []
        for order in ended:
            rank = self._ranks[order.strategy]
            self._schedule(rank, *self._strategies[rank].take_ended(order))

    def _schedule(self, rank: int, row: int, slot: int) -> None:
        """Note when a strategy is to decide for a row; a class, for all at once, has row 0."""
        if slot < self._stop:
            heappush(self._due, (slot * len(self._strategies) + rank) * self._rows + row)

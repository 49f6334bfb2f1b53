"""Rule strategy: decides by rules for each of its symbols, at the closes at which something can happen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite

import numpy as np

from tapedeck.engine.broker.order_batch import OrderColumns
from tapedeck.engine.broker.orders import Order, OrderKind, Side
from tapedeck.engine.broker.paper_broker import PaperBroker
from tapedeck.engine.broker.records import Fill
from tapedeck.engine.conditions.known_values import KnownValues
from tapedeck.engine.conditions.needs import earlier_needs
from tapedeck.engine.conditions.row_rules import RowValue
from tapedeck.engine.conditions.vocabulary import Vocabulary
from tapedeck.engine.errors import EngineError, unknown_name_with_hint
from tapedeck.engine.strategies.account_words import AccountWords
from tapedeck.engine.strategies.definition import RuleDefinition
from tapedeck.engine.strategies.entry_window import entries_end, flat_slot
from tapedeck.engine.strategies.market import Market, first_true
from tapedeck.engine.strategies.planned_orders import OrderPlan, Outcome, RuleSlots, SlotLists
from tapedeck.engine.strategies.reasons import ENTER, EXIT, FLAT_AT_CLOSE, STOP_LOSS, TAKE_PROFIT
from tapedeck.engine.strategies.sizes import SizeInputs
from tapedeck.engine.strategies.strategy_rules import ParsedRules, RuleColumns
from tapedeck.engine.strategies.symbol_state import CloseLevels, SymbolState
from tapedeck.engine.strategies.working_orders import WorkingOrders
from tapedeck.engine.tape.bar_grid import CLOSE, Floats
from tapedeck.engine.tape.earlier_values import EarlierNeed
from tapedeck.engine.tape.session_data import SessionData


class RuleStrategy:
    """A strategy by rules. Its orders give the reason for them: one of the constants in `reasons`.

    At each close, for each symbol: with a position or an entry that works, it leaves if the close is at the
    stop loss or the profit to take, `exit` is true, or the session ends (in this order). Otherwise, without a
    working order, it enters if `enter` is true and `exit` is not.
    """

    def __init__(
        self,
        definition: RuleDefinition,
        vocabulary: Vocabulary,
        broker: PaperBroker,
        market: Market,
        orders: WorkingOrders,
    ) -> None:
        self.definition = definition
        self._broker, self._market, self._orders = broker, market, orders
        rules = ParsedRules.of(definition, vocabulary)
        self._enter, self._exit, self._row_values = rules.enter, rules.exit, rules.row_values
        for symbol in definition.symbols or ():
            if not vocabulary.any_symbol and symbol not in vocabulary.symbols:
                hint = unknown_name_with_hint("symbol", symbol, vocabulary.symbols)
                raise EngineError(f"strategy {definition.name}: {hint}")
        self._states: dict[str, SymbolState] = {}
        self.by_row: dict[int, SymbolState] = {}
        self._account = AccountWords(definition.name, broker, market, self._states.values)
        self._stop = 0
        self._levels: CloseLevels | None = None
        if definition.stop_loss is not None or definition.take_profit is not None:
            self._levels = CloseLevels(
                broker.scale, definition.side, definition.stop_loss, definition.take_profit
            )

    def earlier_needs(self, rows: Mapping[str, int]) -> frozenset[EarlierNeed]:
        """Return what its rules read of the sessions before a tape's; `rows`: row by symbol."""
        roots = [rule.rule.root for rule in (self._enter, self._exit) if rule is not None]
        nodes = [*roots, *(value.root for value in self._row_values.values())]
        return frozenset(need for node in nodes for need in earlier_needs(node, rows))

    # Sessions and blocks

    def set_rows(self) -> None:
        """Take the symbols of the market's tape, which began or has other rows."""
        rows, chosen = self._market.tape.rows, self.definition.symbols
        for symbol in rows if chosen is None else chosen:
            if symbol not in self._states:
                self._states[symbol] = SymbolState(symbol)
        for state in self._states.values():
            state.row = rows.get(state.symbol, -1)
            if state.row < 0:
                state.forget_ended_orders()
        on_tape = [state for state in self._states.values() if state.row >= 0]
        self.by_row = {state.row: state for state in sorted(on_tape, key=lambda state: state.row)}

    def begin_session(self, data: SessionData | None) -> None:
        """Begin a session; what it holds although it is flat at the close is sold at the first bar.

        `data`: of the run; rules read the market's tape instead.
        """
        self._entries_end = entries_end(self.definition, self._market.tape.slots)
        for state in self.by_row.values():
            state.entries = 0
            if self.definition.flat_at_close and state.lots and state.exit is None:
                state.exit = self._submit_exit(state, OrderKind.MARKET, FLAT_AT_CLOSE)

    def begin_block(self, start: int, stop: int, known: KnownValues) -> Iterable[tuple[int, int]]:
        """Evaluate the rules for the slots [start, stop); return when each row is to be decided first.

        `known`: values of the frontiers start + 1 … stop.
        """
        tape = self._market.tape
        self._start, self._stop = start, stop
        self._known, self._row_columns = known, dict[str, Floats]()
        self._enters = RuleColumns(self._enter, tape, known)
        self._exits = None if self._exit is None else RuleColumns(self._exit, tape, known)
        self._entries = self._enters.possible
        if self._exits is not None and self._exit is not None and not self._exit.reads_account:
            self._entries = self._entries & ~self._exits.possible
        return [(row, self._next_slot(state, start)) for row, state in self.by_row.items()]

    def bars_held_before(self) -> dict[tuple[str, str], int]:
        """Return the bars of its positions in the sessions before, by strategy and symbol."""
        name = self.definition.name
        return {(name, state.symbol): state.bars_before for state in self._states.values() if state.lots}

    @property
    def can_be_planned(self) -> bool:
        """Whether its orders of a block can be worked out at once, as they follow from the market alone."""
        definition = self.definition
        return (
            definition.side is Side.BUY
            and definition.max_entries_per_day is None
            and not definition.flat_at_close
            and self._levels is None
            and not self._enter.reads_account
            and not (self._exit is not None and self._exit.reads_account)
        )

    def plan(self, rank: int, plan: OrderPlan, bars: SlotLists, is_full: Sequence[bool]) -> bool:
        """Add its orders to a plan for slots of the block; False if they cannot be worked out so.

        `bars`: slots in which each row has a bar; `is_full`: whether those are all of the plan's.
        """
        columns = slice(plan.start - self._start, plan.stop - self._start)
        none = np.zeros_like(self._entries[:, :0])
        exits = none if self._exits is None else self._exits.possible[:, columns]
        enters = SlotLists(self._entries[:, columns], plan.start)
        rules = RuleSlots(enters, SlotLists(exits, plan.start), self._entries_end)
        return all(
            plan.add(rank, state, rules, None if is_full[row] else bars) for row, state in self.by_row.items()
        )

    def end_session(self, slots: int) -> None:
        """End a session of which `slots` slots were walked."""
        for state in self._states.values():
            state.forget_ended_orders()
            if state.lots and state.row >= 0:
                present = self._market.tape.base.present[state.row, state.since_slot : slots]
                state.bars_before += int(np.count_nonzero(present))
            state.since_slot = 0

    # Decisions

    def _next_slot(self, state: SymbolState, start: int) -> int:
        """Return the first slot from `start` on at which a symbol is to be decided; the block's end if none.

        Only the state counts that the symbol has now, which keeps the slot.
        """
        state.next_slot = self._found_slot(state, start)
        return state.next_slot

    def _found_slot(self, state: SymbolState, start: int) -> int:
        stop = self._stop
        if state.exit is not None or start >= stop:
            return stop
        if state.lots or state.entry is not None:
            return self._next_exit(state, start)
        most = self.definition.max_entries_per_day
        if state.on_close is not None or (most is not None and state.entries >= most):
            return stop
        end = min(stop, self._entries_end)
        slot = self._start + first_true(self._entries[state.row], start - self._start, end - self._start)
        return slot if slot < end else stop

    def _next_exit(self, state: SymbolState, start: int) -> int:
        slot, first = self._stop, self._start
        if self._exits is not None:
            slot = first + first_true(self._exits.possible[state.row], start - first, slot - first)
        if self._levels is not None and state.lots:
            closes = self._market.tape.base.values[CLOSE, state.row, start:slot]
            reached = (closes <= state.falls_to) | (closes >= state.rises_to)
            slot = start + first_true(reached, 0, slot - start)
        if self.definition.flat_at_close and start <= self._flat_slot < slot:
            slot = self._flat_slot
        return slot

    @property
    def _flat_slot(self) -> int:
        """The slot that decides what is closed on the session's close."""
        return flat_slot(len(self._market.tape))

    def decide(self, row: int) -> int:
        """Decide for a row at the close of the market's slot; return when it is to be decided next.

        Nothing is decided if its state is to be looked at in another slot by now.
        """
        state, slot = self.by_row[row], self._market.slot
        if state.next_slot != slot:
            return self._stop
        self._decide(state)
        return self._next_slot(state, slot + 1)

    def _decide(self, state: SymbolState) -> None:
        if state.on_close is not None:
            state.forget_ended_orders()  # it expires where the last slot has no bar
        if state.lots or state.entry is not None:
            reason = self._reason_to_leave(state)
            if reason is not None:
                self._leave(state, reason)
        elif state.is_free and not self._holds(self._exits, state) and self._holds(self._enters, state):
            self._order_entry(state)

    def _holds(self, columns: RuleColumns | None, state: SymbolState) -> bool:
        slot = self._market.slot
        return columns is not None and columns.holds(
            state.row, slot - self._start, slot + 1, self._account.figures
        )

    def _reason_to_leave(self, state: SymbolState) -> str | None:
        slot = self._market.slot
        if self._levels is not None and state.lots:
            close = float(self._market.tape.base.values[CLOSE, state.row, slot])
            falls, rises = close <= state.falls_to, close >= state.rises_to
            if falls or rises:
                return STOP_LOSS if falls is (self.definition.side is Side.BUY) else TAKE_PROFIT
        if self._holds(self._exits, state):
            return EXIT
        return FLAT_AT_CLOSE if self.definition.flat_at_close and slot == self._flat_slot else None

    def _leave(self, state: SymbolState, reason: str) -> None:
        if state.entry is not None:
            self._orders.cancel(state.entry, f"{reason}, before all of it had filled")
            state.entry = None
        if not state.lots:
            return
        if reason == FLAT_AT_CLOSE:
            state.on_close = self._submit_exit(state, OrderKind.MARKET_ON_CLOSE, reason)
            return
        if state.on_close is not None:
            self._orders.cancel(state.on_close, reason)
            state.on_close = None
        state.exit = self._submit_exit(state, OrderKind.MARKET, reason)

    def _submit_exit(self, state: SymbolState, kind: OrderKind, reason: str) -> Order | None:
        side = Side.SELL if state.lots > 0 else Side.BUY
        return self._orders.submit(self.definition.name, state.symbol, side, abs(state.lots), kind, reason)

    def _order_entry(self, state: SymbolState) -> None:
        close = self._market.last_close(state.symbol)
        if not (isfinite(close) and close > 0):
            return
        inputs = SizeInputs(
            self._broker.scale,
            close,
            self._broker.account.equity,
            lambda text: self._row_value(text, state.row),
        )
        lots = self.definition.size.lots(inputs)
        if lots:
            name, side = self.definition.name, self.definition.side
            state.entry = self._orders.submit(name, state.symbol, side, lots, OrderKind.MARKET, ENTER)
            state.entries += state.entry is not None

    def _row_value(self, text: str, row: int) -> float:
        if text not in self._row_columns:
            value: RowValue = self._row_values[text]
            self._row_columns[text] = value.of(self._known, self._market.tape.symbols)
        return float(self._row_columns[text][row, self._market.slot - self._start])

    # Fills

    def take_ended(self, order: Order) -> tuple[int, int]:
        """Take an order that expired, or left with its symbol: it is looked at where the rules say."""
        return 0, self._stop

    def take(self, fill: Fill) -> tuple[int, int]:
        """Take a fill of one of its orders; return its row, and when that is to be decided."""
        state = self._states[fill.symbol]
        if not state.lots:
            state.since_slot, state.bars_before = fill.slot, 0
        state.lots = fill.held
        state.forget_ended_orders()
        if self._levels is not None and state.lots:
            position = self._broker.account.positions.of(fill.strategy, fill.symbol)
            state.falls_to, state.rises_to = self._levels.of(position.cost, position.lots)
        return (state.row, self._next_slot(state, fill.slot)) if state.row >= 0 else (0, self._stop)

    def take_outcome(
        self, outcome: Outcome, orders: OrderColumns, working: Mapping[tuple[str, str], Order]
    ) -> None:
        """Take what a plan has come to in a symbol; `working`: new orders by strategy and symbol."""
        state = outcome.state
        state.forget_ended_orders()
        state.entries += outcome.entries
        if outcome.entry is not None:
            state.since_slot, state.bars_before = int(orders.fill_slot[outcome.entry]), 0
            state.lots = int(orders.lots[outcome.entry])
        elif not outcome.holds:
            state.lots = 0
        order = working.get((self.definition.name, state.symbol))
        if order is not None and outcome.holds:
            state.exit = order
        elif order is not None:
            state.entry = order

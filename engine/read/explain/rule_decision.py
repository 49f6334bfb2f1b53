"""Decision of a rule strategy at a slot: its rules, which of them decided, and what held it back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import isnan

from tapedeck.engine.broker.orders import OrderRecord, Side
from tapedeck.engine.conditions.account_values import AccountValues, symbols_read
from tapedeck.engine.read.explain.decision_explanation import ExplainedRule, Outcome, PartValue, RulePart
from tapedeck.engine.read.explain.rule_parts import RuleReader
from tapedeck.engine.read.explain.strategy_at import StrategyAt
from tapedeck.engine.strategies.definition import RuleDefinition
from tapedeck.engine.strategies.entry_window import entries_end, flat_slot
from tapedeck.engine.strategies.reasons import ENTER, EXIT, FLAT_AT_CLOSE, STOP_LOSS, TAKE_PROFIT
from tapedeck.engine.strategies.sizes import SizeInputs
from tapedeck.engine.strategies.strategy_rules import ParsedRules
from tapedeck.engine.strategies.symbol_state import CloseLevels
from tapedeck.engine.strategies.values_then import ValuesThen
from tapedeck.engine.strategies.words import time_figures


@dataclass(frozen=True)
class RuleDecision:
    """The rules of a definition at a slot, which is not before the first."""

    definition: RuleDefinition
    parsed: ParsedRules
    at: StrategyAt

    @cached_property
    def rules(self) -> tuple[ExplainedRule, ...]:
        """The rules as far as they concern the moment: `enter`, `exit`, then those of a position."""
        found = [self._reader.explained(ENTER, self.definition.enter, self.parsed.enter.rule.root)]
        if self.definition.exit is not None and self.parsed.exit is not None:
            found.append(self._reader.explained(EXIT, self.definition.exit, self.parsed.exit.rule.root))
        if self.definition.flat_at_close:
            found.append(self._flat_at_close())
        return (*found, *self._levels())

    @cached_property
    def decided_by(self) -> str:
        """The name of the rule that decided, empty if none did."""
        if self.at.exit is not None:
            return ""
        if self.at.position.lots or self.at.entry is not None:
            leaves = (STOP_LOSS, TAKE_PROFIT, EXIT, FLAT_AT_CLOSE)
            return next((name for name in leaves if self._is_true(name)), "")
        return ENTER if self._is_true(ENTER) and not self.held_back else ""

    @cached_property
    def held_back(self) -> tuple[str, ...]:
        """In words, what kept `enter` from giving an order, or would have."""
        return tuple(self._not_free()) or tuple(self._not_now())

    @cached_property
    def _reader(self) -> RuleReader:
        at, frontier = self.at, self.at.frontier
        rules = (rule for rule in (self.parsed.enter, self.parsed.exit) if rule is not None)
        named = symbols_read(*(rule.rule.root for rule in rules))
        symbols = None if named is None else named | {at.symbol}
        account = AccountValues(at.record, at.tape, at.strategy, symbols).figures
        known = ValuesThen(at.tape, frontier, frontier, {**time_figures(at.tape), **account})
        return RuleReader(at.tape, known, at.row)

    def _is_true(self, name: str) -> bool:
        return any(rule.name == name and rule.outcome is Outcome.TRUE for rule in self.rules)

    # Rules of a position

    def _flat_at_close(self) -> ExplainedRule:
        is_true = self.at.slot == flat_slot(len(self.at.tape))
        outcome = Outcome.TRUE if is_true else Outcome.FALSE
        return ExplainedRule(FLAT_AT_CLOSE, "one slot before the session's last", outcome)

    def _levels(self) -> Iterator[ExplainedRule]:
        """Yield the stop loss and the profit to take of the position."""
        definition, position = self.definition, self.at.position
        if not position.lots:
            return
        levels = CloseLevels(
            self.at.record.scale, definition.side, definition.stop_loss, definition.take_profit
        )
        falls_to, rises_to = levels.of(position.cost, position.lots)
        below, above = f"close <= {falls_to:.12g}", f"close >= {rises_to:.12g}"
        bar = self.at.bar
        close = None if bar is None else bar[3]
        is_below, is_above = close is not None and close <= falls_to, close is not None and close >= rises_to
        texts = {STOP_LOSS: (below, is_below), TAKE_PROFIT: (above, is_above)}
        if definition.side is Side.SELL:
            texts = {STOP_LOSS: (above, is_above), TAKE_PROFIT: (below, is_below)}
        for name, percent in ((STOP_LOSS, definition.stop_loss), (TAKE_PROFIT, definition.take_profit)):
            if percent is not None:
                text, is_true = texts[name]
                yield _level(name, text, close, is_true)

    # What holds an entry back

    def _not_free(self) -> Iterator[str]:
        """Yield what a position or a working order holds back."""
        at, scale = self.at, self.at.record.scale
        if at.position.lots:
            yield f"it holds {scale.shares(at.position.lots):,.12g} shares: it enters only without a position"
        for order in at.working:
            yield f"order {order.number} works: {self._left(order)}"

    def _left(self, order: OrderRecord) -> str:
        scale = self.at.record.scale
        left = scale.shares(order.lots - order.filled)
        of_all = f" of {scale.shares(order.lots):,.12g}" if order.filled else ""
        return f"{order.side.value} {left:,.12g}{of_all}, {order.reason}"

    def _not_now(self) -> Iterator[str]:
        """Yield what holds back an entry without a position and working orders."""
        most = self.definition.max_entries_per_day
        if most is not None and self.at.entries >= most:
            yield f"max_entries_per_day is {most}: entries in the session: {self.at.entries}"
        yield from self._outside_window()
        if self._is_true(EXIT):
            yield "exit is true, and beats enter"
        yield from self._without_size()

    def _outside_window(self) -> Iterator[str]:
        definition, slots, slot = self.definition, self.at.tape.slots, self.at.slot
        if slot < entries_end(definition, slots):
            return
        if definition.flat_at_close and slot >= flat_slot(len(slots)):
            yield "flat_at_close: nothing is entered in the session's last two slots"
        if slot >= entries_end(replace(definition, flat_at_close=False), slots):
            after = f"{definition.no_entry_after:%H:%M:%S}".removesuffix(":00")
            yield f"no_entry_after is {after}"

    def _without_size(self) -> Iterator[str]:
        close = self.at.close
        if close is None or close <= 0:
            yield f"{self.at.symbol} has no price yet" if close is None else f"its close is {close:,.12g}"
            return
        values = {text: self._reader.value(one.root) for text, one in self.parsed.row_values.items()}
        for text, value in values.items():
            if isnan(value):
                yield f"{text}, which its size needs, is missing"
                return
        account = self.at.account
        size = SizeInputs(self.at.record.scale, close, lambda: account.equity, values.__getitem__)
        if not self.definition.size.lots(size):
            yield f"its size comes to 0 lots at the close, {close:,.12g}"


def _level(name: str, text: str, close: float | None, is_true: bool) -> ExplainedRule:
    outcome = Outcome.MISSING if close is None else Outcome.TRUE if is_true else Outcome.FALSE
    part = RulePart(text, 0, outcome, values=(PartValue("close", close),))
    return ExplainedRule(name, text, outcome, (part,))

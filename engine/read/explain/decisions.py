"""Explanations of decisions: what each strategy decided for a symbol at the close of a slot, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from tapedeck.engine.broker.fill_rules import FillRules
from tapedeck.engine.broker.money import MoneyScale
from tapedeck.engine.broker.orders import OrderKind, OrderRecord, OrderState
from tapedeck.engine.broker.terms import AccountTerms
from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.conditions.account_values import AccountValues
from tapedeck.engine.conditions.vocabulary import Vocabulary
from tapedeck.engine.errors import EngineError, listed, unknown_name_with_hint
from tapedeck.engine.read.explain.decision_explanation import DecisionExplanation, ExplainedOrder
from tapedeck.engine.read.explain.rule_decision import RuleDecision
from tapedeck.engine.read.explain.strategy_at import StrategyAt
from tapedeck.engine.strategies.definition import ClassDefinition, RuleDefinition
from tapedeck.engine.strategies.entry_moments import EntryMoments
from tapedeck.engine.strategies.strategy_rules import ParsedRules
from tapedeck.engine.tape.tape import Tape

Definition = RuleDefinition | ClassDefinition


class DecisionReader:
    """Explains what the strategies of a run decided, from a session's tape and the record of its account.

    `definitions`: in the order of the session file. `rules`: of those by rules, by name. ConditionError for a
    rule that the vocabulary does not allow. Any thread may use it.
    """

    def __init__(
        self, definitions: Sequence[Definition], terms: AccountTerms, vocabulary: Vocabulary
    ) -> None:
        self.definitions = tuple(definitions)
        self.rules = {
            one.name: ParsedRules.of(one, vocabulary)
            for one in definitions
            if isinstance(one, RuleDefinition)
        }
        self._fill_rules = FillRules(terms)

    def explain(self, tape: Tape, symbol: str, frontier: int) -> tuple[DecisionExplanation, ...]:
        """Return what each strategy decided for a symbol at the close of the slot before a frontier.

        Empty for a tape without an account. The tape is computed up to the frontier. EngineError for a symbol
        that is not on the tape, or a frontier that it does not have.
        """
        if symbol not in tape.rows:
            raise EngineError(unknown_name_with_hint("symbol", symbol, tape.symbols))
        if not 0 <= frontier <= len(tape):
            raise EngineError(f"invalid frontier {frontier}: use 0 to {len(tape)}")
        if tape.account is None:
            return ()
        record = tape.account.record
        return tuple(
            self._explained(one, StrategyAt(record, tape, one.name, symbol, frontier))
            for one in self.definitions
        )

    def entries(self, strategy: str, symbol: str | None) -> EntryMoments:
        """Return where the entry rule of a strategy becomes true, for one of its symbols or for all.

        EngineError for a strategy or symbol that is unknown, a class, or a symbol that it does not trade.
        """
        known = {one.name: one for one in self.definitions}
        if strategy not in known:
            raise EngineError(unknown_name_with_hint("strategy", strategy, list(known)))
        definition = known[strategy]
        if not isinstance(definition, RuleDefinition):
            raise EngineError(f"strategy {strategy} is a class: only strategies by rules have an entry rule")
        symbols = definition.symbols
        if symbol is not None:
            if symbols is not None and symbol not in symbols:
                raise EngineError(f"strategy {strategy} does not trade {symbol}: it trades {listed(symbols)}")
            symbols = (symbol,)
        return EntryMoments(strategy, self.rules[strategy].enter, symbols)

    def _explained(self, definition: Definition, at: StrategyAt) -> DecisionExplanation:
        scale, walked = at.record.scale, at.record.walked
        plain = DecisionExplanation(
            strategy=definition.name,
            kind="rule" if isinstance(definition, RuleDefinition) else "class",
            symbol=at.symbol,
            frontier=at.frontier,
            clock=utc_from_epoch(at.tape.slots.clock(at.frontier)),
            scale=scale,
            close=at.close,
            lots=at.position.lots,
            cost=at.position.cost,
            bars_held=_bars_held(at) if isinstance(definition, RuleDefinition) else None,
            decision="no order",
        )
        if at.frontier > walked:
            return replace(plain, note=f"not decided yet: {definition.name} stands at slot {walked}")
        orders = at.orders(self._fill_rules)
        explained = replace(
            plain,
            decision="; ".join(_words(orders, scale)) or "no order",
            orders=orders,
            notes=tuple(
                note for note in at.record.notes if (note.strategy, note.slot) == (at.strategy, at.slot)
            ),
            note=_note(at),
        )
        return self._with_rules(explained, definition, at)

    def _with_rules(
        self, explained: DecisionExplanation, definition: Definition, at: StrategyAt
    ) -> DecisionExplanation:
        if definition.symbols is not None and at.symbol not in definition.symbols:
            traded = f"it trades {listed(definition.symbols)}, not {at.symbol}"
            return replace(explained, held_back=(traded,))
        is_rule = isinstance(definition, RuleDefinition)
        if at.slot < 0:
            return replace(explained, held_back=("no slot of the session is over yet",) if is_rule else ())
        if not at.is_there:
            return replace(explained, held_back=(f"{at.symbol} was not in the session",))
        if not isinstance(definition, RuleDefinition):
            return explained
        decision = RuleDecision(definition, self.rules[definition.name], at)
        return replace(
            explained,
            rules=decision.rules,
            decided_by=decision.decided_by,
            held_back=decision.held_back,
        )


def _words(orders: Sequence[ExplainedOrder], scale: MoneyScale) -> Iterator[str]:
    """Yield in words what was decided: orders given, and orders cancelled."""
    for explained in orders:
        order = explained.order
        if explained.is_cancelled:
            yield f"cancels order {order.number}: {order.state_reason}"
        if explained.is_decided:
            yield _order_in_words(order, scale)


def _order_in_words(order: OrderRecord, scale: MoneyScale) -> str:
    on_close = " on close" if order.kind is OrderKind.MARKET_ON_CLOSE else ""
    refused = ", refused" if order.state is OrderState.REFUSED else ""
    reason = f", {order.reason}" if order.reason else ""
    quantity = f"{scale.shares(order.lots):,.12g}"
    return f"order {order.number}: {order.side.value} {quantity}{on_close}{reason}{refused}"


def _bars_held(at: StrategyAt) -> int:
    bars = AccountValues(at.record, at.tape, at.strategy, (at.symbol,)).figures["bars_held"]
    held = bars(np.array([min(at.frontier, at.record.walked)], dtype=np.int64))
    return int(held[at.row, 0])


def _note(at: StrategyAt) -> str:
    corrected = at.tape.corrected
    if corrected is None or not corrected[:, : at.frontier].any():
        return ""
    return "bars up to this slot came late or were corrected: it may have decided on others"

"""Explanation of what a strategy decided for a symbol at the close of a slot, as data for display."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from enum import Enum

from tapedeck.engine.broker.account_record import StrategyNote
from tapedeck.engine.broker.money import MoneyScale
from tapedeck.engine.broker.orders import OrderRecord
from tapedeck.engine.broker.records import Fill


class Outcome(Enum):
    """Whether a rule or a part of it is true. MISSING: neither, as a value of it is missing."""

    TRUE = "true"
    FALSE = "false"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class PartValue:
    """A value in a part of a rule. `text`: as written.

    `value`: at the frontier; a time of day of the exchange for `time`; None where it is missing. `before`: in
    a cross, one slot before. `is_made`: whether it is a value of a quote that is made.
    """

    text: str
    value: float | time | None
    before: float | None = None
    is_made: bool = False


@dataclass(frozen=True, slots=True)
class RulePart:
    """A part of a rule. `text`: as written. `level`: 0 for the rule itself, 1 more for each part of a part.

    `joined_by`: "and", "or" or "not" over the parts that follow, one level deeper; empty for a comparison or
    cross. `values`: of a comparison or cross. `symbols_true`: number of symbols for which a comparison with
    `any` or `all` is true; None for others.
    """

    text: str
    level: int
    outcome: Outcome
    joined_by: str = ""
    is_cross: bool = False
    values: tuple[PartValue, ...] = ()
    symbols_true: int | None = None


@dataclass(frozen=True, slots=True)
class ExplainedRule:
    """A rule of a strategy at a frontier.

    `name`: `enter`, `exit`, `stop_loss`, `take_profit` or `flat_at_close`. `text`: the rule; of a stop loss
    or profit, the close that it waits for. `parts`: from left to right, each before its own parts.
    """

    name: str
    text: str
    outcome: Outcome
    parts: tuple[RulePart, ...] = ()


@dataclass(frozen=True, slots=True)
class ExplainedOrder:
    """An order of the strategy in the symbol that was decided at the slot, or worked in it.

    `order`: as it stood when the slot was over. `is_decided`: whether it was decided at the slot.
    `is_cancelled`: whether it was cancelled at the slot. `fills`: in the slot. `why`: why it was refused, or
    did not fill to the end in the slot; empty if it did.
    """

    order: OrderRecord
    is_decided: bool
    is_cancelled: bool
    fills: tuple[Fill, ...]
    why: str


@dataclass(frozen=True, slots=True)
class DecisionExplanation:
    """One strategy and one symbol at the close of a slot, `frontier` - 1.

    `kind`: "rule" or "class"; a class has no `rules`. `clock`: at the frontier, UTC. `close`: the last close
    known; None without one. `lots`: of the position, below 0 if short; `cost`: of these in units.
    `bars_held`: the symbol's bars since it was opened; None of a class. `decision`: in words, what was
    decided. `decided_by`: name of the rule that decided, empty if none did. `held_back`: in words, what kept
    `enter` from giving an order, or would have. `orders`: by number. `notes`: of the strategy at the slot,
    for any symbol. `note`: what else concerns the explanation, such as bars that were corrected since; else
    empty. Money is in units of `scale`, quantities are in its lots.
    """

    strategy: str
    kind: str
    symbol: str
    frontier: int
    clock: datetime
    scale: MoneyScale
    close: float | None
    lots: int
    cost: int
    bars_held: int | None
    decision: str
    decided_by: str = ""
    rules: tuple[ExplainedRule, ...] = ()
    held_back: tuple[str, ...] = ()
    orders: tuple[ExplainedOrder, ...] = ()
    notes: tuple[StrategyNote, ...] = ()
    note: str = ""

    @property
    def slot(self) -> int:
        """The slot at whose close was decided; -1 before the first."""
        return self.frontier - 1

"""Text of a decision: what a strategy decided at a slot, by which rules, and what became of its orders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import time
from typing import Final

from textual.content import Content

from tapedeck.console.app.account_texts import price_text, share_count, signed_amount
from tapedeck.console.app.grid_text import MISSING, QUIET, Cell, counted, folded, number
from tapedeck.console.app.widgets.figures import decimals_of
from tapedeck.engine.broker.orders import OrderState
from tapedeck.engine.read.explain.decision_explanation import (
    DecisionExplanation,
    ExplainedOrder,
    ExplainedRule,
    Outcome,
    PartValue,
    RulePart,
)
from tapedeck.engine.strategies.reasons import ENTER

_OUTCOMES: Final = {
    Outcome.TRUE: "$text-success",
    Outcome.FALSE: "$text-error",
    Outcome.MISSING: "$text-warning",
}
_DECIMALS: Final = 4
_INDENT: Final = "  "

Row = tuple[str | Cell, str | Cell]


def decision_text(found: DecisionExplanation, width: int) -> Content:
    """Return what a strategy decided as text; long rows are folded to the width."""
    parts = [folded(list(_head(found)), width)]
    for rule in found.rules:
        parts += [Content(""), folded([_rule(rule), *map(_part, _shown_parts(rule))], width)]
    for order in found.orders:
        parts += [Content(""), folded(list(_order(order, found)), width)]
    if found.notes:
        parts += [
            Content(""),
            folded([_named("noted", _noted(note.text, note.value)) for note in found.notes], width),
        ]
    return Content("\n").join(parts)


def _named(name: str, text: str, style: str = "") -> Row:
    return Cell(name, QUIET), Cell(text, style)


def _head(found: DecisionExplanation) -> Iterator[Row]:
    yield _named("decided", found.decision, "bold")
    enters = all(rule.outcome is Outcome.TRUE for rule in found.rules if rule.name == ENTER)
    for text in found.held_back:
        yield _named("held back" if enters else "in any case", text, "$text-warning" if enters else "")
    yield _named("position", _position(found))
    yield _named("close", MISSING if found.close is None else price_text(found.close))
    if found.note:
        yield _named("note", found.note)


def _position(found: DecisionExplanation) -> str:
    if not found.lots:
        return "none"
    scale = found.scale
    side = "long" if found.lots > 0 else "short"
    average = price_text(scale.price(found.cost, found.lots))
    text = f"{side} {share_count(scale.shares(abs(found.lots)))} at {average}"
    if found.bars_held is not None:
        text += f", {counted(found.bars_held, 'bar')}"
    if found.close is None:
        return text
    return f"{text}, {signed_amount(scale.amount(scale.value(found.close, found.lots) - found.cost))}"


# Rules


def _rule(rule: ExplainedRule) -> Row:
    return Cell(rule.name, "bold"), Cell(f"{rule.outcome.value}: {rule.text}", _OUTCOMES[rule.outcome])


def _shown_parts(rule: ExplainedRule) -> Sequence[RulePart]:
    """Return the parts of a rule without the first one, the whole rule, unless that alone has values."""
    return rule.parts[1:] if len(rule.parts) > 1 else [part for part in rule.parts if part.values]


def _part(part: RulePart) -> Row:
    words = f"{_INDENT * max(part.level - 1, 0)}{part.text}"
    values = ", ".join(map(_value, part.values))
    if part.symbols_true is not None:
        values = ", ".join(filter(None, (values, f"true for {counted(part.symbols_true, 'symbol')}")))
    return Cell(f"  {part.outcome.value}", _OUTCOMES[part.outcome]), f"{words}   {values}".rstrip()


def _value(value: PartValue) -> str:
    before = "" if value.before is None else f"{_figure(value.before)} → "
    made = " (made)" if value.is_made and value.value is not None else ""
    return f"{value.text} is {before}{_figure(value.value)}{made}"


def _figure(value: float | time | None) -> str:
    if isinstance(value, time):
        return f"{value:%H:%M:%S}".removesuffix(":00")
    if value is None:
        return MISSING
    whole = value == round(value)
    return number(value, 0 if whole else max(_DECIMALS, decimals_of(abs(value))))


# Orders


def _order(one: ExplainedOrder, found: DecisionExplanation) -> Iterator[Row]:
    order, scale = one.order, found.scale
    when = "decided here" if one.is_decided else "works since an earlier slot"
    what = f"{order.side.value} {share_count(scale.shares(order.lots))}, {order.kind.value.replace('_', ' ')}"
    yield (
        Cell(f"order {order.number}", "bold"),
        f"{what}; {when}{f': {order.reason}' if order.reason else ''}",
    )
    for fill in one.fills:
        yield _named(
            "  filled", f"{share_count(scale.shares(fill.lots))} at {price_text(fill.price)}", "$text-success"
        )
    if one.is_cancelled:
        yield _named("  cancelled", order.state_reason or "by the strategy", "$text-warning")
    elif one.why:
        if order.state is OrderState.REFUSED:
            yield _named("  why not", one.why, "$text-error")
        else:
            yield _named("  not yet", one.why, "$text-warning")


def _noted(text: str, value: float | None) -> str:
    return text if value is None else f"{text} {_figure(value)}"

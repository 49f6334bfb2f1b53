"""Explanations of quotes: which quote is held, since when, and whether it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.indicators.reasons import ExplainedInput
from tapedeck.engine.read.explain.explanation import Explained, Explanation
from tapedeck.engine.read.explain.moment import Moment, last_value
from tapedeck.engine.tape.bar_grid import CLOSE, Floats, Ints
from tapedeck.engine.tape.quote_figures import QUOTE_FIGURES, SPREAD
from tapedeck.engine.tape.quote_view import QuoteView

_SIZES: Final = ("bid_size", "ask_size")


@dataclass(frozen=True, slots=True)
class _Side:
    """A side that is held: its value, and the slot in which it came. `note`: both in words, or why not."""

    name: str
    value: float | None
    slot: int | None
    note: str


def explain_quote(moment: Moment, name: str) -> Explanation:
    """Return the explanation of one of `QUOTE_FIGURES`."""
    view, figure = moment.view, QUOTE_FIGURES[name]
    quotes = view.quotes(moment.symbol)
    assert quotes is not None  # the name is known in sessions with quotes only
    names = ("ask", "bid") if name == SPREAD else (name,)
    sides = [_side(moment, quotes, one) for one in names]
    values = [side.value for side in sides if side.value is not None]
    is_known = len(values) == len(sides)
    value = None
    if is_known:
        value = values[0] - values[1] if name == SPREAD else values[0]
    slots = [side.slot for side in sides if side.slot is not None]
    inputs: tuple[ExplainedInput, ...] = ()
    if quotes.made and slots:
        inputs = (moment.base_input("close", slots[0], slots[0] + 1),)
    return Explanation(
        symbol=moment.symbol,
        name=name,
        kind=Explained.QUOTE,
        frontier=view.frontier,
        clock=view.clock,
        value=value,
        formula=_formula(figure.formula, name, quotes),
        source=_source(moment, quotes),
        interval=view.base_interval,
        bar_opened_at=utc_from_epoch(int(quotes.opened_at[max(slots)])) if is_known else None,
        terms={side.name: side.value for side in sides if side.value is not None} if name == SPREAD else {},
        inputs=inputs,
        bars_used=len(inputs),
        is_warm=is_known,
        note="; ".join(dict.fromkeys(side.note for side in sides)),
    )


def _formula(formula: str, name: str, quotes: QuoteView) -> str:
    if not quotes.made or name in _SIZES:
        return formula
    return f"{formula}, which is 0 as both are made" if name == SPREAD else "close of the last bar (made)"


def _source(moment: Moment, quotes: QuoteView) -> str:
    base = moment.view.base_interval
    return f"made of {moment.describe_bars(base)}" if quotes.made else f"the last quote of each {base} slot"


def _side(moment: Moment, quotes: QuoteView, name: str) -> _Side:
    if quotes.made:
        return _made_side(moment, quotes, name)
    values: Floats = getattr(quotes, name)
    side = name.removesuffix("_size")
    at = moment.view.quote_slots(moment.symbol)[side == "ask"]
    if at is None:
        return _Side(name, None, None, f"no quote with {_article(side)} has come in this session yet")
    time = _time(moment, quotes.opened_at, at)
    if np.isnan(values[-1]):
        return _Side(name, None, None, f"the {side} of {time} came without its size")
    count = len(values) - 1 - at
    held = "" if not count else f", held for {_slots(count)} since"
    what = f"size of the {side}" if name in _SIZES else side
    return _Side(name, float(values[-1]), at, f"{what} of the last quote in the slot {time}{held}")


def _made_side(moment: Moment, quotes: QuoteView, name: str) -> _Side:
    none = f"as there are no quotes of {moment.symbol} for {moment.view.trading_day}"
    if name in _SIZES:
        return _Side(name, None, None, f"made quotes have no size: bid = ask = close of the last bar, {none}")
    closes = moment.bars(moment.view.base_interval)[CLOSE][: len(quotes)]
    at = last_value(closes)
    if at is None:
        return _Side(name, None, None, f"made of the close of the last bar, {none}: it has no bar yet")
    time = _time(moment, quotes.opened_at, at)
    return _Side(name, float(closes[at]), at, f"made: bid = ask = close of the last bar, {time}, {none}")


def _time(moment: Moment, opened_at: Ints, slot: int) -> str:
    local = utc_from_epoch(int(opened_at[slot])).astimezone(moment.view.session.zone)
    return f"{local:%H:%M:%S}".removesuffix(":00")


def _slots(count: int) -> str:
    return "1 slot" if count == 1 else f"{count:,} slots"


def _article(side: str) -> str:
    return f"an {side}" if side == "ask" else f"a {side}"

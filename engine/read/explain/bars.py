"""Explanations of a bar's fields, and of a symbol's last price, quality and missing bars."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tapedeck.engine.indicators.reasons import ExplainedInput
from tapedeck.engine.intervals import Interval
from tapedeck.engine.quality.gaps_and_scores import score
from tapedeck.engine.read.explain.explanation import Explained, Explanation
from tapedeck.engine.read.explain.moment import Moment, last_value
from tapedeck.engine.tape.bar_grid import CLOSE, FIELDS

SESSION_NAMES: Final = ("last", "quality", "missing", "gaps")

_REDUCTIONS: Final = {
    "open": "open of the bucket's first base bar",
    "high": "highest high of the bucket's base bars",
    "low": "lowest low of the bucket's base bars",
    "close": "close of the bucket's last base bar",
    "volume": "sum of the volumes of the bucket's base bars",
}


def explain_bar(moment: Moment, field: str, interval: Interval) -> Explanation:
    """Return the explanation of a field of the symbol's last bar of an interval."""
    view = moment.view
    values = moment.bars(interval)[FIELDS.index(field)]
    column = last_value(values)
    derived = interval != view.base_interval
    inputs: tuple[ExplainedInput, ...] = ()
    used = missing = 0
    if column is not None:
        start, stop = view.bucket_span(interval, column)
        inputs = (moment.base_input(field, start, stop),)
        used = len(inputs[0].values)
        missing = stop - start - used
    return Explanation(
        symbol=moment.symbol,
        name=field,
        kind=Explained.BAR,
        frontier=view.frontier,
        clock=view.clock,
        value=None if column is None else float(values[column]),
        formula=_REDUCTIONS[field] if derived else f"{field} of the last bar that is over",
        source=moment.describe_bars(interval),
        interval=interval,
        bar_opened_at=moment.opened_at(interval, column),
        inputs=inputs,
        bars_used=used,
        missing_bars=missing,
        is_warm=column is not None,
    )


def explain_session(moment: Moment, name: str) -> Explanation:
    """Return the explanation of one of `SESSION_NAMES`."""
    return _explain_last(moment) if name == "last" else _explain_quality(moment, name)


def _explain_last(moment: Moment) -> Explanation:
    base, view = moment.view.base_interval, moment.view
    closes = moment.bars(base)[CLOSE]
    at = last_value(closes)
    plain = Explanation(
        symbol=moment.symbol,
        name="last",
        kind=Explained.SESSION,
        frontier=view.frontier,
        clock=view.clock,
        value=None,
        formula="close of the last bar",
        source=moment.describe_bars(base),
        interval=base,
        bar_opened_at=moment.opened_at(base, at),
        missing_bars=view.frontier,
        is_warm=at is not None,
    )
    if at is None:
        return plain
    return replace(
        plain,
        value=float(closes[at]),
        terms={"last": float(closes[at])},
        inputs=(moment.base_input("close", at, at + 1),),
        bars_used=1,
        missing_bars=view.frontier - 1 - at,
    )


def _explain_quality(moment: Moment, name: str) -> Explanation:
    base, view = moment.view.base_interval, moment.view
    present = int(view.present_grid(base)[moment.row].sum())
    gaps = view.gaps(moment.symbol)
    measured = view.quality_measured
    # The tape's score may lag behind the clock by a block, so it is computed here.
    expected = int(view.expected_counts(base)[moment.row])
    quality = score(present, expected) if measured else view.quality(moment.symbol)
    terms = {"bars present": float(present), "slots elapsed": float(view.frontier)}
    slots, divisor, without = "slots elapsed", "slots elapsed", "elapsed slots without a bar"
    if expected < view.frontier:
        terms["slots confirmed empty"] = float(view.frontier - expected)
        slots = "slots elapsed − slots confirmed empty"
        divisor, without = f"({slots})", f"{without} that are not confirmed empty"
    missing = view.missing_counts()[moment.row]
    if name == "gaps":
        terms = {"runs of missing bars": float(len(gaps)), "missing bars": float(missing)}
    values = {"quality": quality, "missing": float(missing), "gaps": float(len(gaps))}
    formulas = {
        "quality": f"100 × bars present ÷ {divisor}" if measured else "not measured: set to 100",
        "missing": f"{slots} − bars present" if measured else "not measured: set to 0",
        "gaps": f"runs of {without}" if measured else "not measured: set to 0",
    }
    return Explanation(
        symbol=moment.symbol,
        name=name,
        kind=Explained.QUALITY,
        frontier=view.frontier,
        clock=view.clock,
        value=values[name],
        formula=formulas[name],
        source=moment.describe_bars(base),
        interval=base,
        terms=terms if measured else {},
        bars_used=present,
        missing_bars=expected - present,
    )

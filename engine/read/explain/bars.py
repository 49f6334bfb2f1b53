"""Explanations of a bar's fields and of a symbol's session: last, change, volume, quality, gaps."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from tapedeck.engine.indicators.reasons import ExplainedInput
from tapedeck.engine.intervals import Interval
from tapedeck.engine.quality.gaps_and_scores import score
from tapedeck.engine.read.explain.explanation import Explained, Explanation
from tapedeck.engine.read.explain.moment import Moment, last_value
from tapedeck.engine.tape.bar_grid import CLOSE, FIELDS, OPEN, VOLUME
from tapedeck.engine.tape.session_totals import SessionTotals

SESSION_VOLUME: Final = "session volume"
"""Name of the session's volume so far; `volume` is that of a bar."""
SESSION_NAMES: Final = ("last", "change", SESSION_VOLUME, "quality", "gaps")

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
    totals = moment.view.totals(moment.symbol)
    if name == SESSION_VOLUME:
        return _explain_volume(moment, totals)
    if name in ("last", "change"):
        return _explain_price(moment, name, totals)
    return _explain_quality(moment, name)


def _explain_volume(moment: Moment, totals: SessionTotals | None) -> Explanation:
    """Explain the session's volume so far, over all its bars."""
    base, frontier = moment.view.base_interval, moment.view.frontier
    volumes = moment.base_input("volume", 0, frontier)
    return Explanation(
        symbol=moment.symbol,
        name="volume",
        kind=Explained.SESSION,
        frontier=frontier,
        clock=moment.view.clock,
        value=None if totals is None else totals.volume,
        formula="sum of the volumes of the session's bars so far",
        source=moment.describe_bars(base),
        interval=base,
        bar_opened_at=moment.opened_at(base, last_value(moment.bars(base)[VOLUME])),
        inputs=(volumes,),
        bars_used=len(volumes.values),
        missing_bars=frontier - len(volumes.values),
        is_warm=totals is not None,
    )


def _explain_price(moment: Moment, name: str, totals: SessionTotals | None) -> Explanation:
    base, view = moment.view.base_interval, moment.view
    bars = moment.bars(base)
    last = last_value(bars[CLOSE])
    plain = Explanation(
        symbol=moment.symbol,
        name=name,
        kind=Explained.SESSION,
        frontier=view.frontier,
        clock=view.clock,
        value=None,
        formula="close of the last bar"
        if name == "last"
        else "100 × (last ÷ first open of the session − 1), in percent",
        source=moment.describe_bars(base),
        interval=base,
        bar_opened_at=moment.opened_at(base, last),
        missing_bars=view.frontier,
        is_warm=last is not None,
    )
    if last is None or totals is None:
        return plain
    close, since = moment.base_input("close", last, last + 1), view.frontier - 1 - last
    if name == "last":
        terms = {"last": totals.last}
        return replace(
            plain, value=totals.last, terms=terms, inputs=(close,), bars_used=1, missing_bars=since
        )
    first = int(np.flatnonzero(~np.isnan(bars[OPEN]))[0])
    return replace(
        plain,
        value=totals.change_pct,
        terms={"first open": totals.open, "last": totals.last},
        inputs=(moment.base_input("open", first, first + 1), close),
        bars_used=len({first, last}),
        missing_bars=first + since,  # any of these would replace the first or the last bar
    )


def _explain_quality(moment: Moment, name: str) -> Explanation:
    base, view = moment.view.base_interval, moment.view
    present = int(view.present_grid(base)[moment.row].sum())
    gaps = view.gaps(moment.symbol)
    measured = view.quality_measured
    # The tape's score may lag behind the clock by a block, so it is computed here.
    quality = score(present, view.frontier) if measured else view.quality(moment.symbol)
    terms = {"bars present": float(present), "slots elapsed": float(view.frontier)}
    if name == "gaps":
        terms = {"gaps": float(len(gaps)), "bars missing": float(sum(gap.count for gap in gaps))}
    formulas = {
        "quality": "100 × bars present ÷ slots elapsed" if measured else "not measured: set to 100",
        "gaps": "runs of elapsed slots without a bar" if measured else "not measured: set to 0",
    }
    return Explanation(
        symbol=moment.symbol,
        name=name,
        kind=Explained.QUALITY,
        frontier=view.frontier,
        clock=view.clock,
        value=quality if name == "quality" else float(len(gaps)),
        formula=formulas[name],
        source=moment.describe_bars(base),
        interval=base,
        terms=terms if measured else {},
        bars_used=present,
        missing_bars=view.frontier - present,
    )

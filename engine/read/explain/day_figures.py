"""Explanations of the figures of the trading day: prior close, change, gap, open, high, low, volume."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots, utc_from_epoch
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.indicators.reasons import ExplainedInput
from tapedeck.engine.intervals import DAY, Interval
from tapedeck.engine.read.explain.explanation import Explained, Explanation
from tapedeck.engine.read.explain.moment import Moment, last_value
from tapedeck.engine.tape.bar_grid import CLOSE, FIELDS, OPEN
from tapedeck.engine.tape.day_figures import DAY_FIGURES


@dataclass(frozen=True, slots=True)
class _Part:
    """Part of a formula: its bars by label, those missing in the same span, and a note.

    `term`: its name in the formula if it is a single number.
    """

    term: str
    input: ExplainedInput | None
    missing: int
    note: str = ""

    @property
    def value(self) -> float | None:
        """The number of a term; None if it is missing or a series."""
        return float(self.input.values[0]) if self.term and self.input is not None else None


def explain_day_figure(moment: Moment, name: str) -> Explanation:
    """Return the explanation of one of `DAY_FIGURES`."""
    view, figure = moment.view, DAY_FIGURES[name]
    parts = [find(moment) for find in _PARTS[name]]
    number = float(view.day_figure(name)[moment.row])
    value = None if np.isnan(number) else number
    inputs = tuple(part.input for part in parts if part.input is not None)
    known = value is not None
    return Explanation(
        symbol=moment.symbol,
        name=name,
        kind=Explained.SESSION,
        frontier=view.frontier,
        clock=view.clock,
        value=value,
        formula=figure.formula,
        source=_source(moment, inputs),
        interval=inputs[0].interval if name == "prev_close" and inputs else view.base_interval,
        bar_opened_at=_last_label(inputs) if known else None,
        terms={part.term: part.value for part in parts if part.value is not None} if known else {},
        inputs=inputs if known else (),
        bars_used=len(_bars(inputs)) if known else 0,
        missing_bars=sum(part.missing for part in parts),
        history_sessions=int(known and any(part.earlier for part in inputs)),
        is_warm=known,
        note="; ".join(part.note for part in parts if part.note),
    )


def _bars(inputs: tuple[ExplainedInput, ...]) -> set[tuple[Interval, int]]:
    return {(part.interval, label) for part in inputs for label in part.opened_at.tolist()}


def _last_label(inputs: tuple[ExplainedInput, ...]) -> datetime:
    return utc_from_epoch(max(int(part.opened_at[-1]) for part in inputs))


def _source(moment: Moment, inputs: tuple[ExplainedInput, ...]) -> str:
    base = moment.view.base_interval
    intervals = {part.interval for part in inputs} or {base}
    return " and ".join(f"stored {interval} bars" for interval in sorted(intervals))


def _prior_close(moment: Moment) -> _Part:
    """Return the prior close, and the bars missing between it and the close of its day."""
    found, row, base = moment.view.prior_close, moment.row, moment.view.base_interval
    before = _session_before(moment)
    if before is None:
        return _Part("prior close", None, 0, "the calendar has no trading day before")
    day = before.trading_day
    if np.isnan(found.values[row]):
        return _Part("prior close", None, 0, f"no bars of {day}, the trading day before, are stored")
    daily, labels = bool(found.is_daily[row]), found.opened_at[row : row + 1]
    series = ExplainedInput(
        "prior close", DAY if daily else base, labels, found.values[row : row + 1], earlier=1
    )
    if daily:
        note = f"close of the stored 1d bar of {day}: no {base} bars of that day are stored"
        return _Part("prior close", series, 0, note)
    missing = int(np.count_nonzero(SessionSlots(before, base).opened_at > labels[0]))
    bar = f"{base} bar" if base == DAY else f"{_time(int(labels[0]), before)} bar"
    return _Part("prior close", series, missing, f"close of the {bar} of {day}{_missing_after(missing)}")


def _missing_after(bars: int) -> str:
    if not bars:
        return ""
    return ": the bar after it is missing" if bars == 1 else f": the {bars:,} bars after it are missing"


def _session_before(moment: Moment) -> TradingSession | None:
    """Return the session of the trading day before, None for the calendar's first."""
    sessions, day = moment.plan.history.sessions, moment.view.trading_day
    earlier = [session for session in sessions if session.trading_day < day]
    return earlier[-1] if earlier else None


def _time(seconds: int, session: TradingSession) -> str:
    return f"{utc_from_epoch(seconds).astimezone(session.zone):%H:%M:%S}".removesuffix(":00")


def _first_open(moment: Moment) -> _Part:
    """Return the open of the first bar; any missing bar before it would replace it."""
    opens = moment.bars(moment.view.base_interval)[OPEN]
    known = np.flatnonzero(~np.isnan(opens))
    if not len(known):
        return _Part("day's open", None, moment.view.frontier)
    at = int(known[0])
    return _Part("day's open", moment.base_input("open", at, at + 1), at)


def _last(moment: Moment) -> _Part:
    """Return the close of the last bar; any missing bar after it would replace it."""
    at = last_value(moment.bars(moment.view.base_interval)[CLOSE])
    if at is None:
        return _Part("last", None, moment.view.frontier)
    return _Part("last", moment.base_input("close", at, at + 1), moment.view.frontier - 1 - at)


def _all(field: str, extreme: Callable[[np.ndarray], np.intp] | None = None) -> Callable[[Moment], _Part]:
    """Return a function for a field of all bars so far; `extreme`: position of the one that counts."""

    def find(moment: Moment) -> _Part:
        series = moment.base_input(field, 0, moment.view.frontier)
        missing = moment.view.frontier - len(series.values)
        if not len(series.values):
            return _Part("", None, missing)
        note = ""
        if extreme is not None:
            label = int(series.opened_at[extreme(series.values)])
            note = f"{field} of the {_time(label, moment.view.session)} bar"
        return _Part("", series, missing, note)

    assert field in FIELDS
    return find


_PARTS: Final[Mapping[str, tuple[Callable[[Moment], _Part], ...]]] = {
    "prev_close": (_prior_close,),
    "change": (_last, _prior_close),
    "change_pct": (_last, _prior_close),
    "gap_pct": (_first_open, _prior_close),
    "day_open": (_first_open,),
    "day_high": (_all("high", np.argmax),),
    "day_low": (_all("low", np.argmin),),
    "day_volume": (_all("volume"),),
    "change_open_pct": (_last, _first_open),
}

"""Marks of a chart: bounds of sessions, early closes, breakpoints that became true, bookmarks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np

from tapedeck.console.app.widgets import ChartMark, MarkKind
from tapedeck.engine.clock.slots import day_label
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.intervals import DAY, Interval
from tapedeck.engine.read.events import Event, EventKind
from tapedeck.engine.tape.bar_grid import Ints
from tapedeck.engine.tape.session_view import SessionView

MARKED: Final = {EventKind.BREAK: MarkKind.BREAK, EventKind.BOOKMARK: MarkKind.BOOKMARK}
"""Kinds of events that are marks."""


def session_marks(
    starts: Sequence[tuple[int, TradingSession]], today: int, count: int, view: SessionView
) -> Iterator[ChartMark]:
    """Yield the first candle of each session, and the last one of each with an early close, once it is over.

    `starts`: index of the first candle of each earlier session that is known; `today`: that of the view's
    session; `count`: number of candles. For candles of less than a day.
    """
    bounds = [*starts, (today, view.session)]
    stops = [start for start, _ in bounds[1:]] + [count]
    for (start, session), stop in zip(bounds, stops, strict=True):
        if start >= stop:
            continue
        if start:
            yield ChartMark(start, MarkKind.SESSION)
        is_over = session is not view.session or view.frontier == view.slots
        if session.is_early_close and is_over:
            yield ChartMark(stop - 1, MarkKind.EARLY_CLOSE)


def event_marks(
    events: Iterable[Event], opened_at: Ints, interval: Interval, base: Interval, symbol: str
) -> Iterator[ChartMark]:
    """Yield the candles of breakpoints and bookmarks, of this symbol or of none.

    `events`: those known at the time shown; `opened_at`: of the candles, seconds UTC. None while the candle
    is not over.
    """
    for event in events:
        if event.kind not in MARKED or event.trading_day is None or event.symbol not in (None, symbol):
            continue
        labels = opened_at
        if interval.is_intraday:
            # The slot that was over then; before the first slot, that slot.
            moment = event.place - (base.seconds if event.slot is not None and event.slot >= 0 else 0)
        else:
            moment = day_label(event.trading_day.toordinal())
            labels = opened_at // DAY.seconds * DAY.seconds  # a session's own day is labelled with its open
        candle = int(np.searchsorted(labels, moment, side="right")) - 1
        if candle >= 0 and moment < labels[candle] + interval.seconds:
            yield ChartMark(candle, MARKED[event.kind])

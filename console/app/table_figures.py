"""Figures of the symbol table's columns, read from a view for all symbols at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Final

import numpy as np

from tapedeck.console.app.decimals import column_decimals, sizes_of
from tapedeck.console.app.widgets.column_forms import Figures
from tapedeck.engine.feeds.live_status import Forming, LiveStatus
from tapedeck.engine.tape.bar_grid import CLOSE, Floats
from tapedeck.engine.tape.quote_figures import QUOTE_FIGURES, quote_figure
from tapedeck.engine.tape.session_totals import last_values
from tapedeck.engine.tape.session_view import SessionView

TREND_POINTS: Final = 16
"""Points of a sparkline."""


class RunFigures(Mapping[str, Figures]):
    """Figures of a view by key of their column, computed when they are first asked for."""

    def __init__(self, view: SessionView, readers: Mapping[str, Callable[[SessionView], Figures]]) -> None:
        self._view = view
        self._readers = readers
        self._read: dict[str, Figures] = {}

    def __getitem__(self, key: str) -> Figures:
        found = self._read.get(key)
        if found is None:
            found = self._read[key] = self._readers[key](self._view)
        return found

    def __contains__(self, key: object) -> bool:
        return key in self._readers

    def __iter__(self) -> Iterator[str]:
        return iter(self._readers)

    def __len__(self) -> int:
        return len(self._readers)


def last(view: SessionView) -> Figures:
    """Return the last price."""
    return Figures(view.last_prices(), price_decimals(view))


def day_figure(name: str, view: SessionView) -> Figures:
    """Return a figure of the day."""
    return Figures(view.day_figure(name), price_decimals(view))


def quote(name: str, view: SessionView) -> Figures:
    """Return a figure of the last quote; sizes have no decimals."""
    quotes = view.last_quotes()
    if quotes is None:
        return Figures(_nothing(view))
    decimals = 0 if QUOTE_FIGURES[name].is_size else price_decimals(view)
    return Figures(quote_figure(quotes, name), decimals, made=view.quotes_made())


def ratio(name: str, view: SessionView) -> Figures:
    """Return an indicator's last value, with two decimals."""
    return Figures(_last_of(name, view))


def indicator(name: str, view: SessionView) -> Figures:
    """Return an indicator's last value, with the decimals of its sizes so far."""
    if name not in view.indicator_names():
        return Figures(_nothing(view))
    values = view.indicator_grid(name)
    return Figures(last_values(values), column_decimals(sizes_of(values, view.slots)))


def price_indicator(name: str, view: SessionView) -> Figures:
    """Return the last value of an indicator that is a price."""
    return Figures(_last_of(name, view), price_decimals(view))


def historical(name: str, view: SessionView) -> Figures:
    """Return a historical indicator."""
    return Figures(view.historical_figures(name), price_decimals(view))


def quality(view: SessionView) -> Figures:
    """Return the scores in percent, NaN before the first one."""
    scores = view.quality_grid()
    return Figures(_nothing(view) if scores is None or not view.has_scores else scores[:, -1])


def missing(view: SessionView) -> Figures:
    """Return the number of missing bars."""
    return Figures(view.missing_counts().astype(np.float64) if view.has_scores else _nothing(view))


def trend(view: SessionView) -> Figures:
    """Return the values of the sparklines."""
    return Figures(trend_points(view.bars_grid(view.base_interval)[CLOSE]))


def trend_points(closes: Floats, points: int = TREND_POINTS) -> Floats:
    """Return the last known close at `points` times spread over the session so far, shape (S, ≤ points)."""
    columns = closes.shape[1]
    if columns == 0:
        return closes
    edges = np.unique(np.linspace(0, columns, min(points, columns) + 1).astype(np.int64))
    parts = [last_values(closes[:, start:stop]) for start, stop in pairwise(edges.tolist())]
    return np.stack(parts, axis=1)


def price_decimals(view: SessionView) -> int:
    """Return the decimals of prices: of the first opens; before a symbol's first bar, of its prior close."""
    opens = view.first_opens()
    return column_decimals(np.where(np.isnan(opens), view.prior_close.values, opens))


def _last_of(name: str, view: SessionView) -> Floats:
    return last_values(view.indicator_grid(name)) if name in view.indicator_names() else _nothing(view)


def forming_of(live: LiveStatus, view: SessionView, symbol: str) -> Forming | None:
    """Return a symbol's bar that is not over, None if there is none after the clock of the view."""
    found = (live.forming or {}).get(symbol)
    return None if found is None or found.bar.opened_at < view.clock_seconds else found


def forming(is_price: bool, live: LiveStatus, view: SessionView) -> Figures:
    """Return the price of every symbol's bar that is not over, or its age in seconds."""
    values = _nothing(view)
    for row, symbol in enumerate(view.symbols):
        if (forming := forming_of(live, view, symbol)) is not None:
            age = (live.now - forming.received).total_seconds()
            values[row] = forming.bar.close if is_price else max(age, 0.0)
    return Figures(values, price_decimals(view)) if is_price else Figures(values)


def nothing(view: SessionView) -> Figures:
    """Return missing figures."""
    return Figures(_nothing(view))


def _nothing(view: SessionView) -> Floats:
    return np.full(len(view.symbols), np.nan)

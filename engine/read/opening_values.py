"""Opening values: figures known at a session's open that are not today's bars.

They are shown until today's first values are there. They are part of no tape, condition, stamp or export.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from tapedeck.engine.tape.bar_grid import Floats
from tapedeck.engine.tape.pre_market import PreMarket
from tapedeck.engine.tape.session_totals import last_values
from tapedeck.engine.tape.session_view import SessionView


@dataclass(frozen=True, slots=True)
class OpeningValues:
    """Values of symbols at the open of a trading day, one row each, in the order of `symbols`.

    `day_before`: the trading day before, None before the calendar's first. `indicators`: name of each
    indicator output → its last value in the session of `day_before`, float64 (S,), NaN where it had none.
    """

    trading_day: date
    day_before: date | None
    symbols: tuple[str, ...]
    indicators: Mapping[str, Floats]
    pre_market: PreMarket

    def for_symbols(self, symbols: tuple[str, ...]) -> OpeningValues:
        """Return the values of other symbols, or of these in another order; NaN for those not here."""
        if symbols == self.symbols:
            return self
        known, market = self.symbols, self.pre_market
        return OpeningValues(
            self.trading_day,
            self.day_before,
            symbols,
            {name: rows_of(values, known, symbols) for name, values in self.indicators.items()},
            PreMarket(
                *(
                    rows_of(values, known, symbols)
                    for values in (market.high, market.low, market.last, market.volume)
                )
            ),
        )

    def with_others(self, others: OpeningValues) -> OpeningValues:
        """Return these values with those of more symbols, of the same day, after them."""
        ours, theirs = self.pre_market, others.pre_market
        missing = np.full(len(others.symbols), np.nan)
        return OpeningValues(
            self.trading_day,
            self.day_before,
            (*self.symbols, *others.symbols),
            {
                name: np.concatenate([values, others.indicators.get(name, missing)])
                for name, values in self.indicators.items()
            },
            PreMarket(
                np.concatenate([ours.high, theirs.high]),
                np.concatenate([ours.low, theirs.low]),
                np.concatenate([ours.last, theirs.last]),
                np.concatenate([ours.volume, theirs.volume]),
            ),
        )


def rows_of(values: Floats, known: Sequence[str], symbols: Sequence[str]) -> Floats:
    """Return the values (S,) of the `known` symbols for other ones, NaN for those that are not known."""
    rows = {symbol: row for row, symbol in enumerate(known)}
    missing = len(values)
    found: Floats = np.append(values, np.nan)[[rows.get(symbol, missing) for symbol in symbols]]
    return found


def values_at_close(view: SessionView) -> dict[str, Floats]:
    """Return the last value of every indicator output in a view, float64 (S,), in new arrays."""
    return {name: last_values(view.indicator_grid(name)) for name in view.indicator_names()}

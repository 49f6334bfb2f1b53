"""Row changes: all of a tape that has one row per symbol, of rows that are chosen from one or more tapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tapedeck.engine.intervals import Interval
from tapedeck.engine.quality.gaps_and_scores import HistoricalQuality
from tapedeck.engine.tape.bar_grid import BarGrid, Floats, Ints, Mask
from tapedeck.engine.tape.buckets import DerivedGrid
from tapedeck.engine.tape.earlier_values import EarlierValues, gathered_earlier
from tapedeck.engine.tape.historical_value import HistoricalValue
from tapedeck.engine.tape.kept_history import KeptBars, gathered_kept
from tapedeck.engine.tape.prior_close import PriorClose
from tapedeck.engine.tape.quote_grid import QuoteGrid
from tapedeck.engine.tape.row_selection import gathered


@dataclass(frozen=True, slots=True)
class RowData:
    """All of a tape that has one row per symbol, named as there; `indicators`: values by name."""

    symbols: tuple[str, ...]
    base: BarGrid
    derived: Mapping[Interval, DerivedGrid]
    indicators: Mapping[str, Floats]
    historical: Mapping[str, HistoricalValue]
    historical_quality: Mapping[tuple[str, Interval], HistoricalQuality]
    kept_history: tuple[KeptBars, ...]
    prior_close: PriorClose
    earlier: EarlierValues
    scores: Floats | None
    corrected: Mask | None
    quotes: QuoteGrid | None = None


Piece = tuple[RowData, Ints]
"""Data, and the rows of it that are taken, int64."""


def gathered_rows(like: RowData, pieces: Sequence[Piece]) -> RowData:
    """Return the chosen rows of one or more tapes of one session, one after the other.

    Arrays are new. `like`: the one whose indicators and historical values the result has; where another lacks
    one, it is missing. History of days and weeks may differ in depth.
    """
    names = [tuple(data.symbols[row] for row in rows.tolist()) for data, rows in pieces]
    quality: dict[tuple[str, Interval], HistoricalQuality] = {}
    for (data, _), symbols in zip(pieces, names, strict=True):
        chosen = frozenset(symbols)
        quality |= {key: value for key, value in data.historical_quality.items() if key[0] in chosen}
    return RowData(
        symbols=tuple(symbol for symbols in names for symbol in symbols),
        base=BarGrid.gathered([(data.base, rows) for data, rows in pieces]),
        derived={
            interval: DerivedGrid.gathered([(data.derived[interval], rows) for data, rows in pieces])
            for interval in like.derived
        },
        indicators={
            name: _indicator(name, values.shape[1], pieces) for name, values in like.indicators.items()
        },
        historical={name: _historical(value, pieces) for name, value in like.historical.items()},
        historical_quality=quality,
        kept_history=gathered_kept([(data.kept_history, rows) for data, rows in pieces]),
        prior_close=PriorClose.gathered([(data.prior_close, rows) for data, rows in pieces]),
        earlier=gathered_earlier([(data.earlier, len(data.symbols), rows) for data, rows in pieces]),
        scores=_scores(pieces),
        corrected=_corrected(pieces),
        quotes=_quotes(pieces),
    )


def _indicator(name: str, columns: int, pieces: Sequence[Piece]) -> Floats:
    def values(data: RowData) -> Floats:
        known = data.indicators.get(name)
        return np.full((len(data.symbols), columns), np.nan) if known is None else known

    return gathered([(values(data), rows) for data, rows in pieces])


def _historical(like: HistoricalValue, pieces: Sequence[Piece]) -> HistoricalValue:
    return HistoricalValue.gathered(
        [(data.historical.get(like.name) or like.missing(len(data.symbols)), rows) for data, rows in pieces]
    )


def _scores(pieces: Sequence[Piece]) -> Floats | None:
    scores = [(data.scores, rows) for data, rows in pieces if data.scores is not None]
    return gathered(scores) if len(scores) == len(pieces) else None


def _corrected(pieces: Sequence[Piece]) -> Mask | None:
    if all(data.corrected is None for data, _ in pieces):
        return None
    masks = [
        (np.zeros(data.base.shape, dtype=np.bool_) if data.corrected is None else data.corrected, rows)
        for data, rows in pieces
    ]
    return gathered(masks)


def _quotes(pieces: Sequence[Piece]) -> QuoteGrid | None:
    quotes = [(data.quotes, rows) for data, rows in pieces if data.quotes is not None]
    return QuoteGrid.gathered(quotes) if len(quotes) == len(pieces) else None

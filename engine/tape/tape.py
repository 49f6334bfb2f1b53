"""Tape: all data of a session, in grids whose length is known before it starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Protocol
from weakref import ReferenceType, ref

import numpy as np

from tapedeck.engine.broker.account_record import SessionAccount
from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.intervals import WEEK, Interval
from tapedeck.engine.quality.gaps_and_scores import FULL_SCORE, HistoricalQuality
from tapedeck.engine.tape.bar_grid import BarGrid, Floats, Ints, Mask
from tapedeck.engine.tape.buckets import DerivedGrid, all_of_buckets, buckets_of
from tapedeck.engine.tape.earlier_values import EarlierValues, NoEarlierValues
from tapedeck.engine.tape.edition_memory import Copied, EditionMemory
from tapedeck.engine.tape.historical_value import HistoricalValue
from tapedeck.engine.tape.kept_history import KeptBars
from tapedeck.engine.tape.prior_close import PriorClose
from tapedeck.engine.tape.quote_grid import QuoteGrid
from tapedeck.engine.tape.row_changes import RowData, gathered_rows
from tapedeck.engine.tape.symbol_changes import Stay, SymbolChange, stays_of


@dataclass(frozen=True, slots=True)
class IndicatorColumn:
    """One output of a session indicator: `values` float64 (S, columns of `interval`), NaN where missing.

    On 1w there is one column: the value at the last complete week before the session, known before the open
    and constant.
    """

    name: str
    interval: Interval
    values: Floats


class Lineage:
    """Editions of one session's tape. `current`: the newest, replaced by the coordinator alone.

    `memory`: of their arrays.
    """

    __slots__ = ("__weakref__", "_looked_at", "current", "memory")

    def __init__(self, tape: Tape) -> None:
        self.current = tape
        self.memory = EditionMemory()
        self._looked_at: tuple[Tape, tuple[Stay, ...], Tape] | None = None

    def replace(self, tape: Tape) -> None:
        """Put the next edition in the place of the newest."""
        self.current = tape
        self._looked_at = None

    def at_frontier(self, frontier: int) -> Tape:
        """Return the newest edition with the symbols of a moment (`Tape.at_frontier`), from any thread.

        The last one that was not the edition itself is kept.
        """
        tape, known = self.current, self._looked_at
        left = tape.left_after(frontier)
        if not left:
            return tape
        if known is None or known[0] is not tape or known[1] != left:
            known = self._looked_at = (tape, left, tape.at_frontier(frontier))
        return known[2]


class LeftSymbol(Protocol):
    """One symbol that left a session at a frontier, with its rows on disk. Any thread may read them."""

    @property
    def symbol(self) -> str:
        """The symbol."""
        ...

    @property
    def frontier(self) -> int:
        """Number of slots that were over when it left."""
        ...

    def load(self) -> Tape:
        """Return the symbol's tape, one row, with nothing after `frontier` (`Tape.cut`), read from disk."""
        ...


class SessionIdentity:
    """Identity of a session, shared by the editions of its tape.

    It does not keep their lineage, which holds a tape: tapes are large, and are to be freed without waiting
    for a collection of cycles.
    """

    __slots__ = ("lineage",)

    def __init__(self) -> None:
        self.lineage: ReferenceType[Lineage] | None = None


@dataclass(slots=True, eq=False)
class Tape:
    """One session's grids, with the frontier of each writer. Rows are symbols, columns slots or buckets.

    Each part has one writer: the coordinator `base`, `quotes.came` and `frontier`, the data processor
    `derived`, `indicators`, `quotes.values` and `processed`, the quality manager `scores` (float64
    (S, n + 1), percent at k = 0 … n; None if quality is not measured) and `scored`. A writer fills its arrays
    first and sets its integer last.
    `historical`, `historical_quality` (quality of the session's history by symbol and interval),
    `kept_history` (its days and weeks), `prior_close` and `earlier` (values of the sessions before, for
    conditions) are set before the open. `rows`: row by symbol.
    Readers go through a `SessionView`, which is cut at the clock.

    What lies behind the frontier never changes. A late or corrected bar makes a new tape, the next `edition`:
    bars of slots that are over, and all that depends on them, are right in it; this tape's frontier then
    stands still. `corrected`: bool (S, n), True for each bar that an edition changed or added; None without
    one.

    A symbol that joins or leaves makes a new edition, too, with other rows: a joined one in the last row, as
    if it had been there from the open. `opening`: the symbols that the session began with; `changes`: all
    joins and leaves up to this edition; `left`: the rows of those that left, on disk. A symbol that left is
    in no row; `whole` and `at_frontier` have it.

    `account`: what strategies did in the session, shared by its editions; None without strategies. `quotes`:
    None unless the session streams them.
    """

    slots: SessionSlots
    symbols: tuple[str, ...]
    base: BarGrid
    derived: dict[Interval, DerivedGrid] = field(default_factory=dict)
    indicators: dict[str, IndicatorColumn] = field(default_factory=dict)
    historical: dict[str, HistoricalValue] = field(default_factory=dict)
    historical_quality: Mapping[tuple[str, Interval], HistoricalQuality] = field(default_factory=dict)
    kept_history: tuple[KeptBars, ...] = ()
    prior_close: PriorClose = field(init=False)
    earlier: EarlierValues = field(init=False)
    scores: Floats | None = None
    frontier: int = 0
    processed: int = 0
    scored: int = 0
    edition: int = 0
    corrected: Mask | None = None
    identity: SessionIdentity = field(default_factory=SessionIdentity)
    opening: tuple[str, ...] = ()
    changes: tuple[SymbolChange, ...] = ()
    left: tuple[LeftSymbol, ...] = ()
    account: SessionAccount | None = None
    quotes: QuoteGrid | None = None
    rows: Mapping[str, int] = field(init=False)
    _stays: Mapping[str, Stay] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if not self.changes:
            self.opening = self.symbols
        self.rows = row_index(self.symbols)
        self.prior_close = PriorClose.unknown(len(self.symbols))
        self.earlier = NoEarlierValues()

    @classmethod
    def over(
        cls,
        slots: SessionSlots,
        symbols: tuple[str, ...],
        base: BarGrid,
        *,
        derived: Sequence[Interval] = (),
        measure_quality: bool = True,
        quotes: QuoteGrid | None = None,
    ) -> Tape:
        """Return a session's tape over its base bars, with empty grids for the derived intervals."""
        rows = len(symbols)
        grids = {interval: DerivedGrid(buckets_of(slots, interval), rows) for interval in derived}
        scores = None
        if measure_quality:
            scores = np.full((rows, len(slots) + 1), np.nan)
            scores[:, 0] = FULL_SCORE
        return cls(slots, symbols, base, grids, scores=scores, quotes=quotes)

    @property
    def lineage(self) -> Lineage:
        """The editions of this session; a new one with this tape alone if no reader holds it any more."""
        known = self.identity.lineage
        found = None if known is None else known()
        if found is None:
            found = Lineage(self)
            self.identity.lineage = ref(found)
        return found

    @property
    def session(self) -> TradingSession:
        """The session of the tape."""
        return self.slots.session

    @property
    def empty(self) -> Mask | None:
        """Slots without a bar that are confirmed empty, bool (S, n); None without any."""
        return self.base.confirmed_empty

    def empty_columns(self, interval: Interval) -> Mask | None:
        """Return which columns of an interval expect no bar, as all of their slots are confirmed empty.

        Bool (S, columns), None without any.
        """
        if self.base.confirmed_empty is None or interval == self.base_interval:
            return self.base.confirmed_empty
        return all_of_buckets(self.base.confirmed_empty, self.derived[interval].buckets)

    @property
    def base_interval(self) -> Interval:
        """The interval of the slots."""
        return self.slots.interval

    def __len__(self) -> int:
        return len(self.slots)

    def grid(self, interval: Interval) -> BarGrid:
        """Return the grid of the base or a derived interval; KeyError for other intervals."""
        return self.base if interval == self.base_interval else self.derived[interval]

    @property
    def intervals(self) -> tuple[Interval, ...]:
        """All intervals of the tape, base first."""
        return (self.base_interval, *self.derived)

    def columns_over(self, interval: Interval, frontier: int) -> int:
        """Return the number of columns of an interval that are over at a frontier; on 1w always 1."""
        if interval == self.base_interval:
            return frontier
        if interval == WEEK:
            return 1
        return self.derived[interval].buckets.over_at(frontier)

    def opened_at(self, interval: Interval) -> Ints:
        """Return the label of each column of an interval: its open, int64, seconds UTC.

        The column of 1w has the session's open, from which on its value holds.
        """
        if interval == self.base_interval:
            return self.slots.opened_at
        if interval == WEEK:
            return self.slots.opened_at[:1]
        return self.slots.opened_at[self.derived[interval].buckets.starts]

    def closed_at(self, interval: Interval) -> Ints:
        """Return the close of each column of an interval, int64, seconds UTC."""
        if interval == self.base_interval:
            return self.slots.closed_at
        return self.slots.closed_at[self.derived[interval].buckets.stops - 1]

    def bucket_widths(self, interval: Interval) -> Ints:
        """Return the number of slots of each column of an interval, int64."""
        if interval == self.base_interval:
            return np.ones(len(self.slots), dtype=np.int64)
        return self.derived[interval].buckets.widths

    def set_indicator(self, column: IndicatorColumn) -> None:
        """Add an indicator's column."""
        self.indicators[column.name] = column

    def set_historical_indicator(self, value: HistoricalValue) -> None:
        """Add a historical indicator; the mapping is replaced, as other threads may be reading it."""
        self.historical = {**self.historical, value.name: value}

    @property
    def nbytes(self) -> int:
        """Size of the grids in bytes."""
        grids = [self.base, *self.derived.values()]
        arrays = [array for grid in grids for array in (grid.values, grid.present)]
        arrays += [column.values for column in self.indicators.values()]
        arrays += [] if self.base.confirmed_empty is None else [self.base.confirmed_empty]
        # Days are a view of the run's own; weeks are made for the session.
        arrays += [] if self.corrected is None else [self.corrected]
        weeks = sum(kept.nbytes for kept in self.kept_history if kept.interval == WEEK)
        arrays += [] if self.scores is None else [self.scores]
        quotes = 0 if self.quotes is None else self.quotes.nbytes
        return sum(array.nbytes for array in arrays) + weeks + quotes

    def of_rows(self, rows: Ints) -> Tape:
        """Return a tape of some symbols: copies of their bars and quotes, of which nothing is computed."""
        part = Tape.over(
            self.slots,
            tuple(self.symbols[row] for row in rows.tolist()),
            self.base.of_rows(rows),
            derived=tuple(self.derived),
            measure_quality=self.scores is not None,
            quotes=None if self.quotes is None else self.quotes.of_rows(rows),
        )
        part.historical = {name: value.of_rows(rows) for name, value in self.historical.items()}
        return part

    def next_edition(self, rows: Ints) -> Tape:
        """Return the next edition, with arrays of its own, in which the caller overwrites `rows`.

        Only for the newest edition, while no thread writes it. `put_rows` overwrites.
        """
        copied = self.lineage.memory.copies_for(self.edition + 1, rows)

        def column_copied(column: IndicatorColumn) -> IndicatorColumn:
            over = self.columns_over(column.interval, self.processed)
            return replace(column, values=copied(column.name, column.values, over, over))

        derived = {}
        for interval, grid in self.derived.items():
            over = self.columns_over(interval, self.processed)
            derived[interval] = grid.copied(copied(f"bars {interval}", grid.values, over, over))
        first = self.writable_from
        bars = copied("bars", self.base.values, first, max(first, self.base.written_to))
        scored = self.scored + 1
        made = replace(
            self,
            edition=self.edition + 1,
            base=self.base.copied(bars),
            derived=derived,
            indicators={
                name: column if column.interval == WEEK else column_copied(column)
                for name, column in self.indicators.items()
            },
            scores=None if self.scores is None else copied("quality scores", self.scores, scored, scored),
            corrected=None if self.corrected is None else self.corrected.copy(),
            quotes=None if self.quotes is None else self._quotes_copied(self.quotes, copied),
        )
        made.prior_close, made.earlier = self.prior_close, self.earlier
        return made

    def _quotes_copied(self, quotes: QuoteGrid, copied: Copied) -> QuoteGrid:
        first, over = self.writable_from, self.processed
        came = copied("quotes that came", quotes.came, first, max(first, quotes.written_to))
        return quotes.copied(came, copied("quotes", quotes.values, over, over))

    def put_rows(self, rows: Ints, part: Tape) -> None:
        """Write the bars, quotes, indicators and scores of a smaller tape over `rows`.

        Only before it is read.
        """
        for interval in self.intervals:
            self.grid(interval).put_rows(rows, part.grid(interval))
        for name, column in part.indicators.items():
            self.indicators[name].values[rows] = column.values
        if self.scores is not None and part.scores is not None:
            self.scores[rows] = part.scores
        if self.quotes is not None and part.quotes is not None:
            self.quotes.put_rows(rows, part.quotes)

    def mark_corrected(self, rows: Ints, slots: Ints) -> None:
        """Mark bars as corrected; int64 (m,) each. Only before the tape is read."""
        if self.corrected is None:
            self.corrected = np.zeros(self.base.shape, dtype=np.bool_)
        self.corrected[rows, slots] = True

    # Symbols that join and leave

    @property
    def stays(self) -> tuple[Stay, ...]:
        """The last stay of each symbol that was in the session, in the order of joining."""
        return tuple(self._stays_by_symbol().values())

    def stay(self, symbol: str) -> Stay:
        """Return the last stay of a symbol; KeyError for one that was never in the session."""
        return self._stays_by_symbol()[symbol]

    def left_after(self, frontier: int) -> tuple[Stay, ...]:
        """Return the last stays that ended after a frontier, in the order of joining."""
        if not self.changes:
            return ()
        return tuple(stay for stay in self.stays if stay.left is not None and stay.left > frontier)

    def _stays_by_symbol(self) -> Mapping[str, Stay]:
        if self._stays is None:
            self._stays = {stay.symbol: stay for stay in stays_of(self.opening, self.changes)}
        return self._stays

    def with_symbols(
        self,
        kept: Ints,
        part: Tape | None,
        changes: Sequence[SymbolChange],
        left: Sequence[LeftSymbol] = (),
    ) -> Tape:
        """Return the next edition with other rows: `kept` of this tape, then all of `part`.

        `kept`: int64, ascending; `part`: a tape of the same session, of symbols that this one lacks, computed
        and scored as far; `changes`: added to those before. Only for the newest edition, while no thread
        writes it. `left`: the rows of symbols that leave (`spooled`), in place of those of an earlier stay.
        """
        # Arrays of editions with other rows may have the same shape.
        self.lineage.memory = EditionMemory()
        own = self.row_data()
        pieces = [(own, kept)]
        if part is not None:
            pieces.append((part.row_data(), np.arange(len(part.symbols), dtype=np.int64)))
        made = self._with_rows(gathered_rows(own, pieces), self.edition + 1, (*self.changes, *changes))
        leaving = {one.symbol for one in left}
        made.left = (*(one for one in self.left if one.symbol not in leaving), *left)
        return made

    def row_data(self) -> RowData:
        """Return all of the tape that has one row per symbol, without a copy."""
        return RowData(
            symbols=self.symbols,
            base=self.base,
            derived=self.derived,
            indicators={name: column.values for name, column in self.indicators.items()},
            historical=self.historical,
            historical_quality=self.historical_quality,
            kept_history=self.kept_history,
            prior_close=self.prior_close,
            earlier=self.earlier,
            scores=self.scores,
            corrected=self.corrected,
            quotes=self.quotes,
        )

    def _with_rows(self, data: RowData, edition: int, changes: tuple[SymbolChange, ...]) -> Tape:
        """Return a tape of this session with other rows, at the same frontiers."""
        made = replace(
            self,
            symbols=data.symbols,
            base=data.base,
            derived=dict(data.derived),
            indicators={
                name: replace(self.indicators[name], values=values)
                for name, values in data.indicators.items()
            },
            historical=dict(data.historical),
            historical_quality=data.historical_quality,
            kept_history=data.kept_history,
            scores=data.scores,
            corrected=data.corrected,
            quotes=data.quotes,
            edition=edition,
            changes=changes,
        )
        made.prior_close, made.earlier = data.prior_close, data.earlier
        return made

    def cut(self, rows: Ints, frontier: int) -> Tape:
        """Return a tape of some rows as far as they were computed, with nothing after a frontier.

        Slots from there on are confirmed empty, so that they lack nothing; columns of derived bars and
        indicators that are not over there are missing, and scores stay as they were. It is no edition of the
        session, and its arrays, those of its history as well, are of these rows alone.
        """
        own = self.row_data()
        made = self._with_rows(gathered_rows(own, [(own, rows)]), self.edition, ())
        made.identity, made.left, made.account = SessionIdentity(), (), None
        made.kept_history = tuple(kept.copied() for kept in made.kept_history)
        made.base.end_at(frontier)
        made.base.confirmed_empty = made.base.empty_mask()
        made.base.confirmed_empty[:, frontier:] = True
        if made.quotes is not None:
            made.quotes.end_at(frontier)
        for interval, grid in made.derived.items():
            grid.end_at(made.columns_over(interval, frontier))
        for column in made.indicators.values():
            column.values[:, made.columns_over(column.interval, frontier) :] = np.nan
        if made.scores is not None:
            last = min(frontier, self.scored)
            made.scores[:, last + 1 :] = made.scores[:, last : last + 1]
        return made

    def whole(self) -> Tape:
        """Return the tape with all symbols that were in the session, in the order of joining.

        Those that left have nothing after that (`cut`). The tape itself without any; else arrays of its own,
        and the symbols are read from disk.
        """
        return self._with_stays(self.stays) if self.changes else self

    def at_frontier(self, frontier: int) -> Tape:
        """Return the tape with the symbols of a moment to look back at: also those that left after it.

        The tape itself, if there are none.
        """
        left = frozenset(self.left_after(frontier))
        return self._with_stays([stay for stay in self.stays if stay.left is None or stay in left])

    def _with_stays(self, stays: Sequence[Stay]) -> Tape:
        """Return the tape with the symbols of some stays, in this order: its own, and some that left."""
        if all(stay.symbol in self.rows for stay in stays):
            return self
        own, pieces = self.row_data(), []
        for is_here, group in groupby(stays, lambda stay: stay.symbol in self.rows):
            if is_here:
                rows = [self.rows[stay.symbol] for stay in group]
                pieces.append((own, np.array(rows, dtype=np.int64)))
            else:
                pieces += [(self._left(stay).row_data(), np.zeros(1, dtype=np.int64)) for stay in group]
        return self._with_rows(gathered_rows(own, pieces), self.edition, self.changes)

    def _left(self, stay: Stay) -> Tape:
        """Return the rows of a symbol that left, from disk; of several such stays the last one counts."""
        for left in reversed(self.left):
            if (left.symbol, left.frontier) == (stay.symbol, stay.left):
                return left.load()
        raise KeyError(f"{stay.symbol}, which left at {stay.left}")

    @property
    def writable_from(self) -> int:
        """First slot whose bars may be written in place: none has been revealed, computed or scored.

        Quotes, too, but those of symbols that are made (`QuoteGrid.is_late`).
        """
        return max(self.frontier, self.processed, self.scored)

    def computed_frontier(self) -> int:
        """Return the frontier up to which every part of the tape is written."""
        parts = [self.frontier, self.processed]
        if self.scores is not None:
            parts.append(self.scored)
        if self.account is not None:
            parts.append(self.account.record.walked)
        return min(parts)


def row_index(symbols: Sequence[str]) -> Mapping[str, int]:
    """Return each symbol's row."""
    return {symbol: row for row, symbol in enumerate(symbols)}

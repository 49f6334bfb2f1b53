"""Data manager: availability of stored bars, and bars and quotes of whole sessions as grids."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Protocol

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots, day_label, utc_from_epoch
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import take
from tapedeck.engine.store.bar_store import BarBatch, BarColumns, BarStore, WriteResult
from tapedeck.engine.store.left_out_bars import LeftOutBars
from tapedeck.engine.store.session_quotes import quote_sources, quotes_of_sessions
from tapedeck.engine.tape.bar_grid import CLOSE, FIELDS, BarGrid, Floats, Ints, Mask
from tapedeck.engine.tape.held_values import last_columns, taken
from tapedeck.engine.tape.quote_grid import QuoteGrid

# Later than any bar, in seconds.
_FAR_FUTURE = 2**40
# Number of values from which another reader thread is worth its cost.
_VALUES_PER_READER = 250_000
# Symbols that are looked up one by one; more are found in the list of all.
_FEW_SYMBOLS = 16
# Slots before the close in which most symbols have a bar.
_LAST_SLOTS = 64


class OtherBars(Protocol):
    """Takes the bars outside the slots that a read of sessions finds; readers in several threads call it."""

    @property
    def start(self) -> int:
        """Begin of the time to read, seconds UTC, if it is before the first slot."""
        ...

    def add(self, rows: int | Ints, bars: BarColumns) -> None:
        """Take bars of one row, or of one row each."""
        ...


class DataManager:
    """Availability, sessions and ranges of stored bars; saving of live bars.

    `readers`: number of threads that read many symbols; by default the store's `parallel_scans`.
    `between`: called by them between two batches of bars; it may block for a moment.
    """

    __slots__ = ("_between", "_readers", "store")

    def __init__(
        self, store: BarStore, *, readers: int | None = None, between: Callable[[], None] = lambda: None
    ) -> None:
        self.store = store
        self._between = between
        self._readers = store.parallel_scans if readers is None else readers

    def stored_intervals(self, symbols: Sequence[str]) -> Mapping[str, frozenset[Interval]]:
        """Return the stored base intervals of each symbol; an empty set for an unknown one."""
        if len(symbols) <= _FEW_SYMBOLS:
            return self.store.intervals_of(symbols)
        series = self.store.series()
        return {symbol: series.get(symbol, frozenset()) for symbol in symbols}

    def load_sessions(
        self,
        symbols: Sequence[str],
        slots: Sequence[SessionSlots],
        *,
        rows: Ints | None = None,
        total: int | None = None,
        left_out: LeftOutBars | None = None,
        others: OtherBars | None = None,
    ) -> list[BarGrid]:
        """Return each session's bars of the slots' interval, one row per symbol, in one read of the store.

        With the slots that are confirmed empty.

        The grids are views of one array (5, S, all slots), which lives as long as any of them. Bars outside
        the slots (extended hours, breaks) are left out; `left_out` counts them, over all of its spans;
        `others` gets them, from its start on. With `rows`, symbol i goes to row `rows[i]` of `total` rows;
        the others stay empty.
        """
        if not slots:
            return []
        count = len(symbols) if total is None else total
        labels = np.concatenate([session.stored_labels for session in slots])
        own = np.arange(len(symbols), dtype=np.int64) if rows is None else rows
        values = self._read(symbols, own, count, slots[0].interval, labels, left_out, others)
        empty = self._empty(symbols, own, count, slots[0].interval, labels)
        edges = np.cumsum([0, *(len(session) for session in slots)]).tolist()
        return [
            BarGrid.loaded(values[:, :, a:b], None if empty is None else empty[:, a:b])
            for a, b in pairwise(edges)
        ]

    def load_quotes(self, symbols: Sequence[str], slots: Sequence[SessionSlots]) -> list[QuoteGrid]:
        """Return each session's stored quotes, one row per symbol, in one read of each stored interval.

        Those of the slots' interval, else the coarsest finer ones, reduced to the last of each slot.
        """
        return quotes_of_sessions(self.store.quotes, symbols, slots, self._between)

    def quote_sources(self, symbols: Sequence[str], interval: Interval) -> Mapping[str, Interval]:
        """Return the stored interval of each symbol's quotes at an interval, of those that have any."""
        return quote_sources(self.store.quotes, symbols, interval)

    def last_closes(self, symbols: Sequence[str], slots: SessionSlots) -> tuple[Floats, Ints]:
        """Return each symbol's last close in the slots of a session, and its slot; NaN and -1 without a bar.

        Shape (S,) each. Only symbols without a bar near the close are read back to the open.
        """
        closes, at = np.full(len(symbols), np.nan), np.full(len(symbols), -1, dtype=np.int64)
        stop, start = len(slots), max(0, len(slots) - _LAST_SLOTS)
        while stop and (at < 0).any():
            rows = np.flatnonzero(at < 0)
            wanted = [symbols[row] for row in rows.tolist()]
            own = np.arange(len(rows), dtype=np.int64)
            labels = slots.stored_labels[start:stop]
            bars = self._read(wanted, own, len(rows), slots.interval, labels, None)[CLOSE]
            columns = last_columns(bars, np.array([stop - start], dtype=np.int64))
            closes[rows] = taken(bars, columns)[:, 0]
            at[rows] = np.where(columns[:, 0] >= 0, columns[:, 0] + start, -1)
            start, stop = 0, start
        return closes, at

    def _read(
        self,
        symbols: Sequence[str],
        rows: Ints,
        total: int,
        interval: Interval,
        labels: Ints,
        left_out: LeftOutBars | None,
        others: OtherBars | None = None,
    ) -> Floats:
        """Return the bars at the given labels, (5, total, labels); symbol i in row `rows[i]`."""
        values: Floats = np.full((5, total, len(labels)), np.nan)
        read = partial(
            self._fill, interval=interval, labels=labels, out=values, left_out=left_out, others=others
        )
        readers = max(1, min(self._readers, values.size // _VALUES_PER_READER))
        parts = [(symbols[i::readers], rows[i::readers]) for i in range(readers)]
        if readers == 1:
            read(*parts[0])
        else:
            # Each reader fills its own rows.
            with ThreadPoolExecutor(readers, thread_name_prefix="tapedeck-load") as pool:
                list(pool.map(read, *zip(*parts, strict=True)))
        return values

    def _fill(
        self,
        symbols: Sequence[str],
        rows: Ints,
        *,
        interval: Interval,
        labels: Ints,
        out: Floats,
        left_out: LeftOutBars | None,
        others: OtherBars | None,
    ) -> None:
        """Read the bars of symbols at the given labels into their rows of `out`, (5, S, labels)."""
        start, end = int(labels[0]), int(labels[-1]) + 1
        if left_out is not None:
            start, end = min(start, left_out.start), max(end, left_out.end)
        if others is not None:
            start = min(start, others.start)
        table = _SlotTable(labels, interval.seconds, start, end, left_out, others)
        for batch in self.store.scan(symbols, interval, start, end):
            table.scatter(_with_rows(batch, rows), out)
            self._between()

    def load_days(self, symbols: Sequence[str], days: Sequence[TradingSession], interval: Interval) -> Floats:
        """Return the stored daily bars of trading days, shape (5, S, days); NaN for missing ones."""
        values: Floats = np.full((5, len(symbols), len(days)), np.nan)
        if days and symbols:
            labels = np.array([day_label(day.trading_day.toordinal()) for day in days], dtype=np.int64)
            start, end = int(labels[0]), int(labels[-1]) + 1
            table = _SlotTable(labels, interval.seconds, start, end)
            for batch in self.store.scan(symbols, interval, start, end):
                table.scatter(batch, values)
        return values

    def empty_days(
        self, symbols: Sequence[str], days: Sequence[TradingSession], interval: Interval
    ) -> Mask | None:
        """Return which trading days are confirmed empty, bool (S, days); None without any."""
        if not days or not symbols:
            return None
        labels = np.array([day_label(day.trading_day.toordinal()) for day in days], dtype=np.int64)
        rows = np.arange(len(symbols), dtype=np.int64)
        return self._empty(symbols, rows, len(symbols), interval, labels)

    def _empty(
        self, symbols: Sequence[str], rows: Ints, total: int, interval: Interval, labels: Ints
    ) -> Mask | None:
        """Return which labels are confirmed empty, bool (total, labels), symbol i in row `rows[i]`."""
        found = self.store.empty_slots(symbols, interval, int(labels[0]), int(labels[-1]) + 1)
        if not len(found):
            return None
        columns = np.searchsorted(labels, found.opened_at)
        is_slot = labels[columns] == found.opened_at
        empty: Mask = np.zeros((total, len(labels)), dtype=np.bool_)
        empty[rows[found.rows[is_slot]], columns[is_slot]] = True
        return empty

    def bars_between(
        self, symbols: Sequence[str], interval: Interval, start: int, end: int
    ) -> tuple[Ints, BarColumns]:
        """Return the row of each stored bar with start <= opened_at < end (seconds UTC), and the bars.

        Rows are positions in `symbols`; int64 (n,). The order of the bars is undefined.
        """
        rows: list[Ints] = []
        parts: list[BarColumns] = []
        for batch in self.store.scan(symbols, interval, start, end):
            parts.append(batch.bars)
            rows.append(np.broadcast_to(np.asarray(batch.rows, dtype=np.int64), len(batch.bars)))
            self._between()
        names = ("opened_at", *FIELDS)
        if not parts:
            empty = np.empty(0)
            return empty.astype(np.int64), BarColumns(empty.astype(np.int64), *(empty for _ in FIELDS))
        joined = (np.concatenate([getattr(part, name) for part in parts]) for name in names)
        return np.concatenate(rows), BarColumns(*joined)

    def first_session_with_bars(self, symbol: str, slots: Sequence[SessionSlots]) -> int | None:
        """Return the position of the first session with a bar of the symbol in its slots, or None."""
        at = 0
        while at < len(slots):
            labels = slots[at].stored_labels
            found = self.store.first_at_or_after(symbol, slots[at].interval, int(labels[0]))
            if found is None:
                return None
            while at < len(slots) and int(slots[at].stored_labels[-1]) < found:
                at += 1
            if at < len(slots) and self._has_bar(symbol, slots[at], found):
                return at
            if at < len(slots) and found >= int(slots[at].stored_labels[0]):
                at += 1
        return None

    def _has_bar(self, symbol: str, slots: SessionSlots, found: int) -> bool:
        """Whether the symbol has a bar in the session's slots; `found`: its first bar from the open on."""
        labels = slots.stored_labels
        if found in labels:
            return True
        stored = self.store.read(symbol, slots.interval, int(labels[0]), int(labels[-1]) + 1)
        return bool(np.isin(stored.opened_at, labels).any())

    def span(self, symbol: str, interval: Interval) -> tuple[datetime | None, datetime | None]:
        """Return the open of the first and of the last stored bar, UTC; None without bars."""
        first = self.store.first_at_or_after(symbol, interval, -_FAR_FUTURE)
        last = self.store.last_before(symbol, interval, _FAR_FUTURE)
        return (
            None if first is None else utc_from_epoch(first),
            None if last is None else utc_from_epoch(last),
        )

    def read_range(self, symbol: str, interval: Interval, start: int, end: int) -> BarColumns:
        """Return the stored bars of one symbol with start <= opened_at < end (seconds UTC), oldest first."""
        return self.store.read(symbol, interval, start, end)

    def save_bars(self, symbol: str, interval: Interval, bars: BarColumns) -> WriteResult:
        """Store received bars; they replace stored bars of the same times."""
        return self.store.write(symbol, interval, bars, replace=True)


class _SlotTable:
    """Look-up table from a bar's label to its column, over all labels from `start` to `end`.

    Labels without a column have a negative number: -1 minus the position of their span in `left_out`.
    `labels`: the columns' labels, ascending, `step` seconds or multiples of it apart, within these bounds.
    """

    __slots__ = ("_left_out", "_origin", "_others", "_step", "_table")

    def __init__(
        self,
        labels: Ints,
        step: int,
        start: int,
        end: int,
        left_out: LeftOutBars | None = None,
        others: OtherBars | None = None,
    ) -> None:
        first = int(labels[0])
        self._origin, self._step = first - -(-(first - start) // step) * step, step
        places = (labels - self._origin) // step
        size = (end - 1 - self._origin) // step + 1
        self._left_out, self._others = left_out, others
        self._table: Ints = np.full(size, -1, dtype=np.int64)
        if left_out is not None:
            self._table -= left_out.positions(self._origin, step, size)
        self._table[places] = np.arange(len(labels))

    def scatter(self, batch: BarBatch, out: Floats) -> None:
        """Write a batch of bars into `out` (5, S, columns); those without a column are counted."""
        bars = batch.bars
        if not len(bars):
            return
        columns = self._table[(bars.opened_at - self._origin) // self._step]
        keep = columns >= 0
        everything = bool(keep.all())
        if self._left_out is not None and not everything:
            lost = ~keep
            rows = batch.rows if isinstance(batch.rows, int) else batch.rows[lost]
            self._left_out.add(rows, -1 - columns[lost])
        if self._others is not None and not everything:
            lost = ~keep
            own = batch.rows if isinstance(batch.rows, int) else batch.rows[lost]
            self._others.add(own, take(bars, np.flatnonzero(lost)))
        columns = columns if everything else columns[keep]
        if not len(columns):
            return
        fields = [getattr(bars, name) for name in FIELDS]
        if not everything:
            fields = [values[keep] for values in fields]
        if isinstance(batch.rows, int):
            self._scatter_row(batch.rows, columns, fields, out)
            return
        rows = batch.rows if everything else batch.rows[keep]
        where = rows * out.shape[2] + columns
        for field, values in enumerate(fields):
            out[field].reshape(-1)[where] = values

    @staticmethod
    def _scatter_row(row: int, columns: Ints, fields: Sequence[Floats], out: Floats) -> None:
        first, last = int(columns[0]), int(columns[-1])
        gapless = last - first + 1 == len(columns)
        target: slice | Ints = slice(first, last + 1) if gapless else columns
        for field, values in enumerate(fields):
            out[field, row, target] = values


def _with_rows(batch: BarBatch, rows: Ints) -> BarBatch:
    own = int(rows[batch.rows]) if isinstance(batch.rows, int) else rows[batch.rows]
    return BarBatch(own, batch.bars)

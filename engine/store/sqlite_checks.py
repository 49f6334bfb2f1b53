"""Checks of an SQLite store: sums of the bars of each symbol and day, and of the lists of symbols and series.

Bars, sums and lists are read in one transaction. Bars are compared with the sums in both directions: a bar
without a sum is as wrong as a sum without its bars. The sums hold for one symbol and interval only, so that
an index entry that leads to another symbol is noticed. A symbol that the index lacks is looked up in the
whole list, too: damage to the index would make it look like one that is not stored.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tapedeck.engine.errors import listed
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import COLUMN_NAMES, check_interval, take
from tapedeck.engine.store.bar_store import BarBatch, BarColumns, Ints
from tapedeck.engine.store.checksums import (
    SpanSums,
    SumAdder,
    as_signed,
    seed_of,
    span_seconds,
    span_words,
    whole_spans,
)
from tapedeck.engine.store.sqlite_answers import Answers
from tapedeck.engine.store.sqlite_connections import damaged
from tapedeck.engine.store.sqlite_queries import first_query, last_query, spans_query
from tapedeck.engine.store.sqlite_schema import bars_table

_CATALOG_QUERY: Final = (
    "SELECT 0 AS kind, id, symbol AS text FROM symbols NOT INDEXED "
    "UNION ALL SELECT 1, symbol_id, interval FROM series"
)
_CATALOG_SUM_QUERY: Final = " UNION ALL SELECT 2, sum, '' FROM catalog_sum"
_SYMBOL, _SERIES, _SUM = range(3)
_SHOWN: Final = 3
_OF_SYMBOL: Final = -1.0  # volume of the rows that tell of symbols


@dataclass(frozen=True, slots=True)
class Catalog:
    """Stored symbols with their ids, and series as pairs of id and interval, as read and checked."""

    ids: dict[str, int]
    series: tuple[tuple[int, str], ...]

    @classmethod
    def read(cls, path: Path, answers: Answers, *, has_checks: bool) -> Catalog:
        """Read the lists; StoreDamagedError unless they are those that were written."""
        rows = answers.rows(_CATALOG_QUERY + (_CATALOG_SUM_QUERY if has_checks else ""))
        total = sum(catalog_number(*row) for row in rows if row[0] != _SUM)
        if has_checks and [as_signed(total)] != [number for kind, number, _ in rows if kind == _SUM]:
            raise damaged(path, "its lists of symbols and series differ from their checksum")
        symbols = [(text, number) for kind, number, text in rows if kind == _SYMBOL]
        ids = dict(symbols)
        if len(ids) < len(symbols):
            raise damaged(path, "a symbol is listed twice")
        return cls(ids, tuple((number, text) for kind, number, text in rows if kind == _SERIES))


@dataclass(frozen=True, slots=True)
class Request:
    """A read of the bars of some symbols with `start <= opened_at < end`.

    With checks whole spans are read, and their sums, by one statement, so that both are of one moment.
    """

    path: Path
    symbols: Sequence[str]
    interval: Interval
    start: int
    end: int
    has_checks: bool

    def query(self) -> str:
        """Return the query: columns `row` and those of bars, in no order; see `CheckedRead`."""
        check_interval(self.interval)
        if not self.has_checks:
            return self._bars_query(self.start, self.end)
        start, end = whole_spans(self.start, self.end, self.interval)
        return " UNION ALL ".join(
            [self._symbols_query(), self._sums_query(start, end), self._bars_query(start, end)]
        )

    def sums_query(self) -> str:
        """Return the query for the stored sums alone, as columns `row`, `since`, `bars` and `sum`."""
        return f"SELECT requested.key AS row, since, bars, sum {self._from_sums(self.start, self.end)}"

    def _bars_query(self, start: int, end: int) -> str:
        # The outer loops are over the symbols, the inner one over a range of the primary key.
        return (
            f"SELECT requested.key AS row, {', '.join(COLUMN_NAMES)} FROM {_requested(self.symbols)} "
            f"CROSS JOIN {bars_table(self.interval)} AS bars ON bars.symbol_id = symbols.id "
            f"WHERE opened_at >= {start} AND opened_at < {end}"
        )

    def _symbols_query(self) -> str:
        """Return the query for one row per symbol in the index: whether the table has it under that id."""
        return (
            "SELECT -1 - requested.key AS row, coalesce(listed.symbol = requested.value, 0) AS opened_at, "
            f"0.0 AS open, 0.0 AS high, 0.0 AS low, 0.0 AS close, {_OF_SYMBOL} AS volume "
            f"FROM {_requested(self.symbols)} "
            "LEFT JOIN symbols AS listed NOT INDEXED ON listed.id = symbols.id"
        )

    def _sums_query(self, start: int, end: int) -> str:
        """Return the query for the sums, in halves, as all columns but two are floats."""
        return (
            "SELECT -1 - requested.key, since, CAST(bars AS REAL), CAST(sum >> 32 AS REAL), "
            f"CAST(sum & 4294967295 AS REAL), 0.0, 0.0 {self._from_sums(start, end)}"
        )

    def _from_sums(self, start: int, end: int) -> str:
        return (
            f"FROM {_requested(self.symbols)} "
            f"CROSS JOIN day_sums ON symbol_id = symbols.id AND interval = '{self.interval}' "
            f"WHERE since >= {start} AND since < {end}"
        )


class CheckedRead:
    """Takes the bars of a request out of its answer, and compares them with the stored sums.

    Rows below zero are no bars: they tell of symbol `-1 - row`; see the queries of `Request`.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._read = SumAdder(request.interval)
        self._stored: list[SpanSums] = []
        self._is_found = np.zeros(len(request.symbols), bool)

    def bars(self, columns: Sequence[Any]) -> BarBatch:
        """Return the bars of a batch of the answer that are in the requested range."""
        rows, bars = columns[0], BarColumns(*columns[1:])
        if not self._request.has_checks or not len(bars):
            return BarBatch(rows, bars)
        if int(rows.min()) < 0:
            of_checks, of_bars = _parts(rows < 0)
            self._add_checks(-1 - rows[of_checks], take(bars, of_checks))
            rows, bars = rows[of_bars], take(bars, of_bars)
        self._read.add(rows, bars)
        return self._trimmed(rows, bars)

    def differences(self) -> list[tuple[int, int]]:
        """Return row and start of each span whose bars differ from their sum, once all batches are read."""
        symbols, interval = self._request.symbols, self._request.interval
        seeds = np.array([seed_of_series(symbol, interval) for symbol in symbols], np.int64)
        return SpanSums.total(self._stored).differences(self._read.total().bound_to(seeds))

    def finish(self) -> list[str]:
        """Check all that was read; return the symbols that were not found. Raises StoreDamagedError."""
        if not self._request.has_checks:
            return []
        if differences := self.differences():
            raise damaged(self._request.path, self._words(differences))
        missing = np.flatnonzero(~self._is_found).tolist()
        return [self._request.symbols[row] for row in missing]

    def _add_checks(self, rows: Ints, checks: BarColumns) -> None:
        of_symbol = checks.volume == _OF_SYMBOL
        for row, is_right in zip(rows[of_symbol].tolist(), checks.opened_at[of_symbol].tolist(), strict=True):
            if not is_right:
                symbol = self._request.symbols[row]
                raise damaged(self._request.path, f"the index of symbols leads from {symbol} elsewhere")
            self._is_found[row] = True
        high, low = (half[~of_symbol].astype(np.int64) for half in (checks.high, checks.low))
        counts = checks.open[~of_symbol].astype(np.int64)
        sums = SpanSums(rows[~of_symbol], checks.opened_at[~of_symbol], counts, (high << 32) + low)
        self._stored.append(sums)

    def _trimmed(self, rows: Ints, bars: BarColumns) -> BarBatch:
        times, start, end = bars.opened_at, self._request.start, self._request.end
        if not len(times) or (int(times.min()) >= start and int(times.max()) < end):
            return BarBatch(rows, bars)
        inside = np.flatnonzero((times >= start) & (times < end))
        return BarBatch(rows[inside], take(bars, inside))

    def _words(self, differences: Sequence[tuple[int, int]]) -> str:
        interval = self._request.interval
        named = [
            f"{interval} bars of {self._request.symbols[row]} {span_words(since, interval)}"
            for row, since in differences[:_SHOWN]
        ]
        rest = len(differences) - len(named)
        more = f" and {rest:,} more" if rest else ""
        return f"{', '.join(named)}{more} differ from their checksum"


def read_sorted(path: Path, answers: Answers, request: Request) -> BarColumns:
    """Return the bars of a request for one symbol, oldest first."""
    read = CheckedRead(request)
    bars = read.bars(answers.columns(request.query())).bars
    check_missing(path, answers, read.finish())
    is_sorted = bool(np.all(bars.opened_at[1:] > bars.opened_at[:-1]))
    return bars if is_sorted else take(bars, np.argsort(bars.opened_at, kind="stable"))


def stored_sums(answers: Answers, request: Request) -> SpanSums:
    """Return the stored sums of a request; none in a store without checks."""
    if not request.has_checks:
        return SpanSums.total([])
    return SpanSums.total([SpanSums(*answers.columns(request.sums_query()))])


def check_missing(path: Path, answers: Answers, symbols: Sequence[str]) -> None:
    """Raise StoreDamagedError if a symbol that a read did not find is stored."""
    if symbols:
        ids_of(path, answers, symbols, has_checks=True)


def ids_of(path: Path, answers: Answers, symbols: Sequence[str], *, has_checks: bool) -> list[int | None]:
    """Return the ids of symbols, None for those that are not stored; StoreDamagedError for a wrong index."""
    # The index of symbols leads to an id, and the table to the symbol of that id.
    found = answers.rows(
        f"SELECT requested.key, listed.id, listed.symbol FROM {requested_symbols(symbols)} "
        "CROSS JOIN symbols AS indexed ON indexed.symbol = requested.value "
        "LEFT JOIN symbols AS listed NOT INDEXED ON listed.id = indexed.id"
    )
    ids: list[int | None] = [None] * len(symbols)
    for at, number, symbol in found:
        if symbol != symbols[at]:
            raise damaged(path, f"the index of symbols leads from {symbols[at]} to {symbol}")
        ids[at] = number
    if has_checks and None in ids:
        catalog = Catalog.read(path, answers, has_checks=True)
        lost = [symbols[at] for at, number in enumerate(ids) if number is None and symbols[at] in catalog.ids]
        if lost:
            raise damaged(path, f"the index of symbols lacks {listed(lost)}")
    return ids


def intervals_of(
    path: Path, answers: Answers, symbols: Sequence[str], *, has_checks: bool
) -> list[frozenset[Interval]]:
    """Return the intervals of each symbol's series; none for one that is not stored."""
    ids = ids_of(path, answers, symbols, has_checks=has_checks)
    known = ", ".join(str(number) for number in ids if number is not None)
    found: dict[int | None, set[Interval]] = {}
    for number, word in answers.rows(f"SELECT symbol_id, interval FROM series WHERE symbol_id IN ({known})"):
        found.setdefault(number, set()).add(Interval.parse(word))
    return [frozenset(found.get(number, ())) for number in ids]


def nearest_bar(
    path: Path,
    answers: Answers,
    symbol: str,
    interval: Interval,
    time: int,
    *,
    is_forward: bool,
    has_checks: bool,
) -> int | None:
    """Return the time of the first bar at or after `time`, or of the last one before it, or None."""
    check_interval(interval)
    [symbol_id] = ids_of(path, answers, [symbol], has_checks=has_checks)
    if symbol_id is None:
        return None
    query = first_query if is_forward else last_query
    rows = answers.rows(query(symbol_id, interval, time))
    found = int(rows[0][0]) if rows else None
    if has_checks:
        spans = [
            since for [since] in answers.rows(spans_query(symbol_id, interval, time, is_forward=is_forward))
        ]
        bounds = (min(spans), max(spans) + span_seconds(interval)) if spans else (0, 0)
        times = read_sorted(
            path, answers, Request(path, [symbol], interval, bounds[0], bounds[1], has_checks=True)
        ).opened_at
        # The spans alone would do; comparing both finds a damaged index of either.
        at = int(times.searchsorted(time)) - (not is_forward)
        if found != (int(times[at]) if 0 <= at < len(times) else None):
            raise damaged(path, f"the index of the {interval} bars of {symbol} does not lead to all of them")
    return found


def _parts(chosen: NDArray[np.bool_]) -> tuple[Ints | slice, Ints | slice]:
    """Return the positions of the chosen rows, and those of the others; slices if the chosen come first."""
    count = int(np.count_nonzero(chosen))
    if chosen[:count].all():
        return slice(count), slice(count, None)
    return np.flatnonzero(chosen), np.flatnonzero(~chosen)


def _requested(symbols: Sequence[str]) -> str:
    return f"{requested_symbols(symbols)} CROSS JOIN symbols ON symbols.symbol = requested.value"


def requested_symbols(symbols: Sequence[str]) -> str:
    """Return a table `requested` of symbols for a query: `key` is the position, `value` the symbol."""
    requested = json.dumps(list(symbols)).replace("'", "''")
    return f"json_each('{requested}') AS requested"


@lru_cache(maxsize=4096)  # used at every read
def seed_of_series(symbol: str, interval: Interval) -> int:
    """Return the number that binds sums to a symbol and interval."""
    return seed_of(f"{symbol}\n{interval}")


@lru_cache(maxsize=65536)  # as above
def catalog_number(kind: int, number: int, text: str) -> int:
    """Return the number of an entry in the sum of the lists; kind 0: a symbol, 1: a series."""
    return seed_of(f"{kind}\n{number}\n{text}")

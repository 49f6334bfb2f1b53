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
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from tapedeck.engine.errors import listed
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import COLUMN_NAMES, check_interval, take
from tapedeck.engine.store.bar_store import BarColumns, Ints
from tapedeck.engine.store.checksums import SpanSums, as_signed, runs_of, seed_of, span_seconds, whole_spans
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
    """A read of the bars of some symbols from `start` to `end`, in one transaction.

    In a store with checks whole spans are read. `ids`: None for symbols that are not stored.
    """

    path: Path
    symbols: Sequence[str]
    ids: list[int | None]
    interval: Interval
    start: int
    end: int
    stored: SpanSums | None

    @classmethod
    def of(
        cls,
        path: Path,
        answers: Answers,
        symbols: Sequence[str],
        interval: Interval,
        start: int,
        end: int,
        *,
        has_checks: bool,
    ) -> Request:
        """Look up the symbols, and read the sums of the bars."""
        check_interval(interval)
        ids = ids_of(path, answers, symbols, has_checks=has_checks)
        sums = stored_sums(answers, ids, interval, *whole_spans(start, end, interval)) if has_checks else None
        return cls(path, symbols, ids, interval, start, end, sums)

    def bars_query(self) -> str:
        """Return the query for the bars, unsorted, each with the position of its symbol first."""
        start, end = self.start, self.end
        if self.stored is not None:
            start, end = whole_spans(start, end, self.interval)
        # The outer loop is over the symbols, the inner one over a range of the primary key.
        return (
            f"SELECT requested.key AS row, {', '.join(COLUMN_NAMES)} FROM {_requested(self.ids)} "
            f"CROSS JOIN {bars_table(self.interval)} AS bars ON bars.symbol_id = requested.value "
            f"WHERE opened_at >= {start} AND opened_at < {end}"
        )

    def sums_of(self, rows: Ints, bars: BarColumns) -> SpanSums:
        """Return the sums of the runs of a batch, for `check`."""
        return runs_of(rows, bars, self.interval)

    def trimmed(self, rows: Ints, bars: BarColumns) -> tuple[Ints, BarColumns]:
        """Return the bars of a batch that are in the requested range."""
        inside = (bars.opened_at >= self.start) & (bars.opened_at < self.end)
        return (rows, bars) if inside.all() else (rows[inside], take(bars, np.flatnonzero(inside)))

    def check(self, read: Sequence[SpanSums]) -> None:
        """Raise StoreDamagedError unless the bars read, given by the sums of their runs, are those stored."""
        differences = self.differences(read)
        if differences:
            raise damaged(self.path, self._words(differences))

    def differences(self, read: Sequence[SpanSums]) -> list[tuple[int, int]]:
        """Return row and start of each span whose bars have other sums than the stored ones."""
        if self.stored is None:
            return []
        seeds = np.array([seed_of_series(symbol, self.interval) for symbol in self.symbols], np.int64)
        return self.stored.differences(SpanSums.total(list(read)).bound_to(seeds))

    def _words(self, differences: Sequence[tuple[int, int]]) -> str:
        named = [
            f"{self.interval} bars of {self.symbols[row]} {span_words(since, self.interval)}"
            for row, since in differences[:_SHOWN]
        ]
        rest = len(differences) - len(named)
        more = f" and {rest:,} more" if rest else ""
        return f"{', '.join(named)}{more} differ from their checksum"


def ids_of(path: Path, answers: Answers, symbols: Sequence[str], *, has_checks: bool) -> list[int | None]:
    """Return the ids of symbols, None for those that are not stored; StoreDamagedError for a wrong index."""
    requested = json.dumps(list(symbols)).replace("\x00", "\ufffd").replace("'", "''")
    # The index of symbols leads to an id, and the table to the symbol of that id.
    found = answers.rows(
        f"SELECT requested.key, listed.id, listed.symbol FROM json_each('{requested}') AS requested "
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


def read_sorted(
    path: Path, answers: Answers, symbol: str, interval: Interval, start: int, end: int, *, has_checks: bool
) -> BarColumns:
    """Return the bars of one symbol with `start <= opened_at < end`, oldest first, checked."""
    request = Request.of(path, answers, [symbol], interval, start, end, has_checks=has_checks)
    rows, *columns = answers.columns(f"{request.bars_query()} ORDER BY opened_at")
    bars = BarColumns(*columns)
    if has_checks:
        request.check([request.sums_of(rows, bars)])
    return request.trimmed(rows, bars)[1]


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
        times = read_sorted(path, answers, symbol, interval, *bounds, has_checks=True).opened_at
        # The spans alone would do; comparing both finds a damaged index of either.
        at = int(times.searchsorted(time)) - (not is_forward)
        if found != (int(times[at]) if 0 <= at < len(times) else None):
            raise damaged(path, f"the index of the {interval} bars of {symbol} does not lead to all of them")
    return found


def stored_sums(
    answers: Answers, ids: Sequence[int | None], interval: Interval, start: int, end: int
) -> SpanSums:
    """Return the sums of the spans that begin in `[start, end)`; rows are positions in `ids`."""
    sql = (
        f"SELECT requested.key AS row, since, bars, sum FROM {_requested(ids)} "
        f"CROSS JOIN day_sums ON symbol_id = requested.value AND interval = '{interval}' "
        f"WHERE since >= {start} AND since < {end}"
    )
    return SpanSums.total([SpanSums(*answers.columns(sql))])


def _requested(ids: Sequence[int | None]) -> str:
    return f"json_each('{json.dumps(list(ids))}') AS requested"


def span_words(since: int, interval: Interval) -> str:
    """Return a span in words: `on 2013-10-07`, or `from 2013-10-07 to 2013-11-03`."""
    first = datetime.fromtimestamp(since, UTC).date()
    last = datetime.fromtimestamp(since + span_seconds(interval) - 1, UTC).date()
    return f"on {first}" if first == last else f"from {first} to {last}"


@lru_cache(maxsize=4096)  # used at every read
def seed_of_series(symbol: str, interval: Interval) -> int:
    """Return the number that binds sums to a symbol and interval."""
    return seed_of(f"{symbol}\n{interval}")


@lru_cache(maxsize=65536)  # as above
def catalog_number(kind: int, number: int, text: str) -> int:
    """Return the number of an entry in the sum of the lists; kind 0: a symbol, 1: a series."""
    return seed_of(f"{kind}\n{number}\n{text}")

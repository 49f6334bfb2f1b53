"""Writer of the quotes of an import: validates the parts of files, and stores the last quote of each slot.

The rows of a slot may be in two parts of a file. So the first and the last slot of each part wait until the
file ends; the slots between them are stored at once. Of rows with one time the last one counts by the order
of the file, which may be seen only later: until then both wait, the one of either order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tapedeck.engine.errors import SymbolRefusedError
from tapedeck.engine.importers.evidence import ImportEvidence
from tapedeck.engine.importers.file_rows import FileRows, SeriesRows
from tapedeck.engine.importers.part_writer import RowCounts
from tapedeck.engine.importers.price_jumps import PriceJumps, is_column
from tapedeck.engine.importers.quote_validation import (
    LastQuotes,
    last_quotes,
    quote_faults,
    with_missing_sides,
)
from tapedeck.engine.importers.report import FirstQuote, ImportOptions
from tapedeck.engine.importers.validation import PriceRules, utc_text
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import join, take
from tapedeck.engine.store.bar_store import BarColumns, BarStore, Ints
from tapedeck.engine.store.quote_columns import unpacked

_FIRST_QUOTES = 3


@dataclass(frozen=True, slots=True)
class WaitingQuote:
    """A row whose slot may have more rows in other parts of its file: packed, with its line and text."""

    quote: BarColumns
    line: int
    text: str


@dataclass(slots=True)
class RowOrder:
    """Whether the newest rows of a series come first in a file: None until two times differ."""

    first: int | None = None
    descends: bool | None = None

    def add(self, times: Ints) -> None:
        """Take the times of the next part."""
        if self.descends is not None or not len(times):
            return
        self.first = int(times[0]) if self.first is None else self.first
        if times[-1] != self.first:
            self.descends = self.first > int(times[-1])


@dataclass(frozen=True, slots=True)
class RefusedQuote:
    """A row that was not stored at the end of its file: line, reason and text."""

    line: int
    reason: str
    text: str


class QuoteWriter:
    """Writes the quotes of one file after the other; without a store it counts every slot as written."""

    def __init__(self, store: BarStore | None, evidence: ImportEvidence, options: ImportOptions) -> None:
        self.counts = RowCounts()
        self.first_quotes: list[FirstQuote] = []
        self._store = store
        self._evidence = evidence
        self._replace = options.replace
        self._as_is = options.as_is
        self._jumps = PriceJumps()
        self._rules = PriceRules(allow_negative=options.allow_negative_prices)
        self._waiting: dict[tuple[str, Interval], list[tuple[WaitingQuote, WaitingQuote]]] = {}
        """For each the one of rows that ascend, and of rows that descend."""
        self._orders: dict[tuple[str, Interval], RowOrder] = {}

    def begin_file(self) -> None:
        """Begin a file; what waits of one that failed is dropped."""
        self._waiting, self._orders, self._jumps = {}, {}, PriceJumps()

    def write(self, rows: FileRows) -> Mapping[int, str]:
        """Store the good quotes of a part; return the reasons of the other rows, by position in the file."""
        self.counts = replace(self.counts, left_out=self.counts.left_out + rows.left_out)
        reasons = dict(rows.faults)
        for part in rows.series:
            reasons |= self._write(rows, part)
        return reasons

    def end_file(self, file: Path) -> list[RefusedQuote]:
        """Store what waits; return the rows that were refused.

        Raises UnclearFileError where the rows of one symbol are evidently those of several.
        """
        self._jumps.check(file, self._as_is)
        refused: list[RefusedQuote] = []
        of_file = next((one.descends for one in self._orders.values() if one.descends is not None), False)
        for (symbol, interval), either in self._waiting.items():
            order = self._orders[symbol, interval].descends
            descends = of_file if order is None else order
            waiting = [pair[descends] for pair in either]
            merged = last_quotes(join([one.quote for one in waiting]), interval, descends=descends)
            self._count_earlier(len(waiting) - len(merged))
            self._evidence.count_repeats(symbol, interval, len(waiting) - len(merged))
            for at, reason in self._store_slots(symbol, interval, merged).items():
                row = waiting[int(merged.places[at])]
                refused.append(RefusedQuote(row.line, reason, row.text))
        self._waiting = {}
        return refused

    def notes(self) -> list[str]:
        """Return a sentence for each kind of counted rows."""
        told = {
            "of quotes followed by a later one of their slot, which counts": self.counts.earlier,
            "of quotes marked as made: left out": self.counts.left_out,
        }
        return [
            f"{number:,} row{'' if number == 1 else 's'} {words}" for words, number in told.items() if number
        ]

    def _write(self, rows: FileRows, part: SeriesRows) -> dict[int, str]:
        interval = rows.interval
        quotes = with_missing_sides(part.bars)
        is_on_raster = rows.is_labelled or not interval.is_intraday
        faults = quote_faults(quotes, interval, self._rules, is_on_raster=is_on_raster)
        reasons = {int(part.rows[i]): fault for i, fault in faults.items()}
        good = np.delete(np.arange(len(part.rows)), list(faults))
        sound, series = take(quotes, good), (part.symbol, interval)
        order = self._orders.setdefault(series, RowOrder())
        order.add(sound.opened_at)
        if not is_column(rows):
            self._jumps.add(part.symbol, sound)
        found = last_quotes(sound, interval, descends=bool(order.descends))
        self._count_earlier(int(found.rows.sum()) - len(found))
        places = part.rows[good][found.places]
        times = found.quotes.opened_at
        has_fractions = bool((part.bars.opened_at % interval.seconds).any())
        self._evidence.add(replace(part, bars=found.quotes), interval, times, are_labels=not has_fractions)
        self._keep_first(part.symbol, interval, found.quotes)
        if len(found):
            other = last_quotes(sound, interval, descends=True) if order.descends is None else found
            self._wait(rows, part.symbol, (found, other), part.rows[good])
        refused = self._store_slots(part.symbol, interval, found.part(slice(1, -1)))
        return reasons | {int(places[at + 1]): reason for at, reason in refused.items()}

    def _wait(self, rows: FileRows, symbol: str, either: tuple[LastQuotes, LastQuotes], at_row: Ints) -> None:
        """Keep the first and the last slot of a part, by rows that ascend and by rows that descend."""
        count = len(either[0])
        waiting = self._waiting.setdefault((symbol, rows.interval), [])
        for at in sorted({0, count - 1}):
            places = [int(at_row[found.places[at]]) for found in either]
            texts = rows.texts(places)
            ascending, descending = (
                WaitingQuote(take(found.quotes, slice(at, at + 1)), *texts[place])
                for found, place in zip(either, places, strict=True)
            )
            waiting.append((ascending, descending))

    def _store_slots(self, symbol: str, interval: Interval, found: LastQuotes) -> dict[int, str]:
        """Store slots; return the reasons of those that were refused, by position."""
        if not len(found):
            return {}
        if self._store is None:
            self.counts = replace(self.counts, written=self.counts.written + len(found))
            return {}
        try:
            result = self._store.quotes.write(symbol, interval, unpacked(found.quotes), replace=self._replace)
        except SymbolRefusedError as error:
            return {at: str(error) for at in range(len(found))}
        self.counts = replace(
            self.counts,
            written=self.counts.written + result.written,
            unchanged=self.counts.unchanged + result.unchanged,
            replaced=self.counts.replaced + result.replaced,
        )
        times = found.quotes.opened_at
        return {
            at: f"the quote of {symbol} {utc_text(times[at])} is stored with other values; --replace "
            "overwrites them"
            for at in result.conflicts.tolist()
        }

    def _count_earlier(self, count: int) -> None:
        self.counts = replace(self.counts, earlier=self.counts.earlier + count)

    def _keep_first(self, symbol: str, interval: Interval, found: BarColumns) -> None:
        quotes = unpacked(found)
        for i in range(min(_FIRST_QUOTES - len(self.first_quotes), len(quotes))):
            values = (quotes.bid, quotes.ask, quotes.bid_size, quotes.ask_size)
            numbers = [float(column[i]) for column in values]
            self.first_quotes.append(FirstQuote(symbol, interval, int(quotes.opened_at[i]), *numbers))

"""Writer of an import: validates the parts of files, and stores their good bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Final

import numpy as np

from tapedeck.engine.errors import SymbolRefusedError
from tapedeck.engine.importers.evidence import ImportEvidence
from tapedeck.engine.importers.file_repeats import FileRepeats
from tapedeck.engine.importers.file_rows import FileRows, SeriesRows
from tapedeck.engine.importers.report import FirstBar, ImportOptions
from tapedeck.engine.importers.validation import (
    Mask,
    PriceRules,
    ValidBars,
    repeat_fault,
    sort_out_repeats,
    utc_text,
    validate_bars,
)
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import take
from tapedeck.engine.store.bar_store import BarColumns, BarStore, Ints

_FIRST_BARS: Final = 3
# Of more rows, the question about several symbols follows.
_MOST_COMPARED: Final = 1000
_NO_ROWS: Final = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Numbers of good rows by what became of them, of rows without any price, and of changed values.

    Of quotes: `earlier` rows, which a later one of their slot replaces, and those that were made.
    """

    written: int = 0
    unchanged: int = 0
    replaced: int = 0
    gaps: int = 0
    widened: int = 0
    without_volume: int = 0
    large_volumes: int = 0
    earlier: int = 0
    left_out: int = 0

    def __add__(self, other: RowCounts) -> RowCounts:
        return RowCounts(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


class PartWriter:
    """Writes the parts of one file after the other; without a store it counts every good row as written."""

    def __init__(self, store: BarStore | None, evidence: ImportEvidence, options: ImportOptions) -> None:
        self.counts = RowCounts()
        self.columns: Mapping[str, str] = {}
        self.notes: dict[str, None] = {}
        self.first_bars: list[FirstBar] = []
        self._store = store
        self._evidence = evidence
        self._replace = options.replace
        self._rules = PriceRules(options.allow_zero_prices, options.allow_negative_prices)
        self._repeats = FileRepeats()

    def begin_file(self) -> None:
        """Begin a file; rows repeat earlier ones of the same file only."""
        self._repeats = FileRepeats()

    def end_file(self, rows: FileRows) -> None:
        """End a file with its last part; UnclearFileError where it seems to have several symbols."""
        self._repeats.check(rows)

    def all_notes(self) -> list[str]:
        """Return the notes of the readers, and a sentence for each kind of counted rows."""
        counts = self.counts
        told = {
            "without any price: gaps, which are not stored": counts.gaps,
            "with an open or close beyond high or low by rounding: high or low was widened": counts.widened,
            "with volume -1, stored as 0": counts.without_volume,
            "with a volume of 2^53 or more, whose last digits are not exact": counts.large_volumes,
        }
        sentences = [
            f"{number:,} row{'' if number == 1 else 's'} {words}" for words, number in told.items() if number
        ]
        return [*self.notes, *sentences]

    def write(self, rows: FileRows) -> Mapping[int, str]:
        """Store the good bars of a part; return the reasons of the other rows, by position in the file."""
        self._repeats.begin(rows)
        self.counts = replace(self.counts, gaps=self.counts.gaps + rows.gaps)
        reasons = dict(rows.faults)
        for part in rows.series:
            reasons |= self._write(rows, part)
        return reasons

    def describe(self, rows: FileRows) -> None:
        """Keep what the reader tells of a part, of bars or of quotes."""
        if rows.reading is not None:
            self.columns = self.columns or rows.reading.columns
            self.notes |= dict.fromkeys(rows.reading.notes)

    def _keep_first_bars(self, symbol: str, interval: Interval, bars: BarColumns) -> None:
        for i in range(min(_FIRST_BARS - len(self.first_bars), len(bars))):
            values = (bars.open, bars.high, bars.low, bars.close, bars.volume)
            numbers = [float(column[i]) for column in values]
            self.first_bars.append(FirstBar(symbol, interval, int(bars.opened_at[i]), *numbers))

    def _write(self, rows: FileRows, part: SeriesRows) -> dict[int, str]:
        interval = rows.interval
        checked = validate_bars(part.bars, interval, self._rules)
        reasons = {int(part.rows[i]): fault for i, fault in checked.faults.items()}
        valid, places = checked.bars, part.rows
        if checked.faults:
            kept = np.flatnonzero(checked.good)
            valid, places = take(checked.bars, kept), part.rows[kept]
        within = _repeats(part.bars.opened_at, part.rows, checked.good)
        bars = sort_out_repeats(valid)
        seen = self._repeats.seen_before(part.symbol, interval, bars.opened_at)
        fresh = bars if seen is None else take(bars, np.flatnonzero(~seen))
        try:
            stored_otherwise = self._store_run(part.symbol, interval, fresh, replace=self._replace)
        except SymbolRefusedError as error:
            return reasons | {int(row): str(error) for row in places}
        self._count_changes(checked)
        self._keep_first_bars(part.symbol, interval, valid)
        self._evidence.add(part, interval, fresh.opened_at)
        clashes = {time: _clash(part.symbol, time) for time in stored_otherwise}
        if seen is not None:
            # An earlier part of the file has these times: the first row is kept, also with --replace.
            known = take(bars, np.flatnonzero(seen))
            lost = self._repeats.clashed_before(part.symbol, interval, known.opened_at)
            kept_bars = take(known, np.flatnonzero(~lost))
            again = self._store_run(part.symbol, interval, kept_bars, replace=False)
            self._repeats.count(rows, part.symbol, _rows_at(again, valid.opened_at, places))
            clashes |= {time: repeat_fault(time) for time in again}
            clashes |= {time: _clash(part.symbol, time) for time in known.opened_at[lost].tolist()}
            equal = self._equal_to_first(part.symbol, interval, checked, kept_bars.opened_at)
            self._count(good=len(equal))
            for row in part.rows[equal].tolist():
                del reasons[row], within[row]
        self._repeats.count(rows, part.symbol, within)
        self._repeats.add_clashes(part.symbol, interval, np.array(sorted(stored_otherwise), np.int64))
        refused = np.flatnonzero(np.isin(valid.opened_at, list(clashes))) if clashes else _NO_ROWS
        self._count(good=len(places) - len(refused))
        return reasons | {int(places[i]): clashes[int(valid.opened_at[i])] for i in refused}

    def _equal_to_first(self, symbol: str, interval: Interval, checked: ValidBars, known: Ints) -> Ints:
        # Rows that differ from an earlier row of their part, but equal the first row in an earlier part.
        faults = [
            i for i, fault in checked.faults.items() if fault == repeat_fault(checked.bars.opened_at[i])
        ]
        bad = np.array(faults, np.int64)
        bad = bad[np.isin(checked.bars.opened_at[bad], known)][:_MOST_COMPARED]
        equal = [
            i
            for i in bad
            if not self._store_run(symbol, interval, take(checked.bars, bad[bad == i]), replace=False)
        ]
        return np.array(equal, np.int64)

    def _store_run(self, symbol: str, interval: Interval, bars: BarColumns, *, replace: bool) -> list[int]:
        # Returns the times that are stored with other values.
        if not len(bars):
            return []
        if self._store is None:
            self._count(written=len(bars))
            return []
        result = self._store.write(symbol, interval, bars, replace=replace)
        self._count(written=result.written, replaced=result.replaced)
        return [int(time) for time in bars.opened_at[result.conflicts]]

    def _count(self, *, written: int = 0, replaced: int = 0, good: int = 0) -> None:
        # A good row that is neither written nor replaced repeats a stored bar or an earlier row.
        counts = self.counts
        self.counts = replace(
            counts,
            written=counts.written + written,
            unchanged=counts.unchanged + good - written - replaced,
            replaced=counts.replaced + replaced,
        )

    def _count_changes(self, checked: ValidBars) -> None:
        counts = self.counts
        self.counts = replace(
            counts,
            widened=counts.widened + checked.widened,
            without_volume=counts.without_volume + checked.without_volume,
            large_volumes=counts.large_volumes + checked.large_volumes,
        )


def _clash(symbol: str, time: int) -> str:
    return f"{symbol} {utc_text(time)} is stored with other values; --replace overwrites them"


def _rows_at(wanted: Sequence[int], times: Ints, rows: Ints) -> dict[int, int | None]:
    # Rows that repeat a row of an earlier part.
    return {int(row): None for row in rows[np.isin(times, wanted)]} if wanted else {}


def _repeats(times: Ints, rows: Ints, good: Mask) -> dict[int, int | None]:
    # Bad rows with the time of a good one, and the row of that.
    bad, kept = np.flatnonzero(~good), np.flatnonzero(good)
    if not (len(bad) and len(kept)):
        return {}
    order = kept[np.argsort(times[kept], kind="stable")]
    at = np.minimum(np.searchsorted(times[order], times[bad]), len(order) - 1)
    same = times[order[at]] == times[bad]
    return {int(rows[i]): int(rows[j]) for i, j in zip(bad[same], order[at][same], strict=True)}

"""Options, progress and report of an import."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tapedeck.engine.errors import BarImportError
from tapedeck.engine.intervals import Interval
from tapedeck.engine.printable import printable_line

if TYPE_CHECKING:
    from tapedeck.engine.importers.file_rows import UnclearFileError  # imports numpy; help does without

_SHOWN = 5
_TEXT_WIDTH = 80


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """Treatment of bad and changed rows.

    `strict` refuses a whole file that has any bad row, and ends the import there. With `replace`, bars
    overwrite stored bars of the same time; otherwise such rows are rejected. With `as_is`, rows are stored
    although their steps or labels contradict the options. Prices of 0 and negative ones are bad unless they
    are allowed.
    """

    strict: bool = False
    replace: bool = False
    as_is: bool = False
    allow_zero_prices: bool = False
    allow_negative_prices: bool = False


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """Progress of an import: files and their bytes, rows read so far, and the next file."""

    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int
    rows: int
    current: Path | None


ShowProgress = Callable[[ImportProgress], None]
IsCancelled = Callable[[], bool]
TakeRejected = Callable[[Sequence["RejectedRow"]], None]


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that was not stored: its line in the file (in Parquet, its row) from 1, reason and text."""

    file: Path
    line: int
    reason: str
    text: str

    def __str__(self) -> str:
        text = self.text if len(self.text) <= _TEXT_WIDTH else f"{self.text[: _TEXT_WIDTH - 1]}…"
        return printable_line(f"{self.file}:{self.line}: {self.reason} ({text})")


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file that was not read, and the reason."""

    file: Path
    reason: str

    def __str__(self) -> str:
        return printable_line(f"{self.file}: {self.reason}")


@dataclass(frozen=True, slots=True)
class SeriesReport:
    """Good bars, or quotes, of one symbol and interval in an import; `bars` is their number.

    `first` and `last`: opening times, seconds UTC; of daily bars midnight UTC of the trading day. `step`: the
    usual seconds between two bars, None for one bar. `hours`: minutes of the day of the exchange's time at
    which the bars begin and end, (570, 960) for 09:30 to 16:00; None for daily bars.
    """

    symbol: str
    interval: Interval
    bars: int
    first: int
    last: int
    step: int | None
    hours: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class FirstBar:
    """One of the first bars of an import, as it is stored; `opened_at`: seconds UTC."""

    symbol: str
    interval: Interval
    opened_at: int
    open: float
    high: float
    low: float
    close: float
    volume: float

    @property
    def prices(self) -> tuple[float, float, float, float]:
        """Open, high, low and close."""
        return self.open, self.high, self.low, self.close


@dataclass(frozen=True, slots=True)
class FirstQuote:
    """One of the first quotes of an import, as it is stored; NaN for what is missing."""

    symbol: str
    interval: Interval
    opened_at: int
    bid: float
    ask: float
    bid_size: float
    ask_size: float


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Exact counts of an import.

    `rows_read` is the sum of written, unchanged, replaced, rejected and gaps (rows without any price), and of
    quotes `earlier` (rows that a later one of their slot replaces) and `left_out` (those that were made).
    `files` counts those that were read, `skipped` holds the others. `rejected` has the first rejected rows,
    `rejected_count` counts all. `interrupted`: the import was cancelled; what was read before is stored, and
    importing again adds the rest. `series`: the good bars by symbol and interval, `quotes`: the good quotes;
    `zone`: the time zone of their hours, that of the exchange. `columns`: what each role was read from, of
    the first file. `notes`: sentences on how the files were read. A dry run stores nothing: `written` counts
    what would be good, and `question` is what the import would ask.
    """

    files: int = 0
    rows_read: int = 0
    written: int = 0
    unchanged: int = 0
    replaced: int = 0
    rejected: tuple[RejectedRow, ...] = ()
    rejected_count: int = 0
    gaps: int = 0
    skipped: tuple[SkippedFile, ...] = ()
    interrupted: bool = False
    series: tuple[SeriesReport, ...] = ()
    zone: str = "UTC"
    columns: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    first_bars: tuple[FirstBar, ...] = ()
    quotes: tuple[SeriesReport, ...] = ()
    first_quotes: tuple[FirstQuote, ...] = ()
    earlier: int = 0
    left_out: int = 0
    is_dry_run: bool = False
    question: UnclearFileError | None = None

    @property
    def stored_nothing(self) -> bool:
        """Whether no row was good: none was written, and none repeats a stored bar."""
        return not (self.written or self.unchanged or self.replaced)

    def summary(self, shown: int = _SHOWN) -> str:
        """Return as text the counts, the first `shown` rejected rows, and the skipped files by reason."""
        files = "" if self.question is not None else f"{_count(self.files, 'file')} read, "
        head = f"{files}{_count(self.rows_read, 'row')}: "
        if self.is_dry_run:
            counts = f"{self.written + self.unchanged:,} good, {self.rejected_count:,} rejected"
            head += f"{counts}; nothing is written (dry run)"
        else:
            head += (
                f"{self.written:,} written, {self.unchanged:,} unchanged, {self.replaced:,} replaced, "
                f"{self.rejected_count:,} rejected"
            )
        lines = [head + ("; interrupted" if self.interrupted else "")]
        lines += first_rows(self.rejected, shown, self.rejected_count)
        lines += self.notes
        for reason, count in Counter(entry.reason for entry in self.skipped).most_common():
            example = next(entry.file for entry in self.skipped if entry.reason == reason)
            lines.append(
                f"skipped {_count(count, 'file')} (such as {printable_line(str(example))}): {reason}"
            )
        return "\n".join(lines)


class RefusedFileError(BarImportError):
    """A file with bad rows in a strict import: nothing of it is stored, nor, with `is_all`, of other files.

    `rejected` has the first bad rows, `count` is the number of all.
    """

    def __init__(self, file: Path, rejected: Sequence[RejectedRow], count: int, *, is_all: bool) -> None:
        self.file = file
        self.rejected = tuple(rejected)
        what = "nothing" if is_all else "nothing of this file"
        head = f"{file}: {_count(count, 'bad row')}; {what} was stored (strict import)."
        advice = "Correct the rows, or import without strict to store the good rows and list the bad ones."
        super().__init__("\n".join([head, *first_rows(rejected, _SHOWN, count), advice]))


def first_rows(rejected: Sequence[RejectedRow], shown: int, count: int) -> list[str]:
    """Return a line of text for each of the first `shown` rows, and one with the number of the others."""
    lines = [f"  {row}" for row in rejected[:shown]]
    rest = count - len(lines)
    return [*lines, f"  … and {rest:,} more"] if rest > 0 else lines


def length_text(seconds: int) -> str:
    """Return a length of time with the largest unit that gives a whole number, such as `5m`."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

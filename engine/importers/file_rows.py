"""Rows of one file, as a reader passes them to the import: good bars and faults."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tapedeck.engine.errors import BarImportError
from tapedeck.engine.intervals import BASE_INTERVALS, Interval
from tapedeck.engine.printable import printable_line
from tapedeck.engine.store.bar_store import BarColumns, Ints

RowTexts = Callable[[Iterable[int]], Mapping[int, tuple[int, str]]]
OtherColumns = Callable[[Sequence[int]], Mapping[str, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class SeriesRows:
    """Bars of one symbol in the order of the file; `rows`, shape (n,), are their positions in it, from 0.

    `instants`: of daily bars whose times have a time of day, the instants as written (seconds UTC), shape
    (n,); None otherwise.
    """

    symbol: str
    bars: BarColumns
    rows: Ints
    instants: Ints | None = None


@dataclass(frozen=True, slots=True)
class TableReading:
    """Description of how a table is read, for the report and the dry run.

    `columns` maps each role (time, open, ..., symbol) to the column and format it is read from; `notes` are
    sentences such as "no volume column: volume is stored as 0".
    """

    columns: Mapping[str, str]
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class FileRows:
    """Rows of one file, or of a part of it: the bars by symbol, and the reasons of the other rows.

    Positions count from 0 over all parts of the file. `texts` returns line number and text of the given rows;
    it is called for rejected rows only, as it may read the file again. All parts have the same `reading`.
    `others` returns the texts that columns without a role have in the given rows of this part, by column; it
    is called where the rows of one symbol seem to be those of several. `gaps`: rows without any price, which
    are neither bars nor faults.

    `is_quotes`: the series hold packed quotes (see `quote_columns`), whose times may be anywhere in a slot;
    with `is_labelled` they name the slot itself. `left_out`: rows of quotes that were made, not quoted.
    """

    file: Path
    interval: Interval
    series: Sequence[SeriesRows]
    faults: Mapping[int, str]
    texts: RowTexts
    reading: TableReading | None = None
    others: OtherColumns | None = None
    gaps: int = 0
    is_quotes: bool = False
    is_labelled: bool = False
    left_out: int = 0

    def __len__(self) -> int:
        return self.gaps + self.left_out + len(self.faults) + sum(len(part.rows) for part in self.series)


class UnreadableFileError(BarImportError):
    """A file that cannot be read as bars; `reason` is shown in the list of skipped files."""

    def __init__(self, file: Path, reason: str) -> None:
        self.file = file
        self.reason = reason
        super().__init__(printable_line(f"{file}: {reason}"))


class UnclearFileError(BarImportError):
    """A file that could be read in several ways, or whose rows contradict the options; nothing is stored.

    `ways`: options that settle it (flag to value, such as `{"--label": "close"}`), the likeliest first; the
    command line prints the whole command for each. An empty value stands for a switch, None for an option
    that must be left out.
    """

    def __init__(self, file: Path, reason: str, ways: Sequence[Mapping[str, str | None]] = ()) -> None:
        self.file = file
        self.reason = reason
        self.ways = tuple(ways)
        super().__init__(f"{file}: {reason}")


class UnnamedFileError(UnclearFileError):
    """A file without a symbol in its name, in a column or in an option; in a folder it is skipped."""


def check_base(interval: Interval) -> None:
    """Raise BarImportError unless bars of `interval` are stored, rather than derived."""
    if not interval.is_base:
        finer = max(
            (base for base in BASE_INTERVALS if interval.can_be_made_from(base)),
            key=lambda base: base.seconds,
        )
        raise BarImportError(
            f"{interval} bars are not stored: tapedeck derives them. Import {finer} bars instead; "
            f"bars of {', '.join(map(str, BASE_INTERVALS))} can be imported"
        )

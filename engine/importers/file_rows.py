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


@dataclass(frozen=True, slots=True)
class SeriesRows:
    """Bars of one symbol in the order of the file; `rows`, shape (n,), are their positions in it, from 0."""

    symbol: str
    bars: BarColumns
    rows: Ints


@dataclass(frozen=True, slots=True)
class FileRows:
    """All rows of one file: the bars by symbol, and the reasons of the other rows by position, from 0.

    `texts` returns line number and text of the given rows; it is called for rejected rows only, since it may
    read the file again.
    """

    file: Path
    interval: Interval
    series: Sequence[SeriesRows]
    faults: Mapping[int, str]
    texts: RowTexts

    def __len__(self) -> int:
        return len(self.faults) + sum(len(part.rows) for part in self.series)


class UnreadableFileError(BarImportError):
    """A file that cannot be read as bars; `reason` is shown in the list of skipped files."""

    def __init__(self, file: Path, reason: str) -> None:
        self.file = file
        self.reason = reason
        super().__init__(printable_line(f"{file}: {reason}"))


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

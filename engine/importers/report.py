"""Options, progress and report of an import."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tapedeck.engine.errors import BarImportError
from tapedeck.engine.printable import printable_line

_SHOWN = 5
_TEXT_WIDTH = 80


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """Treatment of bad and changed rows.

    `strict` refuses a whole file that has any bad row, and ends the import there. With `replace`, bars
    overwrite stored bars of the same time; otherwise such rows are rejected.
    """

    strict: bool = False
    replace: bool = False


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
class ImportReport:
    """Exact counts of an import; `rows_read` is the sum of written, unchanged, replaced and rejected.

    `files` counts those that were read, `skipped` holds the others. `interrupted`: the import was cancelled
    between two files; the files before are stored, and importing again adds the rest.
    """

    files: int = 0
    rows_read: int = 0
    written: int = 0
    unchanged: int = 0
    replaced: int = 0
    rejected: tuple[RejectedRow, ...] = ()
    skipped: tuple[SkippedFile, ...] = ()
    interrupted: bool = False

    def summary(self, shown: int = _SHOWN) -> str:
        """Return as text the counts, the first `shown` rejected rows, and the skipped files by reason."""
        head = (
            f"{_count(self.files, 'file')} read, {_count(self.rows_read, 'row')}: {self.written:,} written, "
            f"{self.unchanged:,} unchanged, {self.replaced:,} replaced, {len(self.rejected):,} rejected"
        )
        lines = [head + ("; interrupted" if self.interrupted else "")]
        lines += first_rows(self.rejected, shown)
        for reason, count in Counter(entry.reason for entry in self.skipped).most_common():
            example = next(entry.file for entry in self.skipped if entry.reason == reason)
            lines.append(
                f"skipped {_count(count, 'file')} (such as {printable_line(str(example))}): {reason}"
            )
        return "\n".join(lines)


class RefusedFileError(BarImportError):
    """A file with bad rows in a strict import: nothing of `file` is stored; `rejected` holds all bad rows."""

    def __init__(self, file: Path, rejected: Sequence[RejectedRow]) -> None:
        self.file = file
        self.rejected = tuple(rejected)
        head = f"{file}: {_count(len(rejected), 'bad row')}; nothing of this file was stored (strict import)."
        advice = "Correct the rows, or import without strict to store the good rows and list the bad ones."
        super().__init__("\n".join([head, *first_rows(rejected, _SHOWN), advice]))


def first_rows(rejected: Sequence[RejectedRow], shown: int) -> list[str]:
    """Return a line of text for each of the first `shown` rows, and one with the number of the others."""
    lines = [f"  {row}" for row in rejected[:shown]]
    rest = len(rejected) - shown
    return [*lines, f"  … and {rest:,} more"] if rest > 0 else lines


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

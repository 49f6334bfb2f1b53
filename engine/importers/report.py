"""What an import is asked to do, how far it is, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tapedeck.engine.errors import BarImportError

_SHOWN = 5
_TEXT_WIDTH = 80


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How bad and changed rows are met.

    `strict` refuses a file that holds any bad row, as a whole, and ends the import there. `replace` lets
    bars overwrite what is stored for their time; otherwise such rows are rejected.
    """

    strict: bool = False
    replace: bool = False


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import is: files and their bytes, rows read so far, and the file it turns to next."""

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
    """A row that was not stored: its line in the file (in Parquet, its row) from 1, why, and its text."""

    file: Path
    line: int
    reason: str
    text: str

    def __str__(self) -> str:
        text = self.text if len(self.text) <= _TEXT_WIDTH else f"{self.text[: _TEXT_WIDTH - 1]}…"
        return f"{self.file}:{self.line}: {self.reason} ({text})"


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file of which nothing was read, and why."""

    file: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Exact counts of an import; `rows_read` is the sum of written, unchanged, replaced and rejected.

    `files` counts those that were read, `skipped` holds the others. `interrupted` tells that it was
    cancelled between two files; what precedes is stored, and importing again goes on from there.
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
        """Return the counts, the first `shown` rejected rows, and why files were skipped, as text."""
        head = (
            f"{_count(self.files, 'file')} read, {_count(self.rows_read, 'row')}: {self.written:,} written, "
            f"{self.unchanged:,} unchanged, {self.replaced:,} replaced, {len(self.rejected):,} rejected"
        )
        lines = [head + ("; interrupted" if self.interrupted else "")]
        lines += first_rows(self.rejected, shown)
        for reason, count in Counter(entry.reason for entry in self.skipped).most_common():
            example = next(entry.file for entry in self.skipped if entry.reason == reason)
            lines.append(f"skipped {_count(count, 'file')} (such as {example}): {reason}")
        return "\n".join(lines)


class RefusedFileError(BarImportError):
    """A strict import met bad rows: nothing of `file` is stored, and `rejected` tells every one of them."""

    def __init__(self, file: Path, rejected: Sequence[RejectedRow]) -> None:
        self.file = file
        self.rejected = tuple(rejected)
        head = (
            f"{file}: {_count(len(rejected), 'bad row')}, so nothing of this file was stored (strict import)."
        )
        advice = (
            "Mend the rows, or import without strict: then the good rows go in, and the bad ones are listed."
        )
        super().__init__("\n".join([head, *first_rows(rejected, _SHOWN), advice]))


def first_rows(rejected: Sequence[RejectedRow], shown: int) -> list[str]:
    """Return one line of text for each of the first `shown` rows, and one that counts the rest."""
    lines = [f"  {row}" for row in rejected[:shown]]
    rest = len(rejected) - shown
    return [*lines, f"  … and {rest:,} more"] if rest > 0 else lines


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

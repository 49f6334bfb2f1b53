"""What a validation finds: each fault with its file, line and reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# More faults than this in one file are counted, not listed.
_LISTED: Final = 50


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: file, line (the header is 1; None where it is no line's), and what is wrong."""

    file: str
    line: int | None
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.message}"


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """What was checked, and what was found wrong. `status`: complete, partial, or unknown without a manifest.

    `sessions`, `rows`: how many sessions, and rows of the CSV files, were read.
    """

    folder: Path
    status: str
    stamp: str
    sessions: int
    rows: int
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


class FindingLog:
    """Collects findings, so many of each file, and counts the rest."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._counts: Counter[str] = Counter()

    def add(self, file: str, line: int | None, message: str) -> None:
        """Note one fault."""
        self._counts[file] += 1
        if self._counts[file] <= _LISTED:
            self._findings.append(Finding(file, line, message))

    def findings(self) -> tuple[Finding, ...]:
        """Return what was found, in the order found; a file with too many faults says how many more."""
        more = [
            Finding(file, None, f"{count - _LISTED} more faults are not listed")
            for file, count in self._counts.items()
            if count > _LISTED
        ]
        return (*self._findings, *more)

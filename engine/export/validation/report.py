"""Validation report: findings with file, line and message."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# More faults than this in one file are counted, not listed.
_LISTED: Final = 50


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: file, line (the header is 1; None for the whole file), and message."""

    file: str
    line: int | None
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.message}"


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """Result of a validation. `status`: complete, partial, or unknown without a manifest.

    `sessions`, `rows`: number of sessions and CSV rows that were read.
    """

    folder: Path
    status: str
    stamp: str
    sessions: int
    rows: int
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether there are no findings."""
        return not self.findings


class FindingLog:
    """Collects findings, up to a limit for each file, and counts the others."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._counts: Counter[str] = Counter()

    def add(self, file: str, line: int | None, message: str) -> None:
        """Add one fault."""
        self._counts[file] += 1
        if self._counts[file] <= _LISTED:
            self._findings.append(Finding(file, line, message))

    def findings(self) -> tuple[Finding, ...]:
        """Return the findings in order, with the number of unlisted ones for each file."""
        more = [
            Finding(file, None, f"{count - _LISTED} more faults not listed")
            for file, count in self._counts.items()
            if count > _LISTED
        ]
        return (*self._findings, *more)

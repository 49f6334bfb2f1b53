"""Scan records: what the scanners of a session found, when, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class ScanOutcome(Enum):
    """How one run of a scanner ended."""

    DONE = "done"
    FAILED = "failed"
    """It raised, or its result is invalid."""
    OVERRAN = "overran"
    """It took longer than its limit, and was left."""
    SKIPPED = "skipped"
    """It was due while another one was running; in live sessions only."""


@dataclass(frozen=True, slots=True)
class FoundSymbol:
    """A symbol that a scan found. `rank`: from 1; `values`: what its rule looked at, by name, in that order.

    `joined`: whether it joined the session by this scan.
    """

    rank: int
    symbol: str
    values: tuple[tuple[str, float], ...] = ()
    joined: bool = False


@dataclass(frozen=True, slots=True)
class ScanRecord:
    """One run of a scanner in a session.

    `frontier`: number of the tape's slots that were over; `clock`: the session's clock, seconds UTC. `error`:
    why it failed, one line; `traceback`: in full. `seconds`: its own time, which differs from run to run and
    does not count when records are compared.
    """

    scanner: str
    frontier: int
    clock: int
    found: tuple[FoundSymbol, ...] = ()
    outcome: ScanOutcome = ScanOutcome.DONE
    error: str | None = None
    traceback: str = field(default="", compare=False)
    seconds: float = field(default=0.0, compare=False)

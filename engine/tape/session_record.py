"""A session that is over, or was cut short, as it is recorded: stamped, exported, kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tapedeck.engine.intervals import Interval
from tapedeck.engine.quality.gaps_and_scores import HistoricalQuality
from tapedeck.engine.tape.tape import Tape


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A tape and how far it was played; nothing writes to the tape any more.

    `state` is what the run's state was when the session ended: `running`, or how the run itself ended.
    """

    tape: Tape
    frontier: int
    state: str
    error: str | None

    @property
    def historical_quality(self) -> Mapping[tuple[str, Interval], HistoricalQuality]:
        """The quality of the history that the session began with, by symbol and interval."""
        return self.tape.historical_quality

    @property
    def complete(self) -> bool:
        """Whether the session was played to its close."""
        return self.frontier == len(self.tape)


class SessionSink(Protocol):
    """Takes sessions as they end, such as an export."""

    def write_session(self, record: SessionRecord, digest: str) -> None:
        """Write one session; it may be the run's last, and cut short."""
        ...


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """One session in the summary of a run. `quality_pct`: mean over symbols, None where not measured."""

    trading_day: str
    slots: int
    played: int
    bars: int
    quality_pct: float | None
    digest: str

    @classmethod
    def of(cls, record: SessionRecord, digest: str) -> SessionSummary:
        """Return the summary of a session that has been stamped."""
        tape, frontier = record.tape, record.frontier
        return cls(
            trading_day=tape.session.trading_day.isoformat(),
            slots=len(tape),
            played=frontier,
            bars=int(tape.base.present[:, :frontier].sum()),
            quality_pct=None if tape.scores is None else float(np.mean(tape.scores[:, frontier])),
            digest=digest,
        )

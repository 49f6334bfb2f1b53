"""Records of finished or interrupted sessions, as stamped, exported and cached."""

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
    """A tape that is no longer written, with the frontier that was reached.

    `state`: the run's state when the session ended: `running`, or the final state of the run.
    """

    tape: Tape
    frontier: int
    state: str
    error: str | None

    @property
    def historical_quality(self) -> Mapping[tuple[str, Interval], HistoricalQuality]:
        """Quality of the session's history, by symbol and interval."""
        return self.tape.historical_quality

    @property
    def complete(self) -> bool:
        """Whether the session was played to its close."""
        return self.frontier == len(self.tape)


class SessionSink(Protocol):
    """Receiver of sessions as they end, such as an export."""

    def write_session(self, record: SessionRecord, digest: str) -> None:
        """Write one session; the run's last one may be incomplete."""
        ...


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """One session in the summary of a run.

    All symbols that were in it count, those that left up to that moment. `quality_pct`: mean over symbols,
    None if not measured; `empty`: confirmed-empty slots of all symbols, of those played.
    """

    trading_day: str
    slots: int
    played: int
    bars: int
    quality_pct: float | None
    digest: str
    empty: int = 0

    @classmethod
    def of(cls, record: SessionRecord, digest: str) -> SessionSummary:
        """Return the summary of a recorded session with its digest."""
        tape, frontier = record.tape.whole(), record.frontier
        empty = 0 if tape.empty is None else int(tape.empty[:, :frontier].sum())
        after_leaving = sum(frontier - min(frontier, stay.left or 0) for stay in tape.left_after(-1))
        return cls(
            trading_day=tape.session.trading_day.isoformat(),
            slots=len(tape),
            played=frontier,
            bars=int(tape.base.present[:, :frontier].sum()),
            quality_pct=None if tape.scores is None else float(np.mean(tape.scores[:, frontier])),
            digest=digest,
            empty=empty - after_leaving,
        )

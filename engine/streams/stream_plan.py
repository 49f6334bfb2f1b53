"""What a run streams, generates, and loads of earlier days: decided once, before anything starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.config import HistoricalIndicator
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.bar_grid import Ints


@dataclass(frozen=True, slots=True)
class TrailingPlan:
    """A historical indicator and, for each session played, which earlier sessions go into it.

    `sessions[i]` are positions in `HistoryPlan.sessions`, oldest first, for the i-th session played.
    """

    name: str
    definition: HistoricalIndicator
    sessions: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class HistoryPlan:
    """Earlier bars that a run needs.

    `sessions`: all sessions from the earliest needed to the last played, ascending; the first played stands
    at `first_played`. `depths`: intraday interval → sessions to keep per symbol, int64 (S,). `asked`: every
    interval of `historical.data` → trading days per symbol, int64 (S,), 0 where not asked for. `sources`:
    interval → the stored interval it comes from, per symbol. `daily_from`: position of the first day of
    which daily bars are needed, None where none are.
    """

    sessions: tuple[TradingSession, ...]
    first_played: int
    depths: Mapping[Interval, Ints]
    asked: Mapping[Interval, Ints]
    sources: Mapping[Interval, tuple[Interval, ...]]
    trailing: tuple[TrailingPlan, ...]
    daily_from: int | None

    def part(self, played: range) -> HistoryPlan:
        """Return the history of some of the sessions played; as deep, so that no value of them differs."""
        stop = self.first_played + played.stop
        trailing = tuple(
            replace(one, sessions=one.sessions[played.start : played.stop]) for one in self.trailing
        )
        return replace(
            self,
            sessions=self.sessions[:stop],
            first_played=self.first_played + played.start,
            trailing=trailing,
        )


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """The streamed base, what is derived from it, the indicators, and the history they need.

    `notes` say what was added to the file's wishes, `warnings` what a user should look at.
    """

    symbols: tuple[str, ...]
    base: Interval
    derived: tuple[Interval, ...]
    specs: tuple[IndicatorSpec, ...]
    sessions: tuple[TradingSession, ...]
    history: HistoryPlan
    min_completeness: float
    measure_quality: bool
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    def part(self, played: range) -> StreamPlan:
        """Return the plan of some of the sessions, given by their positions; their values are the same."""
        return replace(
            self, sessions=self.sessions[played.start : played.stop], history=self.history.part(played)
        )

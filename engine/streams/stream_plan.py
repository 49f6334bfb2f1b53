"""Stream plan: streamed and derived intervals, indicators and history of a run, fixed before it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.clock.unplayed_bars import CalendarSpans
from tapedeck.engine.config import HistoricalIndicator
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.bar_grid import Ints


@dataclass(frozen=True, slots=True)
class TrailingPlan:
    """A historical indicator, with the earlier sessions it covers at each session played.

    `sessions[i]`: positions in `HistoryPlan.sessions`, oldest first, for the i-th session played.
    """

    name: str
    definition: HistoricalIndicator
    sessions: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class HistoryPlan:
    """Earlier bars that a run needs.

    `sessions`: all sessions from the earliest needed to the last played, ascending. `first_played`: position
    of the first session played. `depths`: intraday interval → sessions to keep per symbol, int64 (S,).
    `requested`: interval in `historical.data` → trading days per symbol, int64 (S,), 0: none. `sources`:
    interval → its stored source, per symbol. `daily_from`: position of the first day with daily bars, or
    None.
    """

    sessions: tuple[TradingSession, ...]
    first_played: int
    depths: Mapping[Interval, Ints]
    requested: Mapping[Interval, Ints]
    sources: Mapping[Interval, tuple[Interval, ...]]
    trailing: tuple[TrailingPlan, ...]
    daily_from: int | None

    def part(self, played: range) -> HistoryPlan:
        """Return the history of a part of the sessions, with the same depth, so that values are equal."""
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
    """The streamed base interval, derived intervals, indicators, and the history they need.

    `notes`: additions to the streams and history in the file. `warnings`: messages for the user.
    `compared_days`: rows of the symbols whose 1d bars are stored, and derived as well; int. `spans`: the
    calendar of the file's dates. `changed_sessions`: days of the file that differ from the calendar, as text.
    `quotes`: whether the session streams them.
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
    changed_sessions: tuple[str, ...]
    spans: CalendarSpans
    compared_days: tuple[int, ...]
    quotes: bool = False

    def part(self, played: range) -> StreamPlan:
        """Return the plan of a part of the sessions, given by their positions; their values are equal."""
        return replace(
            self, sessions=self.sessions[played.start : played.stop], history=self.history.part(played)
        )

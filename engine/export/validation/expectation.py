"""Expected slots, buckets and labels of each session, from the calendar and the manifest.

Buckets are computed here again, from the sessions' hours alone: a check with the engine's own buckets would
not find their faults.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tapedeck.engine.clock.slots import SessionSlots, epoch_seconds
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.export.manifest import Manifest, ManifestSession
from tapedeck.engine.export.validation.session_symbols import SessionSymbols
from tapedeck.engine.intervals import WEEK, Interval

Ints = NDArray[np.int64]

_CACHE_SIZE = 16


@dataclass(frozen=True, slots=True)
class Layout:
    """The possible bars of one interval in a session.

    `labels`, `widths`: int64 (m,), opening seconds UTC and slots of each; `over`: int64 (S,), number of
    closed ones at the frontier of each symbol; `of_slot`: int64 (n,), the bar of each base slot.
    """

    labels: Ints
    widths: Ints
    over: Ints
    of_slot: Ints


@dataclass(frozen=True, slots=True)
class ExpectedSession:
    """One session of the export: its calendar facts, its frontier, the layout of each interval.

    `symbols`: those in the session; `empty`: number of their confirmed-empty slots. `layouts`: by position in
    `Expectation.indicator_intervals`; that of 1w is the session, at whose open its values are labelled.
    """

    session: TradingSession
    frontier: int
    symbols: SessionSymbols
    empty: int
    clock_times: Ints
    layouts: tuple[Layout, ...]

    @property
    def base(self) -> Layout:
        """The layout of the base interval."""
        return self.layouts[0]

    def time_text(self, seconds: int) -> str:
        """Return an instant in the export's form."""
        return datetime.fromtimestamp(seconds, self.session.zone).isoformat()


class Expectation:
    """Expected content of an export. `intervals`: base first; `outputs`: indicators' names in order.

    `symbols`: of all sessions; those of each are in its `ExpectedSession`.

    `indicator_intervals`: `intervals`, then 1w if an indicator has it; there are no bars of 1w. Raises
    CalendarError, and ValueError for an invalid interval in the manifest.
    """

    def __init__(self, manifest: Manifest, time: TimeManager) -> None:
        self.manifest = manifest
        self.symbols = manifest.symbols
        self.intervals = (manifest.base_interval, *manifest.derived_intervals)
        weekly = (str(WEEK),) if str(WEEK) in manifest.indicators.values() else ()
        self.indicator_intervals = (*self.intervals, *weekly)
        self._parsed = [Interval.parse(text) for text in self.indicator_intervals]
        self.outputs = tuple(manifest.indicators)
        self.played: Sequence[ManifestSession] = [
            session for session in manifest.sessions if time.is_trading_day(session.trading_day)
        ]
        self.sessions = [time.get_trading_session(session.trading_day) for session in self.played]
        self.days = [session.trading_day.isoformat() for session in self.sessions]
        self._opens = np.array(
            [epoch_seconds(session.regular_open) for session in self.sessions], dtype=np.int64
        )
        self._closes = np.array(
            [epoch_seconds(session.regular_close) for session in self.sessions], dtype=np.int64
        )
        self.zone = time.zone
        self.session = lru_cache(_CACHE_SIZE)(self._expect)

    def __len__(self) -> int:
        return len(self.sessions)

    def session_at(self, seconds: int) -> int:
        """Return the position of the session whose hours contain an instant, or -1."""
        at = int(np.searchsorted(self._opens, seconds, side="right")) - 1
        return at if at >= 0 and seconds < self._closes[at] else -1

    def _expect(self, index: int) -> ExpectedSession:
        session = self.sessions[index]
        slots = SessionSlots(session, self._parsed[0])
        frontier = min(self.played[index].played, len(slots))
        symbols = SessionSymbols.of(self.manifest, self.played[index])
        frontiers = np.minimum(symbols.frontiers, frontier)
        layouts = [_layout(session, slots, interval, frontiers) for interval in self._parsed]
        empty = self.played[index].empty
        return ExpectedSession(session, frontier, symbols, empty, slots.clock_times(), tuple(layouts))


def _layout(session: TradingSession, slots: SessionSlots, interval: Interval, frontiers: Ints) -> Layout:
    """Assign every slot to a bucket by its time since the open, or since the break."""
    opened_at = slots.opened_at
    marks = np.zeros((2, len(slots)), dtype=np.int64)
    if interval.is_intraday:
        starts = np.array([epoch_seconds(start) for start, _ in session.segments], dtype=np.int64)
        marks[0] = np.searchsorted(starts, opened_at, side="right") - 1
        marks[1] = (opened_at - starts[marks[0]]) // interval.seconds
    _, first, of_slot, widths = np.unique(
        marks, axis=1, return_index=True, return_inverse=True, return_counts=True
    )
    over = np.searchsorted(first + widths, frontiers, side="right").astype(np.int64)
    return Layout(opened_at[first], widths.astype(np.int64), over, of_slot.reshape(-1).astype(np.int64))

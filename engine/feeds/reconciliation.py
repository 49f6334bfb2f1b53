"""Reconciliation: compares a closed session with the feed's history, and lists what is lacking at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.errors import listed
from tapedeck.engine.feeds.back_off import BackOff
from tapedeck.engine.feeds.bar_cells import Cells, Mask, RowChange, cells_of_bars
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.history_request import (
    HistoryAnswer,
    HistoryPurpose,
    HistoryRequest,
    request_for_slots,
)
from tapedeck.engine.quality.gaps_and_scores import Gap, find_gaps
from tapedeck.engine.tape.bar_grid import BarGrid

AGAIN_S: Final = 15.0
"""Market seconds until history that did not reach the close yet is asked again."""
LEAST_TRYING_S: Final = 5.0
"""Seconds of the machine in which requests that fail are followed by others: in a fast replay the time after
the close is over before a connection can be made again."""


@dataclass(frozen=True, slots=True)
class ReconcileRules:
    """Times in market seconds after the close: of the first request, and of the last one."""

    first_after_s: float
    within_s: float

    @classmethod
    def of(cls, grace_seconds: float, within_seconds: float) -> ReconcileRules:
        """Return the rules of a session file.

        The first request goes out when any missing bar is asked for, after the grace: by then providers
        have the last minute in their history, and have corrected it with late trades. A short limit leaves
        half of it for further tries.
        """
        return cls(min(grace_seconds, within_seconds / 2), within_seconds)


@dataclass(frozen=True, slots=True, eq=False)
class Differences:
    """Result of a comparison: bars that differ from the recorded ones or were missing, and empty slots.

    `empty`: cells without a bar, recorded or in history, that history covers.
    """

    bars: tuple[FeedBar, ...]
    empty: Cells


@dataclass(frozen=True, slots=True)
class Lacking:
    """What a session has not at its end: runs of slots without a bar and not confirmed empty, by symbol.

    `reason`: why the session was not compared with history, "" if it was.
    """

    gaps: Mapping[str, tuple[Gap, ...]]
    reason: str = ""

    @property
    def bars(self) -> int:
        """Number of bars that are lacking."""
        return sum(gap.count for gaps in self.gaps.values() for gap in gaps)

    @property
    def text(self) -> str:
        """What is lacking in words, as one line; "" if nothing is."""
        parts = []
        if self.bars:
            plural = "" if self.bars == 1 else "s"
            parts.append(f"{self.bars:,} bar{plural} lacking at the end, of {listed(tuple(self.gaps), 5)}")
        if self.reason:
            parts.append(f"not compared with the feed's history: {self.reason}")
        return "; ".join(parts)


class Reconciliation:
    """Requests for the history of a whole session after its close, until one is answered.

    The first is due `first_after_s` after the close. One that fails is followed by another after a back-off
    (machine seconds); history that ends before the close, or before the last recorded bar, is taken, and
    asked again after 15 market seconds. No further request begins later than `within_s` after the close, and
    5 s of the machine after the first; one on its way is waited for, up to its own deadline. At least one is
    made, however late it is. Symbols that join meanwhile are asked for in a request of their own.

    One thread owns it (all methods): the one that writes the tape. `now`: market time, seconds UTC;
    `machine`: monotonic seconds. `has_history`: whether the feed has any; without, nothing is asked, and it
    is over `within_s` after the close: late bars are taken until then.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        slots: SessionSlots,
        rules: ReconcileRules,
        *,
        back_off: BackOff | None = None,
        has_history: bool = True,
    ) -> None:
        self._symbols, self._slots = tuple(symbols), slots
        self._row_of = {symbol: row for row, symbol in enumerate(self._symbols)}
        self._back_off = BackOff() if back_off is None else back_off
        close = float(slots.closed_at[-1])
        self._next_at = close + rules.first_after_s
        self._last_at = close + rules.within_s
        self._not_before = -np.inf  # machine seconds
        self._pending: HistoryRequest | None = None
        self._first_asked: float | None = None  # machine seconds
        self._tried = False  # for long enough
        self._has_history = has_history
        self._to_compare = frozenset(self._symbols)
        self._is_refused = False  # for good
        self._reason = "not asked yet" if has_history else "the feed has no history"

    def due(self, now: float, machine: float) -> HistoryRequest | None:
        """Return the next request, or None."""
        if self.is_over(now) or self._pending is not None or not self._has_history:
            return None
        if now < self._next_at or machine < self._not_before:
            return None
        if self._first_asked is None:
            self._first_asked = machine
        symbols = [symbol for symbol in self._symbols if symbol in self._to_compare]
        whole = (HistoryPurpose.RECONCILE, symbols, self._slots, 0, len(self._slots))
        self._pending = request_for_slots(*whole)
        return self._pending

    def change_rows(self, change: RowChange) -> None:
        """Go on with other rows, as symbols joined and left."""
        self._symbols = change.symbols(self._symbols)
        self._row_of = {symbol: row for row, symbol in enumerate(self._symbols)}
        self._to_compare = (self._to_compare & frozenset(self._symbols)) | frozenset(change.joined)
        if self._to_compare and not self._reason:
            self._reason = "not asked yet"
        elif not self._to_compare and not self._is_refused and self._has_history:
            self._reason = ""

    def wait_s(self, now: float, machine: float, speed: float = 1.0) -> float | None:
        """Return the machine seconds until `due` or `is_over` may change; None until an answer comes."""
        if self._pending is not None or self.is_over(now):
            return None
        until_end = max(0.0, (self._last_at - now) / speed)
        if not self._has_history:
            return until_end
        until_request = max(0.0, self._not_before - machine, (self._next_at - now) / speed)
        return min(until_request, until_end) if self._tried else until_request

    def answered(
        self,
        answer: HistoryAnswer,
        recorded: BarGrid,
        confirmed_empty: Mask | None,
        now: float,
        machine: float,
    ) -> Differences:
        """Compare an answer with the recorded bars; answers to other requests give no differences.

        `recorded`: the session's base bars (S, n). `confirmed_empty`: bool (S, n), slots known empty before.
        """
        none = Differences((), Cells.none())
        if answer.request is not self._pending:
            return none
        self._pending = None
        self._tried = answer.error is None or machine >= (self._first_asked or 0.0) + LEAST_TRYING_S
        if answer.error is not None:
            self._reason = str(answer.error)
            self._is_refused = answer.error.is_final
            self._not_before = machine + self._back_off.next_wait()
            return none
        table = answer.columns
        given, fits = cells_of_bars(table, answer.request.symbols, self._row_of, self._slots)
        wanted = frozenset(answer.request.symbols)
        asked = np.array([symbol in wanted for symbol in self._symbols], dtype=np.bool_)
        if self._reaches_the_close(answer, given, recorded.present[asked]):
            self._to_compare -= wanted
            self._reason = "not asked yet" if self._to_compare else ""
        else:
            self._reason = "it ends before the close"
            self._next_at = now + AGAIN_S
        known = recorded.present if confirmed_empty is None else recorded.present | confirmed_empty
        unknown = ~known
        unknown[given.rows, given.slots] = False
        unknown[~asked] = False
        unknown &= self._slots.closed_at <= answer.complete_until
        # The recorded bar is NaN where none is, which differs from any.
        recorded_values = recorded.values[:, given.rows, given.slots]
        differ = (table.values[:, fits] != recorded_values).any(axis=0)
        bars = tuple(answer.bars[n] for n in np.flatnonzero(fits)[differ].tolist())
        return Differences(bars, Cells.of(unknown))

    def is_over(self, now: float) -> bool:
        """Whether no further request will be made, and none is on its way: the session can be ended."""
        if self._pending is not None:
            return False
        is_done = self._is_refused or (self._has_history and not self._to_compare)
        return is_done or ((self._tried or not self._has_history) and now >= self._last_at)

    @property
    def is_compared(self) -> bool:
        """Whether the session has been compared with history."""
        return not self._reason

    def lacking(self, present: Mask, confirmed_empty: Mask | None) -> Lacking:
        """Return what is lacking; `present` and `confirmed_empty`: bool (S, n), as they stand at the end."""
        lacks = ~present if confirmed_empty is None else ~(present | confirmed_empty)
        rows = np.flatnonzero(lacks.any(axis=1)).tolist()
        return Lacking({self._symbols[row]: find_gaps(~lacks[row]) for row in rows}, self._reason)

    def _reaches_the_close(self, answer: HistoryAnswer, given: Cells, present: Mask) -> bool:
        """Whether history has come as far as the session, by its own word, else by its last bar."""
        if answer.complete_until:
            return answer.complete_until >= int(self._slots.closed_at[-1])
        recorded_slots = np.flatnonzero(present.any(axis=0))
        return int(given.slots.max(initial=-1)) >= int(recorded_slots.max(initial=-1))

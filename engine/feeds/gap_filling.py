"""Gap filling: decides when a feed is asked for missing bars, and what became of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.config import GapFiller as GapFillerConfig
from tapedeck.engine.config import LiveConfig
from tapedeck.engine.feeds.back_off import BackOff
from tapedeck.engine.feeds.bar_cells import Cells, RowChange, cells_of_bars
from tapedeck.engine.feeds.history_request import (
    HistoryAnswer,
    HistoryPurpose,
    HistoryRequest,
    request_for_slots,
)
from tapedeck.engine.feeds.live_status import GapState, LiveGap

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

# Codes of states in the array; 0: the slot is not over, or its bar came in time.
_STATES: Final = tuple(GapState)
_CODE: Final = {state: code for code, state in enumerate(_STATES, 1)}
_WAITING, _ASKED, _FILLED, _EMPTY, _UNFILLABLE = (_CODE[state] for state in _STATES)
_FIRST_SLOTS: Final = 8  # searched at once for what is listed, from the latest on; then twice as many
_LISTED_FIRST: Final = (_ASKED, _WAITING, _UNFILLABLE, _EMPTY, _FILLED)


@dataclass(frozen=True, slots=True)
class GapRules:
    """Times of requests, in market seconds; `most_tries`: requests for one bar, 0 for none."""

    grace_s: float
    retry_interval_s: float
    most_tries: int

    @classmethod
    def of(cls, gap_filler: GapFillerConfig, live: LiveConfig, *, has_history: bool = True) -> GapRules:
        """Return the rules of a session file; a feed without history is never asked."""
        most = gap_filler.max_retries if has_history else 0
        return cls(live.grace_seconds, gap_filler.retry_interval_seconds, most)


class _Pending(NamedTuple):
    """The request that is on its way: its rows and slots, and the cells for which it counts as a try.

    `since`: of a backfill, else None. `is_joining`: a backfill of symbols that joined, alone.
    """

    request: HistoryRequest
    rows: Ints
    first: int
    stop: int
    counted: Cells
    since: float | None = None
    is_joining: bool = False


class GapFiller:
    """State of the missing bars of one session, S symbols by n slots; decides, but asks no feed itself.

    A bar is asked for `grace_s` after its slot's end, then every `retry_interval_s`, at most `most_tries`
    times. An answer with the bar fills it; one that covers the slot without it confirms it empty; any other
    is a try. A request that fails is no try: the next one waits with a back-off (machine seconds). One
    request is on its way at a time; it is a rectangle of symbols and adjoining slots, each due.

    `missed` asks for one request over the whole range since the last complete slot, before single bars. It
    counts as a try for bars whose grace is over. Symbols that join are asked for in one request of their own.

    One thread owns it: the one that writes the tape. Any thread may call `counts` and `listed`, which may
    mix two neighbouring moments. `now`: market time, seconds UTC; `machine`: monotonic seconds.
    `confirmed_empty`: bool (S, n), slots known empty before.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        slots: SessionSlots,
        rules: GapRules,
        *,
        back_off: BackOff | None = None,
        confirmed_empty: Mask | None = None,
    ) -> None:
        shape = (len(symbols), len(slots))
        self._symbols = tuple(symbols)
        self._slots, self._rules = slots, rules
        self._back_off = BackOff() if back_off is None else back_off
        self._confirmed = confirmed_empty
        self._state = np.zeros(shape, dtype=np.int8)
        self._tries = np.zeros(shape, dtype=np.int16)
        self._counts = np.zeros(len(_STATES) + 1, dtype=np.int64)
        self._frontier = 0
        # Open cells (waiting or asked): rows, slots, and the market time at which each is due.
        self._open = Cells.none()
        self._due: NDArray[np.float64] = np.zeros(0)
        self._earliest = np.inf  # not after the first of them
        self._pending: _Pending | None = None
        # Since when bars were missed, if a backfill is to be asked for; infinity: since the frontier.
        self._missed_since: float | None = None
        self._joining = np.zeros(0, dtype=np.int64)  # rows that joined and were not asked for
        self._not_before = -np.inf  # machine seconds
        self._version = 0
        self._listed: tuple[int, int, tuple[LiveGap, ...]] = (-1, 0, ())

    # What happens to the tape

    def advance(self, present: Mask, frontier: int) -> None:
        """Take over the slots up to `frontier`; `present`: (S, n), which slots have a bar."""
        start = self._frontier
        if frontier <= start:
            return
        rows, columns = np.nonzero(~present[:, start:frontier])
        self._frontier = frontier
        self._add_missing(Cells(rows.astype(np.int64), columns + start))

    def change_rows(
        self, change: RowChange, present: Mask, confirmed_empty: Mask | None, *, asks: bool
    ) -> None:
        """Go on with other rows, as symbols joined and left; copies keep their arrays.

        `present`, `confirmed_empty`: bool (S, n), after the change. `asks`: whether to ask at once for what
        the joined ones miss. A request that is on its way stays valid for the symbols that are still there.
        """
        before = len(self._symbols)
        self._symbols = change.symbols(self._symbols)
        self._confirmed = confirmed_empty
        blank = ((0, len(change.joined)), (0, 0))
        self._state = np.pad(self._state[change.kept], blank)
        self._tries = np.pad(self._tries[change.kept], blank)
        self._counts = np.bincount(self._state.ravel(), minlength=len(self._counts))
        self._open, stay = change.moved(self._open, before)
        self._due = self._due[stay]
        places = change.places(before)
        if (pending := self._pending) is not None:
            counted, _ = change.moved(pending.counted, before)
            self._pending = pending._replace(rows=places[pending.rows], counted=counted)
        joined = np.arange(len(change.kept), len(self._symbols), dtype=np.int64)
        rows, slots = np.nonzero(~present[joined, : self._frontier])
        self._version += 1
        self._add_missing(Cells(joined[rows], slots))
        waiting = places[self._joining]
        self._joining = np.concatenate([waiting[waiting >= 0], joined if asks else joined[:0]])
        self._earliest = float(self._due.min(initial=np.inf))

    def _add_missing(self, cells: Cells) -> None:
        """Take over cells of slots that are over, without a bar."""
        if self._confirmed is not None:
            known = self._confirmed[cells.rows, cells.slots]
            self._set(cells.where(known), _EMPTY)
            cells = cells.where(~known)
        self._set(cells, _WAITING)
        due = self._slots.closed_at[cells.slots] + float(self._rules.grace_s)
        self._open = self._open.joined(cells)
        self._due = np.concatenate([self._due, due])
        self._earliest = min(self._earliest, float(due.min(initial=np.inf)))

    def arrived(self, cells: Cells) -> None:
        """Take note of bars that are now on the tape, in any slots; those that were missing are filled."""
        state = self._state[cells.rows, cells.slots]
        missing = cells.where((state != 0) & (state != _FILLED))
        _, first = np.unique(self._flat(missing), return_index=True)  # a bar may arrive twice
        self._set(Cells(missing.rows[first], missing.slots[first]), _FILLED)

    def missed(self, since: float | None = None) -> None:
        """Ask for all bars since the last complete slot in one request: after a reconnect or a late start.

        `since`: market time of the last message before, from whose slot on bars may be missing; None at the
        start of a recording.
        """
        since = np.inf if since is None else since
        self._missed_since = since if self._missed_since is None else min(since, self._missed_since)
        self._back_off.reset()  # the connection has just been made
        self._not_before = -np.inf

    def end(self, present: Mask, confirmed_empty: Mask | None = None) -> None:
        """End asking, after the session was reconciled: each missing bar is filled, empty or unfillable.

        `present` and `confirmed_empty`: bool (S, n), as they stand at the end.
        """
        self.advance(present, len(self._slots))
        self._pending = self._missed_since = None
        self._joining = self._joining[:0]
        missing = Cells.of(self._state != 0)
        has_bar = present[missing.rows, missing.slots]
        self.arrived(missing.where(has_bar))
        missing = missing.where(~has_bar)
        if confirmed_empty is not None:
            self._set(missing.where(confirmed_empty[missing.rows, missing.slots]), _EMPTY)
        self._set(missing.where(self._is_open(missing)), _UNFILLABLE)
        self._drop_settled()

    # What is asked

    def due(self, now: float, machine: float) -> HistoryRequest | None:
        """Return the next request, or None: nothing is due, or one is on its way, or a back-off runs."""
        if self._pending is not None or machine < self._not_before:
            return None
        if (request := self._backfill_due(now)) is not None:
            return request
        if now < self._earliest:
            return None
        self._drop_settled()
        ripe = self._due <= now
        if not ripe.any():
            return None
        if self._rules.most_tries == 0:
            self._set(self._open.where(ripe), _UNFILLABLE)
            self._drop_settled()
            return None
        rows, first, stop = _rectangle(self._open.where(ripe), len(self._symbols))
        in_rows = np.zeros(len(self._symbols), dtype=np.bool_)
        in_rows[rows] = True
        asked = ripe & in_rows[self._open.rows] & (self._open.slots < stop)
        return self._ask(HistoryPurpose.GAPS, rows, first, stop, asked, now)

    def wait_s(self, now: float, machine: float, speed: float = 1.0) -> float | None:
        """Return the machine seconds until `due` may give a request; None until something else happens."""
        if self._pending is not None:
            return None
        held = max(0.0, self._not_before - machine)
        if self._missed_since is not None or len(self._joining):
            return held
        if self._earliest == np.inf:
            return None
        return max(held, (self._earliest - now) / speed, 0.0)

    def answered(self, answer: HistoryAnswer, machine: float) -> Cells:
        """Take the answer to the request on its way; return the cells that it confirms to be empty.

        Answers to other requests are ignored. Its bars count as filled, as the recorder writes them.
        """
        pending = self._pending
        if pending is None or answer.request is not pending.request:
            return Cells.none()
        self._pending = None
        self._version += 1
        if answer.error is not None:
            self._failed(pending, is_final=answer.error.is_final, machine=machine)
            return Cells.none()
        self._back_off.reset()
        self._not_before = -np.inf
        symbols = answer.request.symbols
        there = zip(symbols, pending.rows.tolist(), strict=True)
        row_of = {symbol: row for symbol, row in there if row >= 0}  # without those that left meanwhile
        self.arrived(cells_of_bars(answer.columns, symbols, row_of, self._slots)[0])
        asked = pending.rows[pending.rows >= 0]
        block = np.ix_(asked, np.arange(pending.first, pending.stop))
        state = self._state[block]
        missing = (state != 0) & (state != _FILLED)
        covered = self._slots.closed_at[pending.first : pending.stop] <= answer.complete_until
        rows, columns = np.nonzero(missing & covered & (state != _EMPTY))
        empty = Cells(asked[rows], columns + pending.first)
        self._set(empty, _EMPTY)
        self._settle_tried(pending.counted)
        return empty

    # What is shown

    def counts(self) -> Mapping[GapState, int]:
        """Return the number of bars in each state that occurs."""
        return {state: int(self._counts[code]) for state, code in _CODE.items() if self._counts[code]}

    def listed(self, limit: int) -> tuple[LiveGap, ...]:
        """Return up to `limit` missing bars by state, those asked for first; latest slots first."""
        if self._listed[:2] != (self._version, limit):
            self._listed = (self._version, limit, tuple(islice(self._newest(limit), limit)))
        return self._listed[2]

    def _newest(self, limit: int) -> Iterator[LiveGap]:
        """Yield missing bars by state, in the order in which they are listed."""
        most = self._rules.most_tries
        for code in _LISTED_FIRST:
            left, stop, width = min(limit, int(self._counts[code])), self._frontier, _FIRST_SLOTS
            while left > 0 and stop > 0:
                start = max(0, stop - width)
                found = np.flatnonzero(self._state[:, start:stop] == code)
                rows, slots = np.divmod(found, stop - start)
                latest = np.argsort(-slots, kind="stable")[:left]
                left, stop, width = left - len(latest), start, 2 * width
                for slot, row in zip((slots[latest] + start).tolist(), rows[latest].tolist(), strict=True):
                    tries = int(self._tries[row, slot])
                    yield LiveGap(self._symbols[row], slot, _STATES[code - 1], tries, most)

    # Steps

    def _backfill_due(self, now: float) -> HistoryRequest | None:
        request = None if self._missed_since is None else self._backfill(self._missed_since, now)
        if request is None and len(self._joining):
            request = self._backfill_joined(now)
        return request

    def _backfill(self, since: float, now: float) -> HistoryRequest | None:
        """Return the request for the missed range, or None if no slot of it is over."""
        self._drop_settled()
        self._missed_since = None
        self._joining = self._joining[:0]  # all that is missing is asked for
        first = min(self._frontier, int(self._open.slots.min(initial=self._frontier)))
        if since < np.inf:
            first = min(first, self._slots.slots_over_at(int(since)))
        stop = max(self._frontier, self._slots.slots_over_at(int(now)))
        if first >= stop:
            return None
        rows = np.arange(len(self._symbols), dtype=np.int64)
        return self._ask(HistoryPurpose.BACKFILL, rows, first, stop, self._due <= now, now, since)

    def _backfill_joined(self, now: float) -> HistoryRequest | None:
        """Return the request for what the symbols that joined miss, or None if that is nothing."""
        rows, self._joining = np.sort(self._joining), self._joining[:0]
        self._drop_settled()
        is_theirs = np.isin(self._open.rows, rows)
        first = int(self._open.slots[is_theirs].min(initial=self._frontier))
        stop = max(self._frontier, self._slots.slots_over_at(int(now)))
        if first >= stop:
            return None
        counted = is_theirs & (self._due <= now)
        return self._ask(HistoryPurpose.BACKFILL, rows, first, stop, counted, now, is_joining=True)

    def _ask(
        self,
        purpose: HistoryPurpose,
        rows: Ints,
        first: int,
        stop: int,
        counted: Mask,
        now: float,
        since: float | None = None,
        *,
        is_joining: bool = False,
    ) -> HistoryRequest:
        """Return a request over rows and slots [first, stop); `counted`: open cells that it is a try for."""
        symbols = [self._symbols[row] for row in rows.tolist()]
        request = request_for_slots(purpose, symbols, self._slots, first, stop)
        if self._rules.most_tries == 0:
            counted = np.zeros_like(counted)
        cells = self._open.where(counted)
        self._tries[cells.rows, cells.slots] += 1
        self._set(cells, _ASKED)
        self._due[counted] = now + self._rules.retry_interval_s
        self._earliest = float(self._due.min(initial=np.inf))
        self._pending = _Pending(request, rows, first, stop, cells, since, is_joining)
        return request

    def _failed(self, pending: _Pending, *, is_final: bool, machine: float) -> None:
        """Take the try back, and wait; after a final error asking for the same bars again would not help."""
        self._not_before = machine + self._back_off.next_wait()
        cells = pending.counted.where(self._is_open(pending.counted))
        if pending.is_joining and not is_final:
            self._joining = np.concatenate([self._joining, pending.rows[pending.rows >= 0]])
        if is_final and pending.since is None:
            self._set(cells, _UNFILLABLE)
            return
        self._tries[cells.rows, cells.slots] -= 1
        self._set(cells.where(self._tries[cells.rows, cells.slots] == 0), _WAITING)
        self._due[np.isin(self._flat(self._open), self._flat(cells))] = -np.inf
        self._earliest = -np.inf
        if pending.since is not None and not is_final:
            self._missed_since = min(
                pending.since, np.inf if self._missed_since is None else self._missed_since
            )

    def _settle_tried(self, cells: Cells) -> None:
        """Mark the cells that were asked for as often as allowed."""
        is_tried = self._tries[cells.rows, cells.slots] >= self._rules.most_tries
        self._set(cells.where(is_tried & self._is_open(cells)), _UNFILLABLE)

    def _drop_settled(self) -> None:
        """Forget open cells that have been settled, and find the first due time of the others."""
        is_open = self._is_open(self._open)
        if not is_open.all():
            self._open, self._due = self._open.where(is_open), self._due[is_open]
        self._earliest = float(self._due.min(initial=np.inf))

    def _flat(self, cells: Cells) -> Ints:
        return cells.rows * len(self._slots) + cells.slots

    def _is_open(self, cells: Cells) -> Mask:
        state = self._state[cells.rows, cells.slots]
        is_open: Mask = (state == _WAITING) | (state == _ASKED)
        return is_open

    def _set(self, cells: Cells, code: int) -> None:
        """Change the state of cells, and the counts; a cell must not occur twice."""
        if not len(cells):
            return
        before = self._state[cells.rows, cells.slots]
        self._counts -= np.bincount(before, minlength=len(self._counts))
        self._state[cells.rows, cells.slots] = code
        self._counts[code] += len(cells)
        self._version += 1


def _rectangle(ripe: Cells, symbols: int) -> tuple[Ints, int, int]:
    """Return the rows due in the earliest slot, and the run of slots from it on where all of them are due."""
    first = int(ripe.slots.min())
    rows = np.sort(ripe.rows[ripe.slots == first])
    chosen = np.zeros(symbols, dtype=np.bool_)
    chosen[rows] = True
    due = np.bincount(ripe.slots[chosen[ripe.rows]] - first)
    incomplete = np.flatnonzero(due < len(rows))
    return rows, first, first + (int(incomplete[0]) if len(incomplete) else len(due))

"""Live universe: the universe of a session that is recorded, whose tape grows as the market goes on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from threading import Event
from typing import Final

import numpy as np

from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.errors import listed
from tapedeck.engine.feeds.bar_cells import BarTable, cells_of_bars
from tapedeck.engine.feeds.history_request import HistoryAnswer
from tapedeck.engine.feeds.universe_history import UniverseHistory
from tapedeck.engine.importers.validation import validate_each
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.run.pre_market import put_figures
from tapedeck.engine.run.recorded_bars import RecordedBars
from tapedeck.engine.run.universe_loader import BegunSession, UniverseLoader
from tapedeck.engine.store.bar_store import BarColumns
from tapedeck.engine.tape.bar_grid import Floats, Ints

_LISTED: Final = 10
"""Most symbols that a message names."""


class LiveUniverse:
    """A universe session that grows: bars of recorded symbols are copied, those of others asked for.

    `tell` takes texts for the user. One thread owns it; between two scans its tape changes in place, so a
    view of it is to be read during its scan alone.
    """

    def __init__(self, begun: BegunSession, history: UniverseHistory, tell: Callable[[str], None]) -> None:
        self.session = begun.session
        self._computer, self._history, self._tell = begun.computer, history, tell
        self._pre_market = begun.pre_market  # None once it is there
        self._had: Ints = np.zeros(len(self.session.symbols), dtype=np.int64)  # slots that were asked for
        self._refused: dict[str, str] = {}  # symbols that are not asked for any more, and why
        self._is_told = False  # that bars are missing, for other reasons
        self._corrected: list[tuple[Ints, Ints, Floats]] = []

    @property
    def refused(self) -> tuple[str, ...]:
        """Symbols of which the feed has no history, in the order in which it refused them."""
        return tuple(self._refused)

    def grow(self, frontier: int, recorded: RecordedBars) -> None:
        """Take the bars of the slots before `frontier`, and compute them.

        Symbols whose bars cannot be fetched lack them, and are asked for again the next time, unless the feed
        refuses them for good. Raises HistoryStoppedError if the run ends meanwhile.
        """
        self._note_covered(recorded)
        self._fetch_pre_market()
        self._fetch(frontier, frozenset(recorded.symbols))
        self._copy(recorded)
        self._mend()
        tape = self.session.tape
        if frontier > tape.processed:
            self._computer.compute(tape.processed, frontier)
            tape.processed = tape.frontier = frontier

    def _note_covered(self, recorded: RecordedBars) -> None:
        """Take note of what needs not be asked for of recorded symbols: slots up to the first missing bar.

        Each slot is asked for once: one that has just joined lacks its bars since the open for a moment.
        """
        rows, values, empty = recorded.in_rows(self.session.tape.rows)
        slots = values.shape[2]
        if not slots:
            return
        covered = ~np.isnan(values[0]) | empty | (np.arange(slots) < self._had[rows, None])
        first = np.where(covered.all(axis=1), slots, np.argmin(covered, axis=1))
        self._had[rows] = np.maximum(self._had[rows], first)

    def _copy(self, recorded: RecordedBars) -> None:
        tape = self.session.tape
        rows, values, empty = recorded.in_rows(tape.rows)
        held = tape.base.values[:, rows, : values.shape[2]]
        own, slots = np.nonzero((held != values).any(axis=0) & ~np.isnan(values[0]))
        self._put(rows[own], slots, values[:, own, slots])
        own, slots = np.nonzero(empty)
        tape.base.confirm_empty(rows[own], slots)

    def _fetch_pre_market(self) -> None:
        """Take the bars before the open, which are complete by then, of all symbols that have some."""
        if self._pre_market is None or self._history.lack is not None:
            return
        start, end = self._pre_market
        minutes = (end - start) // MINUTE.seconds
        if minutes:
            for answer in self._history.ask(self.session.symbols, start, end, minutes):
                if answer.error is None:
                    self._take_pre_market(answer.columns, answer.request.symbols)
                elif not self._can_ask_on(answer):
                    return
        self._pre_market = None

    def _take_pre_market(self, table: BarTable, asked: Sequence[str]) -> None:
        rows: Ints = np.array([self.session.tape.rows[symbol] for symbol in asked], dtype=np.int64)
        checked = validate_each(BarColumns(table.opened_at, *table.values), MINUTE)
        good, bars = checked.good, checked.bars
        own, times = rows[table.symbols[good]], table.opened_at[good]
        values = np.array([bars.high, bars.low, bars.close, bars.volume])[:, good]
        put_figures(self.session.pre_market, own, times, values)

    def _fetch(self, frontier: int, recorded: Collection[str]) -> None:
        symbols = self.session.symbols
        lacking = np.flatnonzero(self._had < frontier).tolist()
        wanted = [row for row in lacking if symbols[row] not in self._refused]
        if not wanted:
            return
        lack = self._history.lack
        if lack is not None:
            self._refuse([symbols[row] for row in wanted if symbols[row] not in recorded], lack)
            return
        slots = self.session.tape.slots
        for first in np.unique(self._had[wanted]).tolist():
            part = [symbols[row] for row in wanted if self._had[row] == first]
            start, end = int(slots.opened_at[first]), int(slots.closed_at[frontier - 1])
            for answer in self._history.ask(part, start, end, frontier - first):
                if not self._take(answer, first, frontier):
                    return  # the feed does not answer: the rest is asked for with the next scan

    def _take(self, answer: HistoryAnswer, first: int, frontier: int) -> bool:
        """Take an answer; return whether the feed can be asked for more."""
        if answer.error is not None:
            return self._can_ask_on(answer)
        asked = answer.request.symbols
        tape, table = self.session.tape, answer.columns
        cells, fits = cells_of_bars(table, asked, tape.rows, tape.slots)
        checked = validate_each(BarColumns(table.opened_at[fits], *table.values[:, fits]), MINUTE)
        cells, bars = cells.where(checked.good), checked.bars
        values = np.array([bars.open, bars.high, bars.low, bars.close, bars.volume])[:, checked.good]
        self._put(cells.rows, cells.slots, values)
        rows: Ints = np.array([tape.rows[symbol] for symbol in asked], dtype=np.int64)
        over = min(frontier, tape.slots.slots_over_at(answer.complete_until))
        if over > first:
            empty_rows = np.repeat(rows, over - first)
            tape.base.confirm_empty(empty_rows, np.tile(np.arange(first, over), len(rows)))
        self._had[rows] = frontier
        return True

    def _can_ask_on(self, answer: HistoryAnswer) -> bool:
        """Report why bars are missing, each reason once; return whether to ask for other bars."""
        error = answer.error
        assert error is not None  # the caller has looked
        if error.is_final:
            self._refuse(answer.request.symbols, str(error))
        elif not self._is_told:
            self._is_told = True
            self._tell(f"universe: bars are missing, which are asked for again: {error}")
        return error.is_final

    def _put(self, rows: Ints, slots: Ints, values: Floats) -> None:
        """Write bars; those of slots that are computed already are kept for `_mend`."""
        behind = slots < self.session.tape.processed
        if behind.any():
            self._corrected.append((rows[behind], slots[behind], values[:, behind]))
        self.session.tape.base.write_bars(rows[~behind], slots[~behind], values[:, ~behind])

    def _mend(self) -> None:
        """Compute the symbols anew of which bars came late, or differ from those before."""
        corrected, self._corrected = self._corrected, []
        if not corrected:
            return
        tape = self.session.tape
        touched: Ints = np.unique(np.concatenate([rows for rows, _, _ in corrected]))
        for rows, slots, values in corrected:
            tape.base.write_bars(rows, slots, values)
        part = tape.of_rows(touched)
        part.scores = None  # quality is counted when it is read
        computer = self._computer.for_rows(part, touched)
        computer.compute(0, tape.processed)
        tape.put_rows(touched, part)
        self._computer.move_to(tape, computer, touched)

    def _refuse(self, symbols: Sequence[str], reason: str) -> None:
        """Name symbols of which nothing can be fetched, once; they are not asked for any more today."""
        new = [symbol for symbol in symbols if symbol not in self._refused]
        if not new:
            return
        self._refused |= dict.fromkeys(new, reason)
        count = f"{len(new):,} of {len(self.session.symbols):,} symbols"
        self._tell(f"universe: no bars of {count} today, {listed(new, _LISTED)}: {reason}")


class LiveUniverses:
    """Loads what was known of the universe before each session that is recorded; `cancel` from any thread.

    `make_loader` returns the loader of one session alone, over what the store has by then.
    """

    def __init__(self, make_loader: Callable[[TradingSession], UniverseLoader]) -> None:
        self._make_loader = make_loader
        self._cancelled = Event()
        self._loader: UniverseLoader | None = None

    def opened(
        self, session: TradingSession, history: UniverseHistory, tell: Callable[[str], None]
    ) -> LiveUniverse:
        """Return the universe of a session, without bars of its day; raises as the loader."""
        loader = self._make_loader(session)
        self._loader = loader
        if self._cancelled.is_set():
            loader.cancelled.set()
        loader.load_history()
        return LiveUniverse(loader.begin(session), history, tell)

    def cancel(self) -> None:
        """End a load early, as the run ends."""
        self._cancelled.set()
        if self._loader is not None:
            self._loader.cancelled.set()

"""Market as a walk reads it: the bars of a tape at the slot where the walk stands, and earlier closes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tapedeck.engine.broker.bar import Bar
from tapedeck.engine.broker.orders import BEFORE_FIRST_SLOT
from tapedeck.engine.tape.bar_grid import CLOSE, Floats
from tapedeck.engine.tape.bars_back import last_columns_present
from tapedeck.engine.tape.tape import Tape


class Market:
    """The tape of a session, and the slot up to which it is known; the last closes of the sessions before.

    `slot`: the walk writes it, BEFORE_FIRST_SLOT before the first.
    """

    __slots__ = ("_closes", "slot", "tape")

    tape: Tape

    def __init__(self) -> None:
        self._closes: dict[str, float] = {}
        self.slot = BEFORE_FIRST_SLOT

    def last_close(self, symbol: str) -> float:
        """Return the last close known of a symbol, of an earlier session if it has no bar yet; else NaN."""
        tape = self.tape
        row, slot = tape.rows.get(symbol), self.slot
        if row is not None and slot >= 0:
            base = tape.base
            if not base.present.item(row, slot):
                slot -= int(base.present[row, slot::-1].argmax())
            if base.present.item(row, slot):
                return base.values.item(CLOSE, row, slot)
        return self._earlier_close(symbol, row)

    def _earlier_close(self, symbol: str, row: int | None) -> float:
        """Return the last close of the sessions walked before, else the prior close."""
        known = self._closes.get(symbol)
        if known is not None:
            return known
        return float("nan") if row is None else float(self.tape.prior_close.values[row])

    def bar_of(self, symbol: str) -> Bar | None:
        """Return the bar of a symbol in the slot, None without one."""
        tape, slot = self.tape, self.slot
        row = tape.rows.get(symbol)
        if row is None or not tape.base.present.item(row, slot):
            return None
        first, high, low, last, volume = tape.base.values[:, row, slot].tolist()
        return first, high, low, last, volume

    def next_bar(self, symbol: str, start: int, stop: int) -> int:
        """Return the first slot of [start, stop) in which a symbol has a bar; `stop` if there is none."""
        row = self.tape.rows.get(symbol)
        if row is None or start >= stop:
            return stop
        present = self.tape.base.present
        return start if present.item(row, start) else first_true(present[row], start, stop)

    def closes(self, symbol: str, start: int, stop: int) -> Floats:
        """Return the last close known at each slot of [start, stop), float64; NaN before the first."""
        row = self.tape.rows.get(symbol)
        before = self._earlier_close(symbol, row)
        if row is None:
            return np.full(stop - start, before)
        present = self.tape.base.present[row]
        closes = self.tape.base.values[CLOSE, row]
        if present[start:stop].all():
            complete: Floats = closes[start:stop]
            return complete
        at = np.where(present[:stop], np.arange(stop), -1)
        at = np.maximum.accumulate(at)[start:]
        known: Floats = np.where(at >= 0, closes[at], before)
        return known

    def closes_of(self, symbols: Sequence[str], start: int, stop: int) -> Floats:
        """Return `closes` of some symbols, float64 (symbols, slots)."""
        rows = [self.tape.rows.get(symbol, -1) for symbol in symbols]
        base = self.tape.base
        if min(rows, default=0) >= 0 and base.present[rows, start:stop].all():
            complete: Floats = base.values[CLOSE, rows, start:stop]
            return complete
        return np.stack([self.closes(symbol, start, stop) for symbol in symbols])

    def take_edition(self, tape: Tape, slots: int) -> None:
        """Take the newest edition of the tape, of which some slots were walked; rows may have changed."""
        self._keep_closes([symbol for symbol in self.tape.symbols if symbol not in tape.rows], slots)
        self.tape = tape

    def end_session(self, slots: int) -> None:
        """End a session of which some slots were walked, and keep its last closes."""
        self._keep_closes(self.tape.symbols, slots)

    def _keep_closes(self, symbols: Sequence[str], slots: int) -> None:
        """Keep the last closes in the first `slots` slots."""
        if not symbols:
            return
        base = self.tape.base
        last = last_columns_present(base.present[:, :slots], 1)[:, 0]
        for symbol in symbols:
            row = self.tape.rows[symbol]
            if last[row] >= 0:
                self._closes[symbol] = float(base.values[CLOSE, row, last[row]])


def first_true(mask: np.ndarray, start: int, stop: int) -> int:
    """Return the first place of [start, stop) at which a mask is true; `stop` if there is none."""
    if start >= stop:
        return stop
    at = start + int(mask[start:stop].argmax())
    return at if mask[at] else stop

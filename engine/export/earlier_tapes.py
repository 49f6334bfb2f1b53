"""Sessions that are over, read back from the spool, the last few kept at hand."""

from __future__ import annotations

from collections import OrderedDict
from datetime import date
from threading import Lock
from typing import Final

from engine.export.spool import TapeSpool
from engine.tape.tape import Tape

_AT_HAND: Final = 3


class EarlierTapes:
    """A spool's tapes, the last ones that were asked for in memory. Anyone may ask."""

    def __init__(self, spool: TapeSpool) -> None:
        self._spool = spool
        self._lock = Lock()  # guards the tapes at hand
        self._tapes: OrderedDict[date, Tape] = OrderedDict()

    def days(self) -> tuple[date, ...]:
        """Return the trading days that are there, oldest first."""
        return self._spool.days()

    def tape(self, trading_day: date) -> Tape:
        """Return a day's tape as far as it was played; ExportError where it is not there or damaged."""
        with self._lock:
            tape = self._tapes.pop(trading_day, None)
            if tape is None:
                tape = self._spool.load(trading_day)
            self._tapes[trading_day] = tape
            if len(self._tapes) > _AT_HAND:
                self._tapes.popitem(last=False)
            return tape

"""Which minute of the session a slot belongs to, for values that are kept by the minute."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.tape.bar_grid import Ints


@lru_cache(maxsize=8)
def minute_of_slots(slots: SessionSlots) -> Ints:
    """Return the minute of the session in which each slot opens, int64 (n,); a day opens in its first."""
    opened = SessionSlots(slots.session, MINUTE).opened_at
    return np.searchsorted(opened, slots.opened_at, side="right") - 1

"""Entry window: the slots of a session in which a rule may enter, and the one that closes positions."""

from __future__ import annotations

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots, epoch_seconds
from tapedeck.engine.clock.start_time import time_in_session
from tapedeck.engine.strategies.definition import RuleDefinition


def entries_end(definition: RuleDefinition, slots: SessionSlots) -> int:
    """Return the first slot of a session from which on no entry is decided any more."""
    end = len(slots)
    if definition.no_entry_after is not None:
        instant = epoch_seconds(time_in_session(slots.session, definition.no_entry_after))
        end = min(end, int(np.searchsorted(slots.closed_at, instant, side="right")))
    if definition.flat_at_close:
        end = min(end, flat_slot(len(slots)))
    return end


def flat_slot(slots: int) -> int:
    """Return the slot that decides what is closed on the session's close."""
    return slots - 2

"""Walked part: slots that strategies walked of a recorded session, and what was known of it then."""

from __future__ import annotations

from typing import NamedTuple


class WalkedPart(NamedTuple):
    """The slots [start, stop), walked with all arrivals of the journal up to `sequence`."""

    start: int
    stop: int
    sequence: int

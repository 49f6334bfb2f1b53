"""Rows of symbols that left a session, on disk until they are exported or looked at."""

from __future__ import annotations

from tapedeck.engine.tape.tape import LeftSymbol, Tape


def spooled(part: Tape, frontier: int) -> tuple[LeftSymbol, ...]:
    """Write the rows of a tape that is cut at a frontier to disk, one symbol each."""
    raise NotImplementedError

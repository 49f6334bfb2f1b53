"""Symbols that came and went in a run, as one short line of a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tapedeck.engine.tape.session_record import SessionSummary, TimedChange

_LISTED: Final = 4


def changes_line(sessions: Sequence[SessionSummary]) -> str:
    """Return the changes of all sessions: `IBM joined 2013-10-07 10:30, kept; AIG left 2013-10-07 11:00`.

    Only the first few of many; empty without any.
    """
    texts = [_text(session.trading_day, change) for session in sessions for change in session.changes]
    more = len(texts) - _LISTED
    counted = [f"{more:,} more {'change' if more == 1 else 'changes'}"] if more > 0 else []
    return "; ".join([*texts[:_LISTED], *counted])


def _text(day: str, change: TimedChange) -> str:
    clock = change.time[11:19].removesuffix(":00")
    return f"{change.symbol} {change.change} {day} {clock}{', kept' if change.keep else ''}"

"""Summary of one day of a run, as if it had been played alone."""

from __future__ import annotations

from dataclasses import replace

from tapedeck.engine.read.snapshot import RunSummary
from tapedeck.engine.tape.session_record import SessionSummary, symbols_played
from tapedeck.engine.tape.stamp import run_stamp


def day_summary(run: RunSummary, session: SessionSummary, state: str) -> RunSummary:
    """Return the summary of one session of a run, with the stamp of that day alone.

    `state`: that of the run when the session ended; it does not matter for a session played to its close.
    """
    is_complete = session.played == session.slots
    return replace(
        run,
        state="completed" if is_complete else state,
        complete=is_complete,
        error=None if is_complete else run.error,
        first_day=session.trading_day,
        last_day=session.trading_day,
        symbols=symbols_played([session], run.symbols),
        sessions=(session,),
        sessions_planned=1,
        bars=session.bars,
        stamp=run_stamp([session.digest], run.changed_sessions),
    )

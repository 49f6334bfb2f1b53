"""Live session in the console, and its report at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tapedeck.console.app.launch import play_on_screen
from tapedeck.console.cli.batch import BatchOptions
from tapedeck.console.cli.failures import DONE, INTERRUPTED, exit_code_of_run
from tapedeck.console.cli.run_report import write_report

if TYPE_CHECKING:
    from tapedeck.console.cli.invocation import Invocation
    from tapedeck.console.cli.live_session import LiveSession


def record_on_screen(invocation: Invocation, session: LiveSession, breaks: Sequence[str]) -> int:
    """Record a session in the console until it is left, write its report, and return the exit code."""
    outcome = play_on_screen(
        session.config,
        session.store,
        invocation=invocation,
        batch_options=BatchOptions(tuple(breaks)),
        session_file=session.session_file,
        note=session.note,
        live=session.live,
    )
    session.note_end(outcome)
    write_report(outcome, invocation.terminal, with_timers=False)
    if line := session.continuation(outcome):
        invocation.terminal.write(line)
    if outcome.error is not None:
        invocation.report_error(outcome.error)
        return exit_code_of_run(outcome.error)
    return INTERRUPTED if outcome.interrupted else DONE

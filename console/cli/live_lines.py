"""Live session without the console: recorded with lines on stdout, and a report at its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tapedeck.console.cli.live_batch import record
from tapedeck.console.cli.live_output import JsonLines, LiveOutput, TextLines
from tapedeck.console.cli.live_report import live_document, live_exit_code, write_live_report
from tapedeck.console.cli.live_session import LiveSession, time_of
from tapedeck.console.cli.run_report import write_report

if TYPE_CHECKING:
    from tapedeck.console.cli.batch import Outcome
    from tapedeck.console.cli.invocation import Invocation


def record_in_lines(invocation: Invocation, session: LiveSession, breaks: Sequence[str]) -> int:
    """Record a session, write its lines and its report, and return the exit code.

    Raises as `record`.
    """
    terminal, as_json = invocation.terminal, invocation.as_json
    lines: LiveOutput = JsonLines(terminal)
    if not as_json:
        lines = TextLines(terminal, time_of(session.config).zone)
        terminal.write(session.heading())

    def report_day(outcome: Outcome) -> None:
        if not as_json:
            write_report(outcome, terminal, with_timers=False)
            terminal.write("")

    done = record(
        session.config,
        session.store,
        session.live,
        lines=lines,
        export=invocation.settings.export,
        interrupts=invocation.interrupts,
        breaks=breaks,
        replayed=session.replayed,
        on_day=report_day,
    )
    session.note_end(done.outcome)
    if as_json:
        terminal.write_json_line(live_document(done, invocation.log_path))
    elif done.outcome.error is None or any(day.played for day in done.outcome.summary.sessions):
        write_live_report(done, terminal)
        if line := session.continuation(done.outcome):
            terminal.write(line)
    if done.outcome.error is not None:
        invocation.report_error(done.outcome.error)
    return live_exit_code(done)

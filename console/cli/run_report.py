"""Report of a run, as text and as a JSON document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Final

from tapedeck.console.cli.failures import error_document
from tapedeck.console.cli.terminal import Cell, Column, Terminal, number_column
from tapedeck.console.panel_data.account_lines import account_line, strategy_lines
from tapedeck.console.panel_data.scanner_lines import failure_lines, scanners_line
from tapedeck.console.panel_data.scores import Grade, cut_score, grade_of
from tapedeck.console.panel_data.symbol_changes import changes_line

if TYPE_CHECKING:
    from tapedeck.console.cli.batch import Outcome
    from tapedeck.engine.read.snapshot import BreakpointHit
    from tapedeck.engine.tape.session_record import SessionSummary

# Sessions shown at the start and at the end of a long list; the JSON document has all.
_SHOWN_AT_EACH_END: Final = 20
_COUNTS: Final = ("back_pressure", "overruns", "calendar_hits", "calendar_misses")
_SHORT_DIGEST: Final = 12
_GRADE_STYLES: Final = {Grade.GOOD: "", Grade.FAIR: "yellow", Grade.BAD: "red"}


def outcome_document(outcome: Outcome, log_path: object) -> dict[str, object]:
    """Return the run as one JSON document; `error` is null without a failure."""
    document: dict[str, object] = asdict(replace(outcome.summary, sessions=()))
    for name in ("scanner_code", "strategy_code", "strategy_parameters"):
        if not document[name]:
            del document[name]
    document["sessions"] = [_session_document(session) for session in outcome.summary.sessions]
    document["interrupted"] = outcome.interrupted
    document["stopped_at"] = None if outcome.stopped_at is None else _hit_document(outcome.stopped_at)
    document["bars_per_second"] = _rate(outcome)
    document["timers"] = {name: asdict(timer) for name, timer in outcome.timers.items()}
    document["export"] = None if outcome.export is None else str(outcome.export)
    if outcome.determinism is not None:
        document["determinism"] = asdict(outcome.determinism)
    document["error"] = None if outcome.error is None else error_document(outcome.error, log_path)
    return document


def write_report(outcome: Outcome, terminal: Terminal, *, with_timers: bool = True) -> None:
    """Write the summary of a run to stdout.

    `with_timers`: also what the engine needed; the console has it on its metrics page.
    """
    summary = outcome.summary
    terminal.write(f"{summary.session_name}: {_state(outcome)}")
    terminal.write(
        f"{summary.exchange}, {summary.first_day} to {summary.last_day}; "
        f"{_count(len(summary.symbols), 'symbol')}; {summary.base} streamed, "
        f"{', '.join(summary.derived) or 'nothing'} derived\n"
    )
    if summary.sessions:
        _write_sessions(summary.sessions, terminal)
    if changes := changes_line(summary.sessions):
        terminal.write(f"\nsymbols: {changes}")
    _write_scanners(summary.sessions, terminal)
    _write_account(summary.sessions, terminal)
    terminal.write(
        f"\n{summary.bars:,} bars in {summary.seconds:.2f} s ({_rate(outcome):,.0f} bars/s), "
        f"{len(summary.sessions)} of {_count(summary.sessions_planned, 'session')}"
    )
    if with_timers:
        _write_timers(outcome, terminal)
    for warning in summary.warnings:
        terminal.write(f"warning: {warning}")
    terminal.write(f"stamp: {summary.stamp}" if summary.sessions else "stamp: none, no session was played")
    if outcome.determinism is not None:
        terminal.write(f"determinism: {outcome.determinism.text}")
    if outcome.export is not None:
        whole = "complete" if summary.complete else "partial"
        terminal.write(f"export: {outcome.export} ({whole})")
    elif outcome.unchanged is not None:
        terminal.write(f"export: none, nothing was played; the earlier one in {outcome.unchanged} stays")
    for folder in outcome.exports:
        terminal.write(f"export: {folder}")
    for failure in outcome.export_failures:
        terminal.write(f"not exported: {failure}")


def _session_document(session: SessionSummary) -> dict[str, object]:
    """Return a session, without what it has not: changes of symbols, scans, an account of strategies."""
    document: dict[str, object] = asdict(replace(session, opening=()))
    for name in ("opening", "changes", "scanners", "account"):
        if not document[name]:
            del document[name]
    return document


def _hit_document(hit: BreakpointHit) -> dict[str, object]:
    day, clock = hit.trading_day.isoformat(), hit.clock.isoformat()
    return {"condition": hit.text, "trading_day": day, "clock": clock, "slots_over": hit.frontier}


def _state(outcome: Outcome) -> str:
    if outcome.interrupted and not outcome.summary.complete:
        return "interrupted; the report is of the part played"
    if outcome.stopped_at is not None:
        hit = outcome.stopped_at
        day, clock = hit.trading_day.isoformat(), f"{hit.local_clock:%H:%M:%S %Z}"
        sessions = outcome.summary.sessions
        total = next((f" of {known.slots}" for known in sessions if known.trading_day == day), "")
        return f"stopped at {day} {clock}, slot {hit.frontier}{total}: {hit.text}"
    return {"completed": "completed", "stopped": "stopped; the report is of the part played"}.get(
        outcome.summary.state, "failed"
    )


def _write_scanners(sessions: Sequence[SessionSummary], terminal: Terminal) -> None:
    """Write what the scanners found, and why they failed."""
    if found := scanners_line(sessions):
        terminal.write(f"\nscanners: {found}")
    for failure in failure_lines(sessions):
        terminal.write(f"scanner {failure}")


def _write_account(sessions: Sequence[SessionSummary], terminal: Terminal) -> None:
    """Write what the strategies did, and what became of their account."""
    if done := strategy_lines(sessions):
        terminal.write("".join(f"\nstrategy {line}" for line in done))
        terminal.write(f"account: {account_line(sessions)}")


def _write_sessions(sessions: Sequence[SessionSummary], terminal: Terminal) -> None:
    rows = [_session_row(session) for session in sessions]
    left_out = len(rows) - 2 * _SHOWN_AT_EACH_END
    if left_out > 0:
        note = (f"{left_out} more", "", "", "")
        rows = [*rows[:_SHOWN_AT_EACH_END], note, *rows[-_SHOWN_AT_EACH_END:]]
    columns = [Column("session"), number_column("bars"), number_column("quality"), Column("digest")]
    terminal.table(columns, rows)


def _session_row(session: SessionSummary) -> tuple[str | Cell, ...]:
    day = session.trading_day
    if session.played < session.slots:
        day = f"{day} (partial: {session.played} of {session.slots} slots)"
    return day, f"{session.bars:,}", _quality(session), session.digest[:_SHORT_DIGEST]


def _quality(session: SessionSummary) -> str | Cell:
    """Return a session's score, or a dash if no slot was played."""
    if session.quality_pct is None:
        return "not measured"
    if not session.played:
        return "–"
    text, grade = f"{cut_score(session.quality_pct, 2)}%", grade_of(session.quality_pct)
    return text if grade is None else Cell(text, _GRADE_STYLES[grade])


def _write_timers(outcome: Outcome, terminal: Terminal) -> None:
    """Write the timers and counters."""
    rows = [
        (
            name.replace("_", " "),
            f"{timer.count:,}",
            *(f"{1e3 * seconds:,.2f}" for seconds in (timer.mean_s, timer.p95_s, timer.max_s)),
            f"{timer.total_s:,.3f}",
        )
        for name, timer in outcome.timers.items()
    ]
    if rows:
        terminal.write("")
        headings = ("count", "mean ms", "p95 ms", "max ms", "total s")
        terminal.table([Column("step"), *map(number_column, headings)], rows)
        terminal.write("")
    counts = outcome.summary.counts
    terminal.write(", ".join(f"{name.replace('_', ' ')} {counts[name]:,}" for name in _COUNTS))


def _rate(outcome: Outcome) -> float:
    seconds = outcome.summary.seconds
    return outcome.summary.bars / seconds if seconds else 0.0


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

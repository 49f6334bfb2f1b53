"""Reports of a run: one line with the symbols that came and went."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tapedeck.console.app.report_lines import RunReport, report_lines
from tapedeck.console.cli.batch import Outcome
from tapedeck.console.cli.run_report import outcome_document, write_report
from tapedeck.console.cli.terminal import Terminal
from tapedeck.console.panel_data.symbol_changes import changes_line
from tapedeck.engine.read.snapshot import RunSummary
from tapedeck.engine.tape.session_record import SessionSummary, TimedChange

IBM = TimedChange("joined", "IBM", 60, "2013-10-07T10:30:00-04:00", True)
AIG = TimedChange("left", "AIG", 90, "2013-10-07T11:00:05-04:00", False)
PLAIN = SessionSummary("2013-10-07", 390, 390, 700, 98.5, "a" * 32, opening=("SPY", "AIG"))
CHANGED = replace(PLAIN, changes=(IBM, AIG))


def outcome(*sessions: SessionSummary) -> Outcome:
    """The outcome of a run of these sessions."""
    summary = RunSummary(
        session_name="October",
        exchange="XNYS",
        mode="backtest",
        state="completed",
        complete=True,
        error=None,
        first_day="2013-10-07",
        last_day="2013-10-07",
        base="1m",
        derived=(),
        symbols=("SPY", "AIG", "IBM"),
        sessions=sessions,
        sessions_planned=len(sessions),
        bars=700,
        seconds=1.0,
        stamp="b" * 32,
        warnings=(),
        notes=(),
        parameters={},
        counts=dict.fromkeys(("back_pressure", "overruns", "calendar_hits", "calendar_misses"), 0),
    )
    return Outcome(summary, {}, None, error=None, interrupted=False)


def test_the_line_names_the_first_changes_and_counts_the_others() -> None:
    assert changes_line([PLAIN]) == ""
    line = "IBM joined 2013-10-07 10:30, kept; AIG left 2013-10-07 11:00:05"
    assert changes_line([PLAIN, CHANGED]) == line
    assert changes_line([CHANGED] * 3) == f"{line}; {line}; 2 more changes"


def test_both_reports_have_the_line_only_if_symbols_came_or_went(capsys: pytest.CaptureFixture[str]) -> None:
    for run, is_there in ((outcome(PLAIN), False), (outcome(CHANGED), True)):
        write_report(run, Terminal())
        screen = "\n".join(line.plain for line in report_lines(RunReport(run.summary, None, 0, 0), 100))
        for text in (capsys.readouterr().out, screen):
            assert ("IBM joined 2013-10-07 10:30, kept" in text) is is_there
            assert "3 symbols" in text


def test_the_document_of_a_run_has_the_changes_only_if_there_are_any() -> None:
    [plain], [changed] = (outcome_document(outcome(one), None)["sessions"] for one in (PLAIN, CHANGED))
    assert list(plain) == ["trading_day", "slots", "played", "bars", "quality_pct", "digest", "empty"]
    assert [*plain, "changes"] == list(changed)
    assert changed["changes"][0] == {
        "change": "joined",
        "symbol": "IBM",
        "slot": 60,
        "time": "2013-10-07T10:30:00-04:00",
        "keep": True,
    }

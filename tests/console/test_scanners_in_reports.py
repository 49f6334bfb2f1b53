"""Reports of a run: one line with what the scanners found, and one for each scanner that failed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tapedeck.console.app.report_lines import RunReport, report_lines
from tapedeck.console.cli.run_report import outcome_document, write_report
from tapedeck.console.cli.terminal import Terminal
from tapedeck.console.panel_data.scanner_lines import failure_lines, scanners_line
from tapedeck.engine.tape.scan_summary import ScannerSummary
from tests.console.test_symbols_in_reports import PLAIN, outcome

GAPS = ScannerSummary("gap_up", scans=22, found=12, joined=3, failed=0)
SLOW = ScannerSummary("Slow", 1, 0, 0, 1, 2, "2013-10-07T10:30:00-04:00", "it took longer than 5 s")
SCANNED = replace(PLAIN, scanners=(GAPS, SLOW))
LATER = replace(SLOW, failed_at="2013-10-08T11:00:05-04:00")
NEXT = replace(PLAIN, trading_day="2013-10-08", scanners=(LATER,))
FOUND = "gap_up found 12 in 22 scans, 3 joined; Slow found none in 1 scan, 2 skipped"
FAILED = "Slow: 1 of 1 scan failed, the first at 2013-10-07 10:30: it took longer than 5 s"


def test_the_lines_add_up_the_sessions_and_name_the_first_failure() -> None:
    assert scanners_line([PLAIN]) == ""
    assert list(failure_lines([PLAIN])) == []
    assert scanners_line([PLAIN, SCANNED]) == FOUND
    assert list(failure_lines([PLAIN, SCANNED])) == [FAILED]
    both = [SCANNED, NEXT]
    assert scanners_line(both).endswith("; Slow found none in 2 scans, 4 skipped")
    assert list(failure_lines(both)) == [FAILED.replace("1 of 1 scan", "2 of 2 scans")]
    assert list(failure_lines([NEXT])) == [FAILED.replace("10-07 10:30", "10-08 11:00:05")]


def test_both_reports_have_the_lines_only_with_scans(capsys: pytest.CaptureFixture[str]) -> None:
    for run, is_there in ((outcome(PLAIN), False), (outcome(SCANNED), True)):
        write_report(run, Terminal())
        screen = "\n".join(line.plain for line in report_lines(RunReport(run.summary, None, 0, 0), 120))
        for text in (capsys.readouterr().out, screen):
            assert (FOUND in text) is is_there
            assert (FAILED in text) is is_there
            assert ("scanner" in text) is is_there


def test_the_document_of_a_run_has_scanners_only_with_scans() -> None:
    [plain], [scanned] = (outcome_document(outcome(one), None)["sessions"] for one in (PLAIN, SCANNED))
    assert [*plain, "scanners"] == list(scanned)
    assert [one["scanner"] for one in scanned["scanners"]] == ["gap_up", "Slow"]
    run = outcome(SCANNED)
    assert "scanner_code" not in outcome_document(run, None)
    run = replace(run, summary=replace(run.summary, scanner_code={"Slow": "c0de"}))
    assert outcome_document(run, None)["scanner_code"] == {"Slow": "c0de"}

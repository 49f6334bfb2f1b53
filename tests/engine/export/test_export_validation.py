"""Damaged exports: each fault is found, with file, line and reason."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date
from pathlib import Path

import pytest
from export_kit import make_config, make_record, make_tape, two_days, write_export
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tapedeck.engine.errors import ExportError, NotAnExportError
from tapedeck.engine.export.validation import ValidationReport, validate_export


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A valid export of two days, with gaps."""
    folder = tmp_path_factory.mktemp("sound") / "export"
    write_export(folder, make_config(), two_days())
    assert validate_export(folder).findings == ()
    return folder


@pytest.fixture
def copy(sound, tmp_path):
    shutil.copytree(sound, tmp_path / "copy")
    return tmp_path / "copy"


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines()


def line_of(folder: Path, name: str, start: str) -> int:
    """Number of the first line with this beginning; the header is line 1."""
    return next(at for at, line in enumerate(lines_of(folder / name), start=1) if line.startswith(start))


def edit(folder: Path, name: str, line: int, field: int, text: str) -> None:
    lines = lines_of(folder / name)
    fields = lines[line - 1].split(",")
    fields[field] = text
    lines[line - 1] = ",".join(fields)
    (folder / name).write_text("\n".join(lines) + "\n")


def drop(folder: Path, name: str, line: int) -> None:
    lines = lines_of(folder / name)
    del lines[line - 1]
    (folder / name).write_text("\n".join(lines) + "\n")


def swap(folder: Path, name: str, line: int) -> None:
    lines = lines_of(folder / name)
    lines[line - 1], lines[line] = lines[line], lines[line - 1]
    (folder / name).write_text("\n".join(lines) + "\n")


def repeat(folder: Path, name: str, line: int) -> None:
    lines = lines_of(folder / name)
    lines.insert(line, lines[line - 1])
    (folder / name).write_text("\n".join(lines) + "\n")


def change_manifest(folder: Path, **changes: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def assert_found(report: ValidationReport, file: str, line: int | None, pattern: str) -> None:
    for finding in report.findings:
        if finding.file == file and finding.line == line and re.search(pattern, finding.message):
            return
    pytest.fail("not found: " + pattern + "\n" + "\n".join(str(finding) for finding in report.findings))


def test_a_real_week_is_sound(played_week):
    report = validate_export(played_week.folder)
    assert report.findings == ()
    assert (report.ok, report.status, report.sessions) == (True, "complete", 5)
    assert report.stamp == played_week.summary.stamp
    names = ("session.csv", "bars.csv", "indicators.csv", "quality.csv")
    assert report.rows == sum(len(lines_of(played_week.folder / name)) - 1 for name in names)


# Bars

FIRST = "SPY,1m,2013-10-08T11:00"
BAR_FIELDS = (
    "symbol",
    "interval",
    "timestamp",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "base_bars",
    "quality",
)


WRONG_FIELDS = {
    "of place and time": (
        ("symbol", "SPYY", r"^unknown symbol 'SPYY'\. Did you mean 'SPY'\?"),
        ("interval", "2m", r"^unknown interval '2m'"),
        ("timestamp", "noon", r"^invalid timestamp 'noon': use ISO 8601"),
        ("timestamp", "2013-10-08T11:00:00", r"has no offset from UTC"),
        (
            "timestamp",
            "2013-10-08T15:00:00+00:00",
            r"is not in exchange time, which is 2013-10-08T11:00:00-04",
        ),
        ("timestamp", "2013-10-08T09:29:00-04:00", r"outside the hours of all sessions"),
        ("timestamp", "2013-10-08T16:00:00-04:00", r"outside the hours of all sessions"),
        ("timestamp", "2013-10-08T11:00:30-04:00", r"no bar of 1m opens at 2013-10-08T11:00:30-04:00"),
        (
            "timestamp",
            "2013-10-07T11:00:00-04:00",
            r"out of order: a row of 2013-10-07 is among those of 2013-10-08",
        ),
    ),
    "of values": (
        ("high", "0.01", r"^high 0\.01 is below low"),
        ("low", "-1", r"^low -1 is negative"),
        ("open", "100000", r"^open 100000 is outside low"),
        ("close", "0.001", r"^close 0\.001 is outside low"),
        ("volume", "-5", r"^volume -5 is negative"),
        ("volume", "many", r"^invalid number 'many' of volume"),
        ("close", "nan", r"^invalid number 'nan' of close"),
        ("high", "inf", r"^invalid number 'inf' of high"),
        ("base_bars", "2", r"^base_bars of a base bar is 2, not 1"),
        ("quality", "99.5", r"^quality of a base bar is 99\.5, not 100"),
    ),
}


@pytest.mark.parametrize("kind", WRONG_FIELDS)
def test_wrong_fields_of_bars_are_found_in_their_lines(copy, kind):
    first = line_of(copy, "bars.csv", FIRST)
    changes = list(enumerate(WRONG_FIELDS[kind], start=first))
    for line, (field, text, _) in changes:
        edit(copy, "bars.csv", line, BAR_FIELDS.index(field), text)
    report = validate_export(copy)
    for line, (_, _, pattern) in changes:
        assert_found(report, "bars.csv", line, pattern)


@pytest.mark.parametrize("field", ["open", "high", "low", "close", "volume", "base_bars", "quality"])
def test_a_derived_bar_that_its_base_bars_do_not_give_is_found(copy, field):
    line = line_of(copy, "bars.csv", "SPY,5m,2013-10-08T11:00")
    found = lines_of(copy / "bars.csv")[line - 1].split(",")[BAR_FIELDS.index(field)]
    edit(copy, "bars.csv", line, BAR_FIELDS.index(field), str(float(found) + 0.001))
    assert_found(
        validate_export(copy), "bars.csv", line, rf"^{field} of the 5m bar is .*, its base bars give {found}"
    )


def test_a_changed_minute_shows_in_the_bars_made_of_it(copy):
    line = line_of(copy, "bars.csv", FIRST)
    edit(copy, "bars.csv", line, 7, "1")
    day = line_of(copy, "bars.csv", "SPY,1d,2013-10-08")
    assert_found(validate_export(copy), "bars.csv", day, r"^volume of the 1d bar is")


def test_a_missing_derived_bar_is_found(copy):
    drop(copy, "bars.csv", line_of(copy, "bars.csv", "AIG,5m,2013-10-08T11:00"))
    assert_found(
        validate_export(copy), "bars.csv", None, r"^AIG 5m 2013-10-08T11:00:00-04:00 is missing, but"
    )


def test_a_derived_bar_without_base_bars_is_found(copy):
    start = line_of(copy, "bars.csv", "AIG,1m,2013-10-08T11:00")
    while lines_of(copy / "bars.csv")[start - 1][:21] == "AIG,1m,2013-10-08T11:" and (
        lines_of(copy / "bars.csv")[start - 1][21:23] < "05"
    ):
        drop(copy, "bars.csv", start)
    line = line_of(copy, "bars.csv", "AIG,5m,2013-10-08T11:00")
    assert_found(validate_export(copy), "bars.csv", line, r"it has too few base bars")


def test_a_missing_minute_is_a_count_and_a_gap_that_do_not_agree(copy):
    drop(copy, "bars.csv", line_of(copy, "bars.csv", FIRST))
    report = validate_export(copy)
    assert_found(report, "bars.csv", None, r"2013-10-08 has \d+ base bars, but \d+ in the manifest")
    quality = line_of(copy, "quality.csv", "2013-10-08,SPY,1m")
    assert_found(
        report, "quality.csv", quality, r"actual of SPY 1m is '\d+', but calendar and bars make '\d+'"
    )
    assert_found(report, "quality.csv", quality, r"^the gap from .* of SPY 1m is missing")


def test_a_duplicate_bar_is_found(copy):
    line = line_of(copy, "bars.csv", FIRST)
    repeat(copy, "bars.csv", line)
    assert_found(
        validate_export(copy), "bars.csv", line + 1,
        rf"^duplicate SPY 1m 2013-10-08T11:00:00-04:00, first in line {line}",
    )  # fmt: skip


def test_bars_in_the_wrong_order_are_found(copy):
    line = line_of(copy, "bars.csv", FIRST)
    swap(copy, "bars.csv", line)
    assert_found(
        validate_export(copy),
        "bars.csv",
        line + 1,
        r"^is out of order: SPY 1m 2013-10-08T11:00:00-04:00 comes",
    )


def test_a_bar_of_a_later_session_is_found(copy):
    line = line_of(copy, "bars.csv", "SPY,1m,2013-10-07T11:")
    edit(copy, "bars.csv", line, 2, "2013-10-08T11:00:00-04:00")
    assert_found(
        validate_export(copy), "bars.csv", line + 1, r"a row of 2013-10-07 is among those of 2013-10-08"
    )


def test_a_row_with_too_few_fields_is_found(copy):
    lines = lines_of(copy / "bars.csv")
    lines[10] = "SPY,1m"
    (copy / "bars.csv").write_text("\n".join(lines) + "\n")
    report = validate_export(copy)
    assert_found(report, "bars.csv", 11, r"^has 2 fields, not 10: 'SPY,1m'")
    assert not [finding for finding in report.findings if (finding.file, finding.line) == ("bars.csv", 12)]


# Files that are not tables


def test_a_wrong_header_is_found(copy):
    edit(copy, "bars.csv", 1, 3, "Open")
    assert_found(validate_export(copy), "bars.csv", 1, r"^the header is 'symbol,interval,timestamp,Open,")


def test_a_file_that_was_cut_is_found(copy):
    data = (copy / "bars.csv").read_bytes()
    (copy / "bars.csv").write_bytes(data[:-20])
    report = validate_export(copy)
    assert_found(report, "bars.csv", None, r"^has \d+ bytes, but \d+ in the manifest")
    assert_found(
        report, "bars.csv", len(lines_of(copy / "bars.csv")), r"the last line has no line end: the file is"
    )


def test_lines_that_end_as_on_windows_are_found(copy):
    text = (copy / "quality.csv").read_text()
    (copy / "quality.csv").write_bytes(text.replace("\n", "\r\n", 3).encode())
    assert_found(validate_export(copy), "quality.csv", 1, r"the header is")
    (copy / "quality.csv").write_bytes(text.encode()[:-1] + b"\r\n")
    assert_found(validate_export(copy), "quality.csv", len(text.splitlines()), r"carriage return")


def test_bytes_that_are_not_text_are_found(copy):
    data = bytearray((copy / "bars.csv").read_bytes())
    data[500] = 0xFF
    (copy / "bars.csv").write_bytes(data)
    line = data[:500].count(b"\n") + 1
    assert_found(
        validate_export(copy), "bars.csv", line, r"cannot be read from here on: the line is not UTF-8 text"
    )


def test_a_quote_that_is_not_closed_is_found(copy):
    edit(copy, "bars.csv", 5, 0, '"SPY')
    report = validate_export(copy)
    assert [finding for finding in report.findings if "cannot be read from here on" in finding.message]


# Indicators

VALUE = "SPY,1m,2013-10-08T11:00:00-04:00,vwap,"


def indicator_line(folder: Path) -> int:
    return next(
        at
        for at, line in enumerate(lines_of(folder / "indicators.csv"), start=1)
        if re.match(r"SPY,1m,2013-10-08T11:\d\d:00-04:00,vwap,", line)
    )


@pytest.mark.parametrize(
    ("field", "text", "pattern"),
    [
        (0, "SPX", r"^unknown symbol 'SPX'\. Did you mean 'SPY'"),
        (1, "5m", r"^vwap is an indicator of 1m, not 5m"),
        (1, "7m", r"^unknown interval '7m'"),
        (3, "vwapp", r"^unknown indicator 'vwapp'\. Did you mean 'vwap'\?"),
        (4, "nan", r"^invalid value 'nan': it must be a number; missing values"),
        (4, "", r"^invalid value ''"),
        (2, "2013-10-09T11:00:00-04:00", r"outside the hours of all sessions"),
    ],
)
def test_a_wrong_field_of_an_indicator_is_found(copy, field, text, pattern):
    line = indicator_line(copy)
    edit(copy, "indicators.csv", line, field, text)
    assert_found(validate_export(copy), "indicators.csv", line, pattern)


def test_an_indicator_where_no_bar_is_is_found(copy):
    bars = {line[:32] for line in lines_of(copy / "bars.csv")}
    missing = next(
        f"2013-10-08T11:{m:02}:00-04:00"
        for m in range(60)
        if f"SPY,1m,2013-10-08T11:{m:02}:00-04:00" not in bars
    )
    line = indicator_line(copy)
    edit(copy, "indicators.csv", line, 2, missing)
    report = validate_export(copy)
    found = [f for f in report.findings if f"has a value without a bar: SPY 1m {missing}" in f.message]
    assert [finding.line for finding in found] == [line]


def test_duplicate_or_unordered_indicators_are_found(copy):
    line = indicator_line(copy)
    repeat(copy, "indicators.csv", line)
    assert_found(validate_export(copy), "indicators.csv", line + 1, r"^duplicate SPY vwap 2013-10-08T11:")
    drop(copy, "indicators.csv", line)
    swap(copy, "indicators.csv", line)
    assert_found(validate_export(copy), "indicators.csv", line + 1, r"^is out of order: SPY vwap")


# Quality

GAP = r"2013-10-08,AIG,1m"
QUALITY_FIELDS = (
    "session_date",
    "symbol",
    "interval",
    "quality",
    "expected",
    "actual",
    "gap_start",
    "gap_end",
    "missing",
)


@pytest.mark.parametrize(
    ("field", "text", "pattern"),
    [
        (
            "session_date",
            "2013-10-09",
            r"^unknown session_date '2013-10-09'\. Did you mean",
        ),
        ("symbol", "AIGG", r"^AIGG 1m is not part of this export"),
        ("quality", "100", r"^quality of AIG 1m is '100', but its bars make \d"),
        ("quality", "good", r"^quality of AIG 1m is 'good'"),
        ("expected", "391", r"^expected of AIG 1m is '391', but calendar and bars make '390'"),
        ("actual", "390", r"^actual of AIG 1m is '390', but calendar and bars make"),
        ("gap_start", "2013-10-08T09:30:00-04:00", r"of AIG 1m is not a gap of bars\.csv"),
        ("missing", "77", r"\(77 missing\) of AIG 1m is not a gap of bars\.csv"),
    ],
)
def test_a_wrong_field_of_the_quality_is_found(copy, field, text, pattern):
    line = line_of(copy, "quality.csv", GAP) + 1
    edit(copy, "quality.csv", line, QUALITY_FIELDS.index(field), text)
    assert_found(validate_export(copy), "quality.csv", line, pattern)


def test_a_gap_that_is_not_listed_is_found(copy):
    line = line_of(copy, "quality.csv", GAP)
    gap = lines_of(copy / "quality.csv")[line].split(",")[6]
    drop(copy, "quality.csv", line + 1)
    assert_found(validate_export(copy), "quality.csv", line, rf"^the gap from {gap} .* of AIG 1m is missing")


def test_gaps_in_the_wrong_order_or_twice_are_found(copy):
    line = line_of(copy, "quality.csv", GAP)
    swap(copy, "quality.csv", line)
    assert_found(validate_export(copy), "quality.csv", line, r"^gaps of AIG 1m are out of order or duplicate")
    swap(copy, "quality.csv", line)
    repeat(copy, "quality.csv", line)
    assert_found(validate_export(copy), "quality.csv", line, r"^gaps of AIG 1m are out of order or duplicate")


def test_a_symbol_without_quality_is_found(copy):
    lines = [line for line in lines_of(copy / "quality.csv") if not line.startswith("2013-10-08,AIG,5m")]
    (copy / "quality.csv").write_text("\n".join(lines) + "\n")
    assert_found(validate_export(copy), "quality.csv", None, r"^2013-10-08: AIG 5m is missing")


def test_quality_rows_of_symbols_in_disorder_are_found(copy):
    lines = lines_of(copy / "quality.csv")
    aig = [line for line in lines if line.startswith("2013-10-07,AIG")]
    rest = [line for line in lines if line not in aig]
    (copy / "quality.csv").write_text("\n".join([rest[0], *aig, *rest[1:]]) + "\n")
    assert_found(validate_export(copy), "quality.csv", len(aig) + 2, r"^SPY 1m is out of order or duplicate")


# Session

SESSION_FIELDS = (
    "timestamp", "system_state", "system_mode", "session_date", "session_time", "session_active",
    "trading_hours_open", "trading_hours_close", "is_early_close", "active_symbols", "error",
)  # fmt: skip


@pytest.mark.parametrize(
    ("field", "text", "pattern"),
    [
        ("timestamp", "2013-10-08T11:00:30-04:00", r"is not a clock time of 2013-10-08"),
        ("system_state", "paused", r"^system_state is 'paused', but should be 'running'"),
        ("system_mode", "live", r"^system_mode is 'live', but should be 'backtest'"),
        ("session_date", "2013-10-06", r"^unknown session_date '2013-10-06'"),
        ("session_time", "11:01:00", r"^session_time is '11:01:00', but should be '11:00:00'"),
        ("session_active", "false", r"^session_active is 'false', but should be 'true'"),
        ("trading_hours_open", "09:00", r"^trading_hours_open is '09:00', but should be '09:30'"),
        ("trading_hours_close", "13:00", r"^trading_hours_close is '13:00', but should be '16:00'"),
        ("is_early_close", "true", r"^is_early_close is 'true', but should be 'false'"),
        ("active_symbols", "3", r"^active_symbols is '3', but should be '2'"),
        ("error", "oops", r"^error is 'oops', but should be ''"),
    ],
)
def test_a_wrong_field_of_the_session_is_found(copy, field, text, pattern):
    line = line_of(copy, "session.csv", "2013-10-08T11:00")
    edit(copy, "session.csv", line, SESSION_FIELDS.index(field), text)
    assert_found(validate_export(copy), "session.csv", line, pattern)


def test_missing_doubled_and_swapped_clock_times_are_found(copy):
    line = line_of(copy, "session.csv", "2013-10-08T11:00")
    drop(copy, "session.csv", line)
    report = validate_export(copy)
    assert_found(report, "session.csv", None, r"^2013-10-08 has 390 rows, but k = 0 to 390 needs 391")
    assert_found(
        report, "session.csv", line, r"^1 rows are missing before .*, 2013-10-08T11:00:00-04:00 first"
    )
    repeat(copy, "session.csv", line)
    assert_found(
        validate_export(copy), "session.csv", line + 1, r"^is out of order or duplicate: 2013-10-08T11:01"
    )


def test_a_session_without_rows_is_found(copy):
    lines = [line for line in lines_of(copy / "session.csv") if not line.startswith("2013-10-08")]
    (copy / "session.csv").write_text("\n".join(lines) + "\n")
    assert_found(
        validate_export(copy), "session.csv", None, r"^2013-10-08 has 0 rows, but k = 0 to 390 needs 391"
    )


def test_the_last_row_must_tell_how_the_run_ended(copy):
    line = len(lines_of(copy / "session.csv"))
    edit(copy, "session.csv", line, 1, "running")
    assert_found(
        validate_export(copy), "session.csv", line, r"^system_state is 'running', but should be 'completed'"
    )


# Manifest and documents


def test_a_file_with_other_bytes_of_the_same_length_is_found(copy):
    data = bytearray((copy / "metrics.json").read_bytes())
    data[-3] ^= 1
    (copy / "metrics.json").write_bytes(data)
    report = validate_export(copy)
    assert len(report.findings) == 1
    assert_found(
        report, "metrics.json", None, r"^has the hash [0-9a-f]{32}, but [0-9a-f]{32} in the manifest"
    )


def test_a_missing_file_is_found(copy):
    (copy / "indicators.csv").unlink()
    (copy / "session.json").unlink()
    report = validate_export(copy)
    assert_found(report, "indicators.csv", None, r"^is missing, but is in the manifest")
    assert_found(report, "session.json", None, r"^is missing, but is in the manifest")


def test_a_missing_manifest_is_found(copy):
    (copy / "manifest.json").unlink()
    report = validate_export(copy)
    assert (report.ok, report.status, report.rows) == (False, "unknown", 0)
    assert_found(report, "manifest.json", None, r"^is missing: the export was interrupted")
    assert str(report.findings[0]).startswith("manifest.json: is missing")


@pytest.mark.parametrize(
    ("changes", "pattern"),
    [
        ({"stamp": ""}, r"^stamp: is missing"),
        ({"stamp": "0" * 32}, r"^stamp: is 0{32}, but the sessions' digests give"),
        ({"status": "partial"}, r"^status: is partial, which contradicts the state completed"),
        ({"status": "fine"}, r"^status: Input should be 'complete' or 'partial'"),
        ({"surprise": 1}, r"^surprise: Extra inputs"),
        ({"files": []}, r"^files: bars\.csv is not listed"),
        ({"exchange": "XNYSS"}, r"^exchange: unknown exchange 'XNYSS'\. Did you mean 'XNYS'"),
        ({"base_interval": "soon"}, r"^base_interval, derived_intervals: invalid interval 'soon'"),
        ({"first_day": "1900-01-01"}, r"^first_day, last_day: 1900-01-01 is outside the calendar"),
        ({"last_day": "2013-10-09"}, r"^sessions: the trading day 2013-10-09 of XNYS is missing"),
        ({"last_day": "2013-10-09"}, r"^sessions_planned: is 2, but the calendar of XNYS has 3"),
    ],
)
def test_a_wrong_manifest_is_found(copy, changes, pattern):
    change_manifest(copy, **changes)
    assert_found(validate_export(copy), "manifest.json", None, pattern)


def sessions_of(folder: Path) -> list[dict[str, object]]:
    return json.loads((folder / "manifest.json").read_text())["sessions"]


@pytest.mark.parametrize(
    ("changes", "pattern"),
    [
        ({"trading_day": "2013-10-06"}, r"^sessions: 2013-10-06 is not a trading day of XNYS in the range"),
        ({"trading_day": "2013-10-08"}, r"^sessions: days are out of order or duplicate"),
        ({"slots": 391}, r"^sessions: 2013-10-07 has 391 slots, but 390 in the calendar"),
        ({"played": 391}, r"^sessions: 2013-10-07 was played for 391 of 390 slots"),
        ({"played": 200}, r"^sessions: 2013-10-07 was played for 200 of 390 slots"),
    ],
)
def test_wrong_sessions_of_the_manifest_are_found(copy, changes, pattern):
    first, second = sessions_of(copy)
    change_manifest(copy, sessions=[{**first, **changes}, second])
    assert_found(validate_export(copy), "manifest.json", None, pattern)


def test_a_manifest_with_invalid_json_is_found(copy):
    (copy / "manifest.json").write_text("{")
    assert_found(validate_export(copy), "manifest.json", None, r"^the document: Invalid JSON")


def test_a_session_json_of_another_run_is_found(copy):
    document = json.loads((copy / "session.json").read_text())
    (copy / "session.json").write_text(json.dumps({**document, "stamp": "0" * 32}))
    assert_found(validate_export(copy), "session.json", None, r"^stamp: is '0{32}', but '")
    (copy / "session.json").write_text("[]")
    assert_found(validate_export(copy), "session.json", None, r"^state: is None, but 'completed'")
    (copy / "session.json").write_text("{")
    assert_found(validate_export(copy), "session.json", None, r"^invalid JSON")


# Partial exports


def test_bars_beyond_the_cut_are_found(tmp_path):
    tape = make_tape(date(2013, 10, 7), frontier=100, missing=0.0)
    write_export(tmp_path, make_config(), [make_record(tape)], state="stopped")
    report = validate_export(tmp_path)
    assert (report.findings, report.status) == ((), "partial")
    lines = lines_of(tmp_path / "bars.csv")
    at = line_of(tmp_path, "bars.csv", "SPY,5m")
    lines.insert(at - 1, "SPY,1m,2013-10-07T12:00:00-04:00,1,1,1,1,1,1,100")
    (tmp_path / "bars.csv").write_text("\n".join(lines) + "\n")
    assert_found(
        validate_export(tmp_path), "bars.csv", at,
        r"^the bar closes after 2013-10-07T11:10:00-04:00, the end of the partial session",
    )  # fmt: skip


# The report


@pytest.mark.parametrize(
    "name",
    ["last", "prev_close", "change", "change_pct", "gap_pct", "day_open", "day_high", "day_low", "day_volume",
     "change_open_pct"],
)  # fmt: skip
def test_a_figure_of_the_day_that_is_not_that_of_the_bars_is_found(copy, name):
    path = copy / "session.json"
    document = json.loads(path.read_text())
    document["symbols"]["SPY"]["totals"][name] += 0.01
    path.write_text(json.dumps(document))
    assert_found(
        validate_export(copy), "session.json", None, rf"^symbols: {name} of SPY is .*, but .* by bars\.csv$"
    )


def test_totals_that_are_missing_are_found(copy):
    path = copy / "session.json"
    document = json.loads(path.read_text())
    del document["symbols"]["AIG"]
    path.write_text(json.dumps(document))
    assert_found(validate_export(copy), "session.json", None, r"^symbols: the totals of AIG are missing$")


def test_many_faults_of_one_file_are_counted_not_listed(copy):
    text = (copy / "bars.csv").read_text()
    (copy / "bars.csv").write_text(text.replace("SPY,", "SPX,"))
    findings = [finding for finding in validate_export(copy).findings if finding.file == "bars.csv"]
    assert len(findings) == 51
    assert re.fullmatch(r"\d{3,} more faults not listed", findings[-1].message)


def test_a_finding_reads_as_file_line_and_message(copy):
    edit(copy, "session.csv", 3, 1, "paused")
    text = [str(finding) for finding in validate_export(copy).findings]
    assert "session.csv:3: system_state is 'paused', but should be 'running'" in text


def test_a_folder_without_an_export_is_an_error(tmp_path):
    with pytest.raises(NotAnExportError, match=r"has no export: use the folder of `tapedeck run"):
        validate_export(tmp_path)
    with pytest.raises(NotAnExportError, match=r"nowhere is not a folder: use the folder"):
        validate_export(tmp_path / "nowhere")


def test_a_folder_of_exports_of_several_days_names_the_first(tmp_path, copy):
    for day in ("2013-10-08", "2013-10-07"):
        shutil.copytree(copy, tmp_path / "live" / day)
    first = re.escape(
        f"each of 2 folders in it has one: `tapedeck validate {tmp_path / 'live' / '2013-10-07'}`"
    )
    with pytest.raises(NotAnExportError, match=first):
        validate_export(tmp_path / "live")


def test_a_large_file_is_read_in_pieces(copy, monkeypatch):
    """The end of a piece has no effect, not even within a session."""
    monkeypatch.setattr("tapedeck.engine.export.validation.table_reader._BYTES_AT_ONCE", 4000)
    report = validate_export(copy)
    assert report.findings == ()
    line = line_of(copy, "bars.csv", FIRST)
    swap(copy, "bars.csv", line)
    assert_found(validate_export(copy), "bars.csv", line + 1, r"^is out of order")


def test_rows_of_an_export_without_sessions_are_found(tmp_path):
    write_export(tmp_path, make_config(), two_days(), state="stopped")
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, "sessions": []}, indent=2))
    header = (tmp_path / "bars.csv").read_text().partition("\n")[0]
    row = "SPY,1m,2013-10-08T11:00:00-04:00,1,1,1,1,1,1,100"
    (tmp_path / "bars.csv").write_text(f"{header}\n{row}\n")
    assert_found(validate_export(tmp_path), "bars.csv", 2, r"outside the hours of all sessions")


def test_a_fault_of_all_rows_of_a_symbol_is_reported_once(copy):
    text = (copy / "quality.csv").read_text()
    (copy / "quality.csv").write_text(text.replace(",390,", ",391,"))
    report = validate_export(copy)
    own = [f for f in report.findings if f.message.startswith("expected of AIG 5m is '391'")]
    assert [finding.line for finding in own] == [
        line_of(copy, "quality.csv", f"{day},AIG,5m") for day in ("2013-10-07", "2013-10-08")
    ]


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="the system has no file that cannot be read")
def test_a_file_that_cannot_be_read_is_an_error_that_names_it(copy):
    (copy / "manifest.json").unlink()
    (copy / "manifest.json").symlink_to("/proc/self/mem")
    with pytest.raises(ExportError, match=r"copy cannot be read: Input/output error"):
        validate_export(copy)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["session.csv", "bars.csv", "indicators.csv", "quality.csv"]), st.data())
def test_no_damage_to_a_table_goes_unseen(copy, name, data):
    """Any bytes at any position: there is a finding, and no crash."""
    path = copy / name
    whole = path.read_bytes()
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, min(len(whole), start + 200)))
    damaged = whole[:start] + data.draw(st.binary(max_size=5)) + whole[stop:]
    assume(damaged != whole)
    path.write_bytes(damaged)
    report = validate_export(copy)
    path.write_bytes(whole)
    assert not report.ok

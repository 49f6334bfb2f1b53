"""Validation: reads an export back, session by session, and checks it."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NoReturn

from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.errors import CalendarError, ExportError, NotAnExportError, cause_of
from tapedeck.engine.export.bars_table import BARS_HEADER
from tapedeck.engine.export.export_folder import complete_replacement, is_replacing
from tapedeck.engine.export.history_table import HISTORY_HEADER
from tapedeck.engine.export.indicators_table import INDICATORS_HEADER
from tapedeck.engine.export.manifest import (
    BARS_CSV,
    HISTORY_CSV,
    INDICATORS_CSV,
    MANIFEST,
    QUALITY_CSV,
    QUOTES_CSV,
    SCANS_CSV,
    SESSION_CSV,
    Manifest,
)
from tapedeck.engine.export.own_files import has_own_files
from tapedeck.engine.export.quality_table import QUALITY_HEADER
from tapedeck.engine.export.quotes_table import QUOTES_HEADER
from tapedeck.engine.export.scans_table import SCANS_HEADER
from tapedeck.engine.export.session_table import SESSION_HEADER
from tapedeck.engine.export.validation.account_check import AccountCheck
from tapedeck.engine.export.validation.bar_rows import BarRows
from tapedeck.engine.export.validation.day_totals import DayTotals
from tapedeck.engine.export.validation.expectation import Expectation
from tapedeck.engine.export.validation.history_rows import HistoryRows
from tapedeck.engine.export.validation.indicator_rows import IndicatorRows
from tapedeck.engine.export.validation.located_rows import Locate, SessionCursor
from tapedeck.engine.export.validation.manifest_check import (
    check_files,
    check_run,
    check_session_json,
    read_manifest,
)
from tapedeck.engine.export.validation.quality_rows import QualityRows
from tapedeck.engine.export.validation.quote_rows import QuoteRows
from tapedeck.engine.export.validation.report import FindingLog, ValidationReport
from tapedeck.engine.export.validation.scan_rows import ScanRows
from tapedeck.engine.export.validation.session_rows import ClockRows
from tapedeck.engine.export.validation.table_reader import TableReader
from tapedeck.engine.export.validation.written_quotes import WrittenQuotes
from tapedeck.engine.export.validation.written_scans import WrittenScans

# A replacement takes a moment, a check seconds.
_MOST_ATTEMPTS: Final = 5


def validate_export(folder: Path) -> ValidationReport:
    """Check the export in a folder, and return a report; a partial export is checked up to its end.

    A replacement of the export that was interrupted is completed first; one that takes place meanwhile begins
    the check again. Holds one session in memory at a time. Raises NotAnExportError if the folder has no
    export, ExportError if it cannot be read.
    """
    try:
        for _ in range(_MOST_ATTEMPTS):
            complete_replacement(folder)
            before = _edition(folder)
            report = _validate(folder)
            if not is_replacing(folder) and _edition(folder) == before:
                return report or _not_an_export(folder)
    except OSError as error:
        raise ExportError(f"{error.filename or folder} cannot be read: {cause_of(error)}.") from error
    raise ExportError(f"{folder} is replaced again and again while it is read: wait until that ends")


def _validate(folder: Path) -> ValidationReport | None:
    """Check the export as it is now; None if there is none."""
    log = FindingLog()
    if not has_own_files(folder):
        return None
    manifest = read_manifest(folder, log)
    if manifest is None:
        return ValidationReport(folder, "unknown", "", 0, 0, log.findings())
    rows = _check(folder, manifest, log)
    return ValidationReport(
        folder, manifest.status, manifest.stamp, len(manifest.sessions), rows, log.findings()
    )


def _not_an_export(folder: Path) -> NoReturn:
    what = "has no export" if folder.is_dir() else "is not a folder"
    if days := sorted(one.parent for one in folder.glob(f"*/{MANIFEST}")):
        ways = f"each of {len(days)} folders" if len(days) > 1 else "a folder"
        raise NotAnExportError(f"{folder} {what}, but {ways} in it has one: `tapedeck validate {days[0]}`")
    raise NotAnExportError(f"{folder} {what}: use the folder of `tapedeck run FILE --export DIR`")


def _edition(folder: Path) -> tuple[int, int, int] | None:
    """Return what tells one manifest from the next, also one with the same bytes; None without a manifest."""
    try:
        status = (folder / MANIFEST).stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_ino, status.st_mtime_ns, status.st_ctime_ns


def _check(folder: Path, manifest: Manifest, log: FindingLog) -> int:
    """Check everything; return the number of rows read."""
    check_files(folder, manifest, log)
    check_session_json(folder, manifest, log)
    try:
        time = TimeManager(manifest.exchange, changes=manifest.changed_sessions)
        check_run(manifest, time, log)
        expectation = Expectation(manifest, time)
    except CalendarError as error:
        log.add(MANIFEST, None, f"exchange: {error}")
        return 0
    except ValueError as error:
        log.add(MANIFEST, None, f"base_interval, derived_intervals: {error}")
        return 0
    return _check_tables(folder, expectation, time, log)


def _check_tables(folder: Path, expectation: Expectation, time: TimeManager, log: FindingLog) -> int:
    readers: list[TableReader] = []
    listed = {entry.name for entry in expectation.manifest.files}

    def cursor(name: str, header: tuple[str, ...], locate: Locate, *, is_read: bool = True) -> SessionCursor:
        readers.append(TableReader(folder / name, header, log))
        pieces = readers[-1].pieces() if is_read else iter(())
        return SessionCursor(name, pieces, locate, expectation.days, log)

    clock, bars = ClockRows(expectation, log), BarRows(expectation, log)
    totals = DayTotals(folder, log)
    quality, indicators = QualityRows(expectation, log), IndicatorRows(expectation, log)
    clock_rows = cursor(SESSION_CSV, SESSION_HEADER, clock.locate)
    bar_rows = cursor(BARS_CSV, BARS_HEADER, bars.locate)
    quality_rows = cursor(QUALITY_CSV, QUALITY_HEADER, quality.locate)
    indicator_rows = cursor(INDICATORS_CSV, INDICATORS_HEADER, indicators.locate)
    has_quotes = QUOTES_CSV in listed
    quotes = QuoteRows(expectation, log, is_there=has_quotes)
    written_quotes = WrittenQuotes(folder, log, are_streamed=expectation.manifest.streams_quotes)
    quote_rows = cursor(QUOTES_CSV, QUOTES_HEADER, quotes.locate, is_read=has_quotes)
    scans, written_scans = ScanRows(expectation, log), WrittenScans(folder, log)
    scan_rows = cursor(SCANS_CSV, SCANS_HEADER, scans.locate, is_read=SCANS_CSV in listed)
    account = None
    if expectation.manifest.account is not None:
        account = AccountCheck(folder, expectation, expectation.manifest.account, cursor, log)
    if HISTORY_CSV in listed:
        readers.append(TableReader(folder / HISTORY_CSV, HISTORY_HEADER, log))
        _check_history(readers[-1], expectation.manifest, time, log)
    for index, played in enumerate(expectation.played):
        expected = expectation.session(index)
        is_last = index == len(expectation) - 1
        clock.check(clock_rows.take(index), expected, is_last=is_last)
        found = bars.check(bar_rows.take(index), expected)
        totals.check(found.base_rows, expected, is_last=is_last)
        count = int(found.base.sum())
        if count != played.bars:
            day = played.trading_day
            log.add(BARS_CSV, None, f"{day} has {count} base bars, but {played.bars} in the manifest")
        quality.check(quality_rows.take(index), found, expected)
        indicators.check(indicator_rows.take(index), found, expected)
        own_quotes = quotes.check(quote_rows.take(index), found.base_rows, played, expected)
        if is_last:
            written_quotes.check(own_quotes, expected)
        found_by_scan = scans.check(scan_rows.take(index), expected)
        written_scans.check(found_by_scan, played, expected, is_last=is_last)
        if account is not None:
            account.check(index, found.base_rows, expected, is_last=is_last)
    for rows in (clock_rows, bar_rows, quality_rows, indicator_rows, quote_rows, scan_rows):
        rows.finish()
    if account is not None:
        account.finish()
    return sum(reader.rows for reader in readers)


def _check_history(reader: TableReader, manifest: Manifest, time: TimeManager, log: FindingLog) -> None:
    try:
        rows = HistoryRows(manifest, time, log)
    except ValueError as error:
        log.add(MANIFEST, None, f"session_file: invalid historical section: {error}")
        return
    rows.check(reader.pieces())

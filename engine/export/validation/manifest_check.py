"""Checks the manifest: its form, the files' sizes and hashes, and the calendar."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import xxhash
from pydantic import ValidationError

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config import describe_changes
from tapedeck.engine.errors import CalendarError
from tapedeck.engine.export.manifest import (
    ACCOUNT_FILES,
    DATA_FILES,
    MANIFEST,
    QUOTES_CSV,
    SCANS_CSV,
    SESSION_JSON,
    Manifest,
    ManifestFile,
)
from tapedeck.engine.export.validation.report import FindingLog
from tapedeck.engine.export.validation.symbols_check import check_symbols, check_written_changes
from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.stamp import run_stamp

_CHUNK: Final = 2**20


def read_manifest(folder: Path, log: FindingLog) -> Manifest | None:
    """Return the manifest, or None with a finding if it is missing or invalid."""
    path = folder / MANIFEST
    if not path.is_file():
        log.add(
            MANIFEST, None, "is missing: the export was interrupted, or the file was deleted; export again"
        )
        return None
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        for fault in error.errors():
            place = ".".join(str(part) for part in fault["loc"]) or "the document"
            log.add(MANIFEST, None, f"{place}: {fault['msg']}")
        return None


def check_files(folder: Path, manifest: Manifest, log: FindingLog) -> None:
    """Compare sizes and hashes of the files with the manifest."""
    listed = {entry.name: entry for entry in manifest.files}
    optional = {"scanners": (SCANS_CSV,), "strategies": ACCOUNT_FILES, "streams_quotes": (QUOTES_CSV,)}
    present = [name for part, names in optional.items() if getattr(manifest, part) for name in names]
    for name in (*DATA_FILES, *present):
        if name not in listed:
            log.add(MANIFEST, None, f"files: {name} is not listed")
    for part, names in optional.items():
        for name in listed.keys() & set(names) - set(present):
            what = "quotes in the streams of session_file" if part == "streams_quotes" else part
            log.add(MANIFEST, None, f"files: {name} is listed, but {what} are missing")
    if bool(manifest.strategies) != (manifest.account is not None):
        log.add(MANIFEST, None, "account: must be there if and only if strategies are")
    for entry in manifest.files:
        _check_file(folder / entry.name, entry, log)


def _check_file(path: Path, entry: ManifestFile, log: FindingLog) -> None:
    if not path.is_file():
        log.add(entry.name, None, "is missing, but is in the manifest")
        return
    size = path.stat().st_size
    if size != entry.bytes:
        log.add(
            entry.name,
            None,
            f"has {size} bytes, but {entry.bytes} in the manifest: it was changed",
        )
        return
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != entry.xxh3:
        log.add(
            entry.name,
            None,
            f"has the hash {digest.hexdigest()}, but {entry.xxh3} in the manifest: it was changed",
        )


def check_run(manifest: Manifest, time: TimeManager, log: FindingLog) -> None:
    """Compare stamp, status and sessions with each other and with the exchange's calendar."""
    stamp = run_stamp(
        (session.digest for session in manifest.sessions), describe_changes(manifest.changed_sessions)
    )
    if not manifest.stamp:
        log.add(MANIFEST, None, "stamp: is missing")
    elif manifest.stamp != stamp:
        log.add(MANIFEST, None, f"stamp: is {manifest.stamp}, but the sessions' digests give {stamp}")
    if (manifest.status == "complete") != (manifest.state == "completed"):
        log.add(MANIFEST, None, f"status: is {manifest.status}, which contradicts the state {manifest.state}")
    planned = _planned_days(manifest, time, log)
    _check_days(manifest, planned, log)
    _check_lengths(manifest, time, log)
    check_symbols(manifest, time, log)


def _planned_days(manifest: Manifest, time: TimeManager, log: FindingLog) -> list[str]:
    try:
        sessions = time.trading_sessions(manifest.first_day, manifest.last_day)
    except CalendarError as error:
        log.add(MANIFEST, None, f"first_day, last_day: {error}")
        return []
    if len(sessions) != manifest.sessions_planned:
        log.add(
            MANIFEST,
            None,
            f"sessions_planned: is {manifest.sessions_planned}, but the calendar of {manifest.exchange} has "
            f"{len(sessions)} from {manifest.first_day} to {manifest.last_day}",
        )
    return [session.trading_day.isoformat() for session in sessions]


def _check_days(manifest: Manifest, planned: Sequence[str], log: FindingLog) -> None:
    days = [session.trading_day.isoformat() for session in manifest.sessions]
    expected = list(planned) if manifest.status == "complete" else list(planned[: len(days)])
    if days == expected:
        return
    for day in days:
        if day not in planned:
            log.add(
                MANIFEST, None, f"sessions: {day} is not a trading day of {manifest.exchange} in the range"
            )
    for day in expected:
        if day not in days:
            log.add(MANIFEST, None, f"sessions: the trading day {day} of {manifest.exchange} is missing")
    if len(set(days)) != len(days) or sorted(days) != days:
        log.add(MANIFEST, None, "sessions: days are out of order or duplicate")


def _check_lengths(manifest: Manifest, time: TimeManager, log: FindingLog) -> None:
    base = Interval.parse(manifest.base_interval)
    for at, session in enumerate(manifest.sessions):
        day = session.trading_day
        if not time.is_trading_day(day):
            continue
        slots = len(SessionSlots(time.get_trading_session(day), base))
        if session.slots != slots:
            log.add(MANIFEST, None, f"sessions: {day} has {session.slots} slots, but {slots} in the calendar")
        is_cut = session.played < slots
        may_be_cut = manifest.status == "partial" and at == len(manifest.sessions) - 1
        if session.played > slots or (is_cut and not may_be_cut):
            log.add(MANIFEST, None, f"sessions: {day} was played for {session.played} of {slots} slots")


def check_session_json(folder: Path, manifest: Manifest, log: FindingLog) -> None:
    """Compare session.json with the manifest."""
    path = folder / SESSION_JSON
    if not path.is_file():
        return
    try:
        document = json.loads(path.read_bytes())
    except ValueError as error:
        log.add(SESSION_JSON, None, f"invalid JSON: {error}")
        return
    for name in ("stamp", "state", "exchange", "session_name"):
        found = document.get(name) if isinstance(document, dict) else None
        if found != getattr(manifest, name):
            log.add(
                SESSION_JSON, None, f"{name}: is {found!r}, but {getattr(manifest, name)!r} in the manifest"
            )
    sessions = document.get("sessions") if isinstance(document, dict) else None
    check_written_changes(sessions, manifest, log)

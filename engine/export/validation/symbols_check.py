"""Checks which symbols came and went: in the manifest, against the calendar, and in session.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.export.manifest import MANIFEST, SESSION_JSON, Manifest, ManifestSession
from tapedeck.engine.export.validation.report import FindingLog
from tapedeck.engine.export.validation.session_symbols import has_changes, opening_symbols
from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.session_record import TimedChange

_LISTED: Final = 12


def check_symbols(manifest: Manifest, time: TimeManager, log: FindingLog) -> None:
    """Check the symbols of each session in the manifest against each other and the calendar."""
    if not has_changes(manifest):
        return
    base = Interval.parse(manifest.base_interval)
    kept: tuple[str, ...] | None = None
    for session in manifest.sessions:
        day = session.trading_day
        faults = list(_faults(manifest, session))
        if kept not in (None, session.kept):
            faults.append(f"kept is {list(session.kept)}, but the sessions before kept {list(kept or ())}")
        if time.is_trading_day(day):
            faults += _time_faults(session.changes, SessionSlots(time.get_trading_session(day), base))
        for fault in faults:
            log.add(MANIFEST, None, f"sessions: {day}: {fault}")
        kept = _kept_after(manifest, session)
    _check_order(manifest, log)


def check_written_changes(sessions: object, manifest: Manifest, log: FindingLog) -> None:
    """Compare the symbols that came and went in session.json (its `sessions`) with the manifest."""
    listed = sessions if isinstance(sessions, list) else []
    written = {str(one.get("trading_day")): one for one in listed if isinstance(one, Mapping)}
    for session in manifest.sessions:
        day, right = str(session.trading_day), session.model_dump(mode="json")
        for name in ("kept", "changes"):
            found = written.get(day, {}).get(name)
            if found != right.get(name):
                message = f"sessions: {day}: {name} is {found}, but {right.get(name)} in the manifest"
                log.add(SESSION_JSON, None, message)


def _kept_after(manifest: Manifest, session: ManifestSession) -> tuple[str, ...]:
    """Return the symbols with which the next session begins beside those of the file."""
    kept = dict.fromkeys(session.kept)
    for change in session.changes:
        kept.pop(change.symbol, None)
        if change.keep and change.symbol not in manifest.file_symbols:
            kept[change.symbol] = None
    return tuple(kept)


def _check_order(manifest: Manifest, log: FindingLog) -> None:
    found = dict.fromkeys(manifest.file_symbols)
    for session in manifest.sessions:
        found |= dict.fromkeys((*session.kept, *(change.symbol for change in session.changes)))
    if manifest.symbols != tuple(found):
        listed, right = _listed(manifest.symbols), _listed(tuple(found))
        log.add(MANIFEST, None, f"symbols: is {listed}, but the session file and the changes make {right}")


def _faults(manifest: Manifest, session: ManifestSession) -> Iterator[str]:
    """Yield changes that contradict each other."""
    opening = opening_symbols(manifest, session)
    there = set(opening)
    if len(there) != len(opening):
        yield f"kept is {list(session.kept)}: it has symbols of the session file, or one twice"
    before = 0
    for change in session.changes:
        text, is_joined = f"changes: {_text(change)}", change.change == "joined"
        if change.slot < before:
            yield f"{text}, after a change at slot {before}"
        if change.slot > session.played:
            yield f"{text}, but {session.played} were played"
        before = max(before, change.slot)
        if is_joined == (change.symbol in there):
            yield f"{text}, but it was {'in the session already' if is_joined else 'not in the session'}"
        there = there | {change.symbol} if is_joined else there - {change.symbol}
        if change.keep and not is_joined:
            yield f"{text}: keep is for symbols that join"
        if not there:
            yield f"{text}, but a session needs at least one symbol"


def _time_faults(changes: Sequence[TimedChange], slots: SessionSlots) -> Iterator[str]:
    times, zone = slots.clock_times(), slots.session.zone
    for change in changes:
        if not 0 <= change.slot < len(times):
            yield f"changes: {_text(change)}: use a slot from 0 to {len(slots)}"
            continue
        right = datetime.fromtimestamp(int(times[change.slot]), zone).isoformat()
        if change.time != right:
            yield f"changes: {_text(change)}: time is {change.time!r}, but should be {right!r}"


def _text(change: TimedChange) -> str:
    """Return a change for a finding: `IBM joined at slot 60`."""
    return f"{change.symbol} {change.change} at slot {change.slot}{', kept' if change.keep else ''}"


def _listed(symbols: Sequence[str]) -> str:
    more = f" and {len(symbols) - _LISTED} more" if len(symbols) > _LISTED else ""
    return ", ".join(symbols[:_LISTED]) + more

"""Manifest of an export (manifest.json): sessions, versions, session file, and hashes of the files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import ClassVar, Final, Literal

from pydantic import JsonValue, NonNegativeInt

from tapedeck.engine.config import ChangedSession, SessionConfig
from tapedeck.engine.config.changed_sessions import valid_changes
from tapedeck.engine.config.historical import HistoricalConfig
from tapedeck.engine.config.readers import QUOTES
from tapedeck.engine.export.manifest_part import ManifestPart
from tapedeck.engine.export.strategies_json import (
    ManifestAccount,
    ManifestStrategy,
    manifest_account,
    manifest_strategies,
)
from tapedeck.engine.export.versions import library_versions
from tapedeck.engine.read.snapshot import RunSummary
from tapedeck.engine.tape.session_record import SessionRecord, TimedChange, kept_symbols

MANIFEST: Final = "manifest.json"
SESSION_CSV: Final = "session.csv"
BARS_CSV: Final = "bars.csv"
INDICATORS_CSV: Final = "indicators.csv"
QUALITY_CSV: Final = "quality.csv"
QUOTES_CSV: Final = "quotes.csv"
HISTORY_CSV: Final = "history.csv"
SCANS_CSV: Final = "scans.csv"
ORDERS_CSV: Final = "orders.csv"
FILLS_CSV: Final = "fills.csv"
TRADES_CSV: Final = "trades.csv"
EQUITY_CSV: Final = "equity.csv"
SESSION_JSON: Final = "session.json"
METRICS_JSON: Final = "metrics.json"
ACCOUNT_FILES: Final = (ORDERS_CSV, FILLS_CSV, TRADES_CSV, EQUITY_CSV)
NO_QUOTES: Final[Mapping[str, int]] = MappingProxyType({})
DATA_FILES: Final = (SESSION_CSV, BARS_CSV, INDICATORS_CSV, QUALITY_CSV, SESSION_JSON, METRICS_JSON)


class ManifestFile(ManifestPart):
    """One file of the export: size, and XXH3 hash (128 bits, hexadecimal) of its bytes."""

    name: str
    bytes: int
    xxh3: str


class ManifestSession(ManifestPart):
    """One session: slots of the calendar, slots played, base bars of all symbols, mean quality, digest.

    Left out of the file if there are none: `empty`, confirmed-empty slots of all symbols; `quotes`, rows in
    quotes.csv; `kept`, symbols that it began with beside those of the file; `changes`, symbols that joined
    and left.
    """

    left_out: ClassVar = ("empty", "quotes", "kept", "changes")

    trading_day: date
    slots: NonNegativeInt
    played: NonNegativeInt
    bars: NonNegativeInt
    quality_pct: float | None
    digest: str
    empty: NonNegativeInt = 0
    quotes: NonNegativeInt = 0
    kept: tuple[str, ...] = ()
    changes: tuple[TimedChange, ...] = ()


class ManifestScanner(ManifestPart):
    """A scanner of the session file. `code`: hash of the code of its class.

    `code` is left out of the file for a rule, and for a class that was not loaded.
    """

    left_out: ClassVar = ("code",)

    name: str
    code: str | None = None


class Manifest(ManifestPart):
    """Content of manifest.json.

    `status`: partial if not every session of the range was played to its close; `reason` then gives the
    cause. `symbols`: all that were in a session, in the order of joining. `indicators`: each output's
    interval. `scanners`, `strategies`: those of the session file, in its order; `account`: the terms of the
    strategies' account; left out if there are none. `session_file`: the session file with all fields.
    """

    left_out: ClassVar = ("scanners", "strategies", "account")

    format: Literal[1] = 1
    status: Literal["complete", "partial"]
    state: Literal["completed", "stopped", "error"]
    reason: str | None
    stamp: str
    session_name: str
    exchange: str
    mode: Literal["backtest", "live"]
    synthetic: bool
    first_day: date
    last_day: date
    sessions_planned: int
    sessions: tuple[ManifestSession, ...]
    symbols: tuple[str, ...]
    base_interval: str
    derived_intervals: tuple[str, ...]
    indicators: Mapping[str, str]
    scanners: tuple[ManifestScanner, ...] = ()
    strategies: tuple[ManifestStrategy, ...] = ()
    account: ManifestAccount | None = None
    min_completeness: float
    quality_measured: bool
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    files: tuple[ManifestFile, ...]
    versions: Mapping[str, str]
    metadata: Mapping[str, JsonValue]
    session_file: Mapping[str, JsonValue]

    @property
    def changed_sessions(self) -> Mapping[date, ChangedSession]:
        """The days that the session file changes in the exchange's calendar."""
        data = self.session_file.get("session_data_config")
        return valid_changes(data.get("sessions")) if isinstance(data, Mapping) else {}

    @property
    def file_symbols(self) -> tuple[str, ...]:
        """The symbols of the session file, with which each session begins; none if the file is invalid."""
        data = self.session_file.get("session_data_config")
        symbols = data.get("symbols") if isinstance(data, Mapping) else None
        return tuple(map(str, symbols)) if isinstance(symbols, list) else ()

    @property
    def streams_quotes(self) -> bool:
        """Whether the session file streams quotes."""
        data = self.session_file.get("session_data_config")
        streams = data.get("streams") if isinstance(data, Mapping) else None
        return isinstance(streams, list) and QUOTES in streams

    @property
    def universe(self) -> Mapping[str, object]:
        """The section `universe` of the session file; empty without one."""
        data = self.session_file.get("session_data_config")
        section = data.get("universe") if isinstance(data, Mapping) else None
        return section if isinstance(section, Mapping) else {}

    @property
    def historical(self) -> HistoricalConfig:
        """The section `historical` of the session file; ValueError if it is invalid."""
        data = self.session_file.get("session_data_config")
        section = data.get("historical") if isinstance(data, Mapping) else None
        return HistoricalConfig.model_validate(section or {})

    def to_json(self) -> bytes:
        """Return the text of the file."""
        return json_bytes(self.model_dump(mode="json"))


def build_manifest(
    config: SessionConfig,
    summary: RunSummary,
    last: SessionRecord | None,
    files: tuple[ManifestFile, ...],
    quotes: Mapping[str, int] = NO_QUOTES,
) -> Manifest:
    """Return the manifest of a run; `last`: its last session, or None.

    `quotes`: number of rows in quotes.csv by trading day.
    """
    data_config = config.session_data_config
    columns = {} if last is None else last.tape.indicators
    return Manifest(
        status="complete" if summary.complete else "partial",
        state=summary.state,  # type: ignore[arg-type]  # pydantic rejects a run that has not ended
        reason=_reason(summary),
        stamp=summary.stamp,
        session_name=summary.session_name,
        exchange=summary.exchange,
        mode=config.mode,
        synthetic=config.metadata.get("synthetic") is True,
        first_day=date.fromisoformat(summary.first_day),
        last_day=date.fromisoformat(summary.last_day),
        sessions_planned=summary.sessions_planned,
        sessions=tuple(
            ManifestSession(
                trading_day=date.fromisoformat(session.trading_day),
                slots=session.slots,
                played=session.played,
                bars=session.bars,
                quality_pct=session.quality_pct,
                digest=session.digest,
                empty=session.empty,
                quotes=quotes.get(session.trading_day, 0),
                kept=kept_symbols(session, data_config.symbols),
                changes=session.changes,
            )
            for session in summary.sessions
        ),
        symbols=summary.symbols,
        base_interval=summary.base,
        derived_intervals=summary.derived,
        indicators={name: str(column.interval) for name, column in columns.items()},
        scanners=tuple(
            ManifestScanner(name=name, code=summary.scanner_code.get(name))
            for name in (scanner.name for scanner in data_config.scanners)
        ),
        strategies=manifest_strategies(config, summary),
        account=manifest_account(config.trading_config) if config.strategies else None,
        min_completeness=data_config.min_completeness,
        quality_measured=data_config.gap_filler.enable_session_quality,
        warnings=summary.warnings,
        notes=summary.notes,
        files=files,
        versions=library_versions(),
        metadata=config.metadata,
        session_file=config.model_dump(mode="json", by_alias=True, exclude_none=True),
    )


def _reason(summary: RunSummary) -> str | None:
    if summary.complete:
        return None
    played = sum(session.played == session.slots for session in summary.sessions)
    so_far = f"{played} of {summary.sessions_planned} sessions were played to their close"
    return f"{summary.error}; {so_far}" if summary.error else f"the run was stopped; {so_far}"


def json_bytes(document: object) -> bytes:
    """Return a document as the bytes of a JSON file: indented, in UTF-8, without NaN."""
    return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()

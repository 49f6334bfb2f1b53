"""The market engine: plays stored sessions, without a screen. The names below are its public face."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.config import SessionConfig, load_session_config
    from engine.errors import TapedeckError
    from engine.export.csv_export import CsvExport
    from engine.export.validation import validate_export
    from engine.monitoring.snapshot import RunSummary, Snapshot
    from engine.monitoring.status import RunState
    from engine.store.locations import open_store
    from engine.system import SystemManager
    from engine.tape.session_view import SessionView

__all__ = [
    "CsvExport",
    "RunState",
    "RunSummary",
    "SessionConfig",
    "SessionView",
    "Snapshot",
    "SystemManager",
    "TapedeckError",
    "load_session_config",
    "open_store",
    "validate_export",
]

_HOMES = {
    "CsvExport": "engine.export.csv_export",
    "RunState": "engine.monitoring.status",
    "RunSummary": "engine.monitoring.snapshot",
    "SessionConfig": "engine.config",
    "SessionView": "engine.tape.session_view",
    "Snapshot": "engine.monitoring.snapshot",
    "SystemManager": "engine.system",
    "TapedeckError": "engine.errors",
    "load_session_config": "engine.config",
    "open_store": "engine.store.locations",
    "validate_export": "engine.export.validation",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for: all of them at once take most of a second."""
    if name not in _HOMES:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)

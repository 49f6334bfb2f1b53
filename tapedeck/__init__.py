"""tapedeck plays market sessions. The names below are its public API; all else may change."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tapedeck.engine.config import SessionConfig
    from tapedeck.engine.errors import TapedeckError
    from tapedeck.engine.export.csv_export import CsvExport
    from tapedeck.engine.export.validation import validate_export
    from tapedeck.engine.read.snapshot import RunSummary, Snapshot
    from tapedeck.engine.read.status import RunState
    from tapedeck.engine.session_file import load_session_config
    from tapedeck.engine.store.locations import open_store
    from tapedeck.engine.strategies.bar import Bar
    from tapedeck.engine.strategies.slice import Slice
    from tapedeck.engine.strategies.strategy import Strategy
    from tapedeck.engine.strategies.strategy_order import StrategyOrder
    from tapedeck.engine.system import SystemManager
    from tapedeck.engine.tape.session_view import SessionView
    from tapedeck.engine.universe.scanner import Found, Scanner
    from tapedeck.engine.universe.view import UniverseView

__all__ = [
    "Bar",
    "CsvExport",
    "Found",
    "RunState",
    "RunSummary",
    "Scanner",
    "SessionConfig",
    "SessionView",
    "Slice",
    "Snapshot",
    "Strategy",
    "StrategyOrder",
    "SystemManager",
    "TapedeckError",
    "UniverseView",
    "load_session_config",
    "open_store",
    "validate_export",
]

_HOMES = {
    "Bar": "tapedeck.engine.strategies.bar",
    "CsvExport": "tapedeck.engine.export.csv_export",
    "Found": "tapedeck.engine.universe.scanner",
    "RunState": "tapedeck.engine.read.status",
    "RunSummary": "tapedeck.engine.read.snapshot",
    "Scanner": "tapedeck.engine.universe.scanner",
    "SessionConfig": "tapedeck.engine.config",
    "SessionView": "tapedeck.engine.tape.session_view",
    "Slice": "tapedeck.engine.strategies.slice",
    "Snapshot": "tapedeck.engine.read.snapshot",
    "Strategy": "tapedeck.engine.strategies.strategy",
    "StrategyOrder": "tapedeck.engine.strategies.strategy_order",
    "SystemManager": "tapedeck.engine.system",
    "TapedeckError": "tapedeck.engine.errors",
    "UniverseView": "tapedeck.engine.universe.view",
    "load_session_config": "tapedeck.engine.session_file",
    "open_store": "tapedeck.engine.store.locations",
    "validate_export": "tapedeck.engine.export.validation",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for: all of them at once take most of a second."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tapedeck' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)

"""Session file loading with tapedeck's indicators and calendars, which it passes to `config`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

from pydantic import JsonValue

from tapedeck.engine import config
from tapedeck.engine.config import (
    ChangedSession,
    IndicatorCatalogue,
    IndicatorType,
    LoadedConfig,
    SessionConfig,
    TradingConfig,
)
from tapedeck.engine.errors import ConfigProblem


def load_session_config(path: Path, settings: Mapping[str, JsonValue] | None = None) -> LoadedConfig:
    """Read the session file at `path`, YAML or JSON. Raises ConfigError with all its faults.

    `settings`: values of parameters in place of the file's, by `name` or `strategy.name`.
    """
    return config.load_session_config(path, _CATALOGUE, _check_changes, _check_rules, settings)


def parse_session_config(
    document: object, source: str, settings: Mapping[str, JsonValue] | None = None
) -> LoadedConfig:
    """Check a document of plain values; `source`: its name in errors. Raises ConfigError with all faults.

    `settings`: as in `load_session_config`.
    """
    return config.parse_session_config(document, source, _CATALOGUE, _check_changes, _check_rules, settings)


def session_config_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of session files, for completion and checks in editors."""
    return config.session_config_schema(_CATALOGUE)


def _check_changes(exchange: str, changes: Mapping[date, ChangedSession]) -> list[ConfigProblem]:
    from tapedeck.engine.clock.changed_sessions import change_faults  # noqa: PLC0415 - slow: the calendar

    return [
        ConfigProblem(f"session_data_config.sessions.{fault.place}", None, fault.message)
        for fault in change_faults(exchange, changes)
    ]


def _check_rules(config: SessionConfig) -> list[ConfigProblem]:
    data, problems = config.session_data_config, list[ConfigProblem]()
    if any(scanner.where is not None for scanner in data.scanners):
        from tapedeck.engine.universe.rule_checks import rule_problems  # noqa: PLC0415 - slow: NumPy, the grammar

        problems += rule_problems(data)
    if config.strategies or config.trading_config != TradingConfig():
        from tapedeck.engine.strategies.rule_checks import strategy_problems  # noqa: PLC0415 - as above

        problems += strategy_problems(config)
    return problems


class _Registry:
    """The registry of indicators, imported on first use.

    Importing it (NumPy, TA-Lib) takes longer than reading a file without indicators.
    """

    def types(self) -> tuple[str, ...]:
        return _registry().types()

    def read_type(self, text: str) -> IndicatorType:
        return _registry().read_type(text)


def _registry() -> IndicatorCatalogue:
    from tapedeck.engine.indicators.registry import REGISTRY  # noqa: PLC0415 - see _Registry

    return REGISTRY


_CATALOGUE: Final = _Registry()

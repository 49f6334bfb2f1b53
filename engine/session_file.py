"""Session files read with all of tapedeck's indicators: hands the registry to `config`, which knows none."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from tapedeck.engine import config
from tapedeck.engine.config import IndicatorCatalogue, IndicatorType, LoadedConfig


def load_session_config(path: Path) -> LoadedConfig:
    """Read the session file at `path`, YAML or JSON. Raises ConfigError with every fault of it."""
    return config.load_session_config(path, _CATALOGUE)


def parse_session_config(document: object, source: str) -> LoadedConfig:
    """Check a document of plain values; `source` names it in errors. Raises ConfigError with every fault."""
    return config.parse_session_config(document, source, _CATALOGUE)


def session_config_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of session files, for editors that complete and check."""
    return config.session_config_schema(_CATALOGUE)


class _Registry:
    """The registry of indicators, imported with the first type that is asked for.

    Importing it takes longer (NumPy, TA-Lib) than reading a file that names none.
    """

    def types(self) -> tuple[str, ...]:
        return _registry().types()

    def read_type(self, text: str) -> IndicatorType:
        return _registry().read_type(text)


def _registry() -> IndicatorCatalogue:
    from tapedeck.engine.indicators.registry import REGISTRY  # noqa: PLC0415 - see _Registry

    return REGISTRY


_CATALOGUE: Final = _Registry()

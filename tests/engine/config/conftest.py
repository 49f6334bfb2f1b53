"""A minimal session file, and helpers to change it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tapedeck.engine.config import LoadedConfig
from tapedeck.engine.errors import ConfigError
from tapedeck.engine.session_file import parse_session_config


@pytest.fixture
def document() -> dict[str, Any]:
    """A minimal session file of a backtest."""
    return {
        "session_name": "October 2013",
        "exchange_group": "US_EQUITY",
        "backtest_config": {"start_date": "2013-10-07", "end_date": "2013-10-11"},
        "session_data_config": {"symbols": ["SPY", "IBM"], "streams": ["1m"]},
    }


@pytest.fixture
def read() -> Callable[[object], LoadedConfig]:
    """Read a document as the file `october.yaml`."""
    return lambda document: parse_session_config(document, "october.yaml")


@pytest.fixture
def faults() -> Callable[[object], list[str]]:
    """Read an invalid document; return the lines of the error without the heading."""

    def lines(document: object) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            parse_session_config(document, "october.yaml")
        assert str(caught.value).startswith(("october.yaml: ", "october.yaml "))
        return [str(problem) for problem in caught.value.problems]

    return lines

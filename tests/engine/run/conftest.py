"""Store of generated bars for the tests of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tapedeck.engine.config import SessionConfig
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tests.support.files import TRAILING
from tests.support.markets import fill_store, open_new_store

SYMBOLS = ("AAA", "BBB", "CCC")


@pytest.fixture(scope="session")
def gapped_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    """Minute bars of three symbols over nine sessions of XNYS, 2013-11-20 to 2013-12-03, a tenth missing."""
    folder: Path = tmp_path_factory.mktemp("gapped")
    with open_new_store(folder / "bars.db") as store:
        fill_store(store, SYMBOLS, "2013-11-20", "2013-12-03", missing=0.1)
        yield store


@pytest.fixture(scope="session")
def session_config() -> Callable[..., SessionConfig]:
    """A session file over that store; keyword arguments go into `backtest_config`."""

    def make(**backtest: Any) -> SessionConfig:
        document = {
            "session_name": "threads",
            "exchange_group": "US_EQUITY",
            "backtest_config": {
                "start_date": "2013-11-26",
                "end_date": "2013-12-02",
                "prefetch_days": 2,
                **backtest,
            },
            "session_data_config": {
                "symbols": list(SYMBOLS),
                "streams": ["1m", "5m", "1d"],
                "historical": {
                    "data": [{"trailing_days": 1, "intervals": ["1m"]}],
                    "indicators": TRAILING,
                },
                "indicators": {
                    "ema_5": {"type": "EMA", "interval": "1m", "timeperiod": 5},
                    "rsi_5m": {"type": "RSI", "interval": "5m", "timeperiod": 3},
                    "vwap": {"type": "VWAP", "interval": "1m"},
                    "rel": {"type": "RELATIVE_VOLUME", "interval": "1m", "against": "usual"},
                },
            },
        }
        return parse_session_config(document, "threads").config

    return make

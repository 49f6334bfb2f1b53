"""A small store of generated bars that the console's tests play."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tapedeck.engine.store.bar_store import BarStore
from tests.support.console_runs import SYMBOLS
from tests.support.markets import fill_store, open_new_store


@pytest.fixture(scope="session")
def console_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    """Minute bars of three symbols over nine sessions of XNYS, 2013-11-20 to 2013-12-03, a tenth missing."""
    with open_new_store(tmp_path_factory.mktemp("console") / "bars.db") as store:
        fill_store(store, SYMBOLS, "2013-11-20", "2013-12-03", missing=0.1)
        yield store

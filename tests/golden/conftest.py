"""Real bars in a store, imported once for all tests that compare with the raw files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tapedeck.engine.tape.tape import Tape
from tests.golden.crossover import INDICATORS
from tests.golden.raw_bars import DAYS, SYMBOLS
from tests.support.files import session_file
from tests.support.imports import import_lean
from tests.support.markets import open_new_store
from tests.support.runs import play_recorded


@pytest.fixture(scope="session")
def store_path(lean_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with all the real bars."""
    path = tmp_path_factory.mktemp("october") / "bars.db"
    with open_new_store(path) as store:
        report = import_lean(lean_root, store)
    assert report.rejected == ()
    return path


@pytest.fixture(scope="session")
def crossover_tapes(store_path: Path) -> list[Tape]:
    """The tapes of the week, with averages of 10 and 30 closes."""
    config = session_file(SYMBOLS, ["1m"], DAYS[0], DAYS[-1], indicators=INDICATORS)
    with open_new_store(store_path) as store:
        return [record.tape for record in play_recorded(config, store).records]

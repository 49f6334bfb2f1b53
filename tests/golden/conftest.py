"""Real bars in a store, imported once for all tests that compare with the raw files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.imports import import_lean
from tests.support.markets import open_new_store


@pytest.fixture(scope="session")
def store_path(lean_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with all the real bars."""
    path = tmp_path_factory.mktemp("october") / "bars.db"
    with open_new_store(path) as store:
        report = import_lean(lean_root, store)
    assert report.rejected == ()
    return path

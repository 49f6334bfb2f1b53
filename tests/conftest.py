"""Fixtures that every test may use."""

from __future__ import annotations

import gc
import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

_TESTS = Path(__file__).resolve().parent
_DEFAULT_LEAN = _TESTS.parents[1] / "shared" / "data" / "lean"
_UNTRACED = ("console", "faults", "golden", "laws", "packaging")


def pytest_configure() -> None:
    """Accept ctrl+c where the shell ignores it (`pytest &`), as started programs would ignore it, too.

    Hypothesis sets examples no deadlines: on a busy machine the first, which loads a calendar, misses them.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    settings.register_profile("without deadlines", deadline=None)
    settings.load_profile("without deadlines")


def pytest_collection_finish() -> None:
    """Search for garbage less often, and not among what is loaded by now: it took a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Trace coverage in the engine's own tests only: tracing takes a third of the time of the others."""
    if item.path.relative_to(_TESTS).parts[0] in _UNTRACED:
        item.add_marker("no_cover")


@pytest.fixture(scope="session")
def lean_root() -> Path:
    """Folder of real bars in LEAN layout; `TAPEDECK_LEAN_DATA` names another place."""
    root = Path(os.environ.get("TAPEDECK_LEAN_DATA", _DEFAULT_LEAN))
    if not root.is_dir():
        pytest.skip(f"no real bars: {root} does not exist; set TAPEDECK_LEAN_DATA to run this test")
    return root

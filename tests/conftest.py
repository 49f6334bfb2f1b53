"""Fixtures that every test may use."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

_DEFAULT_LEAN = Path(__file__).resolve().parents[2] / "shared" / "data" / "lean"


def pytest_configure() -> None:
    """Accept ctrl+c where the shell ignores it (`pytest &`), as started programs would ignore it, too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def lean_root() -> Path:
    """Folder of real bars in LEAN layout; `TAPEDECK_LEAN_DATA` names another place."""
    root = Path(os.environ.get("TAPEDECK_LEAN_DATA", _DEFAULT_LEAN))
    if not root.is_dir():
        pytest.skip(f"no real bars: {root} does not exist; set TAPEDECK_LEAN_DATA to run this test")
    return root

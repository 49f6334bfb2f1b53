"""Checks of runs in a pseudo-terminal: playing, partial exports, no leftovers."""

from __future__ import annotations

from pathlib import Path

from tapedeck.engine.export.validation import validate_export
from tests.support.pseudo_terminal import Terminal


def read_until_playing(screen: Terminal) -> None:
    """Read until the console shows a running run."""
    screen.read_until_shown("▶ running", "1 symbols")


def assert_no_leftovers(folder: Path) -> None:
    """Assert that no tapes, locks or incomplete files are left."""
    assert not list((folder / "home" / "state").glob("runs/*"))
    assert not list(folder.rglob("*.partial"))
    assert not list(folder.rglob(".tapedeck-export"))


def assert_partial_export(folder: Path) -> None:
    """Assert that a folder has a valid export of an interrupted run."""
    report = validate_export(folder)
    assert report.ok, report.findings
    assert report.status == "partial"

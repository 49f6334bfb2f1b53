"""Checks of runs in a pseudo-terminal: under way, exported in part, ended without leftovers."""

from __future__ import annotations

from pathlib import Path

from tapedeck.engine.export.validation import validate_export
from tests.support.pseudo_terminal import Terminal


def read_until_it_plays(screen: Terminal) -> None:
    """Read on until the console shows a run under way."""
    screen.read_until_shown("▶ running", "1 symbols")


def assert_nothing_is_left_of_the_run(folder: Path) -> None:
    """Assert that no tapes, locks or incomplete files are left."""
    assert not list((folder / "home" / "state").glob("runs/*"))
    assert not [path for path in folder.rglob("*") if path.suffix in (".lock", ".partial")]


def assert_exported_in_part(folder: Path) -> None:
    """Assert that a folder holds a valid export of a run that was cut short."""
    report = validate_export(folder)
    assert report.ok, report.findings
    assert report.status == "partial"

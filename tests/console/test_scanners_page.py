"""docs/scanners.md: its example runs as it stands there, and its tables have all fields."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tapedeck.engine.config import Scanner, Universe
from tapedeck.engine.universe.figures import UNIVERSE_FIGURES
from tapedeck.engine.universe.view import UniverseView
from tests.console.conftest import CommandLine
from tests.support.page_examples import outputs, page

PAGE: Final = page("scanners.md")


@pytest.mark.parametrize("model", [Scanner, Universe])
def test_every_field_stands_in_the_page(model: type[Scanner | Universe]) -> None:
    assert [name for name in model.model_fields if f"`{name}`" not in PAGE and f"`{name}:`" not in PAGE] == []


def test_every_figure_and_every_part_of_a_view_stands_in_the_page() -> None:
    parts = [name for name in vars(UniverseView) if not name.startswith("_")]
    inner = {"at", "known_values"}  # of the engine itself
    assert [name for name in {*UNIVERSE_FIGURES, *parts} - inner if not re.search(rf"`{name}\b", PAGE)] == []


def test_the_example_runs_as_it_stands_in_the_page(
    lean_root: Path, tmp_path: Path, tapedeck: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown, written = outputs(PAGE, tmp_path, lean_root, tapedeck)
    assert written == shown

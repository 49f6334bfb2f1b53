"""docs/scanners.md: its example runs as it stands there, and its tables have all fields."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tapedeck.engine.config import Scanner, Universe
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.universe.figures import UNIVERSE_FIGURES
from tapedeck.engine.universe.view import UniverseView
from tests.console.conftest import CommandLine
from tests.support.imports import import_lean

PAGE: Final = (Path(__file__).resolve().parents[2] / "docs" / "scanners.md").read_text(encoding="utf-8")
BLOCKS: Final = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SYMBOLS: Final = ("spy", "aig", "bac", "ibm")


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
    with open_store(tmp_path / "bars.db", create=True) as store:
        for symbol in SYMBOLS:
            import_lean(lean_root / "equity" / "usa" / "minute" / symbol, store)
    for language, text in BLOCKS:
        if language in ("yaml", "python"):
            (tmp_path / text.splitlines()[0].removeprefix("# ")).write_text(text)
    shown = [text for language, text in BLOCKS if language == "text"]
    assert [_output(text, tapedeck) for language, text in BLOCKS if language == "console"] == shown


def _output(commands: str, tapedeck: CommandLine) -> str:
    """Return the output of the last command of a block; all succeed."""
    output = ""
    for line in commands.splitlines():
        program, *words = line.removeprefix("$ ").split()
        if program == "cat":
            output = Path(words[0]).read_text()
        else:
            result = tapedeck(*words)
            assert result.exit_code == 0, result.stderr
            output = result.stdout
    return output

"""docs/strategies.md: its examples run as they stand there, and its tables have all fields and names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tapedeck import Strategy
from tapedeck.engine.conditions.account_words import MONEY_WORDS, POSITION_WORDS
from tapedeck.engine.config import EntrySize
from tapedeck.engine.config import Strategy as StrategyConfig
from tapedeck.engine.store.locations import open_store
from tests.console.conftest import CommandLine
from tests.support.imports import import_lean

PAGE: Final = (Path(__file__).resolve().parents[2] / "docs" / "strategies.md").read_text(encoding="utf-8")
BLOCKS: Final = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SYMBOLS: Final = ("spy", "aig", "bac", "ibm")


def test_every_field_stands_in_the_page() -> None:
    assert [name for name in StrategyConfig.model_fields if f"`{name}`" not in PAGE] == []
    assert [name for name in EntrySize.model_fields if f"{name}:" not in PAGE] == []


def test_every_word_and_every_part_of_a_strategy_stands_in_the_page() -> None:
    parts = [name for name in vars(Strategy) if not name.startswith("_")]
    names = {*parts, *POSITION_WORDS, *MONEY_WORDS} - {"Parameters"}
    assert [name for name in sorted(names) if not re.search(rf"[`|, (]{name}\b", PAGE)] == []


def test_the_examples_run_as_they_stand_in_the_page(
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
        if program == "head":
            lines = Path(words[1]).read_text().splitlines(keepends=True)
            output = "".join(lines[: -int(words[0])])
        else:
            result = tapedeck(*words)
            assert result.exit_code == 0, result.stderr
            output = result.stdout
    return output

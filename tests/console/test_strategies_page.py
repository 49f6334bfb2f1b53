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
from tests.console.conftest import CommandLine
from tests.support.page_examples import outputs, page

PAGE: Final = page("strategies.md")


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
    shown, written = outputs(PAGE, tmp_path, lean_root, tapedeck)
    assert written == shown

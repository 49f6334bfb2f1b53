"""The table of keys in README is the action table's."""

from __future__ import annotations

from pathlib import Path

from tapedeck.console.actions.keys import key_table_markdown

README = Path(__file__).resolve().parents[3] / "README.md"


def test_the_readme_holds_the_table_of_keys_as_it_is() -> None:
    assert key_table_markdown().strip() in README.read_text(encoding="utf-8")

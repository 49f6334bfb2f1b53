"""Added actions and panels: one row and one function, one file and one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tapedeck.console.actions.table import ACTIONS, PLAY, Action, OnScreen, register

PROJECT = Path(__file__).resolve().parents[3]

FIVE_MORE = """
from tapedeck.console.panel_data.registry import PageEntry, PanelEntry, panels, register
for number in range(3):
    register(PanelEntry(f"panel{number}", "module:Panel"))
for number in range(2):
    register(PageEntry(f"page{number}", "A page", "module:page"))
from tapedeck.console.actions.keys import conflicts, first_key
from tapedeck.console.actions.table import ACTIONS, BY_ID
assert conflicts() == (), conflicts()
known = [first_key(f"panel_{panel.id}") for panel in panels()]
assert known == ["1", "2", "3", "4", "5", "6", "7", "f2", "f3", "f4", "f5", "f6", "f7"], known
pages = [first_key(page) for page in ("coverage", "report", "page0", "page1")]
assert pages == ["8", "9", "f8", "f9"], pages
"""


def run_python(*arguments: str) -> None:
    """Run a program in a new interpreter."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("added", ["added_action", "added_panel"])
def test_an_addition_of_one_line_works_everywhere(added: str, tmp_path: Path) -> None:
    run_python("-m", f"tests.support.{added}", str(tmp_path))


def test_five_more_panels_and_pages_get_keys_without_a_conflict() -> None:
    run_python("-c", FIVE_MORE)


@pytest.mark.parametrize(
    ("word", "key", "taken"),
    [("mine", "s", "s"), ("break", "h", "break")],
)
def test_an_action_with_a_word_or_key_of_another_is_refused(word: str, key: str, taken: str) -> None:
    before = list(ACTIONS)
    with pytest.raises(ValueError, match=f"taken by other actions: {taken}$"):
        register(Action(word, key, "mine", "Mine", OnScreen("panels.mine"), PLAY))
    assert before == ACTIONS

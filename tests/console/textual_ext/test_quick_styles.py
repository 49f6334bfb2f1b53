"""Quicker styles of the tests' consoles: the same selectors match as by Textual."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.css import match
from textual.pilot import Pilot

from tapedeck.engine.store.bar_store import BarStore
from tests.support.console_runs import ConsoleRun, console_run, drive, press
from tests.support.quick_styles import check_selectors


@pytest.mark.parametrize("key", ["question_mark", "ctrl+p"])
def test_each_selector_matches_the_widgets_that_it_matches_by_textual(
    console_store: BarStore, tmp_path: Path, key: str
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, key)
        rules = console.app.stylesheet.rules
        paths = [
            widget.css_path_nodes
            for screen in console.app.screen_stack
            for widget in screen.walk_children(with_self=True)
        ]
        of_rules = [chosen.selectors for rule in rules for chosen in rule.selector_set]
        matched = [
            (selectors, path)
            for selectors in of_rules
            for path in paths
            if match._check_selectors(selectors, path)
        ]
        assert len(matched) > len(paths)
        assert matched == [
            (selectors, path) for selectors in of_rules for path in paths if check_selectors(selectors, path)
        ]

    with console_run(console_store, tmp_path) as console:
        drive(console, act)

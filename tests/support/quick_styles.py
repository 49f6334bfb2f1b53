"""Quicker styles for the tests' consoles: what Textual does, with less searching.

A third of a console's start is the application of styles to widgets.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from textual.css import match, stylesheet
from textual.css.model import RuleSet, Selector
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode

_matches = match._check_selectors


@contextmanager
def quick_styles() -> Iterator[None]:
    """Share parsed styles among consoles of the same colours, and reject most selectors at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylesheet, "_parse_rules", _parse_once(Stylesheet._parse_rules))
        patch.setattr(stylesheet, "_check_selectors", check_selectors)
        # Textual's own is the same in Python, called for each rule and widget.
        patch.setattr(RuleSet, "__hash__", object.__hash__)
        yield


def check_selectors(selectors: list[Selector], path: list[DOMNode]) -> bool:
    """Whether selectors match the last node of a path: the last of them must, to begin with."""
    return selectors[-1].check(path[-1]) and _matches(selectors, path)


def _parse_once(parse: Any) -> Any:
    """Return Textual's parser of styles with a memory: it parses them at each start of a console."""
    parsed: dict[tuple[object, ...], list[RuleSet]] = {}

    def parse_once(sheet: Stylesheet, css: str, *places: Any, **kinds: Any) -> list[RuleSet]:
        key = (frozenset(sheet._variables.items()), css, places, frozenset(kinds.items()))
        if key not in parsed:
            parsed[key] = parse(sheet, css, *places, **kinds)
        return parsed[key]

    return parse_once

"""Printable text: no character of a name can forge a line or control a terminal."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from tapedeck.engine.printable import printable_line, printable_lines

NAMES = st.text(st.characters(), max_size=30)  # lone surrogates included
DIRECTIONS = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}


@given(NAMES)
def test_a_name_is_one_line_without_controls(name: str) -> None:
    shown = printable_line(name)
    assert len(shown.splitlines()) <= 1
    assert not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in shown)
    assert not any(unicodedata.bidirectional(character) in DIRECTIONS for character in shown)
    shown.encode("utf-8")


@given(st.lists(NAMES, max_size=4))
def test_lines_stay_lines(names: list[str]) -> None:
    text = "\n".join(map(printable_line, names))
    assert printable_lines(text) == text


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_printable_text_stays_as_it_is(text: str) -> None:
    assert printable_line(text) == text

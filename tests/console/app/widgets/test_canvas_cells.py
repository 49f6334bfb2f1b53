"""Cells of a canvas."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from tapedeck.console.app.widgets.canvas import BACKGROUND, Canvas, cells_of, code_points, shortened


def plain(_code: int) -> Style:
    return Style.null()


def test_a_text_is_cut_at_the_edges_of_the_canvas() -> None:
    canvas = Canvas(5, 2)
    assert canvas.text(3, 0, "abc") == 5
    assert canvas.text(-2, 1, "abcd") == 2
    assert [canvas.line(0), canvas.line(1)] == ["   ab", "cd   "]


def test_a_text_outside_the_canvas_is_not_drawn() -> None:
    canvas = Canvas(3, 1)
    for x, y in ((0, -1), (0, 1), (3, 0), (-9, 0)):
        canvas.text(x, y, "abc")
    assert canvas.line(0) == "   "


def test_a_number_ends_where_its_column_ends() -> None:
    canvas = Canvas(8, 1)
    assert canvas.right_text(6, 0, "1.25") == 2
    assert canvas.line(0) == "  1.25  "


def test_only_lines_that_differ_are_drawn_again() -> None:
    before, after = Canvas(4, 3), Canvas(4, 3)
    after.text(0, 1, "x")
    after.text(0, 2, " ", 3)
    assert after.changed_lines(before) == [1, 2]
    assert after.changed_lines(after) == []
    assert after.changed_lines(None) == after.changed_lines(Canvas(5, 3)) == [0, 1, 2]


def test_cells_of_one_style_become_one_segment() -> None:
    canvas = Canvas(6, 1)
    canvas.text(2, 0, "ab", 1)
    strip = canvas.strip(0, lambda code: Style(bold=code == 1))
    assert [segment.text for segment in strip] == ["  ", "ab", "  "]
    assert strip.cell_length == 6


def test_a_background_covers_a_whole_line_and_can_be_set_twice() -> None:
    canvas = Canvas(3, 1)
    canvas.text(0, 0, "a", 2)
    canvas.set_background(0, 4)
    canvas.set_background(0, 5)
    canvas.set_background(9, 5)
    assert canvas.codes.tolist() == [[2 + 5 * BACKGROUND, 5 * BACKGROUND, 5 * BACKGROUND]]


def test_a_line_below_the_canvas_is_blank() -> None:
    assert Canvas(3, 1).strip(7, plain).text == "   "
    assert Canvas(0, 1).strip(0, plain).text == ""


def test_characters_without_width_take_one_cell() -> None:
    assert "".join(map(chr, code_points("a\x1bé\u0301").tolist())) == "a?é?"


def test_wide_characters_take_two_cells() -> None:
    canvas = Canvas(8, 2)
    assert canvas.text(0, 0, "漢字|", 1) == 5
    assert canvas.right_text(8, 1, "漢9") == 5
    assert [canvas.line(0), canvas.line(1)] == ["漢字|   ", "     漢9"]
    strip = canvas.strip(0, lambda code: Style(bold=code == 1))
    assert ([segment.text for segment in strip], strip.cell_length) == (["漢字|", "   "], 8)


def test_half_a_wide_character_is_blank() -> None:
    canvas = Canvas(4, 4)
    canvas.text(1, 0, "漢字")
    canvas.text(-1, 1, "漢字")
    for y, x in ((2, 0), (3, 1)):
        canvas.text(0, y, "漢字")
        canvas.text(x, y, "|")
    assert [canvas.line(y) for y in range(4)] == [" 漢 ", " 字 ", "| 字", " |字"]
    assert all(cell_len(canvas.strip(y, plain).text) == 4 for y in range(4))


@given(st.text("a漢é\u0301", max_size=12), st.integers(0, 14))
def test_a_shortened_text_fits_its_width(text: str, width: int) -> None:
    assert cells_of(shortened(text, width)) <= width
    assert (shortened(text, width) == text) == (cells_of(text) <= width)


@given(st.text(max_size=30), st.integers(-5, 25), st.integers(0, 20))
def test_every_line_is_as_wide_as_the_canvas(text: str, x: int, width: int) -> None:
    canvas = Canvas(width, 1)
    canvas.text(x, 0, text)
    assert cell_len(canvas.strip(0, plain).text) == width


def test_a_text_that_is_too_long_ends_in_an_ellipsis() -> None:
    assert [shortened("BERKSHIRE", width) for width in (9, 5, 1, 0)] == ["BERKSHIRE", "BERK…", "…", ""]


def test_a_column_of_texts_equals_texts_drawn_one_by_one() -> None:
    texts, codes = [" 1.25", "–    ", "-0.07"], [3, 1, 2]
    at_once, one_by_one = Canvas(9, 4), Canvas(9, 4)
    at_once.column(2, 1, texts, codes)
    for y, (text, code) in enumerate(zip(texts, codes, strict=True), start=1):
        one_by_one.text(2, y, text, code)
    assert at_once.changed_lines(one_by_one) == []
    at_once.column(2, 1, [], [])
    assert at_once.changed_lines(one_by_one) == []

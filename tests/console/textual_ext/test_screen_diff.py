"""Screen differences: the terminal shows the same as with Textual's updates, for less output."""

from __future__ import annotations

import io
from functools import cache
from itertools import pairwise

import pyte
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from tapedeck.console.textual_ext.screen_diff import ScreenDiff

WIDTH, HEIGHT = 12, 4
CONSOLE = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", width=WIDTH)
NARROW, WIDE = "ab ", "漢字"
STYLES = (Style.null(), Style(color="red"), Style(bgcolor="blue", bold=True))
CUTS = st.sets(st.integers(1, WIDTH - 1), max_size=3).map(lambda cuts: [0, *sorted(cuts), WIDTH])


@st.composite
def strips(draw: st.DrawFn, width: int) -> Strip:
    """Draw pieces of text in several styles; some characters are two cells wide."""
    pieces, left = [], width
    while left:
        cells = draw(st.integers(1, left))
        pieces.append(Segment(draw(texts(cells)), draw(st.sampled_from(STYLES))))
        left -= cells
    return Strip(pieces, width)


def texts(width: int) -> st.SearchStrategy[str]:
    """Draw a text of a number of cells: by its number, as drawing each character takes most of the time."""
    return st.integers(0, count_of_texts(width) - 1).map(lambda number: text_of(number, width))


@cache
def count_of_texts(width: int) -> int:
    """Return the number of texts of a number of cells."""
    if width < 2:
        return len(NARROW) ** width
    return len(NARROW) * count_of_texts(width - 1) + len(WIDE) * count_of_texts(width - 2)


def text_of(number: int, width: int) -> str:
    """Return a text by its number."""
    text = ""
    while width:
        after = count_of_texts(width - 1)
        if number < len(NARROW) * after:
            text, number, width = text + NARROW[number // after], number % after, width - 1
        else:
            number, after = number - len(NARROW) * after, count_of_texts(width - 2)
            text, number, width = text + WIDE[number // after], number % after, width - 2
    return text


@st.composite
def layouts(draw: st.DrawFn) -> LayoutUpdate:
    lines = []
    for _ in range(HEIGHT):
        cuts = draw(CUTS)
        lines.append([draw(strips(b - a)) for a, b in pairwise(cuts)])
    return LayoutUpdate(lines, Region(0, 0, WIDTH, HEIGHT))


@st.composite
def parts(draw: st.DrawFn) -> ChopsUpdate:
    chops, ends = [], []
    for _ in range(HEIGHT):
        cuts = draw(CUTS)
        line = {a: draw(strips(b - a)) for a, b in pairwise(cuts)}
        chops.append(line)
        ends.append(cuts[1:])
    lines = draw(st.lists(st.integers(0, HEIGHT - 1), min_size=1, unique=True).map(sorted))
    spans = []
    for y in lines:
        start = draw(st.sampled_from([0, *ends[y][:-1]]))
        spans.append((y, start, draw(st.integers(start + 1, WIDTH))))
    return ChopsUpdate(chops, spans, ends)


def screen() -> tuple[pyte.Screen, pyte.Stream]:
    shown = pyte.Screen(WIDTH, HEIGHT)
    shown.reset_mode(pyte.modes.DECAWM)  # as on the alternate screen: the last column does not wrap
    return shown, pyte.Stream(shown)


def cells(shown: pyte.Screen) -> list[list[pyte.screens.Char]]:
    return [[shown.buffer[y][x] for x in range(WIDTH)] for y in range(HEIGHT)]


@settings(max_examples=50)
@given(st.lists(layouts() | parts(), max_size=5), st.booleans())
def test_the_terminal_shows_the_updates_as_textual_writes_them(
    updates: list[CompositorUpdate], by_cell: bool
) -> None:
    (theirs, their_stream), (ours, our_stream), known = screen(), screen(), ScreenDiff()
    known.by_cell = by_cell
    for update in updates:
        their_stream.feed(update.render_segments(CONSOLE))
        our_stream.feed(known.changes(update, CONSOLE))
        assert cells(ours) == cells(theirs)


@settings(max_examples=40)
@given(layouts(), st.lists(parts(), max_size=3), st.booleans())
def test_an_update_is_not_written_twice(
    whole: LayoutUpdate, others: list[ChopsUpdate], by_cell: bool
) -> None:
    known = ScreenDiff()
    known.by_cell = by_cell
    first = known.changes(whole, CONSOLE)
    assert known.changes(whole, CONSOLE) == ""
    for other in others:
        known.changes(other, CONSOLE)
        assert known.changes(other, CONSOLE) == ""
    known.forget()
    assert known.changes(whole, CONSOLE) == first


def test_on_a_slow_connection_only_changed_cells_are_written() -> None:
    def line(price: str) -> LayoutUpdate:
        segments = [Segment("SPY ", STYLES[0]), Segment(price, STYLES[1]), Segment("  up", STYLES[2])]
        return LayoutUpdate([[Strip(segments, WIDTH)]], Region(0, 0, WIDTH, 1))

    known = ScreenDiff()
    known.by_cell = True
    known.changes(line("1.02"), CONSOLE)
    assert known.changes(line("1.52"), CONSOLE) == "\x1b[1;7H\x1b[31m5\x1b[0m"

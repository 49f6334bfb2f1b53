"""Tape strip and sparklines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tapedeck.console.app.widgets import StripTick, TapeStrip, TickKind, sparkline
from tapedeck.console.app.widgets.canvas import Canvas


def line(play: Any, lines: Any, data: Any, width: int = 10) -> str:
    widget = TapeStrip()
    texts: list[str] = []

    async def act(_pilot: Any, _app: Any) -> None:
        widget.show(data)
        texts.extend(lines(widget))

    play(widget, act, (width, 3))
    return texts[0]


def test_a_slots_character_shows_its_completeness(play: Any, lines: Any, strip: Any) -> None:
    assert line(play, lines, strip([1.0, 0.995, 0.95, 0.5, 0.0])) == "━━╍┄·┃────"


def test_the_caret_is_at_the_last_cell_after_the_session(play: Any, lines: Any, strip: Any) -> None:
    assert line(play, lines, strip([1.0] * 10)) == "━━━━━━━━━┃"


def test_the_past_on_view_has_a_second_caret(play: Any, lines: Any, strip: Any) -> None:
    assert line(play, lines, strip([1.0] * 8, viewed_frontier=3)) == "━━━◉━━━━┃─"


def test_later_slots_are_dim_while_the_past_is_on_view(play: Any, strip: Any) -> None:
    data = strip(
        [1.0, 0.5] * 4, viewed_frontier=3, ticks=(StripTick(1, TickKind.GAP), StripTick(6, TickKind.GAP))
    )
    widget = TapeStrip()
    inks: list[str] = []

    async def act(_pilot: Any, _app: Any) -> None:
        for shown in (data, replace(data, viewed_frontier=None)):
            canvas = Canvas(10, 1)
            widget.show(shown)
            widget.paint(canvas)
            inks.append(" ".join(widget.INKS[code].partition("--")[2] for code in canvas.codes[0].tolist()))

    play(widget, act, (10, 3))
    assert inks == [
        "full gap full past later later later later now ahead",
        "full gap full bad full bad gap bad now ahead",
    ]


def test_ticks_are_at_their_slot_and_the_most_severe_is_on_top(play: Any, lines: Any, strip: Any) -> None:
    ticks = (
        StripTick(6, TickKind.ERROR),
        StripTick(6, TickKind.GAP),
        StripTick(1, TickKind.GAP),
        StripTick(3, TickKind.BOOKMARK),
        StripTick(4, TickKind.BREAK),
        StripTick(5, TickKind.EVENT),
        StripTick(99, TickKind.SCAN),
    )
    assert line(play, lines, strip([1.0] * 8, ticks=ticks)) == "━╎━★◆•!━┃○"


def test_open_and_close_are_at_the_ends_of_a_wide_strip(play: Any, lines: Any, strip: Any) -> None:
    data = strip([1.0] * 5, opens="09:30", closes="16:00 EDT")
    wide = line(play, lines, data, 40)
    assert wide == "09:30 " + "━" * 12 + "┃" + "─" * 11 + " 16:00 EDT"
    assert line(play, lines, data, 20) == "━" * 10 + "┃" + "─" * 9


def test_a_session_without_an_end_uses_the_whole_line(play: Any, lines: Any, strip: Any) -> None:
    assert line(play, lines, strip([], opens="00:00"), 30) == "00:00 ┃" + "─" * 23


def test_ticks_of_gaps_are_thinned_out_and_drawn_below_others(play: Any, lines: Any, strip: Any) -> None:
    gaps = [StripTick(slot, TickKind.GAP) for slot in range(10)]
    ticks = (*gaps, StripTick(4, TickKind.BOOKMARK))
    assert line(play, lines, strip([1.0] * 10, ticks=ticks)) == "╎━━━★━━━╎┃"


def test_many_slots_share_a_cell(play: Any, lines: Any, strip: Any) -> None:
    complete = np.ones(200)
    complete[100:140] = 0.0
    assert line(play, lines, strip(complete, slots=400), 20) == "━━━━━··━━━┃─────────"


def test_a_click_seeks_the_first_slot_of_its_cell(play: Any, strip: Any) -> None:
    widget = TapeStrip()

    async def act(pilot: Any, _app: Any) -> None:
        await pilot.click(widget, offset=(5, 0))
        widget.show(strip([1.0] * 100, slots=390, opens="09:30", closes="16:00"))
        await pilot.pause()
        await pilot.click(widget, offset=(6, 0))
        await pilot.click(widget, offset=(6 + 34, 0))
        await pilot.click(widget, offset=(2, 0))

    assert play(widget, act).messages == [("seek", 0, True), ("seek", 195, True)]


def test_without_a_session_the_strip_says_so(play: Any, lines: Any, strip: Any) -> None:
    assert "no session yet" in line(play, lines, strip([], slots=0), 40)


@pytest.mark.parametrize("width", [1, 2, 29, 31])
def test_a_strip_fits_into_any_width(play: Any, lines: Any, strip: Any, width: int) -> None:
    data = strip([0.5] * 3, opens="09:30", closes="16:00 EDT", viewed_frontier=1)
    assert len(line(play, lines, data, width)) <= width


def test_a_sparkline_runs_from_low_to_high() -> None:
    assert sparkline(np.arange(7.0), 8) == "▁▂▃▄▅▆▇"
    assert sparkline(np.array([1.0, np.nan, 2.0]), 8) == "▁ ▇"


def test_sparklines_of_lines_below_each_other_do_not_touch() -> None:
    assert "█" not in sparkline(np.arange(100.0), 100)


def test_a_sparkline_of_one_value_is_at_half_height() -> None:
    assert sparkline(np.full(3, 7.0), 8) == "▄▄▄"


def test_a_sparkline_shows_the_last_value_of_each_part() -> None:
    assert sparkline(np.array([9.0, 0.0, 9.0, 7.0]), 2) == "▁▇"


def test_an_empty_series_has_an_empty_sparkline() -> None:
    assert sparkline(np.empty(0), 8) == sparkline(np.arange(3.0), 0) == ""
    assert sparkline(np.full(2, np.nan), 8) == "  "
    assert sparkline(np.array([-1.7e308, 1.7e308]), 2) == "▁▇"

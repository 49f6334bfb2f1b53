"""List of selectable lines."""

from __future__ import annotations

from typing import Any

from tapedeck.console.app.widgets import LineList


def test_a_line_that_is_too_long_ends_in_an_ellipsis(play: Any, lines: Any) -> None:
    widget = LineList()

    async def act(pilot: Any, _app: Any) -> None:
        widget.show_lines(2, lambda line: (("AAA ", "strong"), ("0123456789" if line else "short", "base")))
        await pilot.pause()
        assert lines(widget)[:2] == ["AAA short", "AAA 01234…"]

    play(widget, act, (11, 4))


def test_a_line_with_hidden_parts_ends_in_an_ellipsis(play: Any, lines: Any) -> None:
    widget = LineList()

    async def act(pilot: Any, _app: Any) -> None:
        widget.show_lines(1, lambda _line: (("10:58 ", "quiet"), ("DEMO_", "strong"), ("2 bars", "base")))
        await pilot.pause()
        assert lines(widget)[0] == "10:58 DEM…"

    play(widget, act, (11, 1))  # one column is kept for the scrollbar


def test_keys_move_the_cursor_and_stop_at_both_ends(play: Any) -> None:
    widget = LineList()
    cursors = []

    async def act(pilot: Any, _app: Any) -> None:
        widget.show_lines(30, lambda line: ((str(line), "base"),))
        widget.focus()
        await pilot.pause()
        for key in ("end", "down", "up", "pageup", "home", "up", "pagedown"):
            await pilot.press(key)
            cursors.append(widget.cursor)

    play(widget, act, (20, 10))
    assert cursors == [29, 29, 28, 19, 0, 0, 9]


def test_a_list_that_gets_lower_or_higher_keeps_its_newest_line_in_sight(play: Any, lines: Any) -> None:
    widget = LineList()
    seen = []

    async def act(pilot: Any, _app: Any) -> None:
        widget.show_lines(30, lambda line: ((str(line), "base"),))
        await pilot.pause()
        for height in (10, 6, 9):
            await pilot.resize_terminal(20, height)
            await pilot.pause()
            seen.append([line.strip() for line in lines(widget)][-1])

    play(widget, act, (20, 10))
    assert seen == ["29", "29", "29"]

"""Live symbol table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tapedeck.console.app.widgets import SymbolTable
from tapedeck.console.app.widgets.column_forms import Figures

MANY = tuple(f"S{number:03d}" for number in range(500))


def head(line: str) -> list[str]:
    return line.split()


@pytest.fixture
def table() -> SymbolTable:
    return SymbolTable()


def test_every_figure_is_in_its_column(play: Any, lines: Any, rows: Any, table: SymbolTable) -> None:
    async def act(_pilot: Any, _app: Any) -> None:
        table.show(rows(indicators={"rsi_14": np.array([30.0, 70.5, np.nan, 50.0])}))
        texts = lines(table)
        assert head(texts[0]) == [
            "symbol", "last", "chg", "%", "volume", "rel", "vol", "rsi_14", "qual", "%", "missing", "trend",
        ]  # fmt: skip
        assert head(texts[1])[:8] == ["▸", "SPY", "100.00", "-1.00", "1.00k", "0.50", "30.00", "100.0"]
        assert head(texts[3])[:8] == ["BAC", "102.00", "+1.00", "3.00k", "1.00", "–", "97.4", "4"]
        assert texts[1].endswith("▁▂▃▄▅▆▇▇")

    play(table, act, (100, 10))


def test_figures_are_aligned_on_the_right(play: Any, lines: Any, rows: Any, table: SymbolTable) -> None:
    async def act(_pilot: Any, _app: Any) -> None:
        table.show(rows(last=np.array([1.0, 10.5, 1000.25, np.nan])))
        ends = {text.index(figure) + len(figure) for text, figure in zip(
            lines(table)[1:5], ("1.00", "10.50", "1000.25", "–"), strict=True
        )}  # fmt: skip
        assert len(ends) == 1

    play(table, act, (80, 10))


def test_small_prices_have_more_decimals_and_are_aligned(
    play: Any, lines: Any, rows: Any, table: SymbolTable
) -> None:
    async def act(_pilot: Any, _app: Any) -> None:
        values = np.array([30_000.0, 0.0000123, -0.5, np.nan])
        table.show(rows(last=np.abs(values), indicators={"mom": values}, decimals={"last": 8, "mom": 7}))
        texts = lines(table)
        assert [head(text.lstrip("▸ "))[1] for text in texts[1:5]] == [
            "30000.00000000", "0.00001230", "0.50000000", "–",
        ]  # fmt: skip
        assert [head(text.lstrip("▸ "))[5] for text in texts[1:5]] == [
            "30000.0000000", "0.0000123", "-0.5000000", "–",
        ]  # fmt: skip
        assert texts[1].index("30000.00000000") + 4 == texts[2].index("0.00001230")

    play(table, act, (100, 10))


@pytest.mark.parametrize(
    ("width", "kept"),
    [
        (110, ["last", "chg %", "volume", "rel vol", "a", "b", "qual %", "missing", "trend"]),
        (80, ["last", "chg %", "volume", "rel vol", "a", "b", "qual %", "missing"]),
        (67, ["last", "chg %", "volume", "rel vol", "a", "qual %", "missing"]),
        (58, ["last", "chg %", "volume", "rel vol", "qual %", "missing"]),
        (46, ["last", "chg %", "volume", "qual %"]),
        (22, ["last"]),
        (12, []),
    ],
)
def test_narrow_tables_drop_the_columns_of_highest_rank(
    *, play: Any, lines: Any, rows: Any, table: SymbolTable, width: int, kept: list[str]
) -> None:
    async def act(_pilot: Any, _app: Any) -> None:
        table.show(rows(indicators={"a": np.arange(4.0), "b": np.arange(4.0)}))
        assert head(lines(table)[0]) == head(" ".join(["symbol", *kept]))

    play(table, act, (width, 10))


@pytest.mark.parametrize(
    ("column", "reverse", "first"),
    [("last", True, "IBM"), ("symbol", False, "AIG"), ("symbol", True, "SPY"), ("missing", True, "AIG")],
)
def test_any_column_sorts(
    *, play: Any, rows: Any, table: SymbolTable, column: str, reverse: bool, first: str
) -> None:
    async def act(_pilot: Any, _app: Any) -> None:
        table.show(rows())
        table.sort_by(column, reverse=reverse)
        assert table.shown_symbols[0] == first

    app = play(table, act)
    assert app.messages[-1] == ("sorted", column, reverse, True)


def test_missing_figures_are_last_in_both_sort_directions(play: Any, rows: Any, table: SymbolTable) -> None:
    async def act(_pilot: Any, _app: Any) -> None:
        table.show(rows(rel_volume=np.array([np.nan, 2.0, 1.0, np.nan])))
        table.sort_by("rel_volume")
        assert table.shown_symbols == ("AIG", "BAC", "SPY", "IBM")
        table.sort_reversed()
        assert table.shown_symbols == ("BAC", "AIG", "SPY", "IBM")

    play(table, act)


def test_sorting_by_a_removed_column_gives_the_file_order(play: Any, rows: Any, table: SymbolTable) -> None:
    async def act(_pilot: Any, _app: Any) -> None:
        table.show(rows(indicators={"rsi_14": np.array([3.0, 1.0, 2.0, 0.0])}))
        table.sort_by("rsi_14", reverse=False)
        assert table.shown_symbols[0] == "IBM"
        table.show(rows())
        assert table.shown_symbols == ("SPY", "AIG", "BAC", "IBM")

    play(table, act)


def test_the_sort_key_cycles_through_the_columns_and_the_order_of_the_file(
    play: Any, rows: Any, table: SymbolTable
) -> None:
    sort_columns: list[str | None] = []

    async def act(pilot: Any, _app: Any) -> None:
        table.show(rows())
        await pilot.pause()
        for _ in range(9):
            table.sort_next()
            await pilot.pause()
            sort_columns.append(table.sort[0])

    play(table, act)
    assert sort_columns == [
        "symbol", "last", "change_pct", "day_volume", "rel_volume", "quality", "missing", None, "symbol",
    ]  # fmt: skip


def test_sorting_by_the_sort_column_changes_nothing(play: Any, rows: Any, table: SymbolTable) -> None:
    async def act(pilot: Any, app: Any) -> None:
        table.show(rows())
        table.sort_by("last")
        table.sort_by("last")
        await pilot.pause()
        assert [messages[0] for messages in app.messages] == ["focused", "sorted"]

    play(table, act)


def test_quality_just_below_100_does_not_show_100(
    play: Any, lines: Any, rows: Any, table: SymbolTable
) -> None:
    async def act(_pilot: Any, _app: Any) -> None:
        table.show(rows(quality=np.array([99.99, 95.0, 10.0, np.nan])))
        assert [head(text.lstrip("▸ "))[5] for text in lines(table)[1:5]] == ["99.9", "95.0", "10.0", "–"]

    play(table, act)


def test_a_note_that_does_not_fit_ends_in_an_ellipsis(
    play: Any, lines: Any, rows: Any, table: SymbolTable
) -> None:
    async def act(_pilot: Any, _app: Any) -> None:
        table.show(rows())
        table.filter("zzz")
        assert lines(table)[1].endswith("…")

    play(table, act, (40, 10))


def test_the_order_of_the_file_can_be_reversed(play: Any, rows: Any, table: SymbolTable) -> None:
    async def act(_pilot: Any, _app: Any) -> None:
        table.show(rows())
        table.sort_reversed()
        assert table.shown_symbols == ("IBM", "BAC", "AIG", "SPY")

    play(table, act)


def test_a_click_on_a_heading_sorts_like_the_key_and_a_second_one_reverses(
    play: Any, lines: Any, rows: Any, table: SymbolTable
) -> None:
    async def act(pilot: Any, _app: Any) -> None:
        table.show(rows())
        await pilot.pause()
        place = lines(table)[0].index("last")
        await pilot.click(table, offset=(place, 0))
        assert table.sort == ("last", True)
        assert "▼last" in lines(table)[0]
        await pilot.click(table, offset=(place, 0))
        assert table.sort == ("last", False)
        assert "▲last" in lines(table)[0]
        await pilot.click(table, offset=(79, 0))
        assert table.sort == ("last", False)
        await pilot.click(table, offset=(3, 0))
        assert table.sort == ("symbol", False)
        table.sort_next()
        assert table.sort == ("last", True)

    play(table, act)


def test_sorting_by_figures_shows_the_top_of_the_order_and_by_names_the_focused_row(
    play: Any, lines: Any, rows: Any, table: SymbolTable
) -> None:
    async def act(pilot: Any, _app: Any) -> None:
        table.show(rows(MANY))
        table.focus()
        table.focus_symbol("S300")
        await pilot.pause()
        for sort in (lambda: table.sort_by("last"), table.sort_reversed):
            sort()
            await pilot.pause()
            assert lines(table)[1].split()[0] == table.shown_symbols[0]
            assert table.focused_symbol == "S300"
        table.sort_by("symbol")
        await pilot.pause()
        assert any(line.startswith("▸ S300") for line in lines(table))

    play(table, act, (80, 10))


def test_a_figure_that_is_too_long_is_never_cut_to_another_number(
    play: Any, lines: Any, rows: Any, table: SymbolTable
) -> None:
    async def act(_pilot: Any, _app: Any) -> None:
        table.show(rows(indicators={"obv": np.array([123_456_789.0, -98_765_432.0, 1.5, np.nan])}))
        end = lines(table)[0].index("obv") + len("obv")
        figures = [line[:end].split()[-1] for line in lines(table)[1:5]]
        assert figures == ["123M", "-98.8M", "1.50", "–"]

    play(table, act, (78, 10))


def test_a_click_on_a_row_focuses_its_symbol(play: Any, rows: Any, table: SymbolTable) -> None:
    async def act(pilot: Any, _app: Any) -> None:
        await pilot.click(table, offset=(3, 3))
        table.show(rows())
        await pilot.pause()
        await pilot.click(table, offset=(3, 3))
        assert table.focused_symbol == "BAC"
        await pilot.click(table, offset=(3, 9))
        assert table.focused_symbol == "BAC"

    assert ("focused", "BAC", True) in play(table, act).messages


def test_keys_move_the_cursor_and_stop_at_the_ends(play: Any, rows: Any, table: SymbolTable) -> None:
    async def act(pilot: Any, _app: Any) -> None:
        table.show(rows(MANY))
        table.focus()
        await pilot.pause()
        for key, symbol in (
            ("up", "S000"), ("down", "S001"), ("pagedown", "S009"), ("pageup", "S001"),
            ("up", "S000"), ("pageup", "S000"),
        ):  # fmt: skip
            await pilot.press(key)
            assert table.focused_symbol == symbol

    play(table, act, (80, 10))


def test_home_and_control_end_go_to_the_edges_and_end_is_not_bound(
    play: Any, lines: Any, rows: Any, table: SymbolTable
) -> None:
    async def act(pilot: Any, _app: Any) -> None:
        table.show(rows(MANY))
        table.focus()
        table.focus_symbol("S300")
        await pilot.press("end")
        assert table.focused_symbol == "S300"
        for key, first, focused in (("home", 1, "S000"), ("ctrl+end", -1, "S499"), ("ctrl+home", 1, "S000")):
            await pilot.press(key)
            await pilot.pause()
            assert lines(table)[first].startswith(f"▸ {focused}")
            assert table.focused_symbol == focused
        table.filter("no such")
        await pilot.press("ctrl+end", "home")
        assert table.focused_symbol == "S000"

    play(table, act, (80, 10))


def test_the_cursor_is_visible_after_every_key(play: Any, lines: Any, rows: Any, table: SymbolTable) -> None:
    async def act(pilot: Any, _app: Any) -> None:
        table.show(rows(MANY))
        table.focus()
        await pilot.pause()
        for key in ("pagedown", "pagedown", "up", "pageup", "pageup", "down"):
            await pilot.press(key)
            marked = [text for text in lines(table) if text.startswith("▸")]
            assert [head(text)[1] for text in marked] == [table.focused_symbol]

    play(table, act, (80, 10))


def test_cursor_scroll_and_sort_stay_when_figures_move(
    play: Any, lines: Any, rows: Any, table: SymbolTable
) -> None:
    async def act(pilot: Any, app: Any) -> None:
        data = rows(MANY)
        table.show(data)
        table.sort_by("change_pct", reverse=True)
        table.focus_symbol("S300")
        await pilot.pause()
        scroll, messages = table.scroll_offset, len(app.messages)
        table.show(rows(MANY, change_pct=data.figures["change_pct"].values + 1.0))
        await pilot.pause()
        assert table.focused_symbol == "S300"
        assert table.scroll_offset == scroll
        assert table.sort == ("change_pct", True)
        assert len(app.messages) == messages
        assert sum(text.startswith("▸ S300") for text in lines(table)) == 1

    play(table, act, (80, 20))


def test_the_cursor_stays_on_its_symbol_when_the_order_changes(
    play: Any, lines: Any, rows: Any, table: SymbolTable
) -> None:
    async def act(_pilot: Any, _app: Any) -> None:
        table.show(rows())
        table.sort_by("last", reverse=False)
        table.focus_symbol("BAC")
        table.show(rows(last=np.array([3.0, 2.0, 1.0, 4.0])))
        assert lines(table)[1].startswith("▸ BAC")

    play(table, act)


def test_the_filter_keeps_symbols_that_contain_one_of_its_words(
    play: Any, lines: Any, rows: Any, table: SymbolTable
) -> None:
    async def act(_pilot: Any, _app: Any) -> None:
        table.filter("b")
        table.show(rows())
        assert table.shown_symbols == ("BAC", "IBM")
        assert table.focused_symbol == "BAC"
        table.filter("spy, aig")
        assert table.shown_symbols == ("SPY", "AIG")
        table.filter("x")
        assert table.shown_symbols == ()
        assert "no symbol contains 'x': clear the filter to see all" in lines(table)[1]
        table.action_move(1)
        table.filter("")
        assert len(table.shown_symbols) == 4

    play(table, act)


def test_a_filter_scrolls_to_the_remaining_rows(play: Any, lines: Any, rows: Any, table: SymbolTable) -> None:
    async def act(pilot: Any, _app: Any) -> None:
        table.show(rows(MANY))
        table.focus_symbol("S499")
        await pilot.pause()
        table.filter("s00")
        await pilot.pause()
        assert [head(text)[0] for text in lines(table)[2:11]] == list(MANY[1:10])

    play(table, act, (80, 12))


def test_a_symbol_that_is_not_shown_cannot_be_focused(play: Any, rows: Any, table: SymbolTable) -> None:
    async def act(_pilot: Any, _app: Any) -> None:
        table.focus_symbol("SPY")
        assert table.focused_symbol is None
        table.sort_by("last", reverse=False)
        table.show(rows())
        table.focus_symbol("MSFT")
        assert table.focused_symbol == "SPY"

    play(table, act)


def test_removing_the_focused_symbol_focuses_the_first_one(play: Any, rows: Any, table: SymbolTable) -> None:
    async def act(_pilot: Any, _app: Any) -> None:
        table.show(rows())
        table.focus_symbol("IBM")
        table.show(rows(("SPY", "AIG")))
        assert table.focused_symbol == "SPY"

    assert play(table, act).messages[-1] == ("focused", "SPY", True)


def test_the_wheel_scrolls_the_rows_and_the_header_stays(
    play: Any, lines: Any, rows: Any, table: SymbolTable
) -> None:
    async def act(pilot: Any, _app: Any) -> None:
        table.show(rows(MANY))
        await pilot.pause()
        table.scroll_to(y=100, animate=False)
        await pilot.pause()
        texts = lines(table)
        assert head(texts[0])[0] == "symbol"
        assert head(texts[1])[0] == "S100"
        await pilot.click(table, offset=(3, 2))
        assert table.focused_symbol == "S101"

    play(table, act, (80, 12))


def test_gains_and_losses_have_signs_without_colour(
    play: Any, lines: Any, rows: Any, table: SymbolTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def act(_pilot: Any, _app: Any) -> None:
        table.show(rows())
        changes = [head(text.lstrip("▸ "))[2] for text in lines(table)[1:5]]
        assert changes == ["-1.00", "0.00", "+1.00", "+2.00"]

    play(table, act)


def test_a_table_without_symbols_says_how_to_add_some(
    play: Any, lines: Any, rows: Any, table: SymbolTable
) -> None:
    async def act(_pilot: Any, _app: Any) -> None:
        table.show(rows())
        table.show(rows(()))
        assert "no symbols: name some in the session file" in "\n".join(lines(table))

    play(table, act)


@pytest.mark.parametrize("size", [(200, 60), (20, 5), (5, 2), (1, 1)])
def test_a_table_fits_into_any_terminal(
    play: Any, lines: Any, rows: Any, table: SymbolTable, size: tuple[int, int]
) -> None:
    async def act(pilot: Any, _app: Any) -> None:
        table.show(rows(MANY))
        await pilot.pause()
        assert all(len(text) <= size[0] for text in lines(table))

    play(table, act, size)


def test_figures_of_the_session_before_are_marked_and_only_where_today_has_none(
    play: Any, lines: Any, rows: Any, table: SymbolTable
) -> None:
    """Their sign takes no cell of the column, and they are in no sort order."""
    data = rows(last=np.array([np.nan, 101.0, np.nan, np.nan]))
    before = np.array([98.5, 97.0, np.nan, 123456.25])
    data.figures["last"] = Figures(data.figures["last"].values, 2, before)

    async def act(_pilot: Any, _app: Any) -> None:
        table.show(data)
        assert [head(line.replace("▸", ""))[1] for line in lines(table)[1:5]] == [
            "‹98.50", "101.00", "–", "‹123456.25",
        ]  # fmt: skip
        assert table.shows_before
        table.sort_by("last")
        assert table.shown_symbols == ("AIG", "SPY", "BAC", "IBM")

    play(table, act, (100, 10))


def test_a_table_that_gets_lower_keeps_the_focused_symbol_in_sight(
    play: Any, lines: Any, rows: Any, table: SymbolTable
) -> None:
    async def act(pilot: Any, _app: Any) -> None:
        table.show(rows(symbols=MANY[:4]))
        table.focus_symbol(MANY[3])
        await pilot.pause()
        await pilot.resize_terminal(60, 3)
        await pilot.pause()
        assert MANY[3] in lines(table)[-1]

    play(table, act, (60, 10))

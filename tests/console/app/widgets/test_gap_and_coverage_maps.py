"""Gap map and coverage map."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from tapedeck.console.app.widgets import CoverageData, CoverageMap, GapMap
from tapedeck.console.app.widgets.downsample import slot_bounds, window_means


def test_with_few_cells_every_slot_belongs_to_one_cell() -> None:
    first, after = slot_bounds(390, 100)
    assert first[0] == 0
    assert after[-1] == 390
    assert (first[1:] == after[:-1]).all()


def test_with_few_slots_a_slot_takes_several_cells() -> None:
    assert slot_bounds(2, 6)[0].tolist() == [0, 0, 0, 1, 1, 1]


def test_means_are_of_known_slots_only() -> None:
    means = window_means(np.array([[1.0, 0.0, 1.0]]), 8, 4)[0]
    assert means[:2].tolist() == [0.5, 1.0]
    assert np.isnan(means[2:]).all()


def test_a_gap_map_shades_missing_bars_and_leaves_the_future_blank(
    play: Any, lines: Any, gap_map: Any
) -> None:
    widget = GapMap()

    async def act(pilot: Any, _app: Any) -> None:
        widget.show(gap_map(slots=68, known=34))
        await pilot.pause()
        texts = lines(widget)
        assert texts[1] == "S00 " + "─" * 34 + " " * 35 + "100.0%"
        assert texts[2] == "S01 " + "█" * 34 + " " * 37 + "0.0%"
        assert "09:30" in texts[0]

    play(widget, act, (79, 8))


def test_confirmed_empty_slots_are_neither_shaded_nor_counted(play: Any, lines: Any, gap_map: Any) -> None:
    widget = GapMap()
    data = gap_map(symbols=2, slots=40, known=40)
    covered = data.present.copy()
    covered[1, 8:] = True  # of the symbol without bars; its first cell is a gap
    data.present[0, :8] = False

    async def act(pilot: Any, _app: Any) -> None:
        widget.show(replace(data, covered=covered))
        await pilot.pause()
        assert lines(widget)[1:] == ["S00 ─────", "S01 █────"]
        assert widget.present_pct(slice(None)).tolist() == [100.0, 0.0]

    play(widget, act, (9, 3))


def test_the_shade_grows_with_the_missing_fraction(play: Any, lines: Any, gap_map: Any) -> None:
    widget = GapMap()
    data = gap_map(symbols=1, slots=40, known=40)
    for cell, missing in enumerate((0, 1, 4, 7, 8)):
        data.present[0, 8 * cell : 8 * cell + missing] = False

    async def act(_pilot: Any, _app: Any) -> None:
        widget.show(data)
        assert lines(widget)[1] == "S00 ─░▒▓█"

    play(widget, act, (9, 3))


def test_a_click_on_the_map_seeks_symbol_and_slot(play: Any, gap_map: Any) -> None:
    widget = GapMap()

    async def act(pilot: Any, _app: Any) -> None:
        await pilot.click(widget, offset=(5, 1))
        widget.show(gap_map())
        await pilot.pause()
        await pilot.click(widget, offset=(4, 2))
        for offset in ((4, 0), (1, 1), (4, 9), (79, 1)):
            await pilot.click(widget, offset=offset)

    assert play(widget, act).messages == [("gap", "S01", 0, True)]


def test_a_long_map_scrolls_with_keys(play: Any, lines: Any, gap_map: Any) -> None:
    widget = GapMap()

    async def act(pilot: Any, _app: Any) -> None:
        widget.show(gap_map(symbols=99))
        widget.focus()
        await pilot.pause()
        widget.scroll_to(y=50, animate=False)
        await pilot.pause()
        assert lines(widget)[1].startswith("S50")
        await pilot.click(widget, offset=(4, 2))

    assert play(widget, act, (80, 12)).messages == [("gap", "S51", 0, True)]


def test_before_the_first_slot_there_is_no_percentage(play: Any, lines: Any, gap_map: Any) -> None:
    widget = GapMap()

    async def act(_pilot: Any, _app: Any) -> None:
        widget.show(gap_map(known=0))
        assert lines(widget)[1].split() == ["S00", "–"]
        widget.show(gap_map(symbols=0))
        assert "no session yet: missing bars show as it plays" in "\n".join(lines(widget))
        widget.show_failed("x")

    play(widget, act)


def october(days: int) -> tuple[date, ...]:
    return tuple(date(2013, 10, 7) + timedelta(number) for number in range(days))


def test_coverage_is_shaded_by_the_missing_fraction_like_the_gap_map(play: Any, lines: Any) -> None:
    widget = CoverageMap()
    pct = np.array([[100.0, 90.0, 60.0, 20.0, 0.0]])

    async def act(_pilot: Any, _app: Any) -> None:
        widget.show(CoverageData(("SPY",), october(5), pct))
        assert lines(widget)[1] == "SPY ─░▒▓█"

    play(widget, act, (9, 3))


def test_coverage_shows_dates_and_the_mean_of_each_row(play: Any, lines: Any) -> None:
    widget = CoverageMap()

    async def act(_pilot: Any, _app: Any) -> None:
        pct = np.array([[100.0] * 5, [99.99] * 5])
        widget.show(CoverageData(("SPY", "AIG"), october(5), pct))
        texts = lines(widget)
        assert texts[0].split() == ["2013-10-07", "08", "Oct", "09", "Oct", "10", "Oct", "11", "Oct"]
        assert texts[1].endswith("100.0%")
        assert texts[2].endswith(" 99.9%")
        widget.show(CoverageData((), (), np.empty((0, 0))))
        assert "no coverage yet" in "\n".join(texts := lines(widget)), texts

    play(widget, act, (90, 5))


def test_a_click_on_the_coverage_map_chooses_symbol_and_day(play: Any) -> None:
    widget = CoverageMap()

    async def act(pilot: Any, _app: Any) -> None:
        await pilot.click(widget, offset=(4, 1))
        widget.show(CoverageData(("SPY", "AIG"), october(5), np.full((2, 5), 100.0)))
        await pilot.pause()
        await pilot.click(widget, offset=(4 + 68, 2))
        await pilot.click(widget, offset=(4, 0))

    assert play(widget, act).messages == [("day", "AIG", date(2013, 10, 11), True)]


@pytest.mark.parametrize("size", [(200, 60), (20, 5), (6, 2), (1, 1)])
def test_maps_fit_into_any_terminal(play: Any, lines: Any, gap_map: Any, size: tuple[int, int]) -> None:
    for widget, data in (
        (GapMap(), gap_map(symbols=70)),
        (CoverageMap(), CoverageData(("SPY",), october(300), np.full((1, 300), 50.0))),
    ):

        async def act(pilot: Any, _app: Any, widget: Any = widget, data: Any = data) -> None:
            widget.show(data)
            await pilot.pause()
            assert all(len(text) <= size[0] for text in lines(widget))

        play(widget, act, size)

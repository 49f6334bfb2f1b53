"""Space: the chart is the largest panel, tables are as large as their rows, and nothing is wasted."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from hypothesis import example, given
from hypothesis import strategies as st
from textual.geometry import Region, Size

from tapedeck.console.app.division import OPEN_ROWS, Wanted
from tapedeck.console.app.layout import (
    BUILT_IN,
    MEDIUM_WIDTH,
    STRIP,
    TWO_CHARTS_WIDTH,
    Arrangement,
    Layout,
)
from tapedeck.console.panel_data.registry import SECOND_CHART, Area, RunPart, panel_ids

SIZES = st.builds(Size, st.integers(MEDIUM_WIDTH, 320), st.integers(27, 100))
LOW_SIZES = st.builds(Size, st.integers(MEDIUM_WIDTH, 320), st.integers(20, 26))
PARTS = st.frozensets(st.sampled_from(RunPart))
SYMBOLS = st.integers(1, 600)
INDICATORS = st.integers(0, 30)
COLUMNS = st.integers(20, 200)
SECOND = SECOND_CHART.id
LEAST_COLUMNS = 40


def wants_of(symbols: int, indicators: int, columns: int) -> dict[str, Wanted]:
    """Return what the panels want of a session with that many symbols, indicators and cells of columns."""
    wants = {name: Wanted() for name in panel_ids()}
    wants["symbols"] = Wanted(symbols + 2, columns, min(columns, 50))
    wants["quality"] = Wanted(least_rows=9)
    wants["metrics"] = Wanted(least_columns=50)
    wants["indicators"] = Wanted(1 + 2 + indicators + 1 if indicators else OPEN_ROWS, 52)
    return wants


@given(SIZES, PARTS, SYMBOLS, INDICATORS, COLUMNS)
@example(Size(100, 27), frozenset(), 2, 3, 110)
@example(Size(120, 33), frozenset(), 500, 3, 110)
@example(Size(200, 57), frozenset(RunPart), 30, 30, 110)
def test_the_chart_is_the_largest_panel_and_no_panel_covers_another(
    size: Size, parts: frozenset[RunPart], symbols: int, indicators: int, columns: int
) -> None:
    wants = wants_of(symbols, indicators, columns)
    found = Layout(parts=parts).regions(size, wants)
    screen = Region(0, 0, *size)
    assert all(screen.contains_region(region) and region.area for region in found.values())
    assert not any(one.overlaps(other) for one, other in combinations(found.values(), 2))
    assert all(found["chart"].area > region.area for name, region in found.items() if name != "chart")
    assert not {"metrics", "log"} & set(found)
    table = found["symbols"]
    assert table.width <= max(wants["symbols"].columns, 38)
    assert table.height <= wants["symbols"].rows


@given(SIZES, PARTS, SYMBOLS, INDICATORS, COLUMNS)
def test_no_panel_beside_the_chart_is_higher_than_it_wants(
    size: Size, parts: frozenset[RunPart], symbols: int, indicators: int, columns: int
) -> None:
    """A panel whose lines grow wants ten rows with its heading: empty, it wastes fewer than ten."""
    wants = wants_of(symbols, indicators, columns)
    found = Layout(parts=parts).regions(size, wants)
    assert all(region.height <= wants[name].rows for name, region in found.items() if name != "chart")


@given(
    SIZES,
    PARTS,
    SYMBOLS,
    COLUMNS,
    st.sampled_from((Arrangement.CHART, Arrangement.WATCH)),
    st.sampled_from(("chart", SECOND, "symbols")),
)
@example(Size(160, 47), frozenset(), 500, 200, Arrangement.CHART, SECOND)
@example(Size(159, 47), frozenset(), 4, 110, Arrangement.CHART, "symbols")
def test_two_charts_share_the_place_of_one_and_no_other_panel_moves(
    size: Size, parts: frozenset[RunPart], symbols: int, columns: int, arrangement: Arrangement, active: str
) -> None:
    """Side by side from 160 columns on, else the one that had the focus last."""
    wants = wants_of(symbols, 4, columns)
    one = Layout(parts=parts, arrangement=arrangement)
    alone = one.regions(size, wants)
    place = alone.pop("chart")
    opened = one.activated("chart").activated(SECOND).activated(active)
    found = opened.regions(size, wants)
    charts = {name: found.pop(name) for name in ("chart", SECOND) if name in found}
    assert found == alone
    if size.width < TWO_CHARTS_WIDTH:
        assert charts == {"chart" if active == "chart" else SECOND: place}
    else:
        left, right = charts.values()
        assert list(charts) == ["chart", SECOND]
        assert left.union(right) == place
        assert (left.right, left.y, left.height) == (right.x, right.y, right.height)
        assert 0 <= left.width - right.width <= 1
        assert right.width >= LEAST_COLUMNS
    assert replace(opened, maximised=True).regions(size, wants) == {active: Region(0, 0, *size)}
    closed = opened.without_second_chart()
    assert closed.regions(size, wants) == alone | {"chart": place}
    assert closed.active == ("chart" if active == SECOND else active)


@given(st.one_of(SIZES, LOW_SIZES), PARTS, SYMBOLS, st.sampled_from((*panel_ids(), SECOND)))
def test_a_panel_that_is_activated_is_on_every_screen(
    size: Size, parts: frozenset[RunPart], symbols: int, name: str
) -> None:
    wants = wants_of(symbols, 4, 110)
    for layout in BUILT_IN.values():
        if name in (*panel_ids(parts=parts), SECOND):
            of_run = Layout(arrangement=layout.arrangement, front=layout.front, parts=parts)
            assert name in of_run.activated(name).shown(size, wants)


@given(st.integers(40, MEDIUM_WIDTH - 1), st.integers(8, 60))
def test_a_narrow_screen_has_a_strip_of_symbols_over_every_panel_but_their_table(
    width: int, height: int
) -> None:
    for name in panel_ids():
        found = Layout().activated(name).regions(Size(width, height), {})
        has_strip = name not in panel_ids(Area.TABLE)
        assert set(found) == ({name, STRIP} if has_strip else {name})
        assert found[name].bottom == height

"""Parts of the console without a screen: actions, speeds, layout, saved state, tables, rows."""

from __future__ import annotations

import json
import logging
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from textual.geometry import Size

from tapedeck.console.actions.keys import conflicts, key_table_markdown, unknown_actions
from tapedeck.console.actions.speeds import LADDER, achieved_text, faster, short_number, slower, speed_text
from tapedeck.console.actions.table import ACTIONS, BY_ID, OnScreen
from tapedeck.console.app.console_app import ConsoleApp
from tapedeck.console.app.grid_text import folded, grid, number, percent, quality_style
from tapedeck.console.app.layout import Layout
from tapedeck.console.app.log_lines import LogLines
from tapedeck.console.app.table_figures import trend_points
from tapedeck.console.app.ui_state import (
    FILE_NAME,
    KeptChart,
    KeptLayout,
    UiState,
    load_ui_state,
    save_ui_state,
)
from tapedeck.console.panel_data.tables import Table, table_text
from tapedeck.engine.store.bar_store import BarStore
from tests.support.console_runs import console_run

GRIDS = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 4), st.integers(0, 12)),
    elements=st.floats(1, 100) | st.just(float("nan")),
)


# Actions


def test_every_action_has_a_handler_a_label_and_a_sentence(console_store: BarStore, tmp_path: Path) -> None:
    with console_run(console_store, tmp_path) as console:
        app: ConsoleApp = console.app
        for action in ACTIONS:
            if isinstance(action.does, OnScreen):
                assert callable(app.handler(action.does.handler)), action.id
            if action.argument.prompt:
                assert callable(app.handler(action.argument.prompt)), action.id
            assert action.label, action.id
            assert action.help[0].isupper(), action.id


def test_keys_and_ids_are_unique() -> None:
    assert conflicts() == ()
    assert len(BY_ID) == len(ACTIONS)


def test_a_changed_key_that_another_action_has_is_a_clash() -> None:
    assert conflicts({"step": "m"}) == (("m", "step", "minute_on"),)


def test_a_misspelt_action_names_the_nearest_one() -> None:
    assert unknown_actions(["setp", "pause"]) == ("unknown action 'setp'. Did you mean 'step'?",)


def test_the_table_of_keys_has_every_action_that_has_a_key() -> None:
    table = key_table_markdown()
    panels = [action for action in ACTIONS if action.id.startswith("panel_")]
    assert all(action.help in table for action in ACTIONS if action.keys and action not in panels)
    assert "| `.` | Step forward |" in table
    assert f"Show {', '.join(panel.label for panel in panels)} |" in table
    assert all(f"`{panel.keys}`" in table for panel in panels)


# Speeds


def test_plus_and_minus_step_through_the_speeds() -> None:
    assert [faster(speed) for speed in (1, 2, 5, 10, 60, 360, 3600, 0)] == [2, 5, 10, 60, 360, 3600, 0, 0]
    assert [slower(speed) for speed in (0, 3600, 2, 1, 0.5, 7)] == [3600, 360, 1, 1, 0.5, 5]
    assert faster(7) == 10


@given(st.sampled_from(LADDER[:-1]))
def test_one_step_up_and_down_the_ladder_returns_to_the_same_speed(speed: float) -> None:
    assert slower(faster(speed)) == speed


def test_speeds_as_text() -> None:
    assert [speed_text(speed) for speed in (0, 1, 3600, 0.5)] == ["max", "x1", "x3,600", "x0.5"]
    assert achieved_text(3600, 2900) == "actual x2.9k"
    assert achieved_text(60, 60.5) == ""
    assert achieved_text(60, None) == ""
    assert [short_number(value) for value in (0, 940, 2900, 150_000, 5.1e6, 2e9, 3e13)] == [
        "0", "940", "2.9k", "150k", "5.1M", "2.0G", "30.0T",
    ]  # fmt: skip


# Layout


def test_a_narrow_screen_shows_one_panel_a_wide_one_more() -> None:
    layout = Layout()
    narrow, medium, wide = Size(80, 20), Size(120, 33), Size(200, 57)
    assert layout.shown(narrow, {}) == ("chart",)
    assert {"symbols", "chart", "indicators"} <= set(layout.shown(medium, {}))
    assert set(layout.shown(medium, {})) <= set(layout.shown(wide, {}))
    assert not {"metrics", "log"} & set(layout.shown(wide, {}))
    assert "log" in layout.activated("log").shown(medium, {})


def test_hiding_activates_another_panel_until_the_last() -> None:
    layout, size = Layout(), Size(200, 57)
    for _ in range(20):
        layout = layout.hiding_active(size, {})
    assert len(layout.shown(size, {})) == 1
    assert layout.activated("symbols").shown(Size(80, 20), {}) == ("symbols",)


def test_the_key_of_charts_shows_the_active_one_and_from_there_the_other() -> None:
    layout = Layout()
    assert layout.next_chart == layout.active_chart == "chart"
    two = layout.activated("second_chart")
    assert (two.active_chart, two.next_chart) == ("second_chart", "chart")
    at_table = two.activated("symbols")
    assert (at_table.active_chart, at_table.next_chart) == ("second_chart", "second_chart")
    one_hidden = two.activated("chart").hiding_active(Size(200, 57), {})
    assert (one_hidden.active_chart, one_hidden.activated("second_chart").next_chart) == (
        "second_chart",
        "chart",
    )
    closed = two.hiding_active(Size(200, 57), {})
    assert (closed.active, closed.has_second_chart, closed.hidden) == ("chart", False, frozenset())


# Saved state


def test_saved_state_is_loaded(tmp_path: Path) -> None:
    charts = (KeptChart("1m", "SPY", ("vwap",)), KeptChart("1h"))
    own = KeptLayout("grid", "log", ("log", "events"), ("chart",), maximised=True, charts=charts)
    kept = UiState(
        theme="paper-tape",
        hidden=("log",),
        panel="chart",
        sort="last",
        descending=True,
        symbol="SPY",
        interval="5m",
        keys={"step": "right"},
        columns={"October": ("last", "change")},
        lines={"October": ("vwap",)},
        second_lines={"October": ("none",)},
        layout=own,
        layouts={"mine": own},
    )
    assert save_ui_state(tmp_path / "new", kept) is None
    assert load_ui_state(tmp_path / "new") == (kept, None)
    assert [path.name for path in (tmp_path / "new").iterdir()] == [FILE_NAME]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"theme": 3}',
        '{"hidden": "log"}',
        '{"keys": {"step": 1}}',
        '{"layout": {"charts": [3]}}',
        '{"layout": {"charts": [{"lines": 3}]}}',
        pytest.param("\x00" * (2 << 20), id="2 MB of zeros"),  # by itself, an id of 8 MB
    ],
)
def test_a_broken_file_is_ignored_with_a_notice(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    ui_state, notice = load_ui_state(tmp_path)
    assert ui_state == UiState()
    assert notice is not None
    assert "cannot be used" in notice
    assert FILE_NAME in notice


def test_a_read_only_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    text = save_ui_state(tmp_path / "file", UiState())
    assert text is not None
    assert "not saved" in text


# Text tables


def test_tables_are_written_as_csv_markdown_and_json() -> None:
    table = Table.of(["symbol", "last"], [("A|B", 10.0), ("C", float("nan"))])
    assert table_text(table, "csv") == "symbol,last\nA|B,10\nC,\n"
    assert table_text(table, "markdown") == "| symbol | last |\n|---|--:|\n| A\\|B | 10 |\n| C |  |\n"
    assert json.loads(table_text(table, "json")) == [
        {"symbol": "A|B", "last": 10},
        {"symbol": "C", "last": None},
    ]


def test_a_long_text_is_folded_in_its_column() -> None:
    lines = folded([("formula", "100 × bars present ÷ slots elapsed"), ("on", "1m bars")], 30)
    assert lines.plain.splitlines() == [
        "formula  100 × bars present ÷",
        "         slots elapsed",
        "on       1m bars",
    ]


def test_columns_of_figures_are_aligned() -> None:
    assert grid(["a", "b"], [("x", "1"), ("long", "10")], right="lr").plain == "a      b\nx      1\nlong  10"
    assert number(None) == number(float("nan")) == "–"
    assert percent(99.99) == "99.9%", "100 % is what lacks nothing"
    assert len({quality_style(value) for value in (100, 96, 10, float("nan"))}) == 4


# Rows


@given(GRIDS)
def test_each_point_of_a_trend_is_the_last_price_of_its_part(values: np.ndarray) -> None:
    trend = trend_points(values, 4)
    assert trend.shape == (len(values), min(4, values.shape[1]))
    if values.shape[1]:
        np.testing.assert_array_equal(np.isnan(trend).all(axis=1), np.isnan(values).all(axis=1))


# Log lines and earlier days


def test_the_log_panel_keeps_lines_and_leaves_logging_as_it_was() -> None:
    logger = logging.getLogger("tapedeck.engine.somewhere")
    level, handlers = logging.getLogger("tapedeck").level, list(logging.getLogger("tapedeck").handlers)
    with LogLines() as lines:
        logger.warning("look at %s", "this")
    logger.warning("not any more")
    assert [(line.level, line.source, line.text) for line in lines.lines()] == [
        ("warning", "somewhere", "look at this")
    ]
    assert (logging.getLogger("tapedeck").level, logging.getLogger("tapedeck").handlers) == (level, handlers)


def test_days_that_are_over_know_their_neighbours(console_store: BarStore, tmp_path: Path) -> None:
    with console_run(console_store, tmp_path) as console:
        console.system.start()
        assert console.system.wait(20)
        days = console.app.playback.tape_cache
        assert [day.isoformat() for day in days.days()] == [
            "2013-11-26",
            "2013-11-27",
            "2013-11-29",
            "2013-12-02",
        ]
        assert days.before(date(2013, 11, 29)) == date(2013, 11, 27)
        assert days.after(date(2013, 11, 29)) == date(2013, 12, 2)
        assert days.before(date(2013, 11, 26)) is None
        assert days.session(date(2013, 11, 29)).session.is_early_close

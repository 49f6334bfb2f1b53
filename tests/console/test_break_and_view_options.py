"""`tapedeck run --break` and `--view`: stops with exports, and panels as data on stdout."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tapedeck.console.panel_data.views import view_table
from tapedeck.engine.errors import ConfigError
from tapedeck.engine.session_file import load_session_config
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.system import SystemManager

Writer = Callable[..., Path]


@pytest.fixture
def week(session_file: Writer) -> Path:
    return file_of_spy(session_file)


def file_of_spy(session_file: Writer, **backtest: str) -> Path:
    historical = {
        "data": [{"trailing_days": 1, "intervals": ["1m"]}],
        "indicators": {"high_2w": {"type": "trailing_max", "period": "2w", "field": "high"}},
    }
    indicators = {"rsi_14": {"type": "RSI", "interval": "1m", "timeperiod": 14}}
    return session_file(
        backtest_config=backtest,
        session_data_config={"symbols": ["SPY"], "historical": historical, "indicators": indicators},
    )


def test_a_batch_job_ends_at_a_breakpoint_with_its_export(
    tapedeck: Any, week: Path, lean_store: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = ("run", week, "--store", lean_store, "--no-ui", "--export", out)
    done = tapedeck(*arguments, "--break", "SPY.close > 168.5", "--break", "SPY.close < 1")
    assert done.exit_code == 0
    assert done.stderr == ""
    first = done.stdout.splitlines()[0]
    assert first == "October: stopped at 2013-10-10 15:04:00 EDT, slot 334 of 390: SPY.close > 168.5"
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["status"] == "partial"
    assert [session["played"] for session in manifest["sessions"]] == [390, 390, 390, 334]
    assert tapedeck("validate", out).exit_code == 0


def test_the_document_has_the_breakpoint_hit(tapedeck: Any, week: Path, lean_store: Path) -> None:
    done = tapedeck("run", week, "--store", lean_store, "--json", "--break", "time >= 10:30")
    assert done.document["stopped_at"] == {
        "condition": "time >= 10:30",
        "trading_day": "2013-10-07",
        "clock": "2013-10-07T14:30:00+00:00",
        "slots_over": 60,
    }
    assert done.document["interrupted"] is False


def test_a_breakpoint_that_never_fires_stops_nothing(tapedeck: Any, week: Path, lean_store: Path) -> None:
    done = tapedeck("run", week, "--store", lean_store, "--json", "--break", "SPY.close < 1")
    assert (done.exit_code, done.document["complete"], done.document["stopped_at"]) == (0, True, None)


def test_an_invalid_condition_is_a_usage_error(tapedeck: Any, week: Path, lean_store: Path) -> None:
    done = tapedeck("run", week, "--store", lean_store, "--no-ui", "--break", "SPY.rsi_15 < 30")
    assert done.exit_code == 2
    assert "at column 5: unknown value 'rsi_15'" in done.stderr
    assert "Did you mean 'rsi_14'?" in done.stderr


@pytest.mark.parametrize(
    "panel", ["session", "symbols", "bars", "indicators", "quality", "events", "metrics"]
)
def test_a_view_is_the_only_output_on_stdout(
    tapedeck: Any, session_file: Writer, lean_store: Path, panel: str
) -> None:
    day = file_of_spy(session_file, end_date="2013-10-07")
    arguments = ("run", day, "--store", lean_store, "--no-ui", "--view", panel)
    rows = list(csv.DictReader(io.StringIO(tapedeck(*arguments).stdout)))
    document = tapedeck(*arguments, "--format", "json").document
    assert len(rows) == len(document) > 0
    assert list(rows[0]) == list(document[0])
    markdown = tapedeck(*arguments, "--format", "markdown").stdout.splitlines()
    assert len(markdown) == len(rows) + 2


def test_the_panels_show_the_last_day(tapedeck: Any, week: Path, lean_store: Path) -> None:
    def rows(panel: str) -> list[dict[str, Any]]:
        arguments = ("run", week, "--store", lean_store, "--view", panel, "--format", "json")
        document: list[dict[str, Any]] = tapedeck(*arguments).document
        return document

    (symbol,) = rows("symbols")
    bars = [bar for bar in rows("bars") if bar["interval"] == "1m"]
    assert (bars[0]["timestamp"], len(bars)) == ("2013-10-11T09:30:00-04:00", 390)
    assert symbol["last"] == bars[-1]["close"]
    assert symbol["day_volume"] == sum(bar["volume"] for bar in bars)
    assert symbol["change_open_pct"] == pytest.approx(100 * (bars[-1]["close"] / bars[0]["open"] - 1))
    found = {(row["name"], row["kind"], row["interval"]) for row in rows("indicators")}
    assert found == {("rsi_14", "session", "1m"), ("high_2w", "historical", "1d")}
    quality = rows("quality")
    gaps = [row for row in quality if row["kind"] == "gap"]
    assert {(row["interval"], row["kind"]) for row in quality if row not in gaps} == {
        ("1m", "session"), ("5m", "session"), ("1m", "historical"),
    }  # fmt: skip
    (session,) = (row for row in quality if (row["interval"], row["kind"]) == ("1m", "session"))
    assert (len(gaps), sum(gap["missing"] for gap in gaps)) == (session["gaps"], session["missing"])
    assert (symbol["gaps"], symbol["missing"]) == (session["gaps"], session["missing"])
    fields = {row["field"]: row["value"] for row in rows("session")}
    assert (fields["trading_day"], fields["state"], fields["slots_over"]) == ("2013-10-11", "completed", 390)


def test_a_view_and_the_summary_cannot_both_be_on_stdout(tapedeck: Any, week: Path, lean_store: Path) -> None:
    done = tapedeck("run", week, "--store", lean_store, "--view", "bars", "--json")
    assert done.exit_code == 2
    assert "cannot be combined" in done.stdout + done.stderr


@pytest.mark.parametrize(("option", "near"), [("--view", "bars"), ("--format", "json")])
def test_a_misspelt_panel_or_format_names_the_nearest(
    tapedeck: Any, week: Path, lean_store: Path, option: str, near: str
) -> None:
    words = {"--view": "bars", "--format": "csv"} | {option: f"{near}n"}
    given = [word for pair in words.items() for word in pair]
    done = tapedeck("run", week, "--store", lean_store, "--no-ui", *given)
    assert done.exit_code == 2
    assert f"Did you mean '{near}'?" in done.stderr


def test_before_a_session_is_loaded_panels_have_no_rows(week: Path, lean_store: Path) -> None:
    config = load_session_config(week).config
    with open_store(lean_store) as store:
        system = SystemManager(config, store)
        for panel in ("symbols", "bars", "indicators", "quality", "events"):
            assert view_table(system, panel).rows == ()
        assert dict(view_table(system, "session").rows)["clock"] is None
        with pytest.raises(ConfigError, match="Did you mean 'quality'"):
            view_table(system, "qualities")

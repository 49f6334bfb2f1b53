"""`tapedeck live` on the replay feed: what it writes, exit codes, restarts, interrupts."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from tests.console.conftest import PROJECT

Writer = Callable[..., Path]
DAY: Final = "2013-10-07"
FASTEST: Final = "72000"
"""Speed at which a session lasts a third of a second: most of it is asked for as history."""
LIMIT_S: Final = 30.0


@pytest.fixture
def live(session_file: Writer, lean_store: Path) -> Callable[..., list[str]]:
    """Return the arguments that replay 7 October 2013."""
    file = session_file(mode="live", api_config={"data_api": "replay"})

    def arguments(*options: object, speed: str = FASTEST) -> list[str]:
        words = ["live", file, "--date", DAY, "--speed", speed, "--store", lean_store, *options]
        return [str(word) for word in words]

    return arguments


def documents(stdout: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stdout.splitlines()]


def of_kind(lines: Sequence[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["kind"] == kind]


def test_a_replayed_day_has_the_files_and_the_stamp_of_its_backtest(
    tapedeck: Any, live: Any, session_file: Writer, lean_store: Path, tmp_path: Path
) -> None:
    done = tapedeck(*live("--json", "--export", tmp_path / "live"))
    assert done.exit_code == 0
    file = session_file("backtest.json", backtest_config={"end_date": DAY})
    played = tapedeck("run", file, "--store", lean_store, "--json", "--export", tmp_path / "run")
    *_, summary = documents(done.stdout)
    assert summary["kind"] == "summary"
    assert summary["stamp"] == played.document["stamp"]
    for name in ("bars.csv", "indicators.csv", "quality.csv"):
        assert (tmp_path / "live" / name).read_bytes() == (tmp_path / "run" / name).read_bytes()
    assert tapedeck("validate", tmp_path / "live").exit_code == 0
    assert json.loads((tmp_path / "live" / "manifest.json").read_text())["mode"] == "live"


def test_json_lines_have_each_minute_each_breakpoint_and_the_summary_of_a_run(
    tapedeck: Any, live: Any, session_file: Writer, lean_store: Path
) -> None:
    condition = "SPY.close > 168.2"
    lines = documents(tapedeck(*live("--json", "--break", condition)).stdout)
    minutes = of_kind(lines, "minute")
    assert [minute["slot"] for minute in minutes] == list(range(1, 391))
    assert sum(minute["bars"] for minute in minutes) == 779
    # AIG lacks one of its 390 minutes on the 7th; the replayed store lacks it, too.
    assert [minute["missing"] for minute in minutes if minute["missing"]] == [["AIG"]]
    *_, summary = lines
    assert (summary["lacking"], summary["not_played"]) == ({}, {"AIG": 1})
    run = tapedeck("run", session_file("run.json"), "--store", lean_store, "--json").document
    assert run.keys() <= summary.keys()
    assert [session["trading_day"] for session in summary["sessions"]] == [DAY]
    hits = of_kind(lines, "break")
    assert hits
    assert all(condition in hit["text"] for hit in hits)
    assert summary["state"] == "completed"  # a breakpoint alerts, and the recording goes on


def test_text_has_lines_of_minutes_and_the_report_of_a_run(tapedeck: Any, live: Any) -> None:
    done = tapedeck(*live("--no-ui"))
    assert (done.exit_code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"October: replay of {DAY} at x72,000, kept in ")
    assert "16:00:00 EDT  slot 390 of 390  779 bars, 1 missing, " in done.stdout
    assert [DAY, "779", "99.87%"] in [line.split()[:3] for line in lines]
    assert "October: completed" in lines
    assert "missing in the replayed store, too: AIG 1 bar" in lines


def test_a_bar_that_the_feed_withholds_is_lacking_and_exit_code_1(
    tapedeck: Any, live: Any, tmp_path: Path
) -> None:
    faults = tmp_path / "faults.yaml"
    faults.write_text("faults:\n  - {kind: missing, at: '10:31', symbol: SPY}\n")
    done = tapedeck(*live("--no-ui", "--faults", faults, "--export", tmp_path / "out"))
    assert done.exit_code == 1, done.stderr
    assert "lacking: SPY 1 bar" in done.stdout.splitlines()
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["status"] == "complete"


def test_a_finished_replay_is_replaced_and_one_that_was_cut_off_goes_on(
    tapedeck: Any, live: Any, home: Path
) -> None:
    first = tapedeck(*live("--json"))
    again = tapedeck(*live("--json"))
    assert "the earlier one is finished: it is replaced" in again.stderr
    assert documents(again.stdout)[-1]["stamp"] == documents(first.stdout)[-1]["stamp"]
    (kept,) = (home / "data" / "replays").iterdir()
    state = kept / "replay.json"
    state.write_text(state.read_text().replace('"is_finished": true', '"is_finished": false'))
    bars = (kept / "bars.db").stat().st_ino
    going_on = tapedeck(*live("--json"))
    assert "goes on where its clock is now; --restart begins the day anew" in going_on.stderr
    assert documents(going_on.stdout)[-1]["stamp"] == documents(first.stdout)[-1]["stamp"]
    assert (kept / "bars.db").stat().st_ino == bars
    assert tapedeck(*live("--json", "--restart")).stderr == ""


def test_a_recorded_day_is_played_from_its_journal(
    tapedeck: Any, live: Any, session_file: Writer, lean_store: Path
) -> None:
    first = documents(tapedeck(*live("--json")).stdout)
    file = session_file(mode="live", api_config={"data_api": "replay"})
    done = tapedeck(
        "live", file, "--replay-journal", DAY, "--speed", FASTEST, "--store", lean_store, "--json"
    )
    lines = documents(done.stdout)
    assert lines[-1]["sessions"] == first[-1]["sessions"]
    assert lines[-1]["stamp"] == first[-1]["stamp"]


def test_the_built_in_market_begins_in_mid_session_with_the_morning_at_once(tapedeck: Any, home: Path) -> None:
    done = tapedeck("live", "--speed", FASTEST, "--json")
    assert done.exit_code == 0
    lines = documents(done.stdout)
    *_, summary = lines
    assert summary["state"] == "completed"
    assert [session["trading_day"] for session in summary["sessions"]] == ["2024-11-26"]
    assert not summary["lacking"]
    assert of_kind(lines, "minute")[0]["slot"] == 1
    assert "replay of 2024-11-26: the earlier one is finished" in tapedeck("live", "--speed", FASTEST, "--json").stderr


def test_without_trading_and_no_wait_it_ends_with_the_next_session(
    tapedeck: Any, session_file: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A market that is closed now, whatever the time: it opens a week later.
    file = session_file(mode="live", api_config={"data_api": "replay"})
    monkeypatch.setattr(
        "tapedeck.console.cli.live_session.LiveSession.check_trading",
        _closed(monkeypatch),
    )
    done = tapedeck("live", file, "--no-wait", "--date", DAY, "--store", tmp_path / "none.db")
    assert done.exit_code != 0


# Processes and signals


@contextmanager
def started(arguments: Sequence[str], **streams: Any) -> Iterator[subprocess.Popen[str]]:
    """Start a command; kill it at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tapedeck", *arguments],
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **streams,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()

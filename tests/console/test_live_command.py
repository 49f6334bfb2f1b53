"""`tapedeck live` on the replay feed: what it writes, exit codes, restarts, interrupts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from tapedeck.console.cli.interrupts import Interrupts
from tapedeck.console.cli.live_batch import record
from tapedeck.console.cli.live_news import News, Waiting
from tapedeck.console.cli.live_report import live_exit_code
from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.feeds.live_feed import FeedAbilities, FeedHistory, FeedSink
from tapedeck.engine.feeds.live_options import LiveOptions
from tapedeck.engine.intervals import MINUTE, Interval
from tapedeck.engine.read.snapshot import Snapshot
from tapedeck.engine.session_file import load_session_config
from tapedeck.engine.store.locations import open_store
from tests.support.pseudo_terminal import LIMIT_S, Terminal, terminal

Writer = Callable[..., Path]
DAY: Final = "2013-10-07"
FASTEST: Final = "72000"
"""Speed at which a session lasts a third of a second: most of it is asked for as history."""


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


def test_a_file_in_mode_backtest_is_recorded_as_live(
    tapedeck: Any, session_file: Writer, lean_store: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ("--feed", "replay", "--date", "2013-10-08", "--speed", FASTEST, "--store", lean_store)
    assert tapedeck("live", session_file(), *words, "--no-ui", "--export", out).exit_code == 0
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["mode"] == "live"
    assert manifest["session_file"]["backtest_config"]["start_date"] == "2013-10-08"
    assert ",live," in (out / "session.csv").read_text().splitlines()[1]


def test_json_lines_have_each_minute_each_breakpoint_and_the_summary_of_a_run(
    tapedeck: Any, live: Any, session_file: Writer, lean_store: Path
) -> None:
    condition = "SPY.close > 168.2"
    lines = documents(tapedeck(*live("--json", "--break", condition)).stdout)
    minutes = of_kind(lines, "minute")
    assert [minute["slot"] for minute in minutes] == list(range(1, 391))
    assert all(minute["bars"] == 2 - len(minute["missing"]) for minute in minutes)
    *_, summary = lines
    assert summary["bars"] == 779
    # AIG lacks one of its 390 minutes on the 7th; the replayed store lacks it, too.
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
    faults.write_text("faults:\n  - {kind: missing, at: '10:31', symbol: SPY, history_after: never}\n")
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


def test_the_built_in_market_begins_in_mid_session_with_the_morning_at_once(
    tapedeck: Any, home: Path
) -> None:
    done = tapedeck("live", "--speed", FASTEST, "--json")
    assert done.exit_code == 0
    lines = documents(done.stdout)
    *_, summary = lines
    assert summary["state"] == "completed"
    assert [session["trading_day"] for session in summary["sessions"]] == ["2024-11-26"]
    assert not summary["lacking"]
    assert of_kind(lines, "minute")[0]["slot"] == 1


def test_each_of_several_days_has_its_report_and_its_export(tapedeck: Any, live: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = tapedeck(*live("--no-ui", "--days", "2", "--export", out, speed="720000"))
    assert done.exit_code == 0, done.stdout
    days = [DAY, "2013-10-08"]
    assert sorted(folder.name for folder in out.iterdir()) == days
    for day in days:
        assert tapedeck("validate", out / day).exit_code == 0
        manifest = json.loads((out / day / "manifest.json").read_text())
        assert (manifest["status"], [one["trading_day"] for one in manifest["sessions"]]) == (
            "complete",
            [day],
        )
        assert f"export: {out / day} (complete)" in done.stdout.splitlines()
    assert "2 of 2 sessions" in done.stdout


# Real time


class SilentFeed:
    """A feed in real time that sends nothing."""

    name = "silent"
    abilities = FeedAbilities((MINUTE,))

    def connect(self, sink: FeedSink, timeout: float) -> None:
        """Connect."""

    def subscribe(self, symbols: Sequence[str], interval: Interval) -> None:
        """Send nothing."""

    def history(self, *_request: object) -> FeedHistory:
        """Return nothing."""
        return FeedHistory(())

    def close(self) -> None:
        """Do nothing."""


@pytest.fixture
def on_a_sunday(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sunday 6 October 2013, 20:06 in New York, with a feed in real time."""
    sunday = datetime(2013, 10, 7, 0, 6, tzinfo=UTC).timestamp()
    module = "tapedeck.console.cli.live_session"
    monkeypatch.setattr(f"{module}.LiveClock", lambda: LiveClock(start=sunday))
    monkeypatch.setattr(f"{module}.make_feed", lambda name, context: SilentFeed())
    monkeypatch.setattr("tapedeck.engine.feeds.registry.feed_names", lambda: ("replay", "silent"))


@pytest.mark.usefixtures("on_a_sunday")
def test_without_trading_and_no_wait_it_ends_with_the_next_session(
    tapedeck: Any, session_file: Writer, lean_store: Path
) -> None:
    done = tapedeck("live", session_file(), "--feed", "silent", "--store", lean_store, "--no-wait")
    assert (done.exit_code, done.stdout) == (3, "")
    assert (
        done.stderr == "error: the market is closed: next session Monday 2013-10-07, opens in 13 h 24 min.\n"
    )


def test_a_wait_ends_at_once_when_it_is_interrupted(
    session_file: Writer, tmp_path: Path, lean_store: Path
) -> None:
    interrupts, sunday = Interrupts(), datetime(2013, 10, 7, 0, 6, tzinfo=UTC).timestamp()

    class Output:
        def __init__(self) -> None:
            self.told: list[News] = []

        def tell(self, news: Sequence[News], error: str | None = None) -> None:
            """Interrupt once the wait is told, as ctrl+c does."""
            self.told += news
            interrupts.seen = any(isinstance(one, Waiting) for one in self.told)

        def look(self, snapshot: Snapshot) -> None:
            """Take a snapshot."""

        def close(self) -> None:
            """Do nothing."""

    output, out = Output(), tmp_path / "out"
    live = LiveOptions(SilentFeed(), LiveClock(start=sunday), tmp_path / "journal.db", 3)
    with open_store(shutil.copy(lean_store, tmp_path / "bars.db")) as store:
        config = load_session_config(session_file()).config
        done = record(config, store, live, lines=output, export=out, interrupts=interrupts)
    (wait,) = output.told
    assert isinstance(wait, Waiting)
    assert wait.opens == datetime(2013, 10, 7, 13, 30, tzinfo=UTC)
    assert live_exit_code(done) == 130
    assert list(out.iterdir()) == []


# Processes and signals


def read_until_recording(screen: Terminal) -> None:
    """Read until some minutes are shown."""
    screen.read_until_shown("slot", "of 390", "feed replay: connected")


def test_ctrl_c_ends_in_order_with_a_partial_export(live: Any, tmp_path: Path, home: Path) -> None:
    out = tmp_path / "out"
    with terminal(home, *live("--no-ui", "--export", out, speed="600"), columns=120, rows=60) as screen:
        read_until_recording(screen)
        screen.press("\x03")
        assert screen.exit_code() == 130
        assert "October: interrupted; the report is of the part played" in screen.text
        assert "the same command goes on" in screen.words
    assert json.loads((out / "manifest.json").read_text())["status"] == "partial"


def test_after_a_kill_the_same_command_records_the_day_as_if_undisturbed(
    tapedeck: Any, live: Any, session_file: Writer, lean_store: Path, home: Path
) -> None:
    with terminal(home, *live("--no-ui", speed="600"), columns=120, rows=60) as screen:
        read_until_recording(screen)
        screen.process.kill()
        screen.process.wait(LIMIT_S)
    again = tapedeck(*live("--json"))
    assert (again.exit_code, "goes on" in again.stderr) == (0, True)
    file = session_file("backtest.json", backtest_config={"end_date": DAY})
    played = tapedeck("run", file, "--store", lean_store, "--json").document
    assert documents(again.stdout)[-1]["stamp"] == played["stamp"]


def test_the_console_opens_on_a_recording_and_says_how_it_goes_on(live: Any, home: Path) -> None:
    with terminal(home, *live(speed="600"), columns=120, rows=40) as screen:
        screen.read_until_shown("● live")
        screen.press("q")
        screen.read_until_shown("Stop recording?")
        screen.press("y")
        assert screen.exit_code() == 0
        assert screen.left_changed() == set()
        assert "October: stopped; the report is of the part played" in screen.text
        assert "the same command goes on" in screen.words

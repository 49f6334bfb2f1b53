"""Batch runs: output, exit codes, interrupts."""

from __future__ import annotations

import gc
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tapedeck.console.cli.batch import play, rare_collections
from tapedeck.console.cli.interrupts import Interrupts
from tapedeck.console.cli.run_report import write_report
from tapedeck.console.cli.terminal import Terminal
from tapedeck.engine.session_file import load_session_config
from tapedeck.engine.store.locations import open_store

Writer = Callable[..., Path]
PROJECT = Path(__file__).resolve().parents[2]


def test_a_run_ends_with_a_table_of_its_sessions(
    tapedeck: Any, session_file: Writer, lean_store: Path
) -> None:
    done = tapedeck("run", session_file(), "--no-ui", "--store", lean_store)
    assert done.exit_code == 0
    assert done.stderr == ""
    lines = [line.split() for line in done.stdout.splitlines()]
    # AIG lacks one of its 390 minutes on the 7th: 779 of 780 bars.
    assert ["2013-10-07", "779", "99.87%"] in [line[:3] for line in lines]
    assert ["2013-10-08", "780", "100.00%"] in [line[:3] for line in lines]
    assert "October: completed" in done.stdout
    assert "5 of 5 sessions" in done.stdout
    assert "stamp: " in done.stdout
    assert "data processor" in done.stdout  # METR2
    assert re.search(
        r"^back pressure \d+, overruns \d+, calendar hits \d+, calendar misses \d+$", done.stdout, re.M
    )
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


def test_with_json_there_is_one_document_and_nothing_else(
    tapedeck: Any, session_file: Writer, lean_store: Path, tmp_path: Path
) -> None:
    done = tapedeck("run", session_file(), "--store", lean_store, "--json", "--export", tmp_path / "out")
    assert done.exit_code == 0
    assert done.stderr == ""
    document = done.document
    assert document["state"] == "completed"
    assert document["complete"] is True
    assert document["error"] is None
    assert document["bars"] == sum(session["bars"] for session in document["sessions"]) == 3899
    assert document["timers"]["data_processor"]["count"] >= 5
    assert document["export"] == str(tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["status"] == "complete"
    assert manifest["stamp"] == document["stamp"]


def test_the_stamp_is_the_same_at_any_speed(tapedeck: Any, session_file: Writer, lean_store: Path) -> None:
    one_day = {"end_date": "2013-10-07"}
    file = session_file(backtest_config=one_day)
    stamps = {
        tapedeck("run", file, "--store", lean_store, "--json", "--speed", speed).document["stamp"]
        for speed in ("0", "200000")
    }
    assert len(stamps) == 1


@pytest.mark.parametrize(("before", "inside"), [(700, 10_000), (20_000, 20_000), (0, 0)])
@pytest.mark.parametrize("is_frozen", [True, False])
def test_a_run_has_garbage_collected_less_often(before: int, inside: int, is_frozen: bool) -> None:
    own = gc.get_threshold()
    (gc.freeze if is_frozen else gc.unfreeze)()
    gc.set_threshold(before)
    try:
        with rare_collections():
            assert gc.get_threshold()[0] == inside
            assert gc.get_freeze_count() > 0
        assert gc.get_threshold()[0] == before
        assert (gc.get_freeze_count() > 0) is is_frozen
    finally:
        gc.set_threshold(*own)
        gc.freeze()  # as for all tests


def test_the_demo_market_is_played_and_called_synthetic(tapedeck: Any, home: Path) -> None:
    first = tapedeck()
    assert first.exit_code == 0
    assert first.stdout.startswith("The demo market is synthetic")
    assert (home / "data" / "demo.db").is_file()
    assert "created" in first.stderr
    again = tapedeck()
    assert again.stderr == ""
    assert stamp_of(again.stdout) == stamp_of(first.stdout)


def stamp_of(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("stamp: "))


def test_warnings_of_the_session_file_go_to_stderr(
    tapedeck: Any, session_file: Writer, lean_store: Path
) -> None:
    data = {"data_upkeep": {"enabled": True, "check_interval_seconds": 60}}
    done = tapedeck("run", session_file(session_data_config=data), "--store", lean_store, "--json")
    assert done.exit_code == 0
    assert "warning: " in done.stderr
    assert "data_upkeep" in done.stderr
    assert done.document["state"] == "completed"


def test_a_day_without_bars_of_a_symbol_is_a_warning(
    tapedeck: Any, session_file: Writer, lean_store: Path
) -> None:
    # The minutes begin on 4 October; the session before, the 3rd, has none.
    file = session_file(backtest_config={"start_date": "2013-10-03", "end_date": "2013-10-04"})
    done = tapedeck("run", file, "--store", lean_store)
    assert done.exit_code == 0
    assert "warning: 2013-10-03: no 1m bars of SPY, AIG" in done.stdout


def test_quality_that_is_not_measured_is_not_shown_as_a_number(
    tapedeck: Any, session_file: Writer, lean_store: Path
) -> None:
    data = {"gap_filler": {"enable_session_quality": False}}
    done = tapedeck("run", session_file(session_data_config=data), "--store", lean_store)
    assert "not measured" in done.stdout


def test_a_long_table_of_sessions_omits_the_middle(
    tapedeck: Any, session_file: Writer, lean_store: Path
) -> None:
    file = session_file(
        backtest_config={"start_date": "2013-01-02", "end_date": "2013-06-28"},
        session_data_config={"symbols": ["SPY"], "streams": ["1d"]},
    )
    done = tapedeck("run", file, "--store", lean_store)
    assert done.exit_code == 0
    # The New York Stock Exchange had 124 sessions in the first half of 2013; 40 are shown.
    assert "84 more" in done.stdout
    assert "124 of 124 sessions" in done.stdout


def test_a_run_stopped_at_once_counts_as_interrupted(
    session_file: Writer, lean_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupts = Interrupts()
    interrupts.seen = True
    config = load_session_config(session_file(backtest_config={"speed_multiplier": 60})).config
    with open_store(lean_store) as store:
        outcome = play(config, store, terminal=Terminal(), export=tmp_path / "out", interrupts=interrupts)
    assert outcome.interrupted
    assert not outcome.summary.complete
    assert outcome.error is None
    write_report(outcome, Terminal())
    text = capsys.readouterr().out
    assert "October: interrupted" in text
    assert f"export: {tmp_path / 'out'} (partial)" in text
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["status"] == "partial"


def test_a_run_that_cannot_start_leaves_no_export_folder(
    tapedeck: Any, session_file: Writer, lean_store: Path, tmp_path: Path
) -> None:
    file = session_file(session_data_config={"symbols": ["NOPE"]})
    done = tapedeck("run", file, "--store", lean_store, "--export", tmp_path / "out")
    assert done.exit_code == 3
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("flags", [[], ["--json"]], ids=["text", "json"])
def test_a_failed_export_ends_the_run_with_its_error(
    tapedeck: Any, session_file: Writer, lean_store: Path, tmp_path: Path, flags: list[str]
) -> None:
    out = tmp_path / "out"
    (out / "bars.csv").mkdir(parents=True)  # no file can take this name
    done = tapedeck("run", session_file(), "--store", lean_store, "--export", out, *flags)
    assert done.exit_code == 1
    if flags:
        assert "bars.csv" in done.document["error"]["message"]
        assert "session_name" not in done.document  # it did not play
    else:
        assert "bars.csv" in done.stderr


# Processes, signals, pipes


@contextmanager
def started(*arguments: object) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start a command with stderr on a terminal; return the process and the terminal's other end."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tapedeck", *map(str, arguments)],
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(PROJECT), "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    try:
        yield process, ours
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def wait_for_text(terminal: int, text: str, limit_s: float = 30.0) -> str:
    """Read a terminal until a text has come."""
    seen, deadline = "", time.monotonic() + limit_s
    while text not in seen:
        ready, _, _ = select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"{text!r} did not come within {limit_s} s; there was {seen!r}"
        seen += os.read(terminal, 4096).decode()
    return seen


@pytest.mark.parametrize(
    ("numbers", "flags"),
    [([signal.SIGINT], ["--json"]), ([signal.SIGTERM, signal.SIGTERM], [])],  # `timeout` sends SIGTERM twice
    ids=["ctrl-c", "terminate"],
)
def test_an_interrupted_run_ends_in_order_and_keeps_its_sessions(
    session_file: Writer, lean_store: Path, tmp_path: Path, numbers: list[signal.Signals], flags: list[str]
) -> None:
    out = tmp_path / "out"
    command = ("run", session_file(), "--store", lean_store, "--speed", "3600", "--export", out, *flags)
    with started(*command) as (process, terminal):
        shown = wait_for_text(terminal, "2013-10-07")  # the progress bar: it plays
        assert "0/5 sessions" in shown
        for number in numbers:
            process.send_signal(number)
        stdout, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    if flags:
        document = json.loads(stdout)
        assert document["interrupted"] is True
        assert document["state"] == "stopped"
    else:
        assert "2013-10-07 (partial: " in stdout.decode()
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["status"] == "partial"
    assert not [file for file in out.iterdir() if file.name.startswith(".")]


def test_a_closed_pipe_is_not_an_error(session_file: Writer, lean_store: Path) -> None:
    line = "exec 3>&1; { %s -m tapedeck calendar XNYS --year 2013 --json; echo code $? >&3; } | head -1"
    done = subprocess.run(
        ["bash", "-c", line % sys.executable],
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert "code 0" in done.stdout


def test_a_full_disk_behind_stdout_is_an_error(shell: Any) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m tapedeck settings > /dev/full"],
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: the output cannot be written: No space left")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "environment",
    [{"NO_COLOR": "1", "PYTHONIOENCODING": "latin-1"}, {"TERM": "dumb", "PYTHONIOENCODING": "ascii"}],
    ids=str,
)
def test_any_terminal_gets_the_same_figures(
    shell: Any, session_file: Writer, lean_store: Path, environment: dict[str, str]
) -> None:
    done = shell("run", session_file(), "--store", lean_store, **environment)
    assert done.exit_code == 0
    assert done.stderr == ""
    assert "2013-10-07" in done.stdout
    assert "\x1b" not in done.stdout


def test_colour_can_be_forced(tapedeck: Any, session_file: Writer, lean_store: Path) -> None:
    file = session_file()
    done = tapedeck("--color", "always", "run", file, "--store", lean_store, TERM="xterm-256color")
    assert "\x1b[" in done.stdout

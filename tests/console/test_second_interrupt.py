"""A second ctrl+c: ends the program at once, whatever it waits for, with the terminal restored."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.console.conftest import PROJECT
from tests.support.pseudo_terminal import LIMIT_S, terminal
from tests.support.terminal_runs import read_until_playing

needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")


def _arguments(place: str, folder: Path, session_file: Callable[..., Path], lean_store: Path) -> list[str]:
    table = folder / "SPY.csv"
    table.write_text("time,open,high,low,close,volume\n2013-10-07 09:31,1,1,1,1,1\n")
    return {
        "validate": ["validate", str(folder)],
        "import": ["import", "csv", str(table), "--interval", "1m", "--store", str(folder / "new.db")],
        "run": ["run", str(session_file()), "--no-ui", "--store", str(lean_store)],
    }[place]


@needs_pipes
@pytest.mark.parametrize("place", ["validate", "import", "run"])
def test_a_second_ctrl_c_ends_a_command_that_is_blocked(
    place: str, tmp_path: Path, home: Path, session_file: Any, lean_store: Path
) -> None:
    home.mkdir()
    command = _arguments(place, tmp_path, session_file, lean_store)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.blocked_program", place, *command],
        cwd=PROJECT,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"blocked\n"
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        process.send_signal(signal.SIGINT)
        assert process.wait(LIMIT_S) == 130
        assert b"Traceback" not in process.stderr.read()


def test_a_second_ctrl_c_leaves_the_console_with_the_terminal_restored(
    session: Callable[..., list[str]], tmp_path: Path
) -> None:
    with terminal(
        tmp_path / "home", "stop", *session(), module="tests.support.blocked_program", is_warm=False
    ) as screen:
        read_until_playing(screen)
        screen.press("\x03")
        screen.read_until_shown("ending the run")
        screen.press("\x03")
        assert screen.exit_code() == 130
        assert screen.left_changed() == set()


def test_ctrl_c_during_the_start_ends_the_program_without_a_traceback(home: Path) -> None:
    code = "import signal, tapedeck.__main__ as start; start._prepare_interpreter(); signal.raise_signal(2)"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (130, b"")

"""Hostile input: names, environments, outputs and files that should not end a command in a traceback."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tapedeck.console.app.theming import load_themes
from tapedeck.console.app.ui_state import FILE_NAME, UiState, load_ui_state, save_ui_state
from tapedeck.console.cli.terminal import Terminal
from tests.console.conftest import PROJECT
from tests.console.test_bad_input import assert_error

NOT_UTF8 = os.fsdecode(b"\xff\xe9")
CSV = "time,open,high,low,close,volume\n2013-10-07 09:31,1,1,1,1,1\n2013-10-07 09:32,1,0,1,1,1\n"
FULL = Path("/dev/full")
needs_devices = pytest.mark.skipif(not FULL.exists(), reason="the system has no /dev/full")
needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")


# Names


def test_arguments_and_files_that_are_not_utf8_are_shown_with_escapes(
    tapedeck: Any, tmp_path: Path, home: Path, session_file: Callable[..., Path]
) -> None:
    done = tapedeck("run", tmp_path / f"{NOT_UTF8}.yaml")
    assert_error(done, 2, r"\udcff\udce9.yaml does not exist")
    log = (home / "state" / "tapedeck.log").read_bytes().decode("utf-8")
    assert r"\udcff\udce9.yaml does not exist" in log
    assert tapedeck("config", "check", session_file(f"{NOT_UTF8}.json")).exit_code == 0


@pytest.mark.parametrize("name", ["bars.db", "bars"])
def test_a_store_below_a_name_that_is_not_utf8_is_refused(
    tapedeck: Any, tmp_path: Path, session_file: Callable[..., Path], name: str
) -> None:
    folder = tmp_path / NOT_UTF8
    folder.mkdir()
    (tmp_path / "SPY.csv").write_text(CSV)
    for command in (
        ["run", session_file(), "--no-ui"],
        ["import", "csv", tmp_path / "SPY.csv", "--interval", "1m"],
    ):
        assert_error(tapedeck(*command, "--store", folder / name), 2, "invalid store path", "is not UTF-8")
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    "line",
    [
        ["run", "a\nfake: line"],
        ["validate", "a\nfake: line"],
        ["calendar", "a\nfake: line"],
        ["settings", "--store", "a\nfake: line"],
        ["bars", "a\nfake: line", "--date", "2013-10-07", "--interval", "1m"],
        ["a\nfake: line"],
        ["run", "--view", "a\nfake: line", "x.yaml"],
        ["import", "csv", "a\nfake: line", "--interval", "1m"],
    ],
)
def test_an_argument_forges_no_line(tapedeck: Any, home: Path, line: list[str]) -> None:
    done = tapedeck(*line)
    assert done.exit_code in (1, 2)
    assert "fake" in done.stderr
    log = home / "state" / "tapedeck.log"
    texts = done.stdout + done.stderr + (log.read_text() if log.exists() else "")
    assert not [shown for shown in texts.splitlines() if shown.startswith("fake")]


def test_a_field_name_forges_no_line_and_turns_no_direction(
    tapedeck: Any, tmp_path: Path, session_file: Callable[..., Path]
) -> None:
    file = session_file(**{"x\nerror: fake": 1, "\u202etxet": 2})
    done = tapedeck("config", "check", file)
    assert done.exit_code == 2
    assert "\u202e" not in done.stderr
    assert r"\u202etxet" in done.stderr
    assert sum(shown.startswith("error: ") for shown in done.stderr.splitlines()) == 1


# Environment and outputs


@pytest.mark.parametrize("environment", [{"TZ": "XXX+99:99"}, {"PYTHONWARNINGS": "error"}], ids=str)
def test_strange_environments_end_no_command(shell: Any, environment: dict[str, str]) -> None:
    done = shell("calendar", "--year", "2013", **environment)
    assert done.exit_code == 0, done.stderr
    assert "252 sessions" in done.stdout
    expected = "warning: invalid time zone TZ='XXX+99:99': UTC is used" if "TZ" in environment else ""
    assert done.stderr.startswith(expected)
    assert "Traceback" not in done.stderr


def test_a_home_of_an_unknown_user_is_a_folder(
    tapedeck: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert tapedeck("settings", TAPEDECK_HOME="~nobody-of-this-name/x").exit_code == 0


@needs_devices
@pytest.mark.parametrize("line", ["calendar --help", "settings --json"])
def test_a_full_device_is_an_error_in_words(home: Path, line: str) -> None:
    with FULL.open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tapedeck", *line.split()],
            cwd=PROJECT,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == b"error: the output cannot be written: No space left on device\n"


@needs_devices
def test_a_full_stderr_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with FULL.open("w") as full:
        monkeypatch.setattr("sys.stderr", full)
        Terminal().remark("lost")
        Terminal().remark("lost, too")


# Files


@needs_pipes
@pytest.mark.parametrize(
    "line", ["run {pipe} --no-ui", "config check {pipe}", "run {file} --no-ui --script {pipe}"]
)
def test_a_named_pipe_is_refused(
    tapedeck: Any, tmp_path: Path, session_file: Callable[..., Path], line: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = tapedeck(*line.format(pipe=tmp_path / "pipe", file=session_file()).split())
    assert_error(done, 2, "cannot be read: it is a named pipe, not a regular file")


def _import(tapedeck: Any, folder: Path, rejects: Path | str) -> Any:
    (folder / "SPY.csv").write_text(CSV)
    options = ["--interval", "1m", "--zone", "UTC", "--store", folder / "bars.db", "--rejects", rejects]
    return tapedeck("import", "csv", folder / "SPY.csv", *options)


def test_rejects_follow_a_link_and_keep_the_mode(tapedeck: Any, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    target, link = tmp_path / "kept" / "rows.csv", tmp_path / "link.csv"
    target.touch(0o600)
    target.chmod(0o604)
    link.symlink_to(target)
    assert _import(tapedeck, tmp_path, link).exit_code == 0
    assert link.is_symlink()
    assert target.read_text().count("\n") == 2
    assert stat.S_IMODE(target.stat().st_mode) == 0o604


@needs_devices
def test_rejects_never_replace_a_device(tapedeck: Any, tmp_path: Path) -> None:
    done = _import(tapedeck, tmp_path, FULL)
    assert_error(done, 1, "cannot write the rejected rows (No space left on device)")
    assert stat.S_ISCHR(FULL.stat().st_mode)


# The user's own files


NESTED = "[" * 100_000


@pytest.mark.parametrize(
    "text", [NESTED, '{"theme": 3}', "\x00", "\udcff"], ids=["deep", "type", "null", "utf8"]
)
def test_a_broken_console_file_is_set_aside_and_told(tmp_path: Path, text: str) -> None:
    path, data = tmp_path / FILE_NAME, text.encode("utf-8", "surrogateescape")
    for name in ("console.unusable.json", "console.unusable-2.json"):
        path.write_bytes(data)
        state, notice = load_ui_state(tmp_path)
        assert state == UiState()
        assert notice is not None
        assert name in notice
        assert (tmp_path / name).read_bytes() == data
        assert not path.exists()
    assert save_ui_state(tmp_path, UiState("paper-tape")) is None
    assert load_ui_state(tmp_path) == (UiState("paper-tape"), None)


@needs_pipes
def test_a_pipe_in_place_of_the_console_file_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / FILE_NAME)
    _, notice = load_ui_state(tmp_path)
    assert notice is not None
    assert "named pipe" in notice


def test_the_console_file_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text("{}")
    (tmp_path / FILE_NAME).symlink_to("mine.json")
    assert save_ui_state(tmp_path, UiState("paper-tape")) is None
    assert (tmp_path / FILE_NAME).is_symlink()
    assert json.loads((tmp_path / "mine.json").read_text())["theme"] == "paper-tape"


def _aliases(first: str) -> str:
    lines = [f"a: &a [{', '.join([first] * 10)}]"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]")
    return "\n".join(lines)


def test_aliases_of_aliases_in_settings_and_themes_do_not_fill_memory(tapedeck: Any, home: Path) -> None:
    themes = home / "config" / "themes"
    themes.mkdir(parents=True)
    (themes / "bomb.yaml").write_text(_aliases("x"))
    (themes / "deep.yaml").write_text("name: " + NESTED)
    reasons = [failure.reason for failure in load_themes(home / "config").failures]
    assert len(reasons) == 2
    assert all("too large or too deep: at most 100,000 values, 40 levels" in reason for reason in reasons)
    (home / "config" / "settings.yaml").write_text(f"{_aliases('x')}\nstore: *i\n")
    assert_error(tapedeck("settings"), 2, "settings.yaml is too large or too deep")
    (home / "config" / "settings.yaml").write_text("a: &a {x: *a}\n")
    assert_error(tapedeck("settings"), 2, "settings.yaml")


def test_a_file_found_in_a_folder_forges_no_line(tapedeck: Any, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a\nfake: line.csv").write_text(CSV)
    (folder / "SPY.csv").write_text(CSV)
    rejects = tmp_path / "rejects.csv"
    options = ["--interval", "1m", "--zone", "UTC", "--store", tmp_path / "bars.db", "--rejects", rejects]
    done = tapedeck("import", "csv", folder, *options)
    assert "fake" in done.stdout.lower() + done.stderr.lower()
    assert not [line for line in (done.stdout + done.stderr).splitlines() if line.lower().startswith("fake")]

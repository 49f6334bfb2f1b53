"""Output on terminals of all kinds, and the signals that come from them."""

from __future__ import annotations

import errno
import io
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.console import Console

from tapedeck.console.cli.batch import play
from tapedeck.console.cli.failures import describe, error_document, exit_code_of
from tapedeck.console.cli.interrupts import Interrupts
from tapedeck.console.cli.invocation import Invocation, errors_reported
from tapedeck.console.cli.run_progress import RunProgress
from tapedeck.console.cli.terminal import Cell, Column, Terminal, number_column
from tapedeck.engine.errors import (
    BarImportError,
    CalendarError,
    ConfigError,
    DataMissingError,
    EngineError,
    ExportError,
    StoreError,
)
from tapedeck.engine.session_file import load_session_config
from tapedeck.engine.store.locations import open_store


class Screen(io.TextIOWrapper):
    """A stream that is a terminal, with an encoding."""

    def __init__(self, encoding: str = "utf-8") -> None:
        self.paper = io.BytesIO()
        super().__init__(self.paper, encoding=encoding)

    def isatty(self) -> bool:
        return True

    @property
    def text(self) -> str:
        self.flush()
        return self.paper.getvalue().decode(self.encoding)


def use_screens(monkeypatch: pytest.MonkeyPatch) -> tuple[Screen, Screen]:
    """Replace both streams with terminals; not in a fixture, as pytest replaces them later."""
    out, err = Screen(), Screen()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", err)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return out, err


def test_a_terminal_gets_colour_unless_it_does_not_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    screens = use_screens(monkeypatch)

    def shown(color: str = "auto") -> str:
        before = len(screens[0].text)
        Terminal(color).table([Column("day")], [[Cell("missing", "red")]])
        return screens[0].text[before:]

    assert "\x1b[31mmissing" in shown()
    assert "\x1b" not in shown("never")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[31m" not in shown()
    assert "\x1b[31mmissing" in shown("always")
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in shown()
    assert Terminal().progress_console() is None


def test_a_terminal_without_unicode_gets_plain_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen("ascii")
    monkeypatch.setattr("sys.stdout", screen)
    terminal = Terminal()
    terminal.write("3 days — 2024‥ “quoted” … ü")
    terminal.table([Column("symbol"), number_column("bars")], [["SPY", "390"]])
    assert screen.text.splitlines()[0] == '3 days - 2024? "quoted" ... ?'
    assert screen.text.isascii()


def test_only_writing_is_spelled_out() -> None:
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("utf-8", "tapedeck-spell-out")


def test_control_signs_of_files_do_not_steer_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screens = use_screens(monkeypatch)
    terminal = Terminal("never")
    terminal.write("a\x1b[2Jb\nc")
    terminal.table([Column("x")], [["\x1b[31mred"]])
    terminal.remark("\x07bell")
    assert "\x1b" not in screens[0].text
    assert r"a\x1b[2Jb" + "\nc" in screens[0].text
    assert screens[1].text == "\\x07bell\n"


def test_closed_streams_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)
    monkeypatch.setattr("sys.stderr", None)
    terminal = Terminal()
    terminal.write("the reader is gone")
    terminal.remark("nor this")
    assert terminal.progress_console() is None
    assert not terminal.has_unicode


@pytest.mark.parametrize("number", [errno.EPIPE, errno.ENOSPC])
def test_only_a_full_disk_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int) -> None:
    class Broken(io.StringIO):
        def __init__(self, file: Any) -> None:
            super().__init__()
            self.file = file

        def flush(self) -> None:
            raise OSError(number, os.strerror(number))

        def fileno(self) -> int:
            return int(self.file.fileno())

    with (tmp_path / "out").open("w") as file:
        monkeypatch.setattr("sys.stdout", Broken(file))
        if number == errno.EPIPE:
            Terminal().write("text")
        else:
            with pytest.raises(ExportError, match="output cannot be written: No space left"):
                Terminal().write("text")


def test_the_progress_bar_shows_sessions_bars_and_the_day(
    session_file: Any, lean_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = io.StringIO()
    terminal = Terminal()
    console = Console(file=screen, force_terminal=True, width=100)
    monkeypatch.setattr(terminal, "progress_console", lambda: console)
    config = load_session_config(session_file()).config
    with open_store(lean_store) as store:
        outcome = play(config, store, terminal=terminal, export=None, interrupts=Interrupts())
    assert outcome.summary.complete
    assert "2013-10-11" in screen.getvalue()
    assert "5/5 sessions" in screen.getvalue()
    assert "3,899 bars" in screen.getvalue()


def test_the_progress_bar_shows_that_a_run_is_stopping() -> None:
    screen = io.StringIO()
    with RunProgress(Console(file=screen, force_terminal=True, width=80)) as progress:
        progress.say("stopping")
    assert "stopping" in screen.getvalue()
    with RunProgress(None) as silent:
        silent.say("stopping")


def test_a_signal_interrupts_before_the_run_and_is_noted_during_it() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        interrupts.hold()
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        assert interrupts.seen
    assert signal.getsignal(signal.SIGTERM) is before


def test_signals_that_were_ignored_stay_ignored() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with Interrupts() as interrupts:
            signal.raise_signal(signal.SIGTERM)
        assert not interrupts.seen
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_interrupt_before_the_start_is_exit_code_130(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as left, errors_reported(Invocation({})):
        signal.raise_signal(signal.SIGINT)
    assert left.value.exit_code == 130
    assert capsys.readouterr().err == "interrupted\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("file", []), 2),
        (CalendarError("x"), 2),
        (StoreError("x"), 2),
        (BarImportError("x"), 2),
        (DataMissingError("x"), 3),
        (EngineError("x"), 1),
        (ExportError("x"), 1),
        (ZeroDivisionError("x"), 1),
    ],
)
def test_every_kind_of_error_has_its_exit_code(error: Exception, code: int) -> None:
    assert exit_code_of(error) == code
    assert error_document(error)["exit_code"] == code


def test_an_unexpected_error_without_text_or_log_is_still_one_line() -> None:
    assert describe(KeyError()) == "unexpected KeyError: . Please report it."

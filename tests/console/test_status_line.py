"""Status line: written again in place on a terminal, nothing without one."""

from __future__ import annotations

import io

import pytest

from tapedeck.console.cli.status_line import StatusLine
from tapedeck.console.cli.terminal import Terminal


class Screen(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def use_screen(monkeypatch: pytest.MonkeyPatch, term: str = "xterm") -> Screen:
    """Put a terminal of 40 columns behind stderr."""
    screen = Screen()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("COLUMNS", "40")
    return screen


def test_a_text_replaces_the_one_before_and_is_cut_to_the_width(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = use_screen(monkeypatch)
    line = StatusLine(Terminal())
    line.show("waiting")
    line.show("waiting")  # the same text is not written again
    line.show("open " + "x" * 100)
    assert screen.getvalue() == f"\r\x1b[2Kwaiting\r\x1b[2Kopen {'x' * 34}"


def test_it_is_removed_before_a_line_and_written_again_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = use_screen(monkeypatch)
    line = StatusLine(Terminal())
    line.clear()
    line.show("open")
    line.clear()
    line.clear()
    line.show("open")
    assert screen.getvalue() == "\r\x1b[2Kopen\r\x1b[2K\r\x1b[2Kopen"


def test_names_do_not_steer_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = use_screen(monkeypatch)
    StatusLine(Terminal()).show("feed \x1b[31mred")
    assert screen.getvalue() == "\r\x1b[2Kfeed \\x1b[31mred"


@pytest.mark.parametrize("term", ["dumb", "pipe"])
def test_without_a_capable_terminal_nothing_is_written(monkeypatch: pytest.MonkeyPatch, term: str) -> None:
    stream: io.StringIO = use_screen(monkeypatch, term)
    if term == "pipe":
        stream = io.StringIO()
        monkeypatch.setattr("sys.stderr", stream)
    line = StatusLine(Terminal())
    line.show("open")
    line.clear()
    assert stream.getvalue() == ""

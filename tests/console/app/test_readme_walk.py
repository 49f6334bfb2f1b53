"""README's five-minute walk, key by key, in a terminal."""

from __future__ import annotations

from pathlib import Path

from tapedeck.engine.export.validation import validate_export
from tests.support.pseudo_terminal import PROJECT, Terminal, terminal

CONDITION = "DEMO_CALM.rsi_14 < 60"


def press(screen: Terminal, keys: str, *words: str) -> None:
    """Press keys, and wait for words on the screen."""
    screen.press(keys)
    screen.read_until_shown(*words)


def is_warm(screen: Terminal) -> bool:
    """Whether all figures of the first symbol have a value of today."""
    row = next((line for line in screen.lines if "▸ DEMO_CALM" in line), "–")
    return "–" not in row and "‹" not in row


def test_the_five_minute_walk_works_as_written(tmp_path: Path) -> None:
    """On the smallest usual terminal: on a larger one, all that is awaited here is on the screen, too."""
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert f"`{CONDITION}`" in readme
    home = tmp_path / "home"
    with terminal(home, columns=80, rows=24) as screen:
        screen.read_until_shown("▶ running", "2024-11-22", "12:0", "x60")
        press(screen, "1", "▸ DEMO_CALM")
        screen.read_until(lambda: is_warm(screen), "prices, changes and indicators of today")
        press(screen, " ", "‖ paused")
        press(screen, " ", "▶ running")
        press(screen, " ", "‖ paused")  # the rest of the walk does not depend on the machine's speed
        press(screen, "+", "x360")
        press(screen, "-", "x60")
        press(screen, "2", "DEMO_CALM 1m")
        screen.press("z")
        screen.read_until(lambda: "3 indicators──" not in screen.text, "the chart alone")
        press(screen, "z1", "▸ DEMO_CALM")
        press(screen, ".", "‖ paused")
        press(screen, "O", "◂ PAST ‖", "11:0")
        press(screen, "+++", "x3,600")
        press(screen, " ", "▶ running", "12:")
        press(screen, "-", "x360")
        press(screen, "p", "◂ PAST ▶", "09:3")
        press(screen, "n", "2024-11-25", "09:30 EST", "‖ paused")  # from there, too
        press(screen, "O", "◂ PAST ‖", "2024-11-22")
        press(screen, "0", "‖ paused", "2024-11-25")
        assert "PAST" not in screen.text
        press(screen, "g", "Go to")
        press(screen, "11:00", "plays to it")
        press(screen, "\r", "11:00 EST")
        press(screen, "b", "Pause when")
        press(screen, CONDITION, "becomes true")
        screen.press("\r")
        screen.read_until(lambda: "becomes true" not in screen.text, "the prompt to close")
        press(screen, " ", "‖ paused", "rsi_14 < 60")
        press(screen, "\t", "▸ DEMO_CLIMB")
        press(screen, "\x1b[Z", "▸ DEMO_CALM")  # shift+tab
        press(screen, "w", "Why: DEMO_CALM", "formula")
        screen.press("\x1b")
        screen.read_until(lambda: "formula" not in screen.text, "the explanation to close")
        press(screen, "e", "exported to")
        press(screen, "q", "End it and quit")
        screen.press("y")
        assert screen.exit_code() == 0
        assert screen.left_changed() == set()
    (export,) = (home / "data" / "exports").iterdir()
    assert not validate_export(export).findings

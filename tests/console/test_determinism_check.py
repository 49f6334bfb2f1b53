"""`--check-determinism`: a file is played twice, and the first difference is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Writer = Callable[..., Path]

DEPENDS_ON_SETS = """
from tapedeck import Strategy


class Sets(Strategy):
    def on_slice(self, bars):
        if self.slot == 20:
            for name in {"a", "b", "c", "d", "e", "f", "g", "h"}:
                self.note(name)
"""
PLAYS_ONCE = """
from pathlib import Path
from tapedeck import Strategy


class Once(Strategy):
    def on_session_start(self):
        Path({mark!r}).touch(exist_ok=False)
"""
RULE = {"name": "up", "enter": "close > open", "exit": "close < open", "size": {"shares": 1}}
ONE_DAY = {"start_date": "2013-10-07", "end_date": "2013-10-07"}


def test_what_depends_on_the_order_of_a_set_is_found_with_its_day_and_time(
    tapedeck: Any, session_file: Writer, lean_store: Path, tmp_path: Path
) -> None:
    (tmp_path / "sets.py").write_text(DEPENDS_ON_SETS)
    file = session_file(backtest_config=ONE_DAY, strategies=[{"strategy": "sets.py:Sets"}])
    done = tapedeck("run", file, "--store", lean_store, "--json", "--check-determinism")
    assert done.exit_code == 1
    found = done.document["determinism"]
    assert found["same"] is False
    assert found["text"].startswith(
        "first difference at 2013-10-07 09:51:00 EDT, in notes: first run: Sets '"
    )


def test_a_second_play_that_fails_is_a_difference(
    tapedeck: Any, session_file: Writer, lean_store: Path, tmp_path: Path
) -> None:
    (tmp_path / "once.py").write_text(PLAYS_ONCE.format(mark=str(tmp_path / "mark")))
    file = session_file(backtest_config=ONE_DAY, strategies=[{"strategy": "once.py:Once"}])
    done = tapedeck("run", file, "--store", lean_store, "--no-ui", "--check-determinism")
    assert done.exit_code == 1
    assert "determinism: the second run failed, and the first did not: " in done.stdout
    assert "FileExistsError" in done.stdout


def test_a_rule_does_the_same_again(tapedeck: Any, session_file: Writer, lean_store: Path) -> None:
    file = session_file(backtest_config=ONE_DAY, strategies=[RULE])
    words = ["--store", lean_store, "--no-ui", "--check-determinism", "--break", "time >= 10:30"]
    done = tapedeck("run", file, *words)
    assert done.exit_code == 0
    line = next(line for line in done.stdout.splitlines() if line.startswith("determinism: "))
    assert line.startswith("determinism: both runs are the same: ")
    assert int(line.split()[6].replace(",", "")) > 10


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "--check-determinism: plays a batch job: add --no-ui."),
        (["--no-ui", "--script", "steps.txt"], "--check-determinism: cannot be combined with --script"),
        (["--no-ui"], "has no strategies, so there is nothing to compare."),
    ],
)
def test_what_cannot_be_compared_is_an_error(
    tapedeck: Any, session_file: Writer, lean_store: Path, tmp_path: Path, words: list[str], line: str
) -> None:
    (tmp_path / "steps.txt").write_text("step\n")
    words = [str(tmp_path / word) if word == "steps.txt" else word for word in words]
    done = tapedeck("run", session_file(), "--store", lean_store, "--check-determinism", *words)
    assert (done.exit_code, line in done.stderr) == (2, True)

"""`--set`: parameters of a session file, from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Writer = Callable[..., Path]

RULE = {"enter": "average > $level", "exit": "average < $level", "size": {"shares": 10}}


@pytest.fixture
def crossing_file(session_file: Writer) -> Path:
    """A session file with a parameter of its own, and one of a strategy."""
    indicators = {"average": {"type": "SMA", "interval": "1m", "timeperiod": "$length"}}
    return session_file(
        parameters={"length": 20},
        session_data_config={"indicators": indicators},
        strategies=[{"name": "cross", "parameters": {"level": 50}, **RULE}],
    )


def test_a_run_plays_and_exports_the_values_that_are_set(
    tapedeck: Any, crossing_file: Path, lean_store: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ["--set", "length=30", "--set", "cross.level=60.5", "--export", out, "--json"]
    done = tapedeck("run", crossing_file, "--store", lean_store, *words)
    assert done.exit_code == 0
    config = json.loads((out / "manifest.json").read_text())["session_file"]
    assert config["parameters"] == {"length": 30}
    assert config["session_data_config"]["indicators"]["average"]["timeperiod"] == 30
    [strategy] = config["strategies"]
    assert (strategy["enter"], strategy["parameters"]) == ("average > 60.5", {"level": 60.5})


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("lenght=3", "--set lenght: unknown parameter 'lenght': this file has length"),
        ("length", "--set: must be NAME=VALUE, such as fast=12 or cross.fast=12, not 'length'."),
        ("my length=3", "--set: must be NAME=VALUE, such as fast=12 or cross.fast=12, not 'my length=3'."),
        ("=3", "--set: must be NAME=VALUE, such as fast=12 or cross.fast=12, not '=3'."),
        ("length=", "--set: must be NAME=VALUE, such as fast=12 or cross.fast=12, not 'length='."),
        ("length=null", "--set length: needs a value, such as 12."),
        ("length=[3", "--set length: invalid YAML: a list in [ ] needs a comma or its closing bracket"),
        ("length=3.5", "indicators.average.timeperiod: must be a whole number, not 3.5; the default is 30."),
        ("level=1e999", "must be a number, a time of day"),
    ],
)  # fmt: skip
def test_what_cannot_be_set_is_an_error(tapedeck: Any, crossing_file: Path, given: str, line: str) -> None:
    done = tapedeck("config", "check", crossing_file, "--set", given)
    assert done.exit_code == 2
    assert line in done.stderr


def test_a_parameter_is_set_once(tapedeck: Any, crossing_file: Path) -> None:
    done = tapedeck("config", "check", crossing_file, "--set", "length=3", "--set", "length=4")
    assert (done.exit_code, "--set: 'length' is given twice" in done.stderr) == (2, True)


@pytest.mark.parametrize("command", [["run", "--symbols", "SPY"], ["live"]])
def test_without_a_file_there_is_nothing_to_set(tapedeck: Any, command: list[str]) -> None:
    done = tapedeck(*command, "--set", "length=3")
    assert done.exit_code == 2
    assert "--set: sets parameters of a session file: give FILE, too, for length." in done.stderr


def test_a_live_file_that_is_run_names_the_whole_command_with_the_values(
    tapedeck: Any, session_file: Writer
) -> None:
    file = session_file(mode="live", parameters={"length": 20})
    done = tapedeck("run", file, "--set", "length=3")
    assert (done.exit_code, f"tapedeck live {file} --set length=3" in done.stderr) == (2, True)

"""Help texts: every command has a valid example."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from tapedeck.console.cli.main import app
from tapedeck.console.cli.options import complete_exchange, complete_interval


def command_paths(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from command_paths(inner, (*path, name))


PATHS = list(command_paths(typer.main.get_command(app)))


def test_the_commands_are_those_of_the_handbook() -> None:
    assert {" ".join(path) for path in PATHS if path} == {
        "run",
        "live",
        "scan",
        "store",
        "store list",
        "store verify",
        "store remove",
        "store repair",
        "bars",
        "coverage",
        "calendar",
        "validate",
        "settings",
        "import",
        "import lean",
        "import csv",
        "import parquet",
        "config",
        "config check",
        "config new",
        "config schema",
    }


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_every_help_text_ends_with_examples_of_its_command(tapedeck: Any, path: tuple[str, ...]) -> None:
    text = tapedeck(*path, "--help").stdout
    _, sign, tail = text.partition("Example")
    assert sign, text
    lines = [line.strip() for line in tail.splitlines()[1:] if line.strip()]
    assert lines
    assert all(" ".join(("tapedeck", *path)) in line for line in lines)


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_every_example_uses_options_that_exist(tapedeck: Any, path: tuple[str, ...]) -> None:
    text = tapedeck(*path, "--help").stdout
    for line in text.partition("Example")[2].splitlines()[1:]:
        words = shlex.split(line.partition(">")[0])
        if not words or "=" in words[0]:
            continue
        named = tuple(word for word in words[1:3] if (word,) in PATHS or tuple(words[1:3]) in PATHS)
        known = tapedeck(*named, "--help").stdout
        assert all(word in known for word in words if word.startswith("--")), line


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_no_line_of_help_is_wider_than_80_columns(tapedeck: Any, path: tuple[str, ...]) -> None:
    lines = tapedeck(*path, "--help").stdout.splitlines()
    # Examples are not folded: they are meant to be copied.
    assert all(len(line) <= 90 for line in lines)


def test_help_calls_the_built_in_market_synthetic(tapedeck: Any) -> None:
    assert "synthetic" in tapedeck("--help").stdout


def test_the_version_is_shown(tapedeck: Any) -> None:
    done = tapedeck("--version")
    assert done.exit_code == 0
    assert done.stdout.startswith("tapedeck ")


def test_the_shell_completes_commands_intervals_and_exchanges(shell: Any) -> None:
    def completed(line: str) -> list[str]:
        done = shell(
            _TAPEDECK_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(len(line.split(" ")) - 1)
        )
        return done.stdout.split()

    assert completed("tapedeck ru") == ["run"]
    assert completed("tapedeck bars SPY --interval 15") == ["15s", "15m"]
    assert completed("tapedeck calendar JP") == ["JP_EQUITY"]


def test_intervals_and_exchanges_are_offered_as_they_are_typed() -> None:
    assert complete_interval("3") == ["30s", "3m", "30m"]
    assert "1w" not in complete_interval("")
    assert complete_exchange("xny") == ["XNYS"]

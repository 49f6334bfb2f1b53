"""Imports at the start: only those that help texts and batch runs need."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tapedeck.__main__ import main

PROJECT = Path(__file__).resolve().parents[2]
HEAVY = ("numpy", "pandas", "pyarrow", "talib", "exchange_calendars", "pydantic", "rich", "textual", "yaml")


def modules_after(code: str, **environment: str) -> set[str]:
    """Run code in a fresh interpreter; return the top-level modules it imported, and `tapedeck.console`."""
    tail = (
        "\nimport sys; print('MODULES', *{name.partition('.')[0] for name in sys.modules}, "
        "*(['tapedeck.console'] if 'tapedeck.console' in sys.modules else []))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code + tail],
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(PROJECT)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(done.stdout.splitlines()[-1].split()[1:])


def call(*arguments: str) -> str:
    return (
        "from tapedeck.console.cli.main import app\n"
        f"try:\n    app({list(arguments)!r}, prog_name='tapedeck')\nexcept SystemExit:\n    pass"
    )


def test_the_help_text_imports_no_heavy_library() -> None:
    assert not modules_after(call("--help")) & set(HEAVY)


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--help"],
        ["import", "csv", "--help"],
        ["import", "--help"],
        ["import"],
        ["rum"],
        ["settings", "--json"],
    ],
    ids=" ".join,
)
def test_commands_import_what_they_need_only_when_they_run(arguments: list[str]) -> None:
    # typer itself imports pydantic.
    assert not modules_after(call(*arguments)) & (set(HEAVY) - {"pydantic"})


def test_a_batch_run_never_imports_the_console(tmp_path: Path) -> None:
    imported = modules_after(call(), TAPEDECK_HOME=str(tmp_path))
    assert "talib" in imported  # it has played
    assert "textual" not in imported


@pytest.mark.parametrize(
    "module",
    [
        "tapedeck",
        "tapedeck.engine",
        "tapedeck.engine.system",
        "tapedeck.engine.store.coverage",
        "tapedeck.engine.metrics.log",
    ],
)
def test_the_engine_imports_no_front_end(module: str) -> None:
    assert not modules_after(f"import {module}") & {"textual", "rich", "typer", "tapedeck.console"}


def test_the_command_is_the_modules_main(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["tapedeck", "--version"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith("tapedeck ")

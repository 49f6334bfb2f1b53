"""What a start costs: help texts and batch runs import nothing that they do not need."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
HEAVY = ("numpy", "pandas", "pyarrow", "talib", "exchange_calendars", "pydantic", "rich", "textual", "yaml")


def modules_after(code: str, **environment: str) -> set[str]:
    """Run code in a fresh interpreter, and return the top-level modules it has imported."""
    tail = "\nimport sys; print('MODULES', *{name.partition('.')[0] for name in sys.modules})"
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
        "from console.cli import app\n"
        f"try:\n    app({list(arguments)!r}, prog_name='tapedeck')\nexcept SystemExit:\n    pass"
    )


@pytest.mark.parametrize(
    "arguments", [["--help"], ["run", "--help"], ["import", "csv", "--help"], ["import"], ["rum"]], ids=str
)
def test_help_and_usage_import_no_heavy_library(arguments: list[str]) -> None:
    assert not modules_after(call(*arguments)) & set(HEAVY)


def test_settings_are_shown_without_the_engines_libraries() -> None:
    assert not modules_after(call("settings", "--json")) & (set(HEAVY) - {"rich"})


def test_a_batch_run_never_imports_the_console(tmp_path: Path) -> None:
    imported = modules_after(call(), TAPEDECK_HOME=str(tmp_path))
    assert "talib" in imported  # it has played
    assert "textual" not in imported


@pytest.mark.parametrize("module", ["engine", "engine.system", "engine.store.coverage", "engine.monitoring.log"])
def test_the_engine_imports_no_front_end(module: str) -> None:
    assert not modules_after(f"import {module}") & {"textual", "rich", "typer", "console"}

"""The console gets no tape, not even of the sessions that it shows: a tape goes beyond the clock."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

CONSOLE = Path(__file__).parents[1] / "console"


@pytest.mark.parametrize(
    "file", sorted(CONSOLE.rglob("*.py")), ids=lambda file: str(file.relative_to(CONSOLE))
)
def test_no_module_of_the_console_reads_a_tape(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    lines = [
        node.lineno for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "tape"
    ]
    assert lines == []

"""Examples of a page of the documentation, run as they stand there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tapedeck.engine.store.locations import open_store
from tests.support.imports import import_lean

SYMBOLS = ("spy", "aig", "bac", "ibm")


def page(name: str) -> str:
    """Return the text of a page in docs/."""
    return (Path(__file__).resolve().parents[2] / "docs" / name).read_text(encoding="utf-8")


def outputs(
    text: str, folder: Path, lean_root: Path, tapedeck: Callable[..., Any]
) -> tuple[list[str], list[str]]:
    """Return the outputs that a page shows, and those of its commands, run in `folder`, the current one.

    Files of the page begin with a comment that names them; `bars.db` has the bars of four symbols.
    """
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    with open_store(folder / "bars.db", create=True) as store:
        for symbol in SYMBOLS:
            import_lean(lean_root / "equity" / "usa" / "minute" / symbol, store)
    for language, content in blocks:
        if language in ("yaml", "python"):
            (folder / content.splitlines()[0].removeprefix("# ")).write_text(content)
    shown = [content for language, content in blocks if language == "text"]
    return shown, [_output(content, tapedeck) for language, content in blocks if language == "console"]


def _output(commands: str, tapedeck: Callable[..., Any]) -> str:
    """Return the output of the last command of a block; all succeed."""
    output = ""
    for line in commands.splitlines():
        program, *words = line.removeprefix("$ ").split()
        if program == "cat":
            output = Path(words[0]).read_text()
        elif program == "head":
            lines = Path(words[1]).read_text().splitlines(keepends=True)
            output = "".join(lines[: -int(words[0])])
        else:
            result = tapedeck(*words)
            assert result.exit_code == 0, result.stderr
            output = result.stdout
    return output

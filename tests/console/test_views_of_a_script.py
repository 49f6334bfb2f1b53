"""Panels written to stdout by a key script: one alone, or several with headings."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Writer = Callable[..., Path]
Views = Callable[[str], str]


@pytest.fixture
def views(tapedeck: Any, session_file: Writer, lean_store: Path, tmp_path: Path) -> Views:
    """Play a script over the week, and return stdout before the run's summary."""

    def play(lines: str) -> str:
        script = tmp_path / "steps.txt"
        script.write_text(lines, encoding="utf-8")
        done = tapedeck("run", session_file(), "--store", lean_store, "--no-ui", "--script", script)
        assert done.exit_code == 0, done.stderr
        text, summary, _ = f"\n{done.stdout}".partition("\nOctober")
        assert summary
        return str(text).removeprefix("\n")

    return play


def test_a_single_view_is_only_its_table(views: Views) -> None:
    rows = list(csv.reader(io.StringIO(views("run_to 10:30\nview symbols\n"))))
    assert rows[0][:2] == ["symbol", "last"]
    assert {len(row) for row in rows} == {len(rows[0])}


def test_several_views_have_a_heading_each_with_the_clock_and_an_empty_line_between(views: Views) -> None:
    parts = views("view events\nrun_to 10:30\nview symbols\nrun_to 11:30\nview symbols markdown\n").split(
        "\n\n"
    )
    assert parts[0].startswith("# events, 2013-10-07T09:30:00-04:00\nnumber,kind,")
    assert parts[1].startswith("# symbols, 2013-10-07T10:30:00-04:00\nsymbol,last,")
    assert parts[2] == "## symbols, 2013-10-07T11:30:00-04:00"
    assert parts[3].startswith("| symbol | last |")


def test_several_views_as_json_have_their_names(views: Views) -> None:
    rest, documents = views("view session json\nrun_to 10:30\nview symbols json\n").strip(), []
    while rest:
        document, end = json.JSONDecoder().raw_decode(rest)
        documents.append(document)
        rest = rest[end:].lstrip()
    assert [(found["view"], found["clock"]) for found in documents] == [
        ("session", "2013-10-07T09:30:00-04:00"),
        ("symbols", "2013-10-07T10:30:00-04:00"),
    ]
    assert {"symbol", "last"} <= set(documents[1]["rows"][0])

"""Exports of the command line: two at once, nothing played, folders without an export, exit codes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tapedeck.console.cli.failures import exit_codes_markdown
from tapedeck.engine.export.csv_export import CsvExport
from tapedeck.engine.session_file import load_session_config

Writer = Callable[..., Path]
README = Path(__file__).resolve().parents[2] / "README.md"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def exported(tapedeck: Any, session_file: Writer, lean_store: Path, tmp_path: Path) -> Path:
    """A folder with an export and a user's own file."""
    file = session_file(backtest_config={"end_date": "2013-10-07"})
    assert (
        tapedeck("run", file, "--no-ui", "--store", lean_store, "--export", tmp_path / "out").exit_code == 0
    )
    (tmp_path / "out" / "notes.txt").write_text("mine")
    return tmp_path / "out"


def test_a_second_run_into_one_folder_ends_before_it_plays_and_names_the_first(
    tapedeck: Any, session_file: Writer, lean_store: Path, exported: Path
) -> None:
    file = session_file()
    first = CsvExport(exported, load_session_config(file).config)
    before = contents(exported)
    second = tapedeck("run", file, "--no-ui", "--store", lean_store, "--export", exported)
    assert second.exit_code == 1
    assert second.stdout == ""  # no report: nothing was played
    assert f"{exported} is being written by another export" in second.stderr
    assert f"{os.getpid()}" in second.stderr
    assert contents(exported) == before
    first.abandon()
    assert tapedeck("validate", exported).exit_code == 0


def test_a_run_that_played_nothing_says_so_and_leaves_the_export(
    tapedeck: Any, session_file: Writer, lean_store: Path, exported: Path, tmp_path: Path
) -> None:
    before = contents(exported)
    script = tmp_path / "at-once.keys"
    script.write_text("quit\n")
    options = ("--no-ui", "--store", lean_store, "--export", exported, "--script", script)
    done = tapedeck("run", session_file(), *options)
    assert done.exit_code == 0
    assert f"export: none, nothing was played; the earlier one in {exported} stays" in " ".join(
        done.stdout.split()
    )
    assert contents(exported) == before
    assert tapedeck("validate", exported).exit_code == 0


def test_a_key_script_cannot_export_before_the_first_slot(
    tapedeck: Any, session_file: Writer, lean_store: Path, exported: Path, tmp_path: Path
) -> None:
    before = contents(exported)
    script = tmp_path / "too-early.keys"
    script.write_text(f"export csv {exported}\n")
    done = tapedeck("run", session_file(), "--no-ui", "--store", lean_store, "--script", script)
    assert done.exit_code == 1
    assert "nothing to export: no slot has been played yet" in " ".join(done.stderr.split())
    assert contents(exported) == before


def test_a_state_on_its_own_never_damages_an_export(
    tapedeck: Any, session_file: Writer, lean_store: Path, exported: Path, tmp_path: Path
) -> None:
    before = contents(exported)
    script = tmp_path / "state.keys"
    script.write_text(f"step 5\nexport json {tmp_path / 'new' / 'session.json'}\nexport json {exported}\n")
    done = tapedeck("run", session_file(), "--no-ui", "--store", lean_store, "--script", script)
    assert done.exit_code == 1
    assert "is part of an export, which would be damaged: name another file" in " ".join(done.stderr.split())
    assert contents(exported) == before
    assert list(contents(tmp_path / "new")) == ["session.json"]


@pytest.mark.parametrize(
    "content",
    [None, {}, {"notes.txt": "mine"}, {"manifest.json": '{"name": "an app"}'}, {"bars.csv": "a;b\n"}],
    ids=["missing", "empty", "other files", "another manifest", "another table"],
)
def test_validating_what_is_no_export_is_bad_input(
    tapedeck: Any, tmp_path: Path, content: dict[str, str] | None
) -> None:
    folder = tmp_path / "folder"
    if content is not None:
        folder.mkdir()
        for name, text in content.items():
            (folder / name).write_text(text)
    done = tapedeck("validate", folder)
    assert done.exit_code == 2
    assert "use the folder of `tapedeck run FILE --export DIR`" in " ".join(done.stderr.split())
    assert tapedeck("validate", folder, "--json").document["error"]["exit_code"] == 2
    assert contents(folder) == {name: text.encode() for name, text in (content or {}).items()}


def test_validating_a_file_is_bad_input(tapedeck: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    assert tapedeck("validate", tmp_path / "file").exit_code == 2


def test_a_damaged_export_is_exit_code_1(tapedeck: Any, exported: Path) -> None:
    (exported / "manifest.json").unlink()
    assert tapedeck("validate", exported).exit_code == 1


def test_the_exit_codes_of_readme_and_help_are_one_table(tapedeck: Any) -> None:
    assert exit_codes_markdown() in README.read_text(encoding="utf-8")
    shown = tapedeck("--help").stdout
    for row in exit_codes_markdown().splitlines()[2:]:
        code, meaning = row.strip("| ").split(" | ")
        assert f"  {code:<4}{meaning}\n" in shown

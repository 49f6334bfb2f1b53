"""Failed and interrupted exports: the earlier one stays complete, and the error gives the reason."""

from __future__ import annotations

import errno
import json
import os
import platform
import signal
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from export_kit import (
    digest_of,
    make_config,
    make_record,
    make_summary,
    make_tape,
    two_days,
    write_export,
)

from tapedeck.engine.errors import EngineError, ExportError
from tapedeck.engine.export.csv_export import CsvExport
from tapedeck.engine.export.export_folder import export_errors
from tapedeck.engine.export.staged_files import StagedFile
from tapedeck.engine.export.validation import validate_export
from tapedeck.engine.metrics.performance import PerformanceMetrics
from tapedeck.engine.system import SystemManager


def contents(folder: Path) -> dict[str, bytes]:
    """The files in a folder; not those that an export is writing, in a folder of their own."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def fill_disk(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let the next write to a file of an export fail, as on a full disk."""
    append = StagedFile.append

    def failing(self: StagedFile, data: bytes) -> None:
        with export_errors(self.path):
            if self.path.name == name:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        append(self, data)

    monkeypatch.setattr(StagedFile, "append", failing)


@pytest.fixture
def earlier(tmp_path):
    """A folder with an earlier export and another file."""
    folder = tmp_path / "export"
    write_export(folder, make_config(), two_days(missing=0.5))
    (folder / "notes.txt").write_text("mine")
    return folder


def test_an_earlier_export_stays_until_the_new_one_is_finished(earlier):
    before = contents(earlier)
    export, records = CsvExport(earlier, make_config()), two_days()
    for record in records:
        export.write_session(record, digest_of(record))
        assert before.items() <= contents(earlier).items()
    export.finish(make_summary(make_config(), records), PerformanceMetrics())
    after = contents(earlier)
    assert after.keys() == before.keys()
    assert after["notes.txt"] == b"mine"
    assert after["bars.csv"] != before["bars.csv"]
    assert validate_export(earlier).ok
    assert names(earlier) == after.keys()


def test_an_abandoned_export_leaves_everything_as_it_was(earlier):
    before = contents(earlier)
    export = CsvExport(earlier, make_config())
    record = two_days()[0]
    export.write_session(record, digest_of(record))
    export.abandon()
    export.abandon()
    assert contents(earlier) == before


def test_an_abandoned_export_takes_the_folder_that_it_made_with_it(tmp_path):
    CsvExport(tmp_path / "new", make_config()).abandon()
    assert not (tmp_path / "new").exists()


def test_an_abandoned_export_leaves_a_folder_that_others_use(tmp_path):
    export = CsvExport(tmp_path / "new", make_config())
    (tmp_path / "new" / "notes.txt").write_text("mine")
    export.abandon()
    assert contents(tmp_path / "new") == {"notes.txt": b"mine"}


def test_a_finished_export_is_not_abandoned_and_takes_no_more(earlier):
    records = two_days()
    export = CsvExport(earlier, make_config())
    for record in records:
        export.write_session(record, digest_of(record))
    export.finish(make_summary(make_config(), records), PerformanceMetrics())
    after = contents(earlier)
    export.abandon()
    assert contents(earlier) == after
    with pytest.raises(ExportError, match=r"has ended: create a new one for another run"):
        export.write_session(records[0], digest_of(records[0]))


@pytest.mark.parametrize("records", [[], [make_record(make_tape(date(2013, 10, 7), frontier=0))]])
def test_a_run_that_played_nothing_leaves_the_earlier_export(earlier, tmp_path, records):
    before = contents(earlier)
    assert write_export(earlier, make_config(), records, state="error", error="no bars") is None
    assert contents(earlier) == before
    assert names(earlier) == before.keys()
    assert write_export(tmp_path / "new", make_config(), records, state="stopped") is not None
    assert validate_export(tmp_path / "new").status == "partial"


_KILLED = """
import sys
from pathlib import Path
from export_kit import digest_of, make_config, two_days
from tapedeck.engine.export.csv_export import CsvExport
export = CsvExport(Path(sys.argv[1]), make_config())
record = two_days()[0]
export.write_session(record, digest_of(record))
print("written", flush=True)
sys.stdin.read()
"""


def test_a_killed_export_leaves_the_old_files_and_the_next_one_cleans_up(earlier):
    before = contents(earlier)
    root = Path(__file__).resolve().parents[3]
    environment = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{Path(__file__).parent}"}
    command = [sys.executable, "-c", _KILLED, str(earlier)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, cwd=root, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    assert contents(earlier) == before
    assert validate_export(earlier).ok
    write_export(earlier, make_config(), two_days())
    assert names(earlier) == before.keys()


def test_a_file_where_the_folder_belongs_is_named(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(ExportError, match=r"out is a file: use a folder for the export"):
        CsvExport(tmp_path / "out", make_config())


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(ExportError, match=r"out/below cannot be written: .*use another folder"):
        CsvExport(tmp_path / "out" / "below", make_config())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ExportError, match=r"Permission denied"):
        CsvExport(tmp_path, make_config())
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to("elsewhere"), Path.touch])
def test_a_users_own_path_of_the_same_name_as_the_work_folder_stops_the_export(tmp_path, make):
    work = tmp_path / ".tapedeck-export"
    (tmp_path / "elsewhere").mkdir()
    make(work)
    if work.is_dir() and not work.is_symlink():
        (work / "keep.txt").write_text("mine")
        write_export(tmp_path, make_config(), two_days())
        assert (work / "keep.txt").read_text() == "mine"
        return
    with pytest.raises(ExportError, match=r"is not a folder of tapedeck: move it, or use another folder"):
        CsvExport(tmp_path, make_config())
    assert names(tmp_path) == {".tapedeck-export", "elsewhere"}


_VENDORS = "symbol;time;open;high;low;close;volume\nSPY;2024-03-04 09:30;1;1;1;1;1\n"


@pytest.mark.parametrize("name", ["bars.csv", "manifest.json", "session.json", "quality.csv"])
def test_a_users_own_file_with_a_name_of_an_export_is_never_replaced(tmp_path, name):
    (tmp_path / name).write_text(_VENDORS)
    with pytest.raises(ExportError, match=rf"{name} is not of an export, .*: move it, or use another folder"):
        CsvExport(tmp_path, make_config())
    assert contents(tmp_path) == {name: _VENDORS.encode()}
    assert names(tmp_path) == {name}


@pytest.mark.parametrize("place", ["file", "folder", "link"])
def test_a_users_own_path_that_comes_during_the_run_is_not_replaced_either(tmp_path, place):
    folder, records = tmp_path / "out", two_days()
    export = CsvExport(folder, make_config())
    for record in records:
        export.write_session(record, digest_of(record))
    path = folder / "bars.csv"
    if place == "file":
        path.write_text(_VENDORS)
    elif place == "folder":
        path.mkdir()
    else:
        path.symlink_to("nowhere")
    with pytest.raises(ExportError, match=r"bars.csv is not of an export, and would be replaced"):
        export.finish(make_summary(make_config(), records), PerformanceMetrics())
    assert names(folder) == {"bars.csv"}
    assert path.is_symlink() or path.is_dir() or path.read_text() == _VENDORS


@pytest.mark.parametrize("name", ["bars.csv", "indicators.csv"])
def test_a_full_disk_is_an_error_and_the_earlier_export_unchanged(earlier, name, monkeypatch):
    before, records = contents(earlier), two_days()
    export = CsvExport(earlier, make_config())
    fill_disk(monkeypatch, name)
    with pytest.raises(ExportError, match=rf"{name} cannot be written: No space left on device.*unchanged"):
        export.write_session(records[0], digest_of(records[0]))
    assert contents(earlier) == before
    assert names(earlier) == before.keys()
    with pytest.raises(ExportError, match=r"No space left on device"):
        export.finish(make_summary(make_config(), records), PerformanceMetrics())


@pytest.mark.parametrize("name", ["session.json", "metrics.json", "manifest.json", "quality.csv"])
def test_a_disk_that_fills_up_at_the_end_leaves_the_earlier_export(earlier, name, monkeypatch):
    before = contents(earlier)
    fill_disk(monkeypatch, name)
    with pytest.raises(ExportError, match=rf"{name} cannot be written: No space left"):
        write_export(earlier, make_config(), two_days())
    assert contents(earlier) == before
    assert names(earlier) == before.keys()


def test_a_full_disk_ends_the_run_in_state_error_with_its_cause(
    played_week, week_store, tmp_path, monkeypatch
):
    config = played_week.system.config
    export = CsvExport(tmp_path, config)
    fill_disk(monkeypatch, "bars.csv")
    system = SystemManager(config, week_store, sinks=[export])
    system.start()
    assert system.wait(60)
    assert system.state.value == "error"
    assert "bars.csv cannot be written: No space left on device" in str(system.error)
    assert not isinstance(system.error, EngineError)
    assert list(tmp_path.iterdir()) == []


def test_the_second_export_into_a_folder_is_refused_with_the_holder_of_the_first(earlier):
    before, started = contents(earlier), datetime.now(UTC)
    first = CsvExport(earlier, make_config())
    with pytest.raises(ExportError) as refused:
        CsvExport(earlier, make_config())
    assert f"is being written by another export (this process, {os.getpid()}," in str(refused.value)
    assert f"on {platform.node()}, since " in str(refused.value)
    since = str(refused.value).partition("since ")[2].partition(" UTC)")[0]
    claimed = datetime.fromisoformat(f"{since}+00:00")
    assert abs(claimed - started) < timedelta(seconds=3)
    records = two_days()
    for record in records:
        first.write_session(record, digest_of(record))
    first.finish(make_summary(make_config(), records), PerformanceMetrics())
    assert validate_export(earlier).ok
    assert names(earlier) == before.keys()
    write_export(earlier, make_config(), two_days())


def test_a_claim_ends_with_an_export_that_was_forgotten(tmp_path):
    CsvExport(tmp_path, make_config())  # neither finished nor abandoned
    write_export(tmp_path, make_config(), two_days())
    assert validate_export(tmp_path).ok


def interrupted(folder: Path) -> Path:
    """An export whose writer died after the journal and some of the renames; returns its work folder."""
    new = folder.parent / "new"
    write_export(new, make_config(), two_days(missing=0.2))
    work = folder / ".tapedeck-export"
    work.mkdir()
    (work / "lock").write_text('{"process": 1, "host": "another"}')
    (work / "journal.json").write_text(json.dumps([path.name for path in new.iterdir()]))
    for path in new.iterdir():
        path.rename((folder if path.name in ("bars.csv", "session.csv") else work) / path.name)
    new.rmdir()
    return work


def test_validate_completes_an_interrupted_replacement(earlier):
    before, work = contents(earlier), interrupted(earlier)
    report = validate_export(earlier)
    assert report.ok, report.findings
    assert not work.exists()
    assert contents(earlier).keys() == before.keys()
    assert contents(earlier)["quality.csv"] != before["quality.csv"]


def test_the_next_export_completes_an_interrupted_replacement_before_it_begins(earlier):
    interrupted(earlier)
    CsvExport(earlier, make_config()).abandon()
    assert validate_export(earlier).ok
    assert (earlier / "notes.txt").read_text() == "mine"


def test_a_mix_that_cannot_be_completed_does_not_validate(earlier):
    work = interrupted(earlier)
    (earlier / "quality.csv").unlink()
    (earlier / "quality.csv").mkdir()
    for attempt in (validate_export, lambda folder: CsvExport(folder, make_config())):
        with pytest.raises(ExportError, match=r"was interrupted .* cannot be completed: .*quality.csv"):
            attempt(earlier)
    assert work.exists()
    (earlier / "quality.csv").rmdir()
    assert validate_export(earlier).ok


@pytest.mark.parametrize("text", ["[", '["../notes.txt"]', "{}", '"bars.csv"'])
def test_a_damaged_journal_is_named_with_its_remedy(earlier, text):
    work = interrupted(earlier)
    (work / "journal.json").write_text(text)
    with pytest.raises(ExportError, match=r"journal.json is damaged: .*Delete the folder .*export again"):
        validate_export(earlier)
    assert (earlier / "notes.txt").read_text() == "mine"

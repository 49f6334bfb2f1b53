"""Failed and interrupted exports: the earlier one stays complete, and the error gives the reason."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from export_kit import digest_of, make_config, make_summary, two_days, write_export

from tapedeck.engine.errors import EngineError, ExportError
from tapedeck.engine.export.csv_export import CsvExport
from tapedeck.engine.export.validation import validate_export
from tapedeck.engine.metrics.performance import PerformanceMetrics
from tapedeck.engine.system import SystemManager

FULL_DISK = Path("/dev/full")
needs_full_disk = pytest.mark.skipif(not FULL_DISK.exists(), reason="the system has no /dev/full")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


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
    export.finish(make_summary(make_config(), []), PerformanceMetrics())
    after = contents(earlier)
    export.abandon()
    assert contents(earlier) == after
    with pytest.raises(ExportError, match=r"has ended: create a new one for another run"):
        export.write_session(records[0], digest_of(records[0]))


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
    left = contents(earlier)
    assert before.items() <= left.items()
    assert {name for name in left if name not in before} <= {f".{name}.partial" for name in before}
    assert validate_export(earlier).ok
    write_export(earlier, make_config(), two_days())
    assert contents(earlier).keys() == before.keys()


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


def test_a_folder_in_the_place_of_a_file_stops_the_export_at_once(tmp_path):
    (tmp_path / ".bars.csv.partial").mkdir()
    with pytest.raises(ExportError, match=r"bars\.csv cannot be written"):
        CsvExport(tmp_path, make_config())
    assert [path.name for path in tmp_path.iterdir()] == [".bars.csv.partial"]


@needs_full_disk
@pytest.mark.parametrize("name", ["bars.csv", "indicators.csv"])
def test_a_full_disk_is_an_error_and_the_earlier_export_unchanged(earlier, name):
    before = contents(earlier)
    (earlier / f".{name}.partial").symlink_to(FULL_DISK)
    export, records = CsvExport(earlier, make_config()), two_days()
    with pytest.raises(ExportError, match=rf"{name} cannot be written: No space left on device.*unchanged"):
        export.write_session(records[0], digest_of(records[0]))
    assert contents(earlier) == before
    with pytest.raises(ExportError, match=r"No space left on device"):
        export.finish(make_summary(make_config(), records), PerformanceMetrics())


@needs_full_disk
@pytest.mark.parametrize("name", ["session.json", "metrics.json", "manifest.json", "quality.csv"])
def test_a_disk_that_fills_up_at_the_end_leaves_the_earlier_export(earlier, name):
    before = contents(earlier)
    (earlier / f".{name}.partial").symlink_to(FULL_DISK)
    with pytest.raises(ExportError, match=rf"{name} cannot be written: No space left"):
        write_export(earlier, make_config(), two_days())
    assert contents(earlier) == before


@needs_full_disk
def test_a_full_disk_ends_the_run_in_state_error_with_its_cause(played_week, week_store, tmp_path):
    (tmp_path / ".bars.csv.partial").symlink_to(FULL_DISK)
    config = played_week.system.config
    export = CsvExport(tmp_path, config)
    system = SystemManager(config, week_store, sinks=[export])
    system.start()
    assert system.wait(60)
    assert system.state.value == "error"
    assert "bars.csv cannot be written: No space left on device" in str(system.error)
    assert not isinstance(system.error, EngineError)
    assert list(tmp_path.iterdir()) == []

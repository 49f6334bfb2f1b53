"""Faults during a run: the cause is reported, finished sessions remain, and the console ends cleanly."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tapedeck.console.app.screens.report import ReportScreen
from tapedeck.engine.errors import StoreError
from tapedeck.engine.export.bars_table import BARS_HEADER
from tapedeck.engine.export.validation import validate_export
from tapedeck.engine.read.status import RunState
from tapedeck.engine.session_file import load_session_config
from tapedeck.engine.store.bar_store import BarStore
from tests.support.console_runs import ConsoleRun, console_run, document, drive, press, until
from tests.support.faulty_console import CAUSE, FAULTY_DAY, break_part
from tests.support.pseudo_terminal import Terminal, terminal
from tests.support.runs import play

DAY = FAULTY_DAY.isoformat()
BEFORE = ["2013-11-26", "2013-11-27"]
AT_ONCE = ("--play", "--speed", "0")
ESCAPE, END = "\x1b", "\x1b[F"


@pytest.fixture
def session_file(tmp_path: Path) -> Path:
    """A session file over four days; parts fail on the third."""
    path = tmp_path / "session.yaml"
    path.write_text(json.dumps(document(prefetch_days=1)))
    return path


@pytest.fixture
def digests(session_file: Path, console_store: BarStore) -> Mapping[str, str]:
    """The digest of each day of an undisturbed run."""
    summary = play(load_session_config(session_file).config, console_store).summary()
    return {session.trading_day: session.digest for session in summary.sessions}


def exported_days(folder: Path, digests: Mapping[str, str]) -> list[str]:
    """Check the full days of a partial export against an undisturbed run, and return them."""
    report = validate_export(folder)
    assert report.ok, report.findings
    assert report.status == "partial"
    manifest = json.loads((folder / "manifest.json").read_text())
    full = {s["trading_day"]: s["digest"] for s in manifest["sessions"] if s["played"] == s["slots"]}
    assert full.items() <= digests.items()
    return list(full)


def notices(console: ConsoleRun) -> list[str]:
    return [f"{note.title}: {note.message}" for note in console.app._notifications]


# Faults of the engine's threads


def use_the_console(screen: Terminal) -> None:
    """Open help, step back to an earlier day, return, and export."""
    screen.press("?")
    screen.read_until_shown("escape back")
    screen.press(ESCAPE)
    screen.read_until_shown("Run report")
    screen.press(ESCAPE)
    screen.read_until_shown("! error", "1 symbols")
    screen.press(",")
    screen.read_until_shown("PAST", "AAA")
    screen.press(END)
    screen.read_until(lambda: "PAST" not in screen.text, "the present")
    screen.press("e")
    screen.read_until_shown("exported to")


@pytest.mark.parametrize(
    ("part", "kept"),
    [("store", BEFORE), ("processor", BEFORE), ("export", [*BEFORE, DAY])],
)
def test_a_thread_fault_is_reported_and_the_console_stays_open(
    part: str,
    kept: list[str],
    session_file: Path,
    console_store: BarStore,
    tmp_path: Path,
    digests: Mapping[str, str],
) -> None:
    out, home = tmp_path / "out", tmp_path / "home"
    store = str(console_store.location)
    arguments = (part, "run", str(session_file), "--store", store, "--export", str(out), *AT_ONCE)
    with terminal(home, *arguments, module="tests.support.faulty_console") as screen:
        screen.read_until_shown("Run report", "error", CAUSE)
        use_the_console(screen)
        screen.press("q")
        assert screen.exit_code() == 1
        assert screen.left_changed() == set()
        assert f"error: unexpected InjectedError: {CAUSE}".encode() in screen.seen
    assert exported_days(out, digests) == BEFORE
    by_key = next(path for path in out.iterdir() if path.is_dir())
    assert exported_days(by_key, digests)[: len(kept)] == kept
    log = (home / "state" / "tapedeck.log").read_text()
    assert f"InjectedError: {CAUSE}" in log
    assert "Traceback" in log
    assert "run error in" in log, "every thread has ended"


@pytest.mark.parametrize("part", ["quality", "recorder"])
def test_a_thread_fault_is_notified_once(
    part: str, console_store: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "0", "space")
        await until(pilot, lambda: isinstance(console.app.screen, ReportScreen), "the report")
        assert console.state is RunState.ERROR
        assert [note for note in notices(console) if CAUSE in note] == [f"The run failed: {CAUSE}"]
        assert CAUSE in console.text("#report")
        await press(pilot, "escape", "6")
        await until(pilot, lambda: not isinstance(console.app.screen, ReportScreen), "the panels")
        errors = [event.text for event in console.system.events() if event.text == CAUSE]
        assert errors == [CAUSE]

    break_part(part, monkeypatch.setattr)
    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_a_fault_of_the_console_ends_it_in_order(
    session_file: Path, console_store: BarStore, tmp_path: Path, digests: Mapping[str, str]
) -> None:
    out, home = tmp_path / "out", tmp_path / "home"
    store = str(console_store.location)
    run = (
        "run",
        str(session_file),
        "--store",
        store,
        "--export",
        str(out),
        "--break",
        "time >= 12:00",
        *AT_ONCE,
    )
    with terminal(home, "screen", *run, module="tests.support.faulty_console") as screen:
        for day in BEFORE:
            screen.read_until_shown("‖ paused", day)
            screen.press(" ")
        assert screen.exit_code() == 1
        assert screen.left_changed() == set()
        assert f"error: unexpected InjectedError: {CAUSE}".encode() in screen.seen
    assert exported_days(out, digests)[:2] == BEFORE
    assert "run stopped in" in (home / "state" / "tapedeck.log").read_text()


def test_a_fault_in_reading_keys_ends_the_console_in_order(
    session_file: Path, console_store: BarStore, tmp_path: Path
) -> None:
    out, home = tmp_path / "out", tmp_path / "home"
    store = str(console_store.location)
    run = (
        "run",
        str(session_file),
        "--store",
        store,
        "--export",
        str(out),
        "--break",
        "time >= 12:00",
        *AT_ONCE,
    )
    with terminal(home, "keyboard", *run, module="tests.support.faulty_console") as screen:
        screen.read_until_shown("‖ paused")
        screen.press("!")
        assert screen.exit_code() == 1
        assert screen.left_changed() == set()
        assert b"InjectedError" in screen.seen
        assert b"error: the console ended by a fault" in screen.seen
    assert validate_export(out).status == "partial"
    assert "run stopped in" in (home / "state" / "tapedeck.log").read_text()


# Full disks


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A separate file system of four megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", "size=4m", "tapedeck-test", str(folder)]
    if mount is None or subprocess.run([mount, *options], capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here: that needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Fill a disk; return the file to remove."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 65536):
                pass
        except OSError:
            return filler
    raise AssertionError("the disk took everything")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def export_by_key(console: ConsoleRun, pilot: Pilot[None], key: str) -> str:
    """Press a key that exports, and return its notice."""
    console.app.clear_notifications()
    await press(pilot, key)
    await pilot.app.workers.wait_for_complete()

    def told() -> list[str]:
        return [notice for notice in notices(console) if "export" in notice]

    await until(pilot, lambda: bool(told()), "word of the export")
    return told()[-1]


@pytest.mark.parametrize(("key", "name"), [("e", "session.csv"), ("j", "session.json")])
def test_an_export_to_a_full_disk_is_reported_and_works_once_there_is_room(
    console_store: BarStore, tmp_path: Path, small_disk: Path, key: str, name: str
) -> None:
    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        await press(pilot, "m", "m")
        await until(pilot, lambda: console.frontier == 2, "two minutes")
        assert "exported to" in await export_by_key(console, pilot, key)
        before = contents(small_disk)
        filler = fill(small_disk)
        assert_told_what_to_do(await export_by_key(console, pilot, key))
        await press(pilot, "m")
        await until(pilot, lambda: console.frontier == 3, "a step")
        assert_told_what_to_do(await export_by_key(console, pilot, key))
        filler.unlink()
        assert contents(small_disk) == before, "untouched, and nothing half-written is left"
        assert "exported to" in await export_by_key(console, pilot, key)
        assert len(contents(small_disk)) == 2 * len(before)

    def assert_told_what_to_do(sentence: str) -> None:
        assert "The export failed" in sentence
        assert "No space left on device" in sentence
        assert "Free some space or use another folder, and export again" in sentence
        assert str(small_disk) in sentence

    with console_run(console_store, tmp_path, exports=small_disk) as console:
        drive(console, act)


def test_a_disk_that_fills_up_under_an_export_ends_the_run_but_loses_nothing(
    session_file: Path,
    console_store: BarStore,
    tmp_path: Path,
    small_disk: Path,
    digests: Mapping[str, str],
) -> None:
    earlier = ",".join(BARS_HEADER) + "\n"
    (small_disk / "bars.csv").write_text(earlier)
    filler = fill(small_disk)
    with filler.open("ab") as file:
        file.truncate(filler.stat().st_size - 64 * 1024)
    before = contents(small_disk)
    arguments = ("run", str(session_file), "--store", str(console_store.location), *AT_ONCE)
    with terminal(tmp_path / "home", *arguments, "--export", str(small_disk)) as screen:
        screen.read_until_shown("Run report", "error")
        screen.read_until(lambda: "No space left on device. An earlier" in screen.words, "the cause")
        assert contents(small_disk) == before
        filler.unlink()
        screen.press("e")
        screen.read_until_shown("exported to")
        screen.press("q")
        assert screen.exit_code() == 1
        assert screen.left_changed() == set()
        assert b"No space left on device. An earlier export is unchanged" in screen.seen
    by_key = next(path for path in small_disk.iterdir() if path.is_dir())
    days = exported_days(by_key, digests)
    assert days == list(digests)[: len(days)], "no day is missing"
    assert days
    assert (small_disk / "bars.csv").read_text() == earlier
    assert not (small_disk / "manifest.json").exists()


def test_a_failed_recompute_is_reported_and_the_run_continues(
    console_store: BarStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_arguments: object, **_options: object) -> None:
        raise StoreError("the store cannot be read: its disk is gone")

    async def act(console: ConsoleRun, pilot: Pilot[None]) -> None:
        for session in (2, 3):
            await press(pilot, "n")
            await until(pilot, lambda wanted=session: console.system.snapshot().session == wanted, "the next")
        await until(pilot, lambda: len(console.system.snapshot().finished) == 2, "both are recorded")
        with monkeypatch.context() as patch:
            patch.setattr(type(console_store), "scan", unreadable)
            for key in ("e", "j"):
                sentence = await export_by_key(console, pilot, key)
                assert "The export failed: the store cannot be read" in sentence
        assert "exported to" in await export_by_key(console, pilot, "e")
        await press(pilot, "m")
        await until(pilot, lambda: console.frontier == 1, "a step")

    with console_run(console_store, tmp_path) as console:
        drive(console, act)


def test_a_read_only_state_folder_is_reported_and_the_console_works(
    session_file: Path, console_store: BarStore, tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "state").write_text("in the way")
    arguments = ("run", str(session_file), "--store", str(console_store.location), *AT_ONCE)
    with terminal(tmp_path / "home", *arguments) as screen:
        screen.read_until_shown("Run report", "completed")
        screen.press("q")
        assert screen.exit_code() == 0
        assert screen.left_changed() == set()
        assert b"warning: no log" in screen.seen


def test_text_that_resembles_markup_is_shown_unchanged(
    session_file: Path, console_store: BarStore, tmp_path: Path
) -> None:
    run = ("run", str(session_file), "--store", str(console_store.location), "--play", "--speed", "10")
    with terminal(tmp_path / "home", *run) as screen:
        screen.read_until_shown("▶ running", "1 symbols")
        screen.press("'")
        screen.read_until_shown("a note")
        screen.press("[/b] [red]here\r")
        screen.read_until_shown("▌ bookmarked: [/b] [red]here", "▶ running")
        screen.press("\x03")
        assert screen.exit_code() == 130

"""Files of users: only regular ones are read; links, modes and devices stay what they are."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tapedeck.engine.errors import cause_of
from tapedeck.engine.output_file import write_file
from tapedeck.engine.regular_file import NotAFileError, open_regular, read_regular
from tapedeck.engine.user_path import expanded, path_fault

FULL = Path("/dev/full")
needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
needs_devices = pytest.mark.skipif(not FULL.exists(), reason="the system has no /dev/full")


@needs_pipes
def test_a_named_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "bars.zip")
    with pytest.raises(NotAFileError, match="it is a named pipe, not a regular file"):
        open_regular(tmp_path / "bars.zip")


@needs_devices
@pytest.mark.parametrize(("path", "kind"), [("/dev/zero", "a device"), ("/", "a folder")])
def test_devices_and_folders_are_refused(path: str, kind: str) -> None:
    with pytest.raises(NotAFileError) as caught:
        read_regular(path)
    assert cause_of(caught.value) == f"it is {kind}, not a regular file"


def test_a_link_to_a_file_is_read_up_to_a_limit(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    (tmp_path / "link").symlink_to("file")
    assert read_regular(tmp_path / "link") == b"0123456789"
    assert read_regular(tmp_path / "link", 4) == b"0123"


def test_a_written_file_keeps_link_and_mode(tmp_path: Path) -> None:
    target, link = tmp_path / "below" / "rows.csv", tmp_path / "link.csv"
    target.parent.mkdir()
    target.write_bytes(b"before")
    target.chmod(0o640)
    link.symlink_to("below/rows.csv")
    write_file(link, b"after")
    assert link.is_symlink()
    assert target.read_bytes() == b"after"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert os.listdir(target.parent) == ["rows.csv"]


def test_a_link_to_nothing_gets_its_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("file")
    write_file(tmp_path / "link", b"text")
    assert (tmp_path / "file").read_bytes() == b"text"
    assert (tmp_path / "link").is_symlink()


def test_a_new_file_has_the_usual_mode(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    write_file(tmp_path / "new", b"")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "usual").stat().st_mode


@needs_devices
def test_a_device_is_written_into(tmp_path: Path) -> None:
    write_file(Path("/dev/null"), b"text")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(OSError, match="No space left"):
        write_file(FULL, b"text")
    assert stat.S_ISCHR(FULL.stat().st_mode)


@needs_pipes
def test_a_named_pipe_that_is_not_read_is_an_error(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match=r"pipe"):
        write_file(tmp_path / "pipe", b"text")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


@pytest.mark.skipif(not Path("/dev/stderr").exists(), reason="the system has no /dev/stderr")
def test_the_own_stderr_is_not_replaced(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tapedeck.engine.output_file import write_file\n"
        "sys.stderr.write('one\\n'); sys.stderr.flush(); write_file(Path('/dev/stderr'), b'two\\n')\n"
        "sys.stderr.write('three\\n')"
    )
    with (tmp_path / "log").open("wb") as log:
        subprocess.run([sys.executable, "-c", code], stderr=log, check=True)
    assert (tmp_path / "log").read_text() == "one\ntwo\nthree\n"


def test_a_failed_write_leaves_the_earlier_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"before")

    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        write_file(tmp_path / "file", b"after")
    assert (tmp_path / "file").read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (lambda: OSError(13, None), "Permission denied"),
        (OSError, "OSError"),
        (lambda: OSError("\nfooter is damaged\nat 3"), "footer is damaged"),
        (lambda: FileNotFoundError(2, "No such file or directory", "x"), "No such file or directory"),
    ],
)
def test_an_error_of_the_system_always_has_a_cause(error: Callable[[], OSError], words: str) -> None:
    assert cause_of(error()) == words


def test_a_path_with_a_line_end_is_a_fault() -> None:
    assert path_fault("a b\tc\udcff") is None
    assert "'a\\nERROR b'" in str(path_fault("a\nERROR b"))
    assert path_fault("a\0") is not None


def test_the_home_of_an_unknown_user_stays_as_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    assert expanded("~/x") == Path("/somewhere/x")
    assert expanded("~nobody-of-this-name/x") == Path("~nobody-of-this-name/x")

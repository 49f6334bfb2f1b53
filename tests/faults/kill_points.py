"""Kill points: runs a job in forked children, and ends or fails it at its n-th call that changes a file.

The calls are counted in the C library, so that those of SQLite and pyarrow count, too (`file_calls.c`, which
is compiled on first use and loaded with LD_PRELOAD). A campaign is a program that begins so:

    def main() -> None:
        run_interposed()
        job = partial(import_file, folder)
        for point in kill_points(job, folder, before=fresh):
            ...  # the folder is as the killed job left it

Jobs are forked, not started, so that a point costs milliseconds: nothing may be open that a fork breaks (a
store, a thread). Folders in memory (`scratch_folder`) spare the waits of fsync.
"""

from __future__ import annotations

import ctypes
import errno
import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from tapedeck.engine.errors import TapedeckError
from tests.faults.file_trace import FileCall, read_trace

Job = Callable[[], object]

KINDS: Final = {
    "write": 1,
    "rename": 2,
    "fsync": 4,
    "unlink": 8,
    "truncate": 16,
    "create": 32,
    "mkdir": 64,
}
"""The kinds of calls: `write` includes pwrite, `fsync` fdatasync, `unlink` rmdir, `create` open."""

_ACTIONS: Final = {"kill": 1, "tear": 2, "fail": 3}
_SOURCE: Final = Path(__file__).with_name("file_calls.c")
_PRELOADED: Final = "FILE_CALLS_PRELOADED"
_LONGEST_S: Final = 60
_REFUSED, _CRASHED = 3, 4


def can_interpose() -> bool:
    """Whether this system can count the calls: Linux, with a C compiler."""
    return sys.platform == "linux" and shutil.which("cc") is not None


def run_interposed() -> None:
    """Start this program again with the counting library, unless it is loaded."""
    if os.environ.get(_PRELOADED):
        return
    with scratch_folder() as folder:
        library = folder / "file_calls.so"
        command = ["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(_SOURCE), "-ldl", "-lpthread"]
        subprocess.run(command, check=True)
        environment = {**os.environ, "LD_PRELOAD": str(library), _PRELOADED: "1"}
        ended = subprocess.run([sys.executable, *sys.orig_argv[1:]], env=environment, check=False)
    sys.exit(ended.returncode)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield a new folder, in memory if the system has such a place, and remove it."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(os.path.realpath(folder))


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at the n-th call (from 1) of certain kinds below a folder.

    `action`: `kill` ends the process before the call, `tear` after half of a write, `fail` lets the call fail
    with `error`; `lasts`: so do all later ones, as on a full disk.
    """

    action: str
    at: int
    kinds: tuple[str, ...] = tuple(KINDS)
    error: int = errno.ENOSPC
    lasts: bool = True

    def __str__(self) -> str:
        return f"{self.action} at call {self.at} of {', '.join(self.kinds)}"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job ended: `killed`, `refused` (the text of a TapedeckError), `crashed` (another traceback).

    All three are empty if it returned. `reached`: whether the job came to the fault.
    """

    killed: bool = False
    refused: str = ""
    crashed: str = ""
    reached: bool = True

    @property
    def ok(self) -> bool:
        """Whether the job returned."""
        return not (self.killed or self.refused or self.crashed)


def run_job(job: Job, folder: Path, fault: Fault | None = None) -> Ended:
    """Run a job in a child process, with a fault below `folder`, and return how it ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _run_child(job, folder, fault, writing)
    os.close(writing)
    with open(reading, "rb") as pipe:
        text = pipe.read().decode(errors="replace")
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGKILL and fault is not None:
            return Ended(killed=True)
        return Ended(crashed=f"ended by {signal.Signals(number).name} {text}")
    reached, _, words = text.partition("\n")
    code = os.WEXITSTATUS(status)
    return Ended(
        refused=words if code == _REFUSED else "",
        crashed=words or f"exit code {code}" if code not in (0, _REFUSED) else "",
        reached=reached == "reached",
    )


def import_modules_of(job: Job) -> None:
    """Run a job in a child, and import here what it imports, so that later children need not."""
    reading, writing = os.pipe()

    def listing() -> None:
        job()
        with open(writing, "w") as pipe:
            pipe.write("\n".join(sys.modules))

    child = os.fork()
    if child == 0:
        os.close(reading)
        with suppress(BaseException):  # the first point tells why the job fails
            listing()
        os._exit(0)
    os.close(writing)
    with open(reading) as pipe:
        names = pipe.read().split("\n")
    os.waitpid(child, 0)
    for name in names:
        with suppress(ImportError, ValueError):  # a name that is not a module's own
            importlib.import_module(name)


def trace_job(job: Job, folder: Path) -> list[FileCall]:
    """Run a job without a fault, and return its calls in order; RuntimeError if it does not return."""
    with tempfile.TemporaryFile() as file:
        ended = run_job(job, folder, _Trace(file.fileno()))
        if not ended.ok:
            raise RuntimeError(f"the job fails without a fault: {ended}")
        file.seek(0)
        return read_trace(file)


def kill_points(
    job: Job,
    folder: Path,
    *,
    before: Callable[[], object],
    actions: Sequence[str] = ("kill", "tear"),
    every: int = 1,
) -> Iterator[tuple[Fault, Ended]]:
    """Run a job once for each call that changes a file, and yield after it was ended there.

    `before` makes the folder anew for each run. `tear` is used at writes only. `every`: only each n-th call.
    """
    for action in actions:
        kinds = ("write",) if action == "tear" else tuple(KINDS)
        yield from _points(job, folder, before, Fault(action, 0, kinds), every)


def failure_points(
    job: Job,
    folder: Path,
    *,
    before: Callable[[], object],
    kinds: Sequence[str] = ("write",),
    error: int = errno.ENOSPC,
    lasts: bool = True,
    every: int = 1,
) -> Iterator[tuple[Fault, Ended]]:
    """Run a job once for each call of these kinds, and yield after the call has failed with `error`."""
    yield from _points(job, folder, before, Fault("fail", 0, tuple(kinds), error, lasts), every)


def _points(
    job: Job, folder: Path, before: Callable[[], object], fault: Fault, every: int
) -> Iterator[tuple[Fault, Ended]]:
    before()
    import_modules_of(job)
    at = 1
    while True:
        before()
        point = Fault(fault.action, at, fault.kinds, fault.error, fault.lasts)
        ended = run_job(job, folder, point)
        if not ended.killed and not ended.reached:
            return
        yield point, ended
        at += every


@dataclass(frozen=True, slots=True)
class _Trace:
    """In place of a fault: each call is written to a descriptor."""

    descriptor: int


def _run_child(job: Job, folder: Path, fault: Fault | _Trace | None, writing: int) -> None:
    """Run the job, write how it ended to the pipe, and leave the process."""
    signal.alarm(_LONGEST_S)
    code, words = 0, ""
    try:
        arm(folder, fault)
        job()
    except TapedeckError as error:
        code, words = _REFUSED, str(error)
    except BaseException:  # noqa: BLE001 - the campaign reports it
        code, words = _CRASHED, traceback.format_exc()
    reached = isinstance(fault, Fault) and calls_seen() >= fault.at
    arm(folder, None)
    with open(writing, "wb") as pipe:
        pipe.write(f"{'reached' if reached else ''}\n{words}".encode(errors="backslashreplace"))
    sys.stdout.flush()
    os._exit(code)


def calls_seen() -> int:
    """Return the number of calls counted since the last `arm`."""
    return int(_library().fault_seen())


def arm(folder: Path, fault: Fault | _Trace | None) -> None:
    """Set the fault of this process below a folder, and count from 0; None: every call passes."""
    watched = os.fsencode(os.path.realpath(folder))
    arm = _library().fault_arm
    if isinstance(fault, Fault):
        mask = sum(KINDS[kind] for kind in fault.kinds)
        arm(watched, _ACTIONS[fault.action], mask, ctypes.c_long(fault.at), fault.error, fault.lasts, -1)
    elif fault is not None:
        arm(watched, 0, 0, ctypes.c_long(0), 0, 0, fault.descriptor)
    else:
        arm(b"", 0, 0, ctypes.c_long(0), 0, 0, -1)


@cache
def _library() -> Any:
    library = ctypes.CDLL(None)
    library.fault_seen.restype = ctypes.c_long
    return library

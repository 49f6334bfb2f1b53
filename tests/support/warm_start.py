"""Warm start of the project's programs: forked from a process that has imported them.

`python -m tests.support.warm_start CHANNEL` is that process. It forks a supervisor for each program, which
reports its state: only a parent can wait for a process.
"""

from __future__ import annotations

import atexit
import fcntl
import functools
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

PROJECT: Final = Path(__file__).resolve().parents[2]
_IMPORTED: Final = (
    "tapedeck.console.cli.main",
    "tapedeck.console.app.launch",
    "tests.support.faulty_console",
)
_LIMIT_S: Final = 60.0
_STOPPED: Final = "stopped"


class WarmProcess:
    """A program in a terminal, with the part of `subprocess.Popen` that tests use."""

    def __init__(self, status: int) -> None:
        self._status = status
        self._words: list[str] = []
        self._rest = b""
        self.returncode: int | None = None
        self.pid = int(self._first_word())

    def send_signal(self, number: int) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)

    def poll(self) -> int | None:
        """Return the exit code; None while it runs."""
        self._listen(0.0)
        return self.returncode

    def wait(self, timeout: float = _LIMIT_S) -> int:
        """Wait for the end, and return the exit code."""
        deadline = time.monotonic() + timeout
        while self.returncode is None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
            self._listen(left)
        return self.returncode

    @property
    def is_stopped(self) -> bool:
        """Whether it was suspended."""
        self._listen(0.0)
        return _STOPPED in self._words

    def _first_word(self) -> str:
        deadline = time.monotonic() + _LIMIT_S
        while not self._words:
            assert time.monotonic() < deadline, "no program was started"
            self._listen(1.0)
        return self._words.pop()

    def _listen(self, seconds: float) -> None:
        if self.returncode is not None or not select.select([self._status], [], [], seconds)[0]:
            return
        report = os.read(self._status, 4096)
        assert report, "the supervisor of the program is gone"
        *lines, self._rest = (self._rest + report).split(b"\n")
        for word in (line.decode() for line in lines):
            ended, _, code = word.partition(" ")
            if ended == "ended":
                self.returncode = int(code)
                os.close(self._status)
            else:
                self._words.append(word)


def start_warm(
    module: str,
    arguments: Sequence[str],
    *,
    terminal: int,
    environment: Mapping[str, str],
    is_controlling: bool,
) -> WarmProcess:
    """Run a module of the project as a process with a terminal as its three streams."""
    status, report = os.pipe()
    job = {
        "module": module,
        "arguments": list(arguments),
        "environment": dict(environment),
        "is_controlling": is_controlling,
    }
    try:
        socket.send_fds(_channel(), [json.dumps(job).encode()], [terminal, report])
    finally:
        os.close(report)
    return WarmProcess(status)


@functools.cache
def _channel() -> socket.socket:
    """Start the process to fork from, once; it ends with this one."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "tests.support.warm_start", str(its.fileno())]
    process = subprocess.Popen(command, cwd=PROJECT, pass_fds=[its.fileno()], start_new_session=True)
    its.close()

    def end() -> None:
        ours.close()
        process.wait(_LIMIT_S)

    atexit.register(end)
    return ours


# The forked process, its supervisors, and the programs


def _serve(channel: socket.socket) -> None:
    for name in _IMPORTED:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # supervisors are not waited for
    while True:
        message, files, _, _ = socket.recv_fds(channel, 1 << 20, 2)
        if not message:
            return
        terminal, report = files
        if os.fork() == 0:
            channel.close()
            _supervise(json.loads(message), terminal, report)
            return
        os.close(terminal)
        os.close(report)


def _supervise(job: dict[str, Any], terminal: int, report: int) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    program = os.fork()
    if program == 0:
        os.close(report)
        _become(job, terminal)
        return
    os.close(terminal)
    os.write(report, f"{program}\n".encode())
    while True:
        _, status = os.waitpid(program, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            os.write(report, f"ended {os.waitstatus_to_exitcode(status)}\n".encode())
            os._exit(0)
        os.write(report, f"{_STOPPED}\n".encode())


def _become(job: dict[str, Any], terminal: int) -> None:
    """Run the program as a shell would start it, until the interpreter ends."""
    os.setsid()
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup, around the tests, ignores it
    if job["is_controlling"]:
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for number in range(3):
        os.dup2(terminal, number)
    os.close(terminal)
    os.environ.clear()
    os.environ.update(job["environment"])
    sys.stdin = sys.__stdin__ = os.fdopen(0, encoding="utf-8", closefd=False)  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", 1, "utf-8", closefd=False)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = os.fdopen(  # type: ignore[misc]
        2, "w", 1, "utf-8", "backslashreplace", closefd=False
    )
    sys.argv = [job["module"], *job["arguments"]]
    sys.modules.pop(f"{job['module']}.__main__", None)  # it is run, not imported
    runpy.run_module(job["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))

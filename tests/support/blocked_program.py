"""Programs that block for ever: `python -m tests.support.blocked_program WHERE ARGUMENTS`."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tapedeck.__main__ import main
from tapedeck.engine.export import validation
from tapedeck.engine.importers import ingest
from tapedeck.engine.system import SystemManager


def _in_a_lock(*_arguments: Any, **_options: Any) -> None:
    sys.stderr.write("blocked\n")
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def _in_a_pipe(*_arguments: Any, **_options: Any) -> None:
    """Open a named pipe that is never written; the system call is repeated after a signal."""
    pipe = Path(os.environ["TAPEDECK_HOME"]) / "pipe"
    os.mkfifo(pipe)
    sys.stderr.write("blocked\n")
    pipe.open().close()


def _in_swallowed_errors(*_arguments: Any, **_options: Any) -> None:
    text = "blocked\n"
    while True:
        try:
            sys.stderr.write(text)
            text = ""
            time.sleep(60)
        except BaseException:  # noqa: BLE001 - as a library may do
            continue


_PLACES: dict[str, tuple[Any, str, Callable[..., None]]] = {
    "validate": (validation, "validate_export", _in_swallowed_errors),
    "import": (ingest.import_bars.__globals__["_Ingest"], "run", _in_a_pipe),
    "run": (SystemManager, "wait", _in_a_lock),
    "stop": (SystemManager, "stop", _in_a_lock),
}

if __name__ == "__main__":
    setattr(*_PLACES[sys.argv.pop(1)])
    main()

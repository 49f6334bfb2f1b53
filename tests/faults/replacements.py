"""Three ways to replace a file, and what each fault makes of it: an example of a campaign."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.faults.kill_points import failure_points, kill_points, run_interposed, scratch_folder, trace_job
from tests.faults.power_loss import crash_states, state_of, write_state

_OLD, _NEW = b"old" * 1000, b"new" * 1000


def careless(path: Path) -> None:
    """Write over the old bytes."""
    path.write_bytes(_NEW)


def unsynced(path: Path) -> None:
    """Write beside, and rename."""
    beside = path.with_suffix(".new")
    beside.write_bytes(_NEW)
    beside.replace(path)


def careful(path: Path) -> None:
    """Write beside, sync, rename, and sync the folder."""
    beside = path.with_suffix(".new")
    with beside.open("wb") as file:
        file.write(_NEW)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    handle = os.open(path.parent, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def main() -> None:
    """Print what each fault makes of each way."""
    run_interposed()
    ways = {"careful": careful, "careless": careless, "renamed without fsync": unsynced}
    with scratch_folder() as scratch:
        for name, way in ways.items():
            _campaign(name, way, scratch / "folder")


def _campaign(name: str, way: Callable[[Path], None], folder: Path) -> None:
    path = folder / "file"
    job, fresh = partial(way, path), partial(_begin, folder)
    killed = [path.read_bytes() for _ in kill_points(job, folder, before=fresh)]
    print(f"{name}, killed: {_verdict(killed)}")  # noqa: T201
    starved = [path.read_bytes() for _ in failure_points(job, folder, before=fresh)]
    print(f"{name}, disk full: {_verdict(starved)}")  # noqa: T201
    fresh()
    before = state_of(folder)
    lost = []
    for _, _, state in crash_states(folder, before, trace_job(job, folder)):
        shutil.rmtree(folder)
        folder.mkdir()
        write_state(state, folder)
        lost.append(path.read_bytes())
    print(f"{name}, power lost: {_verdict(lost)}")  # noqa: T201


def _begin(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "file").write_bytes(_OLD)


def _verdict(found: list[bytes]) -> str:
    assert found, "no point was tried"
    return "whole" if all(content in (_OLD, _NEW) for content in found) else "torn"


if __name__ == "__main__":
    main()

"""Campaign of exports: killed, starved and cut off at each call, and two of everything at once.

`python -m tests.faults.exports` runs all of it, `--short` the part for continuous integration. A folder with
an earlier export and a user's own files gets a new export under each fault; afterwards the export must be the
old one or the new one, byte for byte, the user's files untouched, and the next export must succeed.
"""

from __future__ import annotations

import argparse
import errno
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Final

from tapedeck.engine.errors import ExportError, NotAnExportError
from tapedeck.engine.export.export_folder import complete_replacement
from tapedeck.engine.export.own_files import EXPORT_FILES
from tapedeck.engine.export.state_file import write_state_file
from tapedeck.engine.export.validation import validate_export
from tapedeck.engine.tape.session_record import SessionRecord
from tests.engine.export.export_kit import make_config, make_record, make_tape, two_days, write_export
from tests.faults.kill_points import (
    KINDS,
    Ended,
    Fault,
    Job,
    failure_points,
    kill_points,
    run_interposed,
    run_job,
    scratch_folder,
    trace_job,
)
from tests.faults.power_loss import State, crash_states, state_of, write_state

_CONFIG: Final = make_config()
_USERS: Final = {"notes.txt": b"mine", ".bars.csv.partial": b"mine, too", "sub/bars.csv": b"symbol;time\n"}
_Files = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Exports:
    """The earlier export (none for a new folder), the one that meets the fault, and the next one."""

    old: _Files
    new: _Files
    next: _Files


@dataclass(frozen=True, slots=True)
class Extent:
    """Extent of a campaign: each n-th call and state of the disk, rounds of two at once, slots played."""

    every_call: int
    every_state: int
    rounds: int
    slots: int | None

    def records(self, missing: float) -> list[SessionRecord]:
        """Return the sessions of an export; `missing`: the part of bars that are."""
        if self.slots is None:
            return two_days(missing=missing)
        return [make_record(make_tape(date(2013, 10, 7), missing=missing, frontier=self.slots))]


_FULL: Final = Extent(every_call=1, every_state=1, rounds=60, slots=None)
_SHORT: Final = Extent(every_call=29, every_state=800, rounds=2, slots=20)


def main() -> int:
    """Run the campaign; exit code 1 with the findings if there are any."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--short", action="store_true", help="small exports, few points and rounds")
    extent = _SHORT if options.parse_args().short else _FULL
    run_interposed()
    with scratch_folder() as scratch:
        campaign = Campaign(scratch, extent)
        campaign.run()
    for what, count in campaign.counts.items():
        print(f"{what}: {count:,}")  # noqa: T201
    for finding in campaign.findings:
        print(f"FINDING {finding}", file=sys.stderr)  # noqa: T201
    return 1 if campaign.findings else 0


class Campaign:
    """Runs every fault below a scratch folder, and collects the findings."""

    def __init__(self, scratch: Path, extent: Extent) -> None:
        self.counts: Counter[str] = Counter()
        self.findings: list[str] = []
        self._scratch, self._extent, self._every = scratch, extent, extent.every_call
        self._folder = scratch / "work" / "out"
        self._old, self._new, self._next = (extent.records(part) for part in (0.1, 0.5, 0.3))
        self._files = [
            self._written(records, number)
            for number, records in enumerate((self._old, self._new, self._next))
        ]

    def run(self) -> None:
        """Run all faults."""
        self._state_files()
        self._two_exports()
        self._export_and_validate()
        replacing = Exports(*self._files)
        first = Exports({}, *self._files[1:])
        export = partial(_export, self._folder, self._new)
        for name, exports in (("replacing", replacing), ("first export", first)):
            before = partial(self._begin, exports.old)
            self._kill(name, export, exports, before)
            self._fail(name, export, exports, before)
            self._cut_power(name, export, exports, before)
        half_done = self._half_done(export)
        for name, job in {
            "completed by validate": partial(complete_replacement, self._folder),
            "completed by the next": partial(_export, self._folder, self._next),
        }.items():
            before = partial(self._restore, half_done)
            exports = Exports(self._files[1], self._files[2], self._files[0])
            self._kill(name, job, exports, before)
            self._cut_power(name, job, exports, before)

    # Faults

    def _kill(self, name: str, job: Job, exports: Exports, before: Callable[[], None]) -> None:
        for fault, _ in kill_points(job, self._parent, before=before, every=self._every):
            self._check(f"{name}, killed", str(fault), exports)

    def _fail(self, name: str, job: Job, exports: Exports, before: Callable[[], None]) -> None:
        full, broken = (errno.ENOSPC, ("write", "create", "mkdir")), (errno.EIO, tuple(KINDS))
        for what, (error, kinds), lasts in (
            ("disk full", full, True),
            ("one call fails", broken, False),
            ("disk broken", broken, True),
        ):
            points = failure_points(
                job, self._parent, before=before, kinds=kinds, error=error, lasts=lasts, every=self._every
            )
            for fault, ended in points:
                self._check(f"{name}, {what}", str(fault), exports, ended)

    def _cut_power(self, name: str, job: Job, exports: Exports, before: Callable[[], None]) -> None:
        before()
        start = state_of(self._parent)
        calls = trace_job(job, self._parent)
        for number, (done, call, state) in enumerate(crash_states(self._parent, start, calls)):
            if number % self._extent.every_state == 0:
                self._restore(state)
                self._check(f"{name}, power lost", f"after {done} calls ({call})", exports, is_quick=True)

    def _state_files(self) -> None:
        """A state on its own, under the name of an export's file and under another: whole, or as before."""
        old, new = self._files[0]["session.json"], self._files[1]["session.json"]
        for name in ("session.json", "state.json"):
            path = self._folder / name
            job, before = partial(write_state_file, path, new), partial(self._begin, {name: old})
            every = self._every
            for points in (
                kill_points(job, self._parent, before=before, every=every),
                failure_points(job, self._parent, before=before, kinds=tuple(KINDS), every=every),
            ):
                for fault, ended in points:
                    self.counts["state file, killed or starved"] += 1
                    if path.read_bytes() not in (old, new) or ended.crashed:
                        self.findings.append(f"{name}: {fault}: {ended}")

    # Two at once

    def _two_exports(self) -> None:
        """Two processes export into one folder; one writes, the other is refused, or follows."""
        self._begin(self._files[0])
        for number in range(self._extent.rounds):
            children = [
                _started(partial(_export, self._folder, records)) for records in (self._old, self._new)
            ]
            codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
            self.counts["two exports at once"] += 1
            written = [files for files, code in zip(self._files, codes, strict=False) if code == 0]
            if not set(codes) <= {0, 3} or not written or self._found() not in written:
                self.findings.append(f"two exports at once, round {number}: exit codes {codes}")

    def _export_and_validate(self) -> None:
        """One process begins an export whenever another begins to validate."""
        self._begin(self._files[0])
        reading, writing = os.pipe()
        child = _started(partial(_export_on_demand, self._folder, (self._new, self._old), reading, writing))
        os.close(reading)
        for _ in range(self._extent.rounds):
            os.write(writing, b".")
            report = validate_export(self._folder)
            self.counts["validated during exports"] += 1
            if not report.ok:
                self.findings.append(f"validated during exports: {report.findings[:3]}")
        os.close(writing)
        if os.waitpid(child, 0)[1]:
            self.findings.append("an export failed while another process validated")

    # Checks

    def _check(
        self, what: str, where: str, exports: Exports, ended: Ended | None = None, *, is_quick: bool = False
    ) -> None:
        """Check that the folder has the old or the new export, whole, and that the next one succeeds."""
        self.counts[what] += 1
        try:
            is_new = self._check_export(exports, is_quick=is_quick)
            if ended is not None:
                assert not ended.crashed, ended.crashed
                assert ended.ok or len(ended.refused.split()) > 5, ended
                assert is_new or not ended.ok, "the export succeeded, but the folder has the old one"
            if not is_quick:
                self._check_next(exports)
        except (AssertionError, ExportError, OSError) as error:
            self.findings.append(f"{what}, {where}: {type(error).__name__} {error}")

    def _check_export(self, exports: Exports, *, is_quick: bool) -> bool:
        if not self._folder.exists():
            assert not exports.old, "the folder is gone"
            return False
        complete_replacement(self._folder)
        found = self._found()
        assert found in (exports.old, exports.new), f"a mix: {sorted(found)}"
        if exports.old:
            self._check_users_files()
        if not is_quick:
            self._check_validation(found)
        return found == exports.new

    def _check_validation(self, found: _Files) -> None:
        try:
            report = validate_export(self._folder)
        except NotAnExportError:
            assert not found, "not recognised as an export"
        else:
            assert report.ok, report.findings

    def _check_next(self, exports: Exports) -> None:
        records = self._next if exports.next is self._files[2] else self._old
        _export(self._folder, records)
        assert self._found() == exports.next, "the next export differs"
        left = {path.name for path in self._folder.iterdir()} - set(EXPORT_FILES)
        assert left <= {name.split("/")[0] for name in _USERS}, f"left behind: {left}"

    def _check_users_files(self) -> None:
        for name, content in _USERS.items():
            assert (self._folder / name).read_bytes() == content, f"{name} was changed"

    # Folders

    @property
    def _parent(self) -> Path:
        return self._folder.parent

    def _found(self) -> _Files:
        """Return the files that have an export's names."""
        paths = (self._folder / name for name in EXPORT_FILES)
        return {path.name: path.read_bytes() for path in paths if path.exists()}

    def _begin(self, export: _Files) -> None:
        """Make the folder anew: without an earlier export there is no folder."""
        self._restore(
            {f"out/{name}": content for name, content in {**_USERS, **export}.items()} if export else {}
        )

    def _restore(self, state: State) -> None:
        shutil.rmtree(self._parent, ignore_errors=True)
        self._parent.mkdir()
        write_state(state, self._parent)

    def _written(self, records: list[SessionRecord], number: int) -> _Files:
        folder = self._scratch / f"export-{number}"
        _export(folder, records)
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    def _half_done(self, export: Job) -> State:
        """Return the parent folder's state after a kill in the middle of the renames."""
        self._begin(self._files[0])
        for at in range(1, 100):
            self._begin(self._files[0])
            run_job(export, self._parent, Fault("kill", at, ("rename",)))
            found = self._found()
            if found not in self._files:
                return state_of(self._parent)
        raise AssertionError("no kill between the renames")


def _started(job: Job) -> int:
    """Run a job in a child process, with exit code 3 if it is refused, and return its number."""
    child = os.fork()
    if child == 0:
        code = 4
        try:
            with suppress(ExportError):
                job()
                os._exit(0)
            code = 3
        finally:
            os._exit(code)
    return child


def _export(folder: Path, records: list[SessionRecord]) -> None:
    is_whole = records[-1].frontier == len(records[-1].tape)
    write_export(folder, _CONFIG, records, state="completed" if is_whole else "stopped")


def _export_on_demand(folder: Path, turns: Sequence[list[SessionRecord]], reading: int, writing: int) -> None:
    """Export once for each byte in a pipe, in turns, until it is closed."""
    os.close(writing)
    number = 0
    while os.read(reading, 1):
        _export(folder, turns[number % len(turns)])
        number += 1


if __name__ == "__main__":
    sys.exit(main())

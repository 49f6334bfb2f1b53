"""Campaign of stores: imports killed and starved at each call, two at once, and every file with flipped bits.

`python -m tests.faults.stores` runs all of it, `--short` the part for continuous integration. After a fault
an import must be there as a whole or not at all, `verify` must find no damage, and the import must succeed
when it is done again. A file with one flipped bit must be refused by its name, or give the same bars.
"""

from __future__ import annotations

import argparse
import os
import pickle
import random
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from tapedeck.engine.errors import TapedeckError
from tapedeck.engine.intervals import DAY, MINUTE, Interval
from tapedeck.engine.store import parquet_writing
from tapedeck.engine.store.bar_store import BarColumns
from tapedeck.engine.store.locations import open_store
from tests.faults.kill_points import (
    failure_points,
    import_modules_of,
    kill_points,
    run_interposed,
    scratch_folder,
)

PLACES: Final = ("bars.db", "bars")
_FEW_ROWS: Final = 100
_NEW_YEAR_2014: Final = 1388534400
_ALWAYS: Final = (-(10**11), 10**12)
_Content = dict[tuple[str, str], tuple[list[bytes], int | None, int | None]]


@dataclass(frozen=True, slots=True)
class Extent:
    """Extent of a campaign: bars of an import, each n-th call, flips of each file, rounds of two at once."""

    bars: int
    every: int
    flips: int
    rounds: int


_FULL: Final = Extent(bars=5000, every=1, flips=400, rounds=40)
_SHORT: Final = Extent(bars=300, every=41, flips=5, rounds=1)


def main() -> int:
    """Run the campaign; exit code 1 with the findings if there are any."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--short", action="store_true", help="few bars, points, flips and rounds")
    extent = _SHORT if options.parse_args().short else _FULL
    run_interposed()
    findings: list[str] = []
    for place in PLACES:
        with scratch_folder() as scratch:
            campaign = Campaign(scratch, place, extent)
            campaign.run()
        show(campaign)
        findings += campaign.findings
    with scratch_folder() as scratch:
        # Inherited by the children: nearly all bars of an import are set aside on disk.
        parquet_writing._ATOMIC_ROWS = _FEW_ROWS
        often = replace(extent, every=-(-extent.every // 4))
        campaign = Campaign(scratch, "bars", often, name="bars beyond the limit of memory")
        campaign.import_faults()
        show(campaign)
        findings += campaign.findings
    return 1 if findings else 0


def show(campaign: Campaign) -> None:
    """Print the counts of a campaign, and its findings."""
    for what, count in campaign.counts.items():
        print(f"{what}: {count:,}", flush=True)  # noqa: T201
    for finding in campaign.findings:
        print(f"FINDING {finding}", file=sys.stderr, flush=True)  # noqa: T201


class Campaign:
    """Runs every fault on one kind of store, and collects the findings, which have its name, or `name`."""

    def __init__(self, scratch: Path, place: str, extent: Extent, *, name: str = "") -> None:
        self.counts: Counter[str] = Counter()
        self.findings: list[str] = []
        self._folder = scratch / "work"
        self._location = self._folder / place
        self._original = scratch / "original"
        self._extent = extent
        self._place = place
        self._name = name or place
        self._random = random.Random(11)

    def run(self) -> None:
        """Run all faults."""
        self.import_faults()
        self._reset()
        self._flips(f"{self._place}, flips")
        if self._place.endswith(".db"):
            self._leave_log()
            self._flips(f"{self._place} with a log, flips")

    def import_faults(self) -> None:
        """Kill and starve imports at each call, and run two at once."""
        import_modules_of(partial(write, self._location, 0, self._extent.bars))
        in_child(partial(write, self._location, 0, self._extent.bars))
        import_modules_of(partial(checked_content, self._location))
        shutil.copytree(self._folder, self._original)
        job = partial(write, self._location, self._extent.bars, self._extent.bars)
        before = in_child_result(partial(content_of, self._location))
        in_child(job)
        after = in_child_result(partial(content_of, self._location))
        killed = kill_points(job, self._folder, before=self._reset, every=self._extent.every)
        starved = failure_points(job, self._folder, before=self._reset, every=self._extent.every)
        for name, points in (("killed", killed), ("disk full", starved)):
            for fault, ended in points:
                self.counts[f"{self._name}, import {name}"] += 1
                where = f"{self._name}, {fault}"
                if ended.crashed:
                    self.findings.append(f"{where}: {ended.crashed}")
                found = in_child_result(partial(checked_content, self._location))
                if found not in (before, after):
                    self.findings.append(f"{where}: afterwards {summary(found)}")
                in_child(job)
                if in_child_result(partial(checked_content, self._location)) != after:
                    self.findings.append(f"{where}: the next import does not complete the store")
        self._two_imports()

    def _two_imports(self) -> None:
        for _ in range(self._extent.rounds):
            self._reset()
            self.counts[f"{self._name}, two imports at once"] += 1
            children = [
                start_child(partial(write, self._location, first, self._extent.bars))
                for first in (self._extent.bars, self._extent.bars + self._extent.bars // 2)
            ]
            if any(os.waitpid(child, 0)[1] for child in children):
                self.findings.append(f"{self._name}, two imports at once: one failed")
            found = in_child_result(partial(checked_content, self._location))
            if not isinstance(found, dict) or len(found) == 0:
                self.findings.append(f"{self._name}, two imports at once: afterwards {summary(found)}")

    def _flips(self, name: str) -> None:
        """Flip bits of each file; the folder is as it was after each."""
        files = [path for path in sorted(self._folder.rglob("*")) if path.is_file() and path.stat().st_size]
        contents = {path: path.read_bytes() for path in files if not path.name.endswith("-shm")}
        whole = in_child_result(partial(content_of, self._location))
        for path, content in contents.items():
            bits = self._random.sample(range(8 * len(content)), min(self._extent.flips, 8 * len(content)))
            for bit in bits:
                self._put(contents)
                damaged = bytearray(content)
                damaged[bit // 8] ^= 1 << bit % 8
                path.write_bytes(damaged)
                found = in_child_result(partial(content_of, self._location))
                refused = isinstance(found, str) and path.name in found
                self.counts[f"{name} of {path.suffix or path.name}: {'refused' if refused else 'same'}"] += 1
                if not refused and found != whole:
                    self.findings.append(f"{name}, bit {bit} of {path.name}: {summary(found)}")
        self._put(contents)

    def _leave_log(self) -> None:
        """Leave the write-ahead log of a killed writer."""
        self._reset()

        def write_and_die() -> None:
            with open_store(self._location) as store, store.batch():
                store.write("SPY", MINUTE, bars_from(self._extent.bars, self._extent.bars))
                os.kill(os.getpid(), signal.SIGKILL)

        os.waitpid(start_child(write_and_die), 0)

    def _reset(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._original.exists():
            shutil.copytree(self._original, self._folder)

    def _put(self, contents: dict[Path, bytes]) -> None:
        for path in self._folder.rglob("*"):
            if path.is_file() and path not in contents and path.suffix != ".lock":
                path.unlink()
        for path, content in contents.items():
            path.write_bytes(content)


def bars_from(first: int, count: int, step: int = 60) -> BarColumns:
    """Return bars from the `first`-th on, around New Year, so that a Parquet store has two files."""
    times = _NEW_YEAR_2014 + step * (np.arange(first, first + count) - count // 2)
    values = times / 7.0
    return BarColumns(times, values, values + 1, values - 1, values, np.ones(count))


def write(location: Path, first: int, count: int) -> None:
    """Write minutes and days of two symbols, as one transaction, as an import of one file does."""
    with open_store(location, create=True) as store, store.batch(atomic=True):
        for symbol in ("SPY", "BRK/b"):
            store.write(symbol, MINUTE, bars_from(first, count))
            store.write(symbol, DAY, bars_from(first // 390, count // 390 + 1, 86400))


def content_of(location: Path) -> _Content:
    """Return all bars to the last bit, and the times of the first and the last of each series."""
    with open_store(location) as store:
        scans = {}
        for symbol, intervals in store.series().items():
            for interval in sorted(intervals):
                bars = store.read(symbol, interval, *_ALWAYS)
                columns = [bars.opened_at, bars.open, bars.high, bars.low, bars.close, bars.volume]
                first = store.first_at_or_after(symbol, interval, _ALWAYS[0])
                last = store.last_before(symbol, interval, _ALWAYS[1])
                scans[symbol, str(interval)] = ([column.tobytes() for column in columns], first, last)
                _check_scan(store.scan([symbol], interval, *_ALWAYS), len(bars), interval)
        return scans


def _check_scan(batches, count: int, interval: Interval) -> None:
    found = sum(len(batch.bars) for batch in batches)
    if found != count:
        raise AssertionError(f"a scan gives {found} bars of {interval}, a read {count}")


def checked_content(location: Path) -> _Content | str:
    """Return all bars; a text if `verify` finds damage."""
    with open_store(location) as store:
        damage = [found for found in store.verify() if getattr(found, "damage", True)]
        return f"damage: {damage[0]}" if damage else content_of(location)


# The stores are used in children only: the next child is forked from a process that has no database open.


def start_child(job: Callable[[], object]) -> int:
    """Run a job in a child process; return its number."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            job()
            code = 0
        finally:
            os._exit(code)
    return child


def in_child(job: Callable[[], object]) -> None:
    """Run a job in a child process; RuntimeError if it fails."""
    if os.waitpid(start_child(job), 0)[1]:
        raise RuntimeError(f"{job} failed")


def in_child_result(job: Callable[[], object]) -> object:
    """Return the result of a job in a child process; the text of its error if it fails."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        signal.alarm(60)
        result: object
        try:
            result = job()
        except TapedeckError as error:
            result = str(error)
        except BaseException as error:  # noqa: BLE001 - a finding of the campaign
            result = f"unexpected {error!r}"
        with open(writing, "wb") as pipe:
            pickle.dump(result, pipe)
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        content = pipe.read()
    os.waitpid(child, 0)
    return pickle.loads(content) if content else "the process died"


def summary(found: object) -> str:
    """Return what was found in a few words."""
    if isinstance(found, dict):
        return ", ".join(f"{series}: {len(columns[0]) // 8} bars" for series, (columns, *_) in found.items())
    return str(found)


if __name__ == "__main__":
    sys.exit(main())

"""Campaign of recordings: a recorder killed and starved at each call, and killed at random moments.

`python -m tests.faults.recordings` runs all of it (`--kills N`: random moments for each kind of store;
`--every N`: each n-th call), `--short` the part for continuous integration. A recorder records a session of
two symbols with duplicates, corrections and extended hours, ends it and folds it. After a fault every bar
that was sent on as saved must be in the journal, and a next start must make the store what the journal adds
up to, by a fold in plain Python. Done again from the start, the recording must end as an undisturbed one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import shutil
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from threading import Event
from typing import Final

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.feeds.arrival_journal import ArrivalJournal, journal_path
from tapedeck.engine.feeds.arrivals import KINDS, Arrivals
from tapedeck.engine.feeds.bar_recording import BarRecording
from tapedeck.engine.feeds.feed_bar import BarKind, FeedBar
from tapedeck.engine.feeds.live_recorder import LiveRecorder
from tapedeck.engine.feeds.recorder_messages import Arrived
from tapedeck.engine.feeds.symbol_claims import SymbolClaims, claims_folder
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.locations import open_store
from tests.faults.kill_points import (
    Fault,
    arm,
    calls_seen,
    failure_points,
    import_modules_of,
    kill_points,
    run_interposed,
    run_job,
    scratch_folder,
)
from tests.faults.stores import in_child, in_child_result, start_child

PLACES: Final = ("bars.db", "bars")
SYMBOLS: Final = ("AIG", "SPY")
DAY: Final = date(2013, 10, 7)
SLOTS: Final = SessionSlots(TimeManager("XNYS").get_trading_session(DAY), MINUTE)
_RANKS: Final = {"bar": 0, "history": 0, "updated": 1, "reconciled": 2}
_LIMIT_S: Final = 60
_NOT_REACHED: Final = 9
_Rows = dict[str, list[tuple[float, ...]]]


@dataclass(frozen=True, slots=True)
class Extent:
    """Extent of a campaign: batches of a recording, each n-th call, random kills for each store."""

    batches: int
    every: int
    kills: int


_FULL: Final = Extent(batches=8, every=1, kills=100)
_SHORT: Final = Extent(batches=4, every=199, kills=4)


def main() -> int:
    """Run the campaign; exit code 1 with the findings if there are any."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--short", action="store_true", help="few batches, points and kills")
    options.add_argument("--kills", type=int, help="number of random moments for each kind of store")
    options.add_argument("--every", type=int, help="only each n-th call")
    chosen = options.parse_args()
    extent = _SHORT if chosen.short else _FULL
    extent = replace(extent, kills=chosen.kills or extent.kills, every=chosen.every or extent.every)
    run_interposed()
    findings: list[str] = []
    for place in PLACES:
        with scratch_folder() as scratch:
            campaign = Campaign(scratch, place, extent)
            campaign.run()
        for what, count in campaign.counts.items():
            print(f"{what}: {count:,}", flush=True)  # noqa: T201
        for finding in campaign.findings:
            print(f"FINDING {finding}", file=sys.stderr, flush=True)  # noqa: T201
        findings += campaign.findings
    return 1 if findings else 0


class Campaign:
    """Runs every fault on one kind of store, and collects the findings."""

    def __init__(self, scratch: Path, place: str, extent: Extent) -> None:
        self.counts: Counter[str] = Counter()
        self.findings: list[str] = []
        self._folder = scratch / "work"
        self._location = self._folder / place
        self._told = scratch / "told"
        self._extent, self._place = extent, place
        self._random = random.Random(5)

    def run(self) -> None:
        """Run all faults."""
        job = partial(record, self._location, self._told, self._extent.batches)
        self._folder.mkdir()
        for one in (partial(make, self._location), job, partial(stored, self._location)):
            import_modules_of(one)
        self._reset()
        in_child(job)
        self._wanted = in_child_result(partial(stored, self._location))
        if self._wanted != folded(self._location):
            self.findings.append(f"{self._place}: an undisturbed recording is not its own fold")
        points = kill_points(job, self._folder, before=self._reset, every=self._extent.every)
        for fault, _ in points:
            self._check(f"killed, {fault}", job)
        for fault, ended in failure_points(job, self._folder, before=self._reset, every=self._extent.every):
            if ended.crashed:
                self.findings.append(f"{self._place}, disk full, {fault}: {ended.crashed}")
            self._check(f"disk full, {fault}", job)
        self._disk_full_for_a_while()
        self._random_kills()

    def _check(self, where: str, job: Callable[[], object]) -> None:
        """Check journal and store after a fault, and after the recording was done again."""
        self.counts[f"{self._place}, {where.split(',', maxsplit=1)[0]}"] += 1
        journalled = {tuple(row) for row in arrivals_in(self._location)}
        if lost := [one for one in told_in(self._told) if one not in journalled]:
            self.findings.append(f"{self._place}, {where}: sent on but not in the journal: {lost[:3]}")
        in_child(partial(restore, self._location))
        if in_child_result(partial(stored, self._location)) != folded(self._location):
            self.findings.append(f"{self._place}, {where}: the store is not what the journal adds up to")
        in_child(job)
        if in_child_result(partial(stored, self._location)) != self._wanted:
            self.findings.append(f"{self._place}, {where}: the next recording ends otherwise")

    def _disk_full_for_a_while(self) -> None:
        """Let writes fail from the n-th one on, until a batch later."""
        at = 1
        while True:
            self._reset()
            job = partial(record, self._location, self._told, self._extent.batches, full=(self._folder, at))
            ended = run_job(job, self._folder)
            where = f"{self._place}, full for a while, from write {at}"
            if ended.refused:
                self.findings.append(f"{where}: {ended.refused}")
            if ended.crashed == f"exit code {_NOT_REACHED}":
                return  # there are no more writes
            if ended.crashed:
                self.findings.append(f"{where}: {ended.crashed}")
            elif in_child_result(partial(stored, self._location)) != self._wanted:
                self.findings.append(f"{where}: the store lacks bars at the end")
            self.counts[f"{self._place}, full for a while"] += 1
            at += self._extent.every

    def _random_kills(self) -> None:
        """Kill a recorder's process at random moments, and have it record all again."""
        batches = 10 * self._extent.batches
        again = partial(record, self._location, self._told, batches)
        self._reset()
        in_child(again)
        self._wanted = in_child_result(partial(stored, self._location))
        job = partial(record_in_a_thread, self._location, self._told, batches)
        longest, alive = 0.05, 0
        for _ in range(self._extent.kills):
            self._reset()
            reading, writing = os.pipe()
            child = start_child(partial(job, writing))
            os.close(writing)
            os.read(reading, 1)  # it has begun
            # Readable again only when it has ended by itself: then the next kills are earlier.
            if not select.select([reading], [], [], self._random.uniform(0.0, longest))[0]:
                os.kill(child, signal.SIGKILL)
                alive += 1
                longest *= 1.1
            else:
                longest /= 2
            os.waitpid(child, 0)
            os.close(reading)
            self._check("killed at random", again)
        self.counts[f"{self._place}, of these before its end"] = alive

    def _reset(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        self._told.write_bytes(b"")
        in_child(partial(make, self._location))


def make(location: Path) -> None:
    """Make an empty store."""
    open_store(location, create=True).close()


def batches_of(count: int) -> Iterator[list[FeedBar]]:
    """Yield batches: two bars of a minute, then duplicates and corrections, also of extended hours."""
    chance = random.Random(3)
    times = [int(SLOTS.opened_at[0]) - 120, *SLOTS.opened_at[:count].tolist()]
    for number in range(count):
        new = [_bar(symbol, times[number], 100.0 + number, BarKind.BAR) for symbol in SYMBOLS]
        old = [
            _bar(chance.choice(SYMBOLS), times[chance.randint(0, number)], chance.choice([99.0, 98.0]), kind)
            for kind in chance.choices(list(BarKind), k=2)
        ]
        yield [*new, *old, new[0]]


def record(location: Path, told: Path, batches: int, full: tuple[Path, int] | None = None) -> None:
    """Record a session and end it; `full`: a folder, and the n-th write, from which the disk is full."""
    log = os.open(told, os.O_WRONLY | os.O_APPEND)
    with open_store(location) as store, ArrivalJournal(journal_path(location)) as journal:
        recording = _recording(store, journal, partial(tell, log))
        now, is_full, was_full = 0.0, False, False
        recording.begin_session(SLOTS, SYMBOLS, now)
        recording.show(DAY, now)
        if full is not None:
            arm(full[0], Fault("fail", full[1], ("write",)))
        for batch in batches_of(batches):
            if is_full and full is not None:
                arm(full[0], None)
            now += 100.0
            recording.take(Arrivals.of(batch, int(now * 10**6)), now, partial(float, now))
            is_full = recording.retry_due is not None
            was_full |= is_full
        recording.end_session(DAY, now, reconciled=True)
        if full is not None:
            reached = was_full or calls_seen() >= full[1]
            arm(full[0], None)
            if not reached:
                os._exit(_NOT_REACHED)
        recording.note_export(DAY, now)
        recording.close(now + 100.0)
        recording.release()


def record_in_a_thread(location: Path, told: Path, batches: int, writing: int) -> None:
    """Record a session through the recorder's thread, with the batches sent as fast as it takes them."""
    log = os.open(told, os.O_WRONLY | os.O_APPEND)
    failed = Event()
    with open_store(location) as store:
        recorder = LiveRecorder(
            store,
            MINUTE,
            "replay",
            market_now=lambda: 0.0,
            send=partial(tell, log),
            failed=lambda _: failed.set(),
            alert=print,
        )
        recorder.start()
        recorder.begin_session(SLOTS, SYMBOLS).result(_LIMIT_S)
        os.write(writing, b"x")
        recorder.show(DAY).result(_LIMIT_S)
        for batch in batches_of(batches):
            recorder.bars(batch)
            recorder.note_export(DAY).result(_LIMIT_S)  # done after the batch
        recorder.end_session(DAY, reconciled=True).result(_LIMIT_S)
        recorder.stop()
        recorder.join(_LIMIT_S)
    os._exit(1 if failed.is_set() else 0)


def restore(location: Path) -> None:
    """Begin the session again, and end without a further word, as a killed process does."""
    with open_store(location) as store, ArrivalJournal(journal_path(location)) as journal:
        recording = _recording(store, journal, lambda _: None)
        recording.begin_session(SLOTS, SYMBOLS, 0.0)
        recording.release()


def _recording(store: BarStore, journal: ArrivalJournal, send: Callable[[Arrived], None]) -> BarRecording:
    claims = SymbolClaims(claims_folder(journal.path))
    return BarRecording(store, journal, claims, MINUTE, "replay", send=send, alert=lambda _: None)


def tell(log: int, message: Arrived) -> None:
    """Write down what was sent on as saved; a line is written at once or not at all."""
    if not message.saved:
        return
    for row, slot, values, kind in zip(
        message.rows.tolist(),
        message.slots.tolist(),
        message.values.T.tolist(),
        message.kinds.tolist(),
        strict=True,
    ):
        one = [SYMBOLS[row], int(SLOTS.opened_at[slot]), *values, KINDS[kind].value]
        os.write(log, json.dumps(one).encode() + b"\n")


def told_in(told: Path) -> list[tuple[object, ...]]:
    """Return what was sent on."""
    return [tuple(json.loads(line)) for line in told.read_text().splitlines()]


def arrivals_in(location: Path) -> list[tuple[object, ...]]:
    """Return the versions in the journal, in order, read without tapedeck."""
    if not journal_path(location).exists():
        return []
    with closing(sqlite3.connect(journal_path(location))) as journal:
        if not journal.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            return []
        return journal.execute(
            "SELECT symbol, opened_at, open, high, low, close, volume, kind FROM arrivals ORDER BY sequence"
        ).fetchall()


def folded(location: Path) -> _Rows:
    """Return what the journal adds up to, by the rule in plain Python."""
    held: dict[tuple[object, object], tuple[int, tuple[object, ...]]] = {}
    for symbol, opened_at, *values, kind in arrivals_in(location):
        rank = _RANKS[str(kind)]
        if rank >= held.get((symbol, opened_at), (0, ()))[0]:
            held[symbol, opened_at] = (rank, tuple(values))
    found: _Rows = {symbol: [] for symbol in SYMBOLS}
    for (symbol, opened_at), (_, row) in sorted(held.items()):
        found[str(symbol)].append((opened_at, *row))
    return found


def stored(location: Path) -> _Rows:
    """Return the stored bars by symbol."""
    found: _Rows = {}
    with open_store(location) as store:
        for symbol in SYMBOLS:
            bars = store.read(symbol, MINUTE, 0, 10**11)
            columns = (bars.opened_at, bars.open, bars.high, bars.low, bars.close, bars.volume)
            found[symbol] = list(zip(*(column.tolist() for column in columns), strict=True))
    return found


def _bar(symbol: str, opened_at: int, price: float, kind: BarKind) -> FeedBar:
    return FeedBar(symbol, opened_at, price, price + 1, price - 1, price + 0.5, 7.0, kind)


if __name__ == "__main__":
    sys.exit(main())

"""Campaign of editions: threads read a session while it is mended, and each view must be of its edition.

`python -m tests.faults.editions` makes 10,000 editions, `--mends N` as many. A view says its edition and its
frontier; it must equal, bit for bit, a tape that was played from the start over the input of that edition,
when it is read, and again after many more mends. The mending thread reads each edition, others as many as
they can.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import threading
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from typing import Final

import numpy as np

from tapedeck.engine.tape.bar_grid import Floats, Mask
from tapedeck.engine.tape.session_data import SessionData
from tapedeck.engine.tape.session_view import SessionView
from tests.support.editions import SYMBOLS, Late, Market, MendedSession, random_bar
from tests.support.tapes import random_values

READERS: Final = 2
HELD: Final = 40
"""Views that a reader holds, to read them again after later mends."""
_JOIN_S: Final = 60.0
_SWITCH_S: Final = 2e-5


def main() -> int:
    """Run the campaign; exit code 1 with the findings if there are any."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--mends", type=int, default=10_000)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_S)  # threads take turns at every few instructions
    try:
        tally = campaign(chosen.mends, chosen.seed)
    finally:
        sys.setswitchinterval(before)
    sys.stdout.write(
        f"{tally.mends:,} mends in {tally.sessions:,} sessions: {tally.views:,} views read, "
        f"of {tally.moments:,} editions and frontiers; {tally.again:,} read again later\n"
    )
    sys.stderr.writelines(f"{finding}\n" for finding in tally.findings)
    return 1 if tally.findings else 0


@dataclass
class Tally:
    """What a campaign has done."""

    mends: int = 0
    sessions: int = 0
    views: int = 0
    moments: int = 0
    again: int = 0
    findings: list[str] = field(default_factory=list)


def campaign(mends: int, seed: int, readers: int = READERS) -> Tally:
    """Mend sessions until so many editions are made."""
    tally, rng = Tally(), random.Random(seed)
    markets = (
        Market.of("2013-11-29", "5m", "15m"),
        Market.of("2013-12-03", "5m", "20m", exchange="XTKS", min_completeness=0.6),
    )
    for number in count():
        if tally.mends >= mends or tally.findings:
            return tally
        _session(markets[number % len(markets)], rng, mends, readers, tally)
    return tally


class Reader:
    """Thread that reads the newest view again and again, and some that it has held for a while."""

    def __init__(self, data: SessionData, seed: int) -> None:
        self.seen: dict[tuple[int, int], set[str]] = {}
        self.views = self.again = 0
        self.error: Exception | None = None
        self.stop = threading.Event()
        self._data, self._rng = data, random.Random(seed)
        self._held: deque[tuple[SessionView, str]] = deque(maxlen=HELD)
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    def join(self) -> None:
        """Read all held views for a last time, and end."""
        self.stop.set()
        self._thread.join(_JOIN_S)
        assert not self._thread.is_alive()
        if self.error is not None:
            raise self.error

    def read(self) -> None:
        """Read the newest view, or an earlier cut of it."""
        handle = self._data.played()
        assert handle is not None
        view = handle.view(None if self._rng.random() < 0.95 else self._rng.randint(0, handle.frontier))
        content = content_of(view)
        self.seen.setdefault((view.edition, view.frontier), set()).add(content)
        self.views += 1
        if self._rng.random() < 0.5:
            self._held.append((view, content))

    def _run(self) -> None:
        try:
            while not self.stop.is_set():
                self.read()
                if self._held and self._rng.random() < 0.3:
                    self._read_again(self._rng.randrange(len(self._held)))
            for at in range(len(self._held)):
                self._read_again(at)
        except Exception as error:  # noqa: BLE001 - `join` raises it
            self.error = error

    def _read_again(self, at: int) -> None:
        view, _ = self._held[at]
        self.seen.setdefault((view.edition, view.frontier), set()).add(content_of(view))
        self.again += 1


def content_of(view: SessionView) -> str:
    """Return a hash of all that a view gives."""
    parts: list[np.ndarray] = []
    for interval in view.intervals:
        parts += [view.bars_grid(interval), view.present_grid(interval), view.base_bars_grid(interval)]
    parts += [view.indicator_grid(name) for name in view.indicator_names()]
    scores = view.quality_grid()
    assert scores is not None
    parts += [scores, view.covered_grid(), view.missing_counts(), view.last_prices()]
    whole = hashlib.blake2b(digest_size=16)
    for part in parts:
        whole.update(str(part.shape).encode())
        whole.update(np.ascontiguousarray(part).data)
    return whole.hexdigest()


def _session(market: Market, rng: random.Random, mends: int, others: int, tally: Tally) -> None:
    """Play and mend one session while others read it, and compare what they read with a replay."""
    slots = len(market.slots)
    values = random_values(SYMBOLS, slots, seed=rng.randrange(10_000), missing=rng.choice([0.0, 0.1, 0.5]))
    session = MendedSession(market, values)
    inputs: list[tuple[Floats, Mask]] = [(session.input.copy(), session.empty.copy())]
    readers = [Reader(session.data, rng.randrange(2**30)) for _ in range(others + 1)]
    for reader in readers[1:]:
        reader.start()
    while session.tape.frontier < slots:
        session.play(rng.choice([1, 1, 2, 5]))
        for _ in range(rng.choice([0, 2, 5, 20])):
            if tally.mends == mends:
                break
            session.correct(_late(rng, session.tape.frontier))
            inputs.append((session.input.copy(), session.empty.copy()))
            readers[0].read()
            tally.mends += 1
        readers[0].read()
    readers[0].start()  # it reads what it holds once more
    for reader in readers:
        reader.join()
    tally.sessions += 1
    tally.views += sum(reader.views for reader in readers)
    tally.again += sum(reader.again for reader in readers)
    _compare(market, inputs, readers, tally)


def _late(rng: random.Random, frontier: int) -> list[Late]:
    """Return some corrections behind the frontier."""
    return [
        (
            rng.randrange(SYMBOLS),
            rng.randrange(frontier),
            None if rng.random() < 0.1 else random_bar(rng.randrange(2**20)),
        )
        for _ in range(rng.choice([1, 1, 2, 6]))
    ]


def _compare(market: Market, inputs: list[tuple[Floats, Mask]], readers: list[Reader], tally: Tally) -> None:
    moments: dict[tuple[int, int], set[str]] = {}
    for reader in readers:
        for moment, contents in reader.seen.items():
            moments.setdefault(moment, set()).update(contents)
    tally.moments += len(moments)
    for (edition, frontier), contents in moments.items():
        values, empty = inputs[edition]
        expected = content_of(SessionView(market.played(values, frontier, empty)))
        if contents != {expected}:
            tally.findings.append(f"session {tally.sessions}: a view of edition {edition} at {frontier}")


if __name__ == "__main__":
    sys.exit(main())

"""Recording of live bars: from the last message of a minute to journal and store, beside a bare executemany.

python -m benchmarks.recording [--symbols 500,5000] [--minutes 12]

A minute's bars come in 50 messages, in one burst or spread over a second. The bare side writes the same rows
to a table of a database in WAL mode, in one transaction.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import tempfile
import time
from concurrent.futures import Future
from contextlib import closing
from datetime import date
from pathlib import Path
from threading import Event
from typing import Final

import numpy as np

from benchmarks.measure import row
from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.live_recorder import LiveRecorder
from tapedeck.engine.feeds.recorder_messages import Arrived
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.locations import open_store

DAY: Final = date(2013, 10, 7)
MESSAGES: Final = 50
TARGETS: Final = {500: "≤ 200 ms"}
HEADER: Final = "| what | saved (median, worst) | target | against executemany |\n|---|---|---|---|"


class Recorded:
    """The recorder under test, and when its messages were sent on."""

    def __init__(self, location: Path, slots: SessionSlots, symbols: list[str]) -> None:
        self.sent_at = 0.0
        self.store = open_store(location, create=True)
        self.recorder = LiveRecorder(
            self.store,
            MINUTE,
            "replay",
            market_now=time.time,
            send=self._send,
            failed=print,
            alert=print,
        )
        self.recorder.start()
        self.recorder.begin_session(slots, symbols).result(60)
        self.recorder.show(DAY).result(60)

    def _send(self, _: Arrived) -> None:
        self.sent_at = time.monotonic()

    def minute(self, bars: list[FeedBar], spread_s: float) -> tuple[float, float]:
        """Record a minute; return the seconds from its last message to the journal, and to the store."""
        pause = Event()
        size = -(-len(bars) // MESSAGES)
        for first in range(0, len(bars), size):
            if spread_s and first:
                pause.wait(spread_s / MESSAGES)
            last = time.monotonic()
            self.recorder.bars(bars[first : first + size])
        done: Future[None] = self.recorder.note_export(DAY)  # is done after the bars before it
        done.result(60)
        ended = time.monotonic()
        return self.sent_at - last, ended - last

    def end(self) -> float:
        """End the session, and return the seconds that its fold takes."""
        began = time.monotonic()
        self.recorder.end_session(DAY, reconciled=True).result(600)
        took = time.monotonic() - began
        self.recorder.stop()
        self.recorder.join(600)
        self.store.close()
        return took


def bare_seconds(folder: Path, minutes: list[list[FeedBar]]) -> float:
    """Return the median seconds of a bare write of a minute's rows."""
    times = []
    with closing(sqlite3.connect(folder / "bare.db", isolation_level=None)) as bare:
        bare.execute("PRAGMA journal_mode = WAL")
        bare.execute("PRAGMA synchronous = NORMAL")
        bare.execute(
            "CREATE TABLE bars (symbol TEXT, opened_at INTEGER, o REAL, h REAL, l REAL, c REAL, v REAL)"
        )
        for bars in minutes:
            rows = [one[:7] for one in bars]
            began = time.monotonic()
            bare.execute("BEGIN IMMEDIATE")
            bare.executemany("INSERT INTO bars VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            bare.execute("COMMIT")
            times.append(time.monotonic() - began)
    return statistics.median(times)


def measure(place: str, symbols: int, spread_s: float, minutes: int) -> str:
    """Return a row of the table."""
    slots = SessionSlots(TimeManager("XNYS").get_trading_session(DAY), MINUTE)
    names = [f"S{number:05d}" for number in range(symbols)]
    prices = np.random.default_rng(5).uniform(10, 500, symbols).round(2).tolist()
    bars = [
        [
            FeedBar(name, opened_at, price, price + 0.5, price - 0.5, price + 0.25, 1000.0)
            for name, price in zip(names, prices, strict=True)
        ]
        for opened_at in slots.opened_at[:minutes].tolist()
    ]
    with tempfile.TemporaryDirectory() as folder:
        recorded = Recorded(Path(folder) / place, slots, names)
        found = [recorded.minute(minute, spread_s) for minute in bars]
        fold_s = recorded.end()
        bare_s = bare_seconds(Path(folder), bars)
    journal, store = zip(*found, strict=True)
    shown = [f"journal {_milliseconds(journal)}"]
    if place.endswith(".db"):
        shown.append(f"store {_milliseconds(store)}")
    else:
        shown.append(f"folded at the end in {fold_s:.1f} s ({minutes} minutes)")
    saved = statistics.median(store if place.endswith(".db") else journal)
    return row(
        f"{symbols} symbols, {'over a second' if spread_s else 'one burst'}, {place}",
        ", ".join(shown),
        TARGETS.get(symbols, ""),
        f"{saved / bare_s:.1f} × {1000 * bare_s:.1f} ms",
    )


def _milliseconds(times: tuple[float, ...]) -> str:
    return f"{1000 * statistics.median(times):.0f} ms, {1000 * max(times):.0f} ms"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", default="500,5000")
    parser.add_argument("--minutes", type=int, default=12)
    options = parser.parse_args()
    print(HEADER)
    for symbols in map(int, options.symbols.split(",")):
        for place in ("bars.db", "bars"):
            for spread_s in (0.0, 1.0):
                print(measure(place, symbols, spread_s, options.minutes), flush=True)


if __name__ == "__main__":
    main()

"""Symbols that join and leave a session in mid-day: time until each is shown, and memory after many.

    python -m benchmarks.symbol_changes [--symbols 500,5000] [--changes 1000]

Sessions of one-minute bars from a Parquet store, with 5m and 15m bars, SMA 20, EMA 20, RSI 14, VWAP and
quality. References of the same run: a plain copy of the tape's grids, the memory before, and new memory of
the machine: what a virtual machine gets from its host for the first time is written at a small part of the
speed at which it is written again. So that is done before the joins are measured.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Sequence

import numpy as np

from benchmarks.editions import copied
from benchmarks.market import market, session_file, symbols_of
from benchmarks.measure import row, seconds
from benchmarks.memory import resident_mb
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager

TARGETS_MS = {500: 100, 5000: 300}
ROUNDS = 15
SESSIONS = 4
BYTES_A_SYMBOL = 150_000
"""Of two editions, generously."""
MID_DAY = 200


class Paused:
    """A run that is paused in mid-session, without the store's last symbol."""

    def __init__(self, config: SessionConfig, store: BarStore) -> None:
        self.system = SystemManager(config, store)
        self.system.start(paused=True)
        self.system.step(MID_DAY)
        self._wait()

    def _wait(self) -> None:
        def is_there() -> bool:
            now = self.system.snapshot()
            return now.frontier == MID_DAY and now.steps_left == 0

        if not self.system.wait_for(is_there, 120.0):
            raise RuntimeError(f"the run did not reach slot {MID_DAY}: {self.system.error}")

    def join(self, symbol: str) -> float:
        """Have a symbol join; return the seconds until it is shown."""
        began = time.perf_counter()
        self.system.add_symbol(symbol)
        view = self.system.snapshot().view
        assert view is not None
        assert symbol in view.symbols
        return time.perf_counter() - began

    def leave(self, symbol: str) -> float:
        """Have a symbol leave; return the seconds until it is gone."""
        began = time.perf_counter()
        self.system.remove_symbol(symbol)
        return time.perf_counter() - began


def measure(symbols: int, changes: int) -> None:
    """Print the rows of one number of symbols."""
    stored = symbols + 1
    with market("parquet", stored, SESSIONS) as store:
        config = session_file(stored, SESSIONS, prefetch_days=2)
        data = config.session_data_config
        *those, last = symbols_of(stored)
        config = config.model_copy(
            update={"session_data_config": data.model_copy(update={"symbols": tuple(those)})}
        )
        memory = [1e3 * seconds(lambda: np.empty(symbols * BYTES_A_SYMBOL // 8).fill(1.0)) for _ in range(2)]
        what = f"{symbols * BYTES_A_SYMBOL / 1e6:.0f} MB of memory written"
        print(
            row(what, f"first {memory[0]:.0f} ms, again {memory[1]:.0f} ms", "", "is a reference"), flush=True
        )
        run = Paused(config, store)
        try:
            joins, leaves = [], []
            for _ in range(ROUNDS):
                joins.append(run.join(last))
                leaves.append(run.leave(last))
            session_data = run.system.session_data
            copies = statistics.median(seconds(lambda: copied(session_data.require_tape())) for _ in range(5))
            target = f"≤ {TARGETS_MS.get(symbols, 0)} ms"
            reference = f"copies of all grids: {1e3 * copies:.0f} ms"
            print(row(f"a symbol joins {symbols:,}", _times(joins), target, reference), flush=True)
            print(row(f"a symbol leaves {symbols + 1:,}", _times(leaves), target, reference), flush=True)
            if changes:
                gc.collect()
                before = resident_mb()
                for _ in range(changes // 2):
                    run.join(last)
                    run.leave(last)
                gc.collect()
                after = resident_mb()
                what = f"memory after {changes:,} joins and leaves, {symbols:,} symbols"
                print(
                    row(what, f"{after:.0f} MB, {after / before:.3f} of before", "≤ 1.05", f"{before:.0f} MB")
                )
        finally:
            run.system.stop()


def _times(seconds_taken: Sequence[float]) -> str:
    """Return the median and the longest of some times."""
    return f"median {1e3 * statistics.median(seconds_taken):.0f} ms, worst {1e3 * max(seconds_taken):.0f} ms"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", default="500,5000")
    parser.add_argument("--changes", type=int, default=1000, help="for the first number of symbols")
    options = parser.parse_args()
    print("| what | measured | target | reference, same run |\n|---|---|---|---|")
    for place, symbols in enumerate(options.symbols.split(",")):
        measure(int(symbols), 0 if place else options.changes)


if __name__ == "__main__":
    main()

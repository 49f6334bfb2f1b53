"""Latency of single steps, and of pauses at random moments.

    python -m benchmarks.latency

A step is timed from the command until its slot is computed and published, with all threads running.
"""

from __future__ import annotations

import statistics
import time

import numpy as np

from benchmarks.market import market, session_file
from benchmarks.measure import HEADER, row
from tapedeck.engine.read.status import RunState
from tapedeck.engine.system import SystemManager

STEPS = 120
PAUSES = 40
LIMIT_S = 30.0


def step_times(symbols: int) -> list[float]:
    """Return the seconds of each step through a session with 4 % of its bars missing."""
    with market("sqlite", symbols, 5, 0.04) as store:
        system = SystemManager(session_file(symbols, 5, prefetch_days=1), store)
        system.start(paused=True)
        system.wait_for(lambda: system.snapshot().state is RunState.PAUSED, LIMIT_S)
        times = []
        for slot in range(1, STEPS + 1):
            began = time.perf_counter()
            system.step()
            system.wait_for(lambda slot=slot: system.session_data.require_tape().frontier == slot, LIMIT_S)
            times.append(time.perf_counter() - began)
        system.stop()
    return times


def pause_times() -> list[float]:
    """Return the seconds from a pause command to the state `paused`, throughout a run at maximum speed."""
    random = np.random.default_rng(1)
    times: list[float] = []
    with market("sqlite", 100, 63) as store:
        system = SystemManager(session_file(100, 63, prefetch_days=5), store)
        system.start()
        while len(times) < PAUSES and not system.state.is_over:
            # A random number of changes between pauses spreads them over sessions and phases.
            version = system.snapshot().version + int(random.integers(1, 6))
            system.wait_for(lambda version=version: system.snapshot().version >= version, 0.2)
            began = time.perf_counter()
            system.pause()
            if system.wait_for(lambda: system.state is RunState.PAUSED or system.state.is_over, LIMIT_S):
                times.append(time.perf_counter() - began)
            system.resume()
        system.stop()
    return times


def main() -> None:
    """Print the table."""
    print(HEADER)
    for symbols, target in ((100, 2), (500, 8)):
        times = step_times(symbols)
        figure = (
            f"median {1e3 * statistics.median(times):.1f} ms, p95 {1e3 * np.percentile(times, 95):.1f} ms"
        )
        print(row(f"one slot, {symbols} symbols, gapped", figure, f"≤ {target} ms"), flush=True)
    times = pause_times()
    figure = f"median {1e3 * statistics.median(times):.1f} ms, max {1e3 * max(times):.1f} ms of {len(times)}"
    print(row("pause at any moment", figure, "≤ 50 ms"))


if __name__ == "__main__":
    main()

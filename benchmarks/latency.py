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
from benchmarks.trading_sessions import session_file as trading_file
from tapedeck.engine.config import SessionConfig
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


def pause_times(symbols: int, sessions: int, config: SessionConfig) -> list[float]:
    """Return the seconds from a pause command to the state `paused`, throughout a run at maximum speed.

    With strategies that state is entered once they stand.
    """
    random = np.random.default_rng(1)
    times: list[float] = []
    with market("sqlite", symbols, sessions) as store:
        system = SystemManager(config, store)
        system.start()
        system.wait_for(lambda: system.state is not RunState.STARTING, LIMIT_S)
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
    for what, symbols, sessions, config in (
        ("pause at any moment", 100, 63, session_file(100, 63, prefetch_days=5)),
        ("pause, a rule", 100, 63, trading_file(100, 63, "rule")),
        ("pause, a rule", 500, 20, trading_file(500, 20, "rule")),
        ("pause, on_slice", 100, 63, trading_file(100, 63, "on_slice")),
        ("pause, on_bar", 100, 63, trading_file(100, 63, "on_bar")),
    ):
        times = pause_times(symbols, sessions, config)
        figure = f"median {1e3 * statistics.median(times):.1f} ms, max {1e3 * max(times):.1f} ms"
        print(row(f"{what}, {symbols} symbols", f"{figure} of {len(times)}", "≤ 50 ms"), flush=True)


if __name__ == "__main__":
    main()

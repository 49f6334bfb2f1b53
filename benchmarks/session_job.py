"""Session job from end to end, from both stores, full and gapped, compared with the bare script.

python -m benchmarks.session_job [--symbols 100] [--sessions 63] [--rounds 5]
"""

from __future__ import annotations

import argparse

from benchmarks import bare_script
from benchmarks.market import market, session_file
from benchmarks.measure import HEADER, in_turns, row
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager

# Store → sessions read at once: a week, and a month.
CHUNKS = {"sqlite": 5, "parquet": 21}
TARGETS = {("parquet", 0.0): 6.0, ("parquet", 0.04): 4.0, ("sqlite", 0.0): 2.2, ("sqlite", 0.04): 2.2}


def run_engine(store: BarStore, symbols: int, sessions: int, prefetch_days: int) -> int:
    """Play the session job with all threads; return the number of bars played."""
    system = SystemManager(session_file(symbols, sessions, prefetch_days=prefetch_days), store)
    system.start()
    system.wait()
    if system.error is not None:
        raise system.error
    return system.summary().bars


def measure(kind: str, missing: float, symbols: int, sessions: int, rounds: int) -> str:
    """Return a row of the table for one store."""
    chunk = CHUNKS[kind]
    with market(kind, symbols, sessions, missing) as store:
        bars = run_engine(store, symbols, sessions, chunk)
        pair = in_turns(
            lambda: run_engine(store, symbols, sessions, chunk),
            lambda: bare_script.play(store, symbols, sessions, chunk),
            rounds,
        )
    kept = f"{missing:.0%} missing" if missing else "full"
    return row(
        f"session job, {symbols} symbols × {sessions} sessions, {kind}, {kept}",
        f"{bars / pair.first_s / 1e6:.2f} M bars/s, {pair.ratio:.2f} × the bare script's time",
        f"≥ {TARGETS[kind, missing]:g} M, ≤ 1.15 ×",
        f"{bars / pair.second_s / 1e6:.2f} M bars/s",
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=100)
    parser.add_argument("--sessions", type=int, default=63)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(HEADER)
    for kind, missing in TARGETS:
        print(measure(kind, missing, options.symbols, options.sessions, options.rounds), flush=True)


if __name__ == "__main__":
    main()

"""Memory of a long run, which must stay flat from the tenth session on.

python -m benchmarks.memory [--symbols 100] [--sessions 252]
"""

from __future__ import annotations

import argparse
import resource
from pathlib import Path

from benchmarks.market import market, session_file
from benchmarks.measure import HEADER, row
from benchmarks.session_job import run_engine
from tapedeck.engine.system import SystemManager

PREFETCH_DAYS = 5
PAGE = resource.getpagesize()


def resident_mb() -> float:
    """Return the resident memory of the process in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 1e6


def _load_libraries() -> None:
    """Play one symbol for a session, which imports all libraries of a run."""
    with market("sqlite", 1, 1) as store:
        run_engine(store, 1, 1, 1)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=100)
    parser.add_argument("--sessions", type=int, default=252)
    options = parser.parse_args()
    with market("sqlite", options.symbols, options.sessions) as store:
        config = session_file(options.symbols, options.sessions, prefetch_days=PREFETCH_DAYS)
        _load_libraries()
        imports = resident_mb()
        system = SystemManager(config, store)
        peak_mb: dict[int, float] = {}

        def note() -> bool:
            snapshot = system.snapshot()
            peak_mb[snapshot.session] = max(peak_mb.get(snapshot.session, 0.0), resident_mb())
            return snapshot.state.is_over

        system.start()
        system.wait_for(note, 600)
        system.stop()
    grids = PREFETCH_DAYS * options.symbols * 390 * 5 * 8 / 1e6
    tenth = max(value for session, value in peak_mb.items() if session <= 10)
    last = max(value for session, value in peak_mb.items() if session > options.sessions - 10)
    print(HEADER)
    print(
        row(
            f"memory, {options.symbols} symbols × {options.sessions} sessions, {PREFETCH_DAYS} read at once",
            f"{imports:.0f} MB of imports, {tenth - imports:+.0f} MB by the 10th session, "
            f"{last - imports:+.0f} MB at the end",
            f"imports + 3 × the grids loaded at once ({3 * grids:.0f} MB), flat",
        )
    )


if __name__ == "__main__":
    main()

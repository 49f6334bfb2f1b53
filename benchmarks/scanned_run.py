"""A run with scanners beside the same run without them: what scans cost beyond loading and their own time.

python -m benchmarks.scanned_run [--symbols 100] [--sessions 63] [--rounds 7]

One rule every five minutes, over a universe of the same symbols; what it finds is in the session already. The
run itself measures the own time of its scans, and of loading the universe. Runs are in turns.
"""

from __future__ import annotations

import argparse
import statistics
import time

from benchmarks.market import market, session_file
from benchmarks.measure import row
from tapedeck.engine.config import Scanner, ScanSchedule, SessionConfig, Universe
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager

EVERY = Interval.parse("5m")
LIMIT_S = 300.0


def with_scanner(config: SessionConfig) -> SessionConfig:
    """Return a session file with a rule that runs every five minutes."""
    scanner = Scanner(
        name="busy",
        where="change_open_pct > 0 and day_volume > avg_volume_to_now",
        by="change_open_pct",
        top=20,
        at=(ScanSchedule(every=EVERY),),
    )
    data = config.session_data_config
    update = {"universe": Universe(symbols="all"), "scanners": (scanner,)}
    return config.model_copy(update={"session_data_config": data.model_copy(update=update)})


def played(config: SessionConfig, store: BarStore) -> tuple[float, float, float]:
    """Play a run; return its seconds, and those of loading the universe and of its scans."""
    system = SystemManager(config, store)
    began = time.perf_counter()
    system.start()
    if not system.wait(LIMIT_S) or system.error is not None:
        raise RuntimeError(f"the run did not end: {system.error}")
    took = time.perf_counter() - began
    totals = {name: timer.total_s for name, timer in system.metrics.timers("backtest").items()}
    scans = sum(seconds for name, seconds in totals.items() if name.startswith("scan "))
    return took, totals.get("universe_load", 0.0), scans


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=100)
    parser.add_argument("--sessions", type=int, default=63)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    print("| what | measured | target | without scanners, same run |\n|---|---|---|---|")
    for kind in ("parquet", "sqlite"):
        with market(kind, options.symbols, options.sessions) as store:
            plain = session_file(options.symbols, options.sessions, prefetch_days=5)
            scanned = with_scanner(plain)
            played(plain, store)
            played(scanned, store)
            rounds = [(played(plain, store)[0], played(scanned, store)) for _ in range(options.rounds)]
        without = statistics.median(plain_s for plain_s, _ in rounds)
        scans, load = (statistics.median(own[at] for _, own in rounds) for at in (2, 1))
        more = statistics.median((took - load - own) / plain_s - 1 for plain_s, (took, load, own) in rounds)
        what = f"{options.symbols} symbols x {options.sessions} sessions, a scan every 5 minutes, {kind}"
        shown = f"{100 * more:+.0f} % beside {load:.2f} s of loading and {scans:.2f} s of scans"
        print(row(what, shown, "≤ +20 %", f"{without:.2f} s"), flush=True)


if __name__ == "__main__":
    main()

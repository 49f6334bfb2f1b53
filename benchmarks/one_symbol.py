"""One symbol over many sessions: the fixed cost of a session.

python -m benchmarks.one_symbol [--sessions 252] [--rounds 7]
"""

from __future__ import annotations

import argparse

from benchmarks import bare_script
from benchmarks.market import market
from benchmarks.measure import HEADER, in_turns, row
from benchmarks.session_job import run_engine

PREFETCH_DAYS = 21


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=252)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    print(HEADER)
    for kind in ("parquet", "sqlite"):
        with market(kind, 1, options.sessions) as store:
            bars = run_engine(store, 1, options.sessions, PREFETCH_DAYS)
            pair = in_turns(
                lambda store=store: run_engine(store, 1, options.sessions, PREFETCH_DAYS),
                lambda store=store: bare_script.play(store, 1, options.sessions, PREFETCH_DAYS),
                options.rounds,
            )
        print(
            row(
                f"one symbol × {options.sessions} sessions, {kind}",
                f"{bars / pair.first_s / 1e6:.2f} M bars/s, {pair.ratio:.2f} × the bare script's time",
                "≥ 1 M",
                f"{bars / pair.second_s / 1e6:.2f} M bars/s",
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()

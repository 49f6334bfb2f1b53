"""Runs with strategies from Parquet, load included, beside other engines and a bare loop, in turns.

python -m benchmarks.strategies [--rounds 5] [--slow-rounds 1]; needs the extra `benchmark`.

The crossover of two averages on 20 symbols × 20 sessions and 100 × 63, as a rule and as `on_slice`, beside
vectorbt; the rule also beside backtesting.py, which takes minutes: `--slow-rounds` times. All must come to
the same number of fills, and the same equity to the cent. An `on_bar` that adds up closes stands beside a
bare loop that loads the same bars and builds the same objects. A ratio is the other one's time to ours.
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

from benchmarks.market import HISTORY_SESSIONS, market, sessions_of, symbols_of
from benchmarks.measure import in_turns, row
from benchmarks.other_engines import play_backtesting, play_vectorbt
from benchmarks.trading_sessions import CHUNK, INITIAL_CASH, STRATEGIES, session_file
from tapedeck.engine.clock.slots import SessionSlots, utc_from_epoch
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.strategies.bar import Bar
from tapedeck.engine.system import SystemManager

SIZES = ((20, 20), (100, 63))


def play(store: BarStore, config: SessionConfig) -> tuple[int, float]:
    """Play a run; return the number of fills, and the equity at the end."""
    system = SystemManager(config, store)
    system.start()
    system.wait()
    if system.error is not None:
        raise system.error
    fills, equity = 0, 0.0
    for session in system.summary().sessions:
        record = system.account(date.fromisoformat(session.trading_day))
        assert record is not None
        fills += len(record.fills)
        equity = record.scale.amount(int(record.equity[-1]))
    return fills, equity


def play_bare(store: BarStore, symbols: int, sessions: int) -> float:
    """Build the bars of all sessions in the order of time, and add up their closes."""
    names, days = symbols_of(symbols), sessions_of(sessions)[HISTORY_SESSIONS:]
    data, total = DataManager(store, readers=1), 0.0
    for start in range(0, len(days), CHUNK):
        chunk = [SessionSlots(day, MINUTE) for day in days[start : start + CHUNK]]
        for slots, grid in zip(chunk, data.load_sessions(names, chunk), strict=True):
            zone = slots.session.zone
            for slot in range(len(slots)):
                opened_at = utc_from_epoch(int(slots.opened_at[slot])).astimezone(zone)
                closed_at = utc_from_epoch(int(slots.closed_at[slot])).astimezone(zone)
                for name, values in zip(names, grid.values[:, :, slot].T.tolist(), strict=True):
                    total += Bar(name, opened_at, closed_at, *values).close
    return total


def compared(
    what: str, ours: Callable[[], object], other: Callable[[], object], rounds: int, target: float, name: str
) -> str:
    """Return a row for two sides."""
    pair = in_turns(ours, other, rounds)
    measured = f"{pair.first_s:.2f} s, {1 / pair.ratio:.2f} × {name}"
    return row(what, measured, f"≥ {target:.2g} ×", f"{pair.second_s:.2f} s")


def measure(symbols: int, sessions: int, rounds: int, slow_rounds: int) -> None:
    """Print the rows of a size."""
    size, names = f"{symbols} symbols × {sessions} sessions", symbols_of(symbols)
    with market("parquet", symbols, sessions) as store:
        folder = Path(store.location)
        files = {way: session_file(symbols, sessions, way) for way in STRATEGIES}
        others: dict[str, Callable[[], object]] = {
            "vectorbt": lambda: play_vectorbt(folder, names, INITIAL_CASH),
            "bare loop": lambda: play_bare(store, symbols, sessions),
            "backtesting.py": lambda: play_backtesting(folder, names, INITIAL_CASH),
        }
        sides = [
            ("rule", "vectorbt", rounds, 1.0),
            ("on_slice", "vectorbt", rounds, 0.5),
            ("on_bar", "bare loop", rounds, 1 / 1.5),
            ("rule", "backtesting.py", slow_rounds, 1.0),
        ]
        check({way: play(store, files[way]) for way in ("rule", "on_slice")}, others["vectorbt"]())
        for way, other, times, target in sides:
            if times:
                ours = partial(play, store, files[way])
                print(compared(f"{way}, {size}", ours, others[other], times, target, other), flush=True)


def check(played: dict[str, tuple[int, float]], expected: object) -> None:
    """Exit unless all come to the same fills and equity."""
    for way, (fills, equity) in played.items():
        if (fills, round(equity, 2)) != expected:
            raise SystemExit(f"{way}: {fills} fills and equity {equity} instead of {expected}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slow-rounds", type=int, default=0)
    options = parser.parse_args()
    gc.freeze()  # the objects of the libraries, hundreds of thousands, are no part of what is measured
    print("| what | measured | target | other, same run |\n|---|---|---|---|")
    for symbols, sessions in SIZES:
        measure(symbols, sessions, options.rounds, options.slow_rounds)


if __name__ == "__main__":
    main()

"""Scans of a universe: one scan once its chunk is loaded, and loading compared with plain reading.

python -m benchmarks.scans [--symbols 5000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from benchmarks.market import market, sessions_of, symbols_of
from benchmarks.measure import in_turns, row, seconds
from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.conditions.row_rules import RowRule, RowValue, own_values
from tapedeck.engine.conditions.vocabulary import Vocabulary
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.config.scanners import Universe
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.run.universe_loader import UniverseLoader, universe_plan
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.streams.requirements import StreamRequirements
from tapedeck.engine.universe.figures import UNIVERSE_FIGURES
from tapedeck.engine.universe.universe_session import UniverseSession
from tapedeck.engine.universe.view import UniverseView

STORED_SESSIONS = 18  # without the two that `market` adds
PLAYED = 6
RULES = {
    "gap up": ("gap_pct > 0.01 and day_volume > 1.05 * avg_volume_to_now", "gap_pct"),
    "momentum": ("close > close[30] and change_pct > 0", "change_open_pct"),
    "new high": ("last crosses above day_open and volume > 0", "-day_volume"),
}


def scanned_file(stored: Sequence[TradingSession]) -> SessionConfig:
    """Return a file that plays one symbol on the last sessions."""
    document = {
        "session_name": "benchmark",
        "exchange_group": "US_EQUITY",
        "backtest_config": {
            "start_date": stored[-PLAYED].trading_day,
            "end_date": stored[-1].trading_day,
        },
        "session_data_config": {"symbols": ["S000"], "streams": ["1m"]},
    }
    return parse_session_config(document, "benchmark").config


class Reader:
    """Reads the chunks of one universe, in the loader's way and plainly."""

    def __init__(self, store: BarStore, symbols: int) -> None:
        config = scanned_file(sessions_of(STORED_SESSIONS))
        self.data, self.time = DataManager(store), TimeManager("XNYS")
        run = StreamRequirements(config, self.time, self.data).plan()
        self.plan = universe_plan(config, run, symbols_of(symbols), self.time, self.data)
        self.store = store
        self.count = self.new_loader().chunk_length(self.plan.sessions[1], 5)

    def new_loader(self) -> UniverseLoader:
        """Return a loader that has read nothing."""
        return UniverseLoader(self.plan, self.data, self.time, Universe())

    def warm_loader(self, *, with_volumes: bool = False) -> UniverseLoader:
        """Return a loader whose next chunk begins with the second session; `with_volumes`: of days before."""
        loader = self.new_loader()
        if with_volumes:
            loader.load_history()
        loader.load(self.plan.sessions[:1])
        return loader

    @property
    def chunk(self) -> tuple[TradingSession, ...]:
        """The sessions that are read."""
        return self.plan.sessions[1 : 1 + self.count]

    def read_plainly(self) -> int:
        """Read the bars of a chunk from the store, in its number of threads; return their number."""
        labels = [SessionSlots(session, MINUTE).stored_labels for session in self.chunk]
        start, end = int(labels[0][0]), int(labels[-1][-1]) + 1
        readers = self.store.parallel_scans
        parts = [self.plan.symbols[i::readers] for i in range(readers)]

        def read(symbols: Sequence[str]) -> int:
            return sum(len(batch.bars) for batch in self.store.scan(symbols, MINUTE, start, end))

        with ThreadPoolExecutor(readers) as pool:
            return sum(pool.map(read, parts))


def scan(session: UniverseSession, rule: RowRule, by: RowValue) -> None:
    """Scan once at the middle of the session, as the rule scanner does."""
    view = UniverseView(session, len(session.tape) // 2)
    values = view.known_values()
    rule.matches(values, view.symbols)
    by.of(values, view.symbols)
    own_values(rule.looked_at, values, view.symbols)


def scan_row(session: UniverseSession, name: str, rounds: int) -> str:
    """Return a row of the table for one rule."""
    known = Vocabulary.of(session.tape)
    vocabulary = Vocabulary(
        known.symbols, known.intervals, known.indicators, known.historical, tuple(UNIVERSE_FIGURES)
    )
    where, by = RULES[name]
    rule, rank = RowRule.parse(where, vocabulary), RowValue.parse(by, vocabulary)
    scan(session, rule, rank)
    took = statistics.median(seconds(lambda: scan(session, rule, rank)) for _ in range(4 * rounds))
    return row(f"one scan of {len(session.symbols):,} symbols: {name}", f"{1000 * took:.1f} ms", "≤ 10 ms")


def scan_rows(reader: Reader, rounds: int) -> None:
    """Print a row for each rule."""
    [session] = reader.warm_loader(with_volumes=True).load(reader.chunk[:1])
    for name in RULES:
        print(scan_row(session, name, rounds), flush=True)


def loading_row(reader: Reader, kind: str, rounds: int) -> str:
    """Return a row of the table for one store."""
    bars = reader.read_plainly()
    loaders = [reader.warm_loader() for _ in range(rounds + 1)]
    pair = in_turns(lambda: loaders.pop().load(reader.chunk), reader.read_plainly, rounds)
    return row(
        f"loading {len(reader.chunk)} sessions of {len(reader.plan.symbols):,} symbols, {kind}",
        f"{bars / pair.first_s / 1e6:.1f} M bars/s, {1 / pair.ratio:.2f} × plain reading",
        "≥ 0.5 ×",
        f"{bars / pair.second_s / 1e6:.1f} M bars/s",
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print("| what | measured | target | plain reading |\n|---|---|---|---|")
    for kind in ("parquet", "sqlite"):
        with market(kind, options.symbols, STORED_SESSIONS) as store:
            reader = Reader(store, options.symbols)
            if kind == "parquet":
                scan_rows(reader, options.rounds)
            print(loading_row(reader, kind, options.rounds), flush=True)


if __name__ == "__main__":
    main()

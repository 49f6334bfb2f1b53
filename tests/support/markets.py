"""Small generated markets in real stores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.intervals import MINUTE, Interval
from tapedeck.engine.store.bar_store import BarColumns, BarStore
from tapedeck.engine.store.locations import open_store


def open_new_store(location: Path) -> BarStore:
    """Return a new store at a free path."""
    return open_store(location, create=True)


@contextmanager
def filled_stores(folder: Path, fill: Callable[[BarStore], None]) -> Iterator[tuple[BarStore, BarStore]]:
    """Yield a new SQLite and a new Parquet store, both filled by a function."""
    with open_new_store(folder / "bars.db") as sqlite, open_new_store(folder / "bars") as parquet:
        fill(sqlite)
        fill(parquet)
        yield sqlite, parquet


def random_bars(opened_at: np.ndarray, *, seed: int, missing: float = 0.0) -> BarColumns:
    """Return bars at the given labels, prices in cents, fractional volumes, some missing at random."""
    random = np.random.default_rng(seed)
    close = 50 + np.cumsum(random.integers(-5, 6, len(opened_at))) / 100
    opening = close + random.integers(-4, 5, len(close)) / 100
    high = np.maximum(opening, close) + random.integers(0, 5, len(close)) / 100
    low = np.minimum(opening, close) - random.integers(0, 5, len(close)) / 100
    volume = random.integers(0, 10_000, len(close)) / 7
    keep = random.random(len(close)) >= missing
    columns = (opened_at.astype(np.int64), opening, high, low, close, volume)
    return BarColumns(*(column[keep] for column in columns))


def fill_store(
    store: BarStore,
    symbols: Sequence[str],
    start: str,
    end: str,
    *,
    exchange: str = "XNYS",
    interval: Interval = MINUTE,
    missing: float = 0.0,
    seed: int = 0,
) -> None:
    """Write the bars of all slots of a span's sessions, some missing at random."""
    sessions = TimeManager(exchange).trading_sessions(date.fromisoformat(start), date.fromisoformat(end))
    labels = np.concatenate([SessionSlots(session, interval).stored_labels for session in sessions])
    for number, symbol in enumerate(symbols):
        store.write(symbol, interval, random_bars(labels, seed=seed + number, missing=missing))

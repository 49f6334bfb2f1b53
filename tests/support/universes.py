"""Universes for tests: a small market with pre-markets, listings and missing days, and its sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots, epoch_seconds
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config.scanners import Universe
from tapedeck.engine.intervals import DAY, MINUTE
from tapedeck.engine.run.universe_loader import UniverseLoader, universe_plan
from tapedeck.engine.store.bar_store import BarColumns, BarStore
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.streams.requirements import StreamRequirements
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.universe.universe_session import UniverseSession
from tests.support.files import TRAILING, session_file
from tests.support.markets import random_bars
from tests.support.tapes import sessions_of

SYMBOLS: Final = ("EARLY", "FULL", "GAPPY", "LATE", "WHOLE")
FIRST, LAST = "2013-11-20", "2013-12-03"
"""Days of the market; 29 November closes early."""
PLAYED: Final = ("2013-11-27", LAST)
_PRE_MARKET_S: Final = 5400


def market_bars() -> Mapping[str, BarColumns]:
    """Return the 1m bars of each symbol, some before the open; whole volumes for WHOLE, fractions for others.

    EARLY ends, and LATE begins, within the sessions played.
    """
    days = sessions_of(FIRST, LAST)
    labels = []
    for session in days:
        opened = epoch_seconds(session.regular_open)
        labels += [np.arange(opened - _PRE_MARKET_S, opened, 60), SessionSlots(session, MINUTE).opened_at]
    times = np.concatenate(labels)
    change = epoch_seconds(sessions_of(*PLAYED)[2].regular_open)
    found = {}
    for seed, symbol in enumerate(SYMBOLS):
        bars = random_bars(times, seed=seed, missing=0.0 if symbol == "FULL" else 0.3)
        kept = np.ones(len(bars), dtype=np.bool_)
        if symbol == "EARLY":
            kept = bars.opened_at < change
        if symbol == "LATE":
            kept = bars.opened_at >= change
        volume = np.floor(bars.volume) if symbol == "WHOLE" else bars.volume
        columns = (bars.opened_at, bars.open, bars.high, bars.low, bars.close, volume)
        found[symbol] = BarColumns(*(column[kept] for column in columns))
    return found


def fill_market(store: BarStore, bars: Mapping[str, BarColumns]) -> None:
    """Write the bars of a market; WHOLE has daily bars of its own."""
    for symbol, own in bars.items():
        store.write(symbol, MINUTE, own)
    labels = np.concatenate(
        [SessionSlots(session, DAY).stored_labels for session in sessions_of(FIRST, LAST)]
    )
    store.write("WHOLE", DAY, random_bars(labels, seed=99))


def universe_sessions(
    store: BarStore, chunks: Sequence[int] = (), *, moments: np.ndarray | None = None, **universe: Any
) -> list[UniverseSession]:
    """Return the sessions played, read in chunks of the given lengths, then one by one."""
    section = {"symbols": "all", "indicators": ["sma_3", "high_2w", "usual"], "average_days": 4, **universe}
    loader, plan = universe_loader(store, section, moments)
    loader.load_history()
    found: list[UniverseSession] = []
    lengths = iter(chunks)
    while len(found) < len(plan.sessions):
        found += loader.load(plan.sessions[len(found) : len(found) + next(lengths, 1)])
    return found


def universe_loader(
    store: BarStore,
    section: Mapping[str, Any],
    moments: np.ndarray | None = None,
    symbols: Sequence[str] = SYMBOLS,
) -> tuple[UniverseLoader, StreamPlan]:
    """Return the loader of a market's universe, and its plan; `section`: `universe` of the session file."""
    config = session_file(
        ["FULL"],
        ["1m", "quotes"],
        *PLAYED,
        historical={"indicators": TRAILING, "data": [{"trailing_days": 2, "intervals": ["1d"]}]},
        indicators={"sma_3": {"type": "SMA", "interval": "5m", "timeperiod": 3}},
        session_data={"universe": section},
    )
    time, data = TimeManager("XNYS"), DataManager(store)
    own = StreamRequirements(config, time, data).plan()
    plan = universe_plan(config, own, tuple(reversed(symbols)), time, data, daily=True)
    universe = config.session_data_config.universe or Universe()
    return UniverseLoader(plan, data, time, universe, moments=moments), plan

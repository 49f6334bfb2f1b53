"""Quotes of whole sessions: out of a store, against picking them slot by slot with pandas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.intervals import DAY, MINUTE, SECOND, Interval
from tapedeck.engine.store import session_quotes
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.store.quote_store import QuoteColumns
from tapedeck.engine.tape.bar_grid import Floats
from tapedeck.engine.tape.quote_grid import QUOTE_FIELDS
from tests.support.memory_store import MemoryStore
from tests.support.quotes import random_columns
from tests.support.tapes import same_bits, sessions_of

SESSIONS = {
    "early close": sessions_of("2013-11-27", "2013-11-29"),
    "lunch break": sessions_of("2013-12-03", "2013-12-04", "XTKS"),
}


def by_pandas(quotes: QuoteColumns, slots: SessionSlots) -> Floats:
    """Return one symbol's session (4, n): of each slot the last price of each side, with its size."""
    columns = {name: getattr(quotes, name) for name in QUOTE_FIELDS}
    frame = pd.DataFrame(columns, index=quotes.opened_at)
    slot_of = pd.IntervalIndex.from_arrays(slots.opened_at, slots.closed_at, closed="left")
    frame["slot"] = slot_of.get_indexer(frame.index)
    found = pd.DataFrame(np.nan, index=range(len(slots)), columns=list(QUOTE_FIELDS))
    for side in (["bid", "bid_size"], ["ask", "ask_size"]):
        priced = frame[frame["slot"] >= 0].dropna(subset=side[:1])
        last = priced.groupby("slot").tail(1).set_index("slot")
        found.loc[last.index, side] = last[side]
    return found.to_numpy().T.copy()


@pytest.fixture(params=sorted(SESSIONS))
def market(request: pytest.FixtureRequest) -> tuple[BarStore, dict[str, QuoteColumns], list[SessionSlots]]:
    """Quotes by day and night: of A by the minute, of B by the second, of C both, of D by the day."""
    slots = [SessionSlots(session, MINUTE) for session in SESSIONS[request.param]]
    first, last = int(slots[0].opened_at[0]) - 3600, int(slots[-1].closed_at[-1]) + 3600
    minutes, seconds = np.arange(first, last, 60), np.arange(first, last)
    store, written = MemoryStore(Path("memory")), dict[str, QuoteColumns]()
    for symbol, interval, labels, missing in (
        ("A", MINUTE, minutes, 0.5),
        ("B", SECOND, seconds, 0.98),
        ("C", MINUTE, minutes, 0.9),
    ):
        written[symbol] = random_columns(labels, seed=ord(symbol), missing=missing)
        store.quotes.write(symbol, interval, written[symbol])
    store.quotes.write("C", SECOND, random_columns(seconds, seed=9, missing=0.9))
    days = np.concatenate([SessionSlots(session.session, DAY).stored_labels for session in slots])
    store.quotes.write("D", DAY, random_columns(days, seed=10, missing=0.0))
    return store, written, slots


@pytest.mark.parametrize("most", [1, 2**21])
def test_sessions_hold_the_last_quote_of_each_slot(
    market: tuple[BarStore, dict[str, QuoteColumns], list[SessionSlots]],
    most: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session_quotes, "_MOST_QUOTES", most)
    store, written, slots = market
    symbols = ["NONE", "C", "A", "D", "B"]
    grids = DataManager(store).load_quotes(symbols, slots)
    assert [grid.came.shape for grid in grids] == [(4, 5, len(one)) for one in slots]
    for grid, own in zip(grids, slots, strict=True):
        assert grid.made.tolist() == [True, False, False, True, False]
        for row, symbol in enumerate(symbols):
            if symbol in written:
                assert same_bits(grid.came[:, row].copy(), by_pandas(written[symbol], own))
        assert np.isnan(grid.values).all(), "nothing is held yet"


def test_quotes_of_a_day_are_the_last_ones_of_its_hours(
    market: tuple[BarStore, dict[str, QuoteColumns], list[SessionSlots]],
) -> None:
    store, written, slots = market
    days = [SessionSlots(session.session, DAY) for session in slots]
    sources = DataManager(store).quote_sources(["A", "B", "C", "D", "NONE"], DAY)
    assert sources == {"A": MINUTE, "B": SECOND, "C": MINUTE, "D": DAY}
    for grid, own in zip(DataManager(store).load_quotes(["A", "B"], days), slots, strict=True):
        for row, symbol in enumerate(("A", "B")):
            of_slots = by_pandas(written[symbol], own)
            for price in (0, 1):
                at = np.flatnonzero(~np.isnan(of_slots[price]))[-1]
                assert grid.came[price, row, 0] == of_slots[price, at]
                assert same_bits(grid.came[price + 2, row].copy(), of_slots[price + 2, at : at + 1])


def test_coarser_quotes_are_no_source() -> None:
    store = MemoryStore(Path("memory"))
    label = np.array([int(SESSIONS["early close"][0].regular_open.timestamp())])
    store.quotes.write("A", MINUTE, random_columns(label, seed=1, missing=0.0))
    assert DataManager(store).quote_sources(["A"], SECOND) == {}
    assert DataManager(store).quote_sources(["A"], Interval.parse("1m")) == {"A": MINUTE}

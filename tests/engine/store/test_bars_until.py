"""The bars of a store that had closed at a moment."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.clock.slots import day_label
from tapedeck.engine.errors import StoreError
from tapedeck.engine.intervals import DAY, MINUTE, Interval
from tapedeck.engine.store.bar_store import BarColumns
from tapedeck.engine.store.bars_until import BarsUntil
from tests.support.memory_store import MemoryStore

TODAY = date(2013, 10, 8)
MIDNIGHT = day_label(TODAY.toordinal())
FIVE = Interval.parse("5m")
WIDTHS = {MINUTE: 60, FIVE: 300, DAY: 86400}
FIRST, END = MIDNIGHT - 4 * 86400, MIDNIGHT + 2 * 86400


def store_of(labels: dict[Interval, np.ndarray]) -> MemoryStore:
    store = MemoryStore(Path("bars"))
    for interval, times in labels.items():
        store.write("SPY", interval, BarColumns(times, *[times / 7.0] * 5))
        store.confirm_empty("SPY", interval, times[::3])
    return store


ALL = {interval: np.arange(FIRST, END, width, dtype=np.int64) for interval, width in WIDTHS.items()}


@settings(max_examples=40)
@given(
    interval=st.sampled_from(list(WIDTHS)),
    moment=st.integers(MIDNIGHT, MIDNIGHT + 86400),
    start=st.integers(FIRST - 100, END + 100),
    length=st.integers(0, 3 * 86400),
)
def test_it_equals_a_store_that_has_no_other_bars(
    interval: Interval, moment: int, start: int, length: int
) -> None:
    until = BarsUntil(store_of(ALL), moment, TODAY)
    known = store_of(
        {
            own: times[times < MIDNIGHT] if own == DAY else times[times + WIDTHS[own] <= moment]
            for own, times in ALL.items()
        }
    )
    end = start + length
    assert until.read("SPY", interval, start, end).opened_at.tolist() == (
        known.read("SPY", interval, start, end).opened_at.tolist()
    )
    scanned = [batch.bars.opened_at.tolist() for batch in until.scan(["SPY", "AIG"], interval, start, end)]
    assert scanned == [
        batch.bars.opened_at.tolist() for batch in known.scan(["SPY", "AIG"], interval, start, end)
    ]
    assert until.first_at_or_after("SPY", interval, start) == known.first_at_or_after("SPY", interval, start)
    assert until.last_before("SPY", interval, end) == known.last_before("SPY", interval, end)
    # Facts: one is of a slot that is over, just as a bar.
    facts = until.empty_slots(["SPY"], interval, start, end).opened_at
    last = MIDNIGHT - 86400 if interval == DAY else moment - WIDTHS[interval]
    every = ALL[interval][::3]
    assert facts.tolist() == every[(every >= start) & (every < end) & (every <= last)].tolist()


def test_it_is_for_reading_only() -> None:
    until = BarsUntil(store_of(ALL), MIDNIGHT, TODAY)
    with pytest.raises(StoreError, match="bars is open for reading only"):
        until.write("SPY", MINUTE, BarColumns(*[np.empty(0)] * 6))
    with pytest.raises(StoreError, match="reading only"):
        until.confirm_empty("SPY", MINUTE, np.empty(0, np.int64))

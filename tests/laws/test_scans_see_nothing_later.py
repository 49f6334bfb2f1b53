"""Law of the universe: what a scan reads depends on no chunk, no store, and nothing after its slot."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tapedeck.engine.store.bar_store import BarColumns
from tapedeck.engine.tape.bar_grid import FIELDS
from tapedeck.engine.universe.view import UniverseView
from tests.support.markets import open_new_store
from tests.support.memory_store import MemoryStore
from tests.support.universes import fill_market, market_bars, universe_sessions

LENGTHS = (390, 210, 390, 390)


def read(view: UniverseView) -> dict[str, bytes]:
    """Return all that can be read through a view."""
    found = {name: view.value(name).tobytes() for name in view.names()}
    found |= {f"bars of {field}": view.bars(field).tobytes() for field in FIELDS}
    found |= {f"days of {field}": view.daily(field).tobytes() for field in FIELDS}
    known = view.known_values()
    for name in ("close", "day_volume", "avg_volume_to_now", "sma_3"):
        found[f"{name} before"] = known.value_before(name, slice(None)).tobytes()
    found["close[3]"] = known.value("close", slice(None), back=3).tobytes()
    return found | {"symbols": " ".join(view.symbols).encode()}


@pytest.fixture(scope="module")
def bars() -> Mapping[str, BarColumns]:
    return market_bars()


@pytest.fixture(scope="module")
def store(bars: Mapping[str, BarColumns]) -> MemoryStore:
    filled = MemoryStore(Path("market"))
    fill_market(filled, bars)
    return filled


def altered(bars: BarColumns, moment: int, how: str) -> BarColumns:
    """Return the bars with those from a moment on changed or removed."""
    before = bars.opened_at < moment
    columns = [bars.open, bars.high, bars.low, bars.close, bars.volume]
    if how == "cut":
        return BarColumns(bars.opened_at[before], *(column[before] for column in columns))
    return BarColumns(bars.opened_at, *(np.where(before, column, column * 3 + 1) for column in columns))


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    session=st.integers(0, 3),
    part=st.floats(0, 1),
    how=st.sampled_from(["cut", "altered"]),
    chunks=st.lists(st.integers(1, 3), max_size=2),
)
def test_nothing_later_can_be_read(bars, store, session, part, how, chunks):
    frontier = round(part * LENGTHS[session])
    made = universe_sessions(store)[session]
    moment = made.tape.slots.clock(frontier)
    poisoned = MemoryStore(Path("poisoned"))
    # The plan of the run needs a bar of FULL in the range: only the others are cut.
    fill_market(
        poisoned,
        {
            symbol: altered(own, moment, "altered" if symbol == "FULL" else how)
            for symbol, own in bars.items()
        },
    )
    other = universe_sessions(poisoned, chunks)[session]
    assert read(UniverseView(other, frontier)) == read(UniverseView(made, frontier))
    if frontier < LENGTHS[session] - 1:  # check that the change reached the session at all
        last = LENGTHS[session]
        assert read(UniverseView(other, last)) != read(UniverseView(made, last))


@pytest.mark.parametrize("name", ["bars.db", "bars"])
def test_every_store_gives_the_same(bars, store, tmp_path, name):
    with open_new_store(tmp_path / name) as other:
        fill_market(other, bars)
        for own, found in zip(universe_sessions(store), universe_sessions(other, [4]), strict=True):
            for frontier in (0, 1, 200):
                assert read(UniverseView(found, frontier)) == read(UniverseView(own, frontier))

"""Law: yesterday's values at an open are, to the last bit, what yesterday's session showed at its close."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tapedeck.engine.config import SessionConfig
from tapedeck.engine.read.opening_values import OpeningValues
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.session_view import SessionView
from tests.laws.test_any_cut_gives_the_same_tape import SYMBOLS, law_config
from tests.support.markets import fill_store, open_new_store
from tests.support.runs import LIMIT_S, at_frontier, play_recorded

DAYS = tuple(map(date.fromisoformat, ("2013-11-25", "2013-11-26", "2013-11-27", "2013-11-29", "2013-12-02")))
"""Consecutive sessions of XNYS."""
SLOTS = (390, 390, 390, 210, 390)
Shown = dict[tuple[str, str], bytes]
"""Symbol and indicator → the bits of a value; without an entry there is none."""


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, BarStore]]:
    """The same bars in both kinds of store; one symbol has none on 26 November."""
    folder: Path = tmp_path_factory.mktemp("yesterday")
    with open_new_store(folder / "bars.db") as sqlite, open_new_store(folder / "bars") as parquet:
        for store in (sqlite, parquet):
            fill_store(store, SYMBOLS[:2], "2013-11-18", "2013-12-03", missing=0.2)
            fill_store(store, SYMBOLS[2:], "2013-11-18", "2013-11-25", missing=0.2, seed=7)
            fill_store(store, SYMBOLS[2:], "2013-11-27", "2013-12-03", missing=0.2, seed=8)
        yield {"sqlite": sqlite, "parquet": parquet}


@pytest.fixture(scope="module")
def closes(stores: Mapping[str, BarStore]) -> dict[date, Shown]:
    """What each session shows at its close, in one run over all of them."""
    records = play_recorded(config_from(DAYS[0]), stores["sqlite"]).records
    return {record.tape.session.trading_day: shown(SessionView(record.tape)) for record in records}


def config_from(start: date) -> SessionConfig:
    return law_config(start_date=start.isoformat(), end_date=DAYS[-1].isoformat())


def shown(view: SessionView) -> Shown:
    """Return the bits of all indicators that a view shows."""
    values = {(s, name): view.indicator(s, name) for s in SYMBOLS for name in view.indicator_names()}
    return {key: struct.pack("<d", value) for key, value in values.items() if value is not None}


def of_yesterday(found: OpeningValues) -> Shown:
    """Return the bits of yesterday's values."""
    values = {
        (symbol, name): float(column[row])
        for name, column in found.indicators.items()
        for row, symbol in enumerate(SYMBOLS)
    }
    return {key: struct.pack("<d", value) for key, value in values.items() if not math.isnan(value)}


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    kind=st.sampled_from(["sqlite", "parquet"]),
    begin=st.integers(1, len(DAYS) - 1),
    played=st.integers(0, len(DAYS) - 2),
    frontier=st.integers(0, 200),
    memory=st.sampled_from([None, 0, SystemManager.TAPE_CACHE_BYTES]),
    data=st.data(),
)
def test_yesterdays_values_are_those_of_its_close(
    stores, closes, kind, begin, played, frontier, memory, data
):
    """Whichever day the run began, at any moment of any day, from memory or recomputed, from either store."""
    at = min(begin + played, len(DAYS) - 1)
    day = data.draw(st.integers(begin, at))
    frontier = max(frontier, at > begin)  # steps hold at a close, not at the open after it
    system = SystemManager(config_from(DAYS[begin]), stores[kind], tape_cache_bytes=memory)
    system.start(paused=True)
    try:
        if steps := sum(SLOTS[begin:at]) + frontier:
            system.step(steps)
        assert system.wait_for(at_frontier(system, at - begin + 1, frontier), LIMIT_S)
        found = [system.opening_values(DAYS[number]) for number in (at, day)]
    finally:
        system.stop(LIMIT_S)
    for values, number in zip(found, (at, day), strict=True):
        assert (values.trading_day, values.day_before) == (DAYS[number], DAYS[number - 1])
        assert of_yesterday(values) == closes[DAYS[number - 1]]


def test_the_law_is_about_many_values(closes):
    counts = {day: len(values) for day, values in closes.items()}
    assert min(counts.values()) > 40
    assert counts[date(2013, 11, 26)] < counts[date(2013, 11, 27)]  # CCC has no bars on that day

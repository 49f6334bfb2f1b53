"""Changing or cutting the input from any slot on changes nothing before it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.clock.slots import SessionSlots
from engine.intervals import DAY, MINUTE
from engine.store.bar_store import BarColumns, BarStore
from engine.tape.stamp import session_digest
from engine.tape.tape import Tape
from tests.laws.test_any_cut_gives_the_same_tape import SYMBOLS, law_config
from tests.support.markets import fill_store, open_new_store
from tests.support.runs import KeepRecords, play_recorded


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    with open_new_store(tmp_path_factory.mktemp("ahead") / "bars.db") as opened:
        fill_store(opened, SYMBOLS, "2013-11-18", "2013-12-03", missing=0.1)
        yield opened


@pytest.fixture(scope="module")
def tapes(store: BarStore) -> list[Tape]:
    return [record.tape for record in play_recorded(law_config(), store).records]


def changed(store: BarStore, symbol: str, moment: int, how: str) -> BarColumns:
    """Return a symbol's minute bars, with those from a moment on altered, or left out."""
    bars = store.read(symbol, MINUTE, 0, 2**40)
    before = bars.opened_at < moment
    if how == "cut":
        return BarColumns(*(getattr(bars, name)[before] for name in BarColumns.__slots__))
    factor = np.where(before, 1.0, 3.0)
    prices = (getattr(bars, name) * factor for name in ("open", "high", "low", "close", "volume"))
    return BarColumns(bars.opened_at, *prices)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    session=st.integers(0, 3),
    part=st.floats(0, 1),
    how=st.sampled_from(["cut", "altered"]),
    days=st.booleans(),
)
def test_the_future_changes_nothing(store, tapes, session, part, how, days):
    slots = tapes[session].slots
    slot = round(part * len(slots))
    moment = slots.clock(slot)
    with tempfile.TemporaryDirectory() as folder, open_new_store(Path(folder) / "bars.db") as other:
        for symbol in SYMBOLS:
            other.write(symbol, MINUTE, changed(store, symbol, moment, how))
        config = law_config(end_date=tapes[session].session.trading_day.isoformat())
        kept = KeepRecords()
        try:
            kept = play_recorded(config, other)
        except AssertionError:
            raise
        mine = kept.records[session].tape
    for earlier in range(session):
        assert session_digest(kept.records[earlier].tape, len(tapes[earlier])) == session_digest(
            tapes[earlier], len(tapes[earlier])
        )
    assert session_digest(mine, slot) == session_digest(tapes[session], slot)

"""Law of no look-ahead: changing or cutting the input from any slot on changes no earlier value."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.bar_store import BarColumns, BarStore
from tapedeck.engine.store.quote_store import QuoteColumns
from tapedeck.engine.tape.stamp import session_digest
from tapedeck.engine.tape.tape import Tape
from tests.laws.test_any_cut_gives_the_same_tape import SYMBOLS, fill_law, law_config
from tests.support.markets import open_new_store
from tests.support.runs import play_recorded


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    with open_new_store(tmp_path_factory.mktemp("ahead") / "bars.db") as opened:
        fill_law(opened)
        yield opened


@pytest.fixture(scope="module")
def tapes(store: BarStore) -> list[Tape]:
    return [record.tape for record in play_recorded(law_config(), store).records]


def changed(store: BarStore, symbol: str, moment: int, how: str, kept_from: int) -> BarColumns:
    """Return a symbol's minute bars, with those from a moment on changed or removed.

    Bars from `kept_from` on stay as they are: a symbol without any bar in the range would not be played.
    """
    bars = store.read(symbol, MINUTE, 0, 2**40)
    columns = [bars.open, bars.high, bars.low, bars.close, bars.volume]
    before = bars.opened_at < moment
    if how == "cut":
        kept = before | (bars.opened_at >= kept_from)
        return BarColumns(bars.opened_at[kept], *(column[kept] for column in columns))
    factor = np.where(before, 1.0, 3.0)
    return BarColumns(bars.opened_at, *(column * factor for column in columns))


def with_changed_quotes(store: BarStore, other: BarStore, tapes: list[Tape], moment: int, how: str) -> None:
    """Write all quotes into another store, those from a moment on changed or removed.

    The last one of each session stays, changed: which symbols are made is decided for the whole session.
    """
    for symbol, intervals in store.quotes.series().items():
        for interval in intervals:
            quotes = store.quotes.read(symbol, interval, 0, 2**40)
            labels = quotes.opened_at
            ends = np.searchsorted(labels, [tape.slots.clock(len(tape)) for tape in tapes]) - 1
            is_kept = (how == "altered") | (labels < moment)
            is_kept[ends] = True
            columns = [quotes.bid, quotes.ask, quotes.bid_size, quotes.ask_size]
            factor = np.where(labels < moment, 1.0, 3.0)
            changed = QuoteColumns(labels[is_kept], *((column * factor)[is_kept] for column in columns))
            other.quotes.write(symbol, interval, changed)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(session=st.integers(0, 3), part=st.floats(0, 1), how=st.sampled_from(["cut", "altered"]))
def test_later_input_changes_no_earlier_value(store, tapes, session, part, how):
    slots = tapes[session].slots
    slot = round(part * len(slots))
    kept_from = slots.clock(len(slots)) if session == 3 else tapes[3].slots.clock(0)
    with tempfile.TemporaryDirectory() as folder, open_new_store(Path(folder) / "bars.db") as other:
        with_changed_quotes(store, other, tapes, slots.clock(slot), how)
        for symbol in SYMBOLS:
            other.write(symbol, MINUTE, changed(store, symbol, slots.clock(slot), how, kept_from))
        records = play_recorded(law_config(), other).records
    for earlier in range(session):
        whole = len(tapes[earlier])
        assert session_digest(records[earlier].tape, whole) == session_digest(tapes[earlier], whole)
    assert session_digest(records[session].tape, slot) == session_digest(tapes[session], slot)
    made = [tape.quotes.made.tolist() for tape in (records[session].tape, tapes[session])]
    assert made[0] == made[1] == [False, session not in (1, 2), True]
    if slot < len(slots) - 1:
        # Check that the change reached the tape at all.
        assert session_digest(records[session].tape, len(slots)) != session_digest(tapes[session], len(slots))

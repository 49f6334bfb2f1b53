"""Explanations of quotes: which quote is held and since when, or that it is made, and of which bar."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pytest

from tapedeck.console.app.screens.why import explanation_text
from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.errors import EngineError
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.read.explain.explanation import Explained
from tapedeck.engine.store.bar_store import BarColumns, BarStore
from tapedeck.engine.store.quote_store import QuoteColumns
from tapedeck.engine.system import SystemManager
from tests.support.files import session_file
from tests.support.markets import open_new_store
from tests.support.runs import LIMIT_S, at_frontier
from tests.support.tapes import session_of

NAN = float("nan")
DAY = "2013-11-26"
FRONTIER = 30
"""Slots that are over: the clock is 10:00."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    """AAA with three quotes by hand; BBB without any, the last bar at 9:41; CCC without bars or quotes."""
    labels = SessionSlots(session_of(DAY), MINUTE).opened_at
    with open_new_store(tmp_path_factory.mktemp("quotes") / "bars.db") as opened:
        for symbol, slots in (("AAA", [0, 1]), ("BBB", [5, 11, 200]), ("CCC", [300])):
            closes = 50.0 + np.array(slots) / 4
            opened.write(symbol, MINUTE, BarColumns(labels[slots], *[closes] * 4, np.full(len(slots), 1e3)))
        quotes = ([10.0, NAN, 10.25], [NAN, 11.0, 11.0], [3.0, NAN, NAN], [NAN, 4.0, 5.0])
        columns = [np.array(values) for values in quotes]
        opened.quotes.write("AAA", MINUTE, QuoteColumns(labels[[2, 8, 100]], *columns))
        yield opened


@pytest.fixture(scope="module")
def system(store: BarStore) -> Iterator[SystemManager]:
    yield from played(store, "quotes")


def played(store: BarStore, *streams: str) -> Iterator[SystemManager]:
    made = SystemManager(session_file(["AAA", "BBB", "CCC"], ["1m", *streams], DAY, DAY), store)
    made.start(paused=True)
    made.step(FRONTIER)
    assert made.wait_for(at_frontier(made, 1, FRONTIER), LIMIT_S)
    yield made
    made.stop(LIMIT_S)


def test_a_quote_that_came_is_named_with_its_slot_and_how_long_it_is_held(system: SystemManager) -> None:
    why = system.explain("AAA", "bid")
    assert (why.value, why.kind, why.is_warm) == (10.0, Explained.QUOTE, True)
    assert why.note == "bid of the last quote in the slot 09:32, held for 27 slots since"
    assert why.bar_opened_at == datetime(2013, 11, 26, 14, 32, tzinfo=UTC)
    assert why.source == "the last quote of each 1m slot"
    assert system.explain("AAA", "bid", 3).note == "bid of the last quote in the slot 09:32"
    assert system.explain("AAA", "bid", 4).note.endswith(", held for 1 slot since")
    assert system.explain("AAA", "bid_size").value == 3.0
    assert system.explain("AAA", "bid_size").note.startswith(
        "size of the bid of the last quote in the slot 09:32"
    )


def test_a_spread_names_both_sides(system: SystemManager) -> None:
    why = system.explain("AAA", "spread")
    assert (why.value, why.formula, why.terms) == (1.0, "ask − bid", {"ask": 11.0, "bid": 10.0})
    assert why.note == (
        "ask of the last quote in the slot 09:38, held for 21 slots since; "
        "bid of the last quote in the slot 09:32, held for 27 slots since"
    )
    before = system.explain("AAA", "spread", 8)
    assert (before.value, before.is_warm, before.terms) == (None, False, {"bid": 10.0})
    assert "no quote with an ask has come in this session yet" in before.note


def test_what_is_missing_is_told_with_its_reason(system: SystemManager) -> None:
    for frontier in (0, 2):
        why = system.explain("AAA", "bid", frontier)
        assert (why.value, why.note) == (None, "no quote with a bid has come in this session yet")
    sizeless = system.explain("AAA", "ask_size", 10)
    assert (sizeless.value, system.explain("AAA", "ask_size", 8).value) == (4.0, None)


def test_a_made_quote_says_so_and_names_its_bar(system: SystemManager) -> None:
    for name in ("bid", "ask"):
        why = system.explain("BBB", name)
        assert why.value == 52.75
        assert why.note == (
            "made: bid = ask = close of the last bar, 09:41, as there are no quotes of BBB for 2013-11-26"
        )
        assert (why.formula, why.source) == ("close of the last bar (made)", "made of stored 1m bars")
        assert [part.values.tolist() for part in why.inputs] == [[52.75]]
    spread = system.explain("BBB", "spread")
    assert (spread.value, spread.formula) == (0.0, "ask − bid, which is 0 as both are made")
    size = system.explain("BBB", "ask_size")
    assert size.value is None
    assert size.note.startswith(
        "made quotes have no size: bid = ask = close of the last bar, as there are no"
    )
    assert system.explain("CCC", "bid").note.endswith("for 2013-11-26: it has no bar yet")


def test_the_page_tells_a_quote_from_a_bar(system: SystemManager) -> None:
    zone = session_of(DAY).zone
    came = explanation_text(system.explain("AAA", "bid"), zone, 120).plain
    assert "last quote   2013-11-26 09:32:00 EST" in came
    assert "bars used" not in came
    made = explanation_text(system.explain("BBB", "ask"), zone, 120).plain
    assert "last bar          2013-11-26 09:41:00 EST" in made
    assert "made: bid = ask = close" in made


def test_without_the_stream_there_is_no_such_value(store: BarStore) -> None:
    for plain in played(store):
        with pytest.raises(EngineError, match="unknown value 'bid'"):
            plain.explain("AAA", "bid")

"""Opening values of symbols that joined or left: by name, those of a run that has them from the open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tapedeck.console.app.openings import Openings
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.read.opening_values import OpeningValues, PreMarket
from tapedeck.engine.store.bar_store import BarColumns, BarStore
from tapedeck.engine.system import SystemManager
from tests.support.files import session_file
from tests.support.markets import fill_store, open_new_store
from tests.support.runs import LIMIT_S, at_frontier

MONDAY, TUESDAY, WEDNESDAY = (date(2013, 11, day) for day in (25, 26, 27))
ALL = ("AAA", "BBB", "CCC", "DDD")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    """Four symbols, each with one pre-market bar a day, of another price."""
    with open_new_store(tmp_path_factory.mktemp("openings") / "bars") as made:
        fill_store(made, ALL, "2013-11-20", "2013-11-27", missing=0.1)
        for row, symbol in enumerate(ALL, start=1):
            for day in (TUESDAY, WEDNESDAY):
                opened = datetime(day.year, day.month, day.day, 8, tzinfo=ZoneInfo("America/New_York"))
                price = np.array([float(row)])
                label = np.array([int(opened.timestamp())])
                made.write(symbol, MINUTE, BarColumns(label, price, price, price, price, price))
        yield made


def started(symbols: Sequence[str], store: BarStore) -> SystemManager:
    indicators = {
        "ema": {"type": "EMA", "interval": "1m", "timeperiod": 9},
        "vwap": {"type": "VWAP", "interval": "5m"},
    }
    config = session_file(symbols, ["1m", "5m"], "2013-11-26", "2013-11-27", indicators=indicators)
    system = SystemManager(config, store, tape_cache_bytes=SystemManager.TAPE_CACHE_BYTES)
    system.start(paused=True)
    return system


@pytest.fixture(scope="module")
def expected(store: BarStore) -> Iterator[SystemManager]:
    system = started(ALL, store)
    yield system
    system.stop(LIMIT_S)


def of_symbol(values: OpeningValues, symbol: str) -> dict[str, float]:
    row, market = values.symbols.index(symbol), values.pre_market
    found = {name: float(column[row]) for name, column in values.indicators.items()}
    return found | {name: float(getattr(market, name)[row]) for name in ("high", "low", "volume")}


def same(found: OpeningValues, expected: SystemManager, symbols: Sequence[str]) -> bool:
    wanted = expected.opening_values(found.trading_day)
    return all(of_symbol(found, symbol) == of_symbol(wanted, symbol) for symbol in symbols)


def test_values_of_the_session_before_are_found_for_a_symbol_that_joined(
    store: BarStore, expected: SystemManager
) -> None:
    """Also before the run's first day; they are the symbol's own, in the rows that the view has."""
    system, openings = started(("AAA", "BBB"), store), Openings()
    try:
        system.step(100)
        assert system.wait_for(at_frontier(system, 1, 100), LIMIT_S)
        openings.put(TUESDAY, system.opening_values(TUESDAY))
        assert openings.lacking(TUESDAY, ("AAA", "BBB")) == ()
        system.add_symbol("DDD")
        system.remove_symbol("AAA")
        system.add_symbol("CCC")
        view = system.session_data.view()
        assert view is not None
        before = openings.get(TUESDAY, view.symbols)
        assert before is not None
        assert np.isnan(before.pre_market.high[1:]).all()
        lacking = openings.lacking(TUESDAY, view.symbols)
        assert lacking == ("DDD", "CCC")
        openings.add(TUESDAY, system.opening_values(TUESDAY, lacking), lacking)
        found = openings.get(TUESDAY, view.symbols)
        assert found is not None
        assert found.symbols == view.symbols == ("BBB", "DDD", "CCC")
        assert same(found, expected, view.symbols)
        assert openings.lacking(TUESDAY, view.symbols) == ()
    finally:
        system.stop(LIMIT_S)


def test_the_next_day_has_the_values_of_kept_symbols_and_of_those_of_the_file_that_left(
    store: BarStore, expected: SystemManager
) -> None:
    system = started(("AAA", "BBB"), store)
    try:
        system.remove_symbol("AAA")
        system.add_symbol("CCC", keep=True)
        system.step(391)
        assert system.wait_for(at_frontier(system, 2, 1), LIMIT_S)
        assert system.session_data.get_active_symbols() == ("AAA", "BBB", "CCC")
        found = system.opening_values(WEDNESDAY)
        assert found.symbols == ("AAA", "BBB", "CCC")
        assert same(found, expected, found.symbols)
    finally:
        system.stop(LIMIT_S)


def test_values_that_cannot_be_read_are_missing_and_not_asked_for_again() -> None:
    openings = Openings()
    openings.put(MONDAY, None)
    assert openings.lacking(MONDAY, ("AAA",)) == ()
    nothing = np.empty(0)
    openings.put(TUESDAY, OpeningValues(TUESDAY, MONDAY, (), {"ema": nothing}, PreMarket.unknown(0)))
    assert openings.lacking(TUESDAY, ("AAA",)) == ("AAA",)
    openings.add(TUESDAY, None, ("AAA",))
    assert openings.lacking(TUESDAY, ("AAA",)) == ()
    found = openings.get(TUESDAY, ("AAA",))
    assert found is not None
    assert np.isnan(found.indicators["ema"]).all()

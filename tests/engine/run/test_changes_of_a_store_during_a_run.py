"""A store that is changed or removed while a run reads it."""

from __future__ import annotations

import re
import shutil
from datetime import date

import numpy as np
import pytest

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.errors import StoreChangedError
from tapedeck.engine.intervals import DAY, MINUTE, SECOND
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarColumns
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.store.quote_store import QuoteColumns
from tapedeck.engine.system import SystemManager
from tests.support.runs import KeepRecords

SESSIONS = TimeManager("XNYS").trading_sessions(date(2013, 10, 7), date(2013, 10, 11))
PLACES = ("bars.db", "bars")
DOCUMENT = {
    "session_name": "changes",
    "exchange_group": "US_EQUITY",
    "backtest_config": {"start_date": "2013-10-08", "end_date": "2013-10-11", "prefetch_days": 1},
    "session_data_config": {"symbols": ["SPY", "AIG"], "streams": ["1m"]},
}


def bars_of(session, *, price=100.0):
    """The full minutes of one session."""
    times = SessionSlots(session, MINUTE).opened_at
    values = np.full(len(times), price)
    return BarColumns(times, values, values, values, values, values)


@pytest.fixture(params=PLACES)
def location(request, tmp_path):
    with open_store(tmp_path / request.param, create=True) as store:
        for symbol in ("SPY", "AIG", "IBM"):
            for session in SESSIONS:
                store.write(symbol, MINUTE, bars_of(session))
    return tmp_path / request.param


def played(location, change, streams=("1m",)):
    """Play the first session, change the store from outside, and play on; return the ended run."""
    data = {**DOCUMENT["session_data_config"], "streams": list(streams)}
    config = parse_session_config({**DOCUMENT, "session_data_config": data}, "test").config
    with open_store(location) as store:
        system = SystemManager(config, store)
        system.start(paused=True)
        assert system.wait_for(lambda: system.snapshot().slots > 0, 30)
        # The next session is loaded ahead; the last two are not yet.
        system.step(1)
        assert system.wait_for(lambda: system.snapshot().frontier >= 1, 30)
        with open_store(location) as other:
            change(other)
        system.resume()
        assert system.wait(60)
        return system


@pytest.mark.parametrize("symbol", ["SPY", "AIG"])
def test_a_changed_bar_of_a_day_to_come_ends_the_run_and_is_named(location, symbol):
    system = played(
        location, lambda store: store.write(symbol, MINUTE, bars_of(SESSIONS[4], price=1.0), replace=True)
    )
    assert isinstance(system.error, StoreChangedError)
    words = f"1m bars of {symbol} on 2013-10-11 were changed while this run was reading them"
    assert words in str(system.error)
    assert str(location) in str(system.error)


def test_a_bar_added_to_a_day_to_come_ends_the_run(location):
    late = BarColumns(SESSIONS_END, *[np.ones(1)] * 5)
    assert isinstance(
        played(location, lambda store: store.write("SPY", MINUTE, late)).error, StoreChangedError
    )


SESSIONS_END = SessionSlots(SESSIONS[4], MINUTE).opened_at[-1:] + 60


@pytest.mark.parametrize(
    "change",
    [
        lambda store: store.write("IBM", MINUTE, bars_of(SESSIONS[4], price=1.0), replace=True),
        lambda store: store.write("NEW", MINUTE, bars_of(SESSIONS[4])),
        lambda store: store.write("SPY", MINUTE, bars_of(SESSIONS[0], price=1.0), replace=True),
        lambda store: store.write("SPY", MINUTE, bars_of(SESSIONS[4])),
        lambda store: store.write("SPY", DAY, BarColumns(np.array([1381190400]), *[np.ones(1)] * 5)),
    ],
    ids=["another symbol", "a new symbol", "a day already read", "the same bars", "another interval"],
)
def test_imports_of_other_bars_disturb_no_run(location, change):
    system = played(location, change)
    assert system.error is None
    assert system.summary().bars == 4 * 2 * 390


def quotes_of(session):
    """The quotes at the full minutes of one session."""
    times = SessionSlots(session, MINUTE).opened_at
    return QuoteColumns(times, *np.full((4, len(times)), 100.0))


@pytest.mark.parametrize(
    ("interval", "streams", "is_change"),
    [
        (MINUTE, ("1m", "quotes"), True),
        (SECOND, ("1m", "quotes"), True),
        (DAY, ("1m", "quotes"), False),
        (MINUTE, ("1m",), False),
    ],
    ids=["of the same interval", "of a finer one", "of a coarser one", "not streamed"],
)
def test_quotes_that_come_for_a_day_to_come_end_a_run_that_streams_them(
    location, interval, streams, is_change
):
    quotes = quotes_of(SESSIONS[4])
    if interval == DAY:
        quotes = QuoteColumns(np.array([1381449600]), *np.full((4, 1), 100.0))
    error = played(location, lambda store: store.quotes.write("SPY", interval, quotes), streams).error
    assert isinstance(error, StoreChangedError) == is_change
    assert (error is not None) == is_change
    if is_change:
        assert f"{interval} quotes of SPY on 2013-10-11 were changed" in str(error)


def test_quotes_that_are_not_read_are_no_change(location):
    """With minutes stored, seconds are not read; nor are quotes of days that were read."""
    with open_store(location) as store:
        for session in SESSIONS:
            store.quotes.write("SPY", MINUTE, quotes_of(session))

    def change(store):
        store.quotes.write("SPY", SECOND, quotes_of(SESSIONS[4]))
        store.quotes.write("IBM", MINUTE, quotes_of(SESSIONS[4]))

    assert played(location, change, ("1m", "quotes")).error is None


def test_a_store_that_is_removed_ends_the_run(location):
    def remove(store):
        # At once: of a folder that is being emptied, a read may find some files gone before the folder is.
        location.rename(location.with_name("removed"))

    error = played(location, remove).error
    assert isinstance(error, StoreChangedError)
    assert f"{location} was removed or moved while this run was reading it" in str(error)


@pytest.mark.parametrize("location", ["bars"], indirect=True)
def test_bars_whose_files_are_removed_end_the_run(location):
    def remove(store):
        for file in list(location.rglob("*.parquet")):
            file.unlink()

    error = played(location, remove).error
    assert isinstance(error, StoreChangedError)
    # The day that is being loaded, or the next one.
    words = r"1m bars of (SPY|AIG) on 2013-10-(09|10) were removed while this run was reading them"
    assert re.search(words, str(error))


def test_a_store_that_is_replaced_by_another_ends_the_run(location, tmp_path):
    other = tmp_path / f"other_{location.name}"
    with open_store(other, create=True) as store:
        store.write("SPY", MINUTE, bars_of(SESSIONS[4]))

    def replace(store):
        if location.is_dir():
            shutil.rmtree(location)
        other.replace(location)

    assert isinstance(played(location, replace).error, StoreChangedError)


def test_daily_bars_of_prior_closes_are_of_one_state_of_the_store(tmp_path):
    """AIG has no minutes on 7 and 9 October: its prior closes on the 8th and 10th are those of daily bars."""
    labels = np.array([1381104000 + 86400 * day for day in range(5)])

    def daily(price):
        return BarColumns(labels, *[np.full(5, price)] * 5)

    kept = KeepRecords()
    with open_store(tmp_path / "bars.db", create=True) as store:
        for at, session in enumerate(SESSIONS):
            store.write("SPY", MINUTE, bars_of(session))
            if at not in (0, 2):
                store.write("AIG", MINUTE, bars_of(session))
        store.write("AIG", DAY, daily(50.0))
        system = SystemManager(parse_session_config(DOCUMENT, "test").config, store, sinks=[kept])
        system.start(paused=True)
        assert system.wait_for(lambda: system.snapshot().slots > 0, 30)
        store.write("AIG", DAY, daily(60.0), replace=True)
        system.resume()
        assert system.wait(60)
        assert system.error is None
    closes = [float(record.tape.prior_close.values[1]) for record in kept.records]
    assert closes == [50.0, 100.0, 50.0, 100.0]

"""Contract of all bar stores."""

from __future__ import annotations

import threading
from itertools import pairwise

import numpy as np
import pytest
from bar_samples import (
    A_DAY,
    OPEN_7_OCTOBER_2013,
    as_rows,
    bar_columns,
    bars_at,
    bits,
    by_row,
    minutes,
    part,
    with_close,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tapedeck.engine.errors import StoreError
from tapedeck.engine.intervals import DAY, MINUTE, SECOND, Interval
from tapedeck.engine.store.bar_store import BarColumns
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.store.quote_store import QuoteColumns

ALWAYS = (-(10**11), 10**12)
NEW_YEAR_2014 = 1388534400
PLACES = ("bars.db", "bars")

on_any_store = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(params=PLACES)
def store(request, tmp_path):
    with open_store(tmp_path / request.param, create=True) as opened:
        yield opened


@pytest.fixture(params=PLACES)
def fresh(request, tmp_path_factory):
    """Makes a new store at every call, for tests that hypothesis repeats."""
    return lambda: open_store(tmp_path_factory.mktemp("store") / request.param, create=True)


def counts(result):
    return result.written, result.unchanged, result.replaced, result.conflicts.tolist()


@on_any_store
@given(bars=bar_columns())
def test_bars_written_are_bars_read_to_the_last_bit(fresh, bars):
    with fresh() as store:
        assert counts(store.write("SPY", MINUTE, bars)) == (len(bars), 0, 0, [])
        assert bits(store.read("SPY", MINUTE, *ALWAYS)) == bits(bars)


def test_the_intervals_of_a_few_symbols_are_those_of_the_list_of_all(store):
    for symbol, interval in (("SPY", MINUTE), ("SPY", DAY), ("BRK.B", DAY), ("spy", SECOND)):
        store.write(symbol, interval, bars_at([0]))
    wanted = {**store.series(), "NONE": frozenset()}
    assert len(wanted) == 4
    assert store.intervals_of(list(wanted)) == wanted
    assert store.intervals_of(["NONE"]) == {"NONE": frozenset()}
    assert store.intervals_of([]) == {}


def test_the_smallest_and_the_largest_numbers_are_kept(store):
    tiny, huge = 5e-324, 1.7976931348623157e308
    values = np.array([tiny, -tiny, huge, -huge, 2.2250738585072014e-308, 0.1, 2.0**53 + 2])
    bars = BarColumns(np.arange(7) * 60, values, values, values, values, values)
    store.write("SPY", MINUTE, bars)
    found = store.read("SPY", MINUTE, 0, 10**6)
    assert found.open.tolist() == values.tolist()
    assert found.volume.tolist() == values.tolist()


def test_a_negative_zero_is_stored_as_zero_without_a_conflict(store):
    zero, negative = (BarColumns(np.array([60]), *[np.array([value])] * 5) for value in (0.0, -0.0))
    store.write("SPY", MINUTE, negative)
    assert np.signbit(store.read("SPY", MINUTE, 0, 100).open).tolist() == [False]
    assert counts(store.write("SPY", MINUTE, zero)) == (0, 1, 0, [])
    assert counts(store.write("SPY", MINUTE, negative)) == (0, 1, 0, [])


@on_any_store
@given(first=bar_columns(), second=bar_columns(), replace=st.booleans())
def test_a_second_write_adds_what_is_new_and_reports_the_rest(fresh, first, second, replace):
    stored = {row[0]: row for row in as_rows(first)}
    incoming = as_rows(second)
    new = [row for row in incoming if row[0] not in stored]
    other = [at for at, row in enumerate(incoming) if row[0] in stored and stored[row[0]] != row]
    after = stored | {row[0]: row for at, row in enumerate(incoming) if row[0] not in stored or replace}
    with fresh() as store:
        store.write("SPY", MINUTE, first)
        found = counts(store.write("SPY", MINUTE, second, replace=replace))
        same = len(incoming) - len(new) - len(other)
        assert found == (len(new), same, len(other) if replace else 0, [] if replace else other)
        assert as_rows(store.read("SPY", MINUTE, *ALWAYS)) == [after[time] for time in sorted(after)]


kept_times = st.sets(st.integers(-30, 30).map(lambda minute: NEW_YEAR_2014 + 60 * minute), max_size=12)
edges = st.integers(-40, 40).map(lambda minute: NEW_YEAR_2014 + 60 * minute)
steps_of_a_batch = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["bars", "quotes", "facts"]), kept_times.map(sorted)),
        st.tuples(st.just("remove"), st.one_of(st.just(ALWAYS), st.tuples(edges, edges))),
    ),
    max_size=6,
)


@settings(on_any_store, max_examples=12)
@given(before=steps_of_a_batch, steps=steps_of_a_batch, atomic=st.booleans())
def test_a_batch_leaves_what_its_writes_and_removals_leave_one_by_one(fresh, before, steps, atomic):
    def apply(store, what, times):
        if what == "remove":
            return store.remove("SPY", MINUTE, *times)
        if what == "facts":
            return store.confirm_empty("SPY", MINUTE, np.array(times, np.int64))
        bars = bars_at(times)
        if what == "bars":
            return counts(store.write("SPY", MINUTE, bars))
        quotes = QuoteColumns(bars.opened_at, bars.low, bars.high, bars.volume, bars.volume)
        return counts(store.quotes.write("SPY", MINUTE, quotes))

    with fresh() as one, fresh() as other:
        for step in before:
            apply(one, *step)
            apply(other, *step)
        told = [apply(one, *step) for step in steps]
        with other.batch(atomic=atomic):
            assert [apply(other, *step) for step in steps] == told
        assert bits(other.read("SPY", MINUTE, *ALWAYS)) == bits(one.read("SPY", MINUTE, *ALWAYS))
        found, wanted = (store.quotes.read("SPY", MINUTE, *ALWAYS) for store in (other, one))
        assert found.opened_at.tolist() == wanted.opened_at.tolist()
        found, wanted = (store.empty_slots(["SPY"], MINUTE, *ALWAYS) for store in (other, one))
        assert found.opened_at.tolist() == wanted.opened_at.tolist()


def test_importing_the_same_bars_again_changes_nothing(store):
    bars = minutes(390)
    assert counts(store.write("SPY", MINUTE, bars)) == (390, 0, 0, [])
    assert counts(store.write("SPY", MINUTE, bars)) == (0, 390, 0, [])
    assert bits(store.read("SPY", MINUTE, *ALWAYS)) == bits(bars)


def test_a_bar_stored_with_another_price_is_left_alone_and_named(store):
    bars = minutes(10)
    store.write("SPY", MINUTE, bars)
    result = store.write("SPY", MINUTE, with_close(bars, 7, 99.0))
    assert counts(result) == (0, 9, 0, [7])
    assert bits(store.read("SPY", MINUTE, *ALWAYS)) == bits(bars)


def test_replace_overwrites_with_a_corrected_price(store):
    bars = minutes(10)
    store.write("SPY", MINUTE, bars)
    corrected = with_close(bars, 7, 99.0)
    assert counts(store.write("SPY", MINUTE, corrected, replace=True)) == (0, 9, 1, [])
    assert bits(store.read("SPY", MINUTE, *ALWAYS)) == bits(corrected)


def test_two_corrections_years_apart_among_many_bars_are_found(store):
    bars = minutes(3000, start=NEW_YEAR_2014 - 1500 * 60)
    store.write("SPY", MINUTE, bars)
    ends = part(with_close(with_close(bars, 0, 1.0), 2999, 2.0), [0, 5, 2999])
    assert counts(store.write("SPY", MINUTE, ends)) == (0, 1, 0, [0, 2])


def test_earlier_bars_can_be_added_after_later_ones(store):
    bars = minutes(100)
    for chosen in (slice(50, 60), slice(0, 10), slice(90, 100), slice(0, 100)):
        store.write("SPY", MINUTE, part(bars, chosen))
    assert bits(store.read("SPY", MINUTE, *ALWAYS)) == bits(bars)


def test_a_range_holds_its_start_and_not_its_end(store):
    store.write("SPY", MINUTE, minutes(10))
    start = OPEN_7_OCTOBER_2013
    assert store.read("SPY", MINUTE, start, start + 120).opened_at.tolist() == [start, start + 60]
    assert store.read("SPY", MINUTE, start + 1, start + 120).opened_at.tolist() == [start + 60]
    assert store.read("SPY", MINUTE, start, start + 121).opened_at.tolist() == [
        start,
        start + 60,
        start + 120,
    ]
    assert len(store.read("SPY", MINUTE, start, start)) == 0
    assert len(store.read("SPY", MINUTE, start + 120, start)) == 0


@on_any_store
@given(bars=bar_columns(), edges=st.tuples(*[st.integers(1_388_400_000, 1_420_300_000)] * 2), data=st.data())
def test_any_range_gives_the_bars_between(fresh, bars, edges, data):
    times = [*edges, *bars.opened_at.tolist()]
    start, end = (data.draw(st.sampled_from(times)) + data.draw(st.integers(-1, 1)) for _ in range(2))
    wanted = [row for row in as_rows(bars) if start <= row[0] < end]
    with fresh() as store:
        store.write("SPY", MINUTE, bars)
        assert as_rows(store.read("SPY", MINUTE, start, end)) == wanted
        assert by_row(store.scan(["X", "SPY"], MINUTE, start, end)) == ({1: wanted} if wanted else {})
        later = [row[0] for row in as_rows(bars) if row[0] >= start]
        assert store.first_at_or_after("SPY", MINUTE, start) == (later[0] if later else None)
        earlier = [row[0] for row in as_rows(bars) if row[0] < end]
        assert store.last_before("SPY", MINUTE, end) == (earlier[-1] if earlier else None)


def test_first_and_last_are_found_inside_and_between_thousands_of_bars(store):
    bars = bars_at([*range(0, 9000 * 60, 60), *range(10**6, 10**6 + 600, 60)])
    store.write("SPY", MINUTE, bars)
    assert store.first_at_or_after("SPY", MINUTE, 5000 * 60 - 1) == 5000 * 60
    assert store.first_at_or_after("SPY", MINUTE, 9000 * 60) == 10**6
    assert store.first_at_or_after("SPY", MINUTE, 10**6 + 541) is None
    assert store.last_before("SPY", MINUTE, 5000 * 60) == 4999 * 60
    assert store.last_before("SPY", MINUTE, 10**6) == 8999 * 60
    assert store.last_before("SPY", MINUTE, 0) is None


def test_symbols_that_are_not_stored_give_nothing(store):
    store.write("SPY", MINUTE, minutes(3))
    assert list(store.scan(["SPX", "spy"], MINUTE, *ALWAYS)) == []
    assert list(store.scan([], MINUTE, *ALWAYS)) == []
    assert list(store.scan(["SPY"], SECOND, *ALWAYS)) == []
    nothing = store.read("SPX", MINUTE, *ALWAYS)
    assert (len(nothing), nothing.opened_at.dtype, nothing.close.dtype) == (0, np.int64, np.float64)
    assert store.first_at_or_after("SPX", MINUTE, 0) is None
    assert store.last_before("SPX", DAY, 10**10) is None


def test_writing_no_bars_stores_no_series(store):
    assert counts(store.write("SPY", MINUTE, minutes(0))) == (0, 0, 0, [])
    assert store.series() == {}


def test_series_lists_symbols_in_order_with_their_intervals(store):
    for symbol, interval in (("SPY", MINUTE), ("AIG", DAY), ("SPY", DAY), ("BAC", SECOND)):
        store.write(symbol, interval, bars_at([A_DAY]))
    assert store.series() == {
        "AIG": frozenset({DAY}),
        "BAC": frozenset({SECOND}),
        "SPY": frozenset({MINUTE, DAY}),
    }
    assert list(store.series()) == ["AIG", "BAC", "SPY"]


def test_intervals_of_one_symbol_are_kept_apart(store):
    at = OPEN_7_OCTOBER_2013
    for interval, price in ((SECOND, 1.0), (MINUTE, 2.0), (DAY, 3.0)):
        store.write("SPY", interval, bars_at([at], first_price=price))
    assert [store.read("SPY", interval, at, at + 1).open.tolist() for interval in (SECOND, MINUTE, DAY)] == [
        [1.0],
        [2.0],
        [3.0],
    ]


@pytest.mark.parametrize(
    "symbol",
    ["BRK.B", "BRK/B", "brk/b", "Brk.B", "^GSPC", "ES=F", "EUR USD", "a'b\"c", "Ω", "..", "%2F", "CON", "A."],
)
def test_any_symbol_is_its_own(store, symbol):
    others = [other for other in ("BRK.B", "BRKB", "BRK.b", "A", "") if other and other != symbol]
    for other in others:
        store.write(other, MINUTE, minutes(1))
    store.write(symbol, MINUTE, minutes(3))
    assert sorted(store.series()) == sorted([*others, symbol])
    assert by_row(store.scan([symbol], MINUTE, *ALWAYS)) == {0: as_rows(minutes(3))}


def test_a_scan_of_600_symbols_gives_each_its_own_row(store):
    symbols = [f"S{number:03d}" for number in range(600)]
    with store.batch():
        for number, symbol in enumerate(symbols):
            if number % 3:
                store.write(symbol, MINUTE, minutes(2, first_price=float(number)))
    found = by_row(store.scan(symbols, MINUTE, *ALWAYS))
    assert found == {row: as_rows(minutes(2, first_price=float(row))) for row in range(600) if row % 3}


def test_a_symbol_requested_twice_is_in_both_rows(store):
    store.write("SPY", MINUTE, minutes(2))
    assert by_row(store.scan(["SPY", "SPY"], MINUTE, *ALWAYS)) == {
        0: as_rows(minutes(2)),
        1: as_rows(minutes(2)),
    }


def test_chunks_read_one_after_the_other_are_the_whole(store):
    """As a player reads: forward, in chunks that end inside a row group, sometimes going back."""
    bars = minutes(9000, start=NEW_YEAR_2014 - 4000 * 60)
    store.write("SPY", MINUTE, bars)
    start = int(bars.opened_at[0])
    for step in (390, 3900, 9000):
        edges = [start + 60 * at for at in range(0, 9000 + step, step)]
        chunks = [by_row(store.scan(["SPY"], MINUTE, *pair)).get(0, []) for pair in pairwise(edges)]
        assert [row for chunk in chunks for row in chunk] == as_rows(bars)
    for low, high in ((100, 200), (150, 300), (300, 400), (200, 250), (401, 500), (399, 8999)):
        chosen = store.read("SPY", MINUTE, start + 60 * low, start + 60 * high)
        assert bits(chosen) == bits(part(bars, slice(low, high)))


def test_a_second_store_object_sees_what_the_first_wrote(store):
    with open_store(store.location) as other:
        store.write("SPY", MINUTE, minutes(5))
        assert len(other.read("SPY", MINUTE, *ALWAYS)) == 5
        other.write("SPY", MINUTE, minutes(9))
        assert len(store.read("SPY", MINUTE, *ALWAYS)) == 9


def test_a_closed_store_opens_again_when_it_is_used(store):
    store.write("SPY", MINUTE, minutes(5))
    store.close()
    store.close()
    assert len(store.read("SPY", MINUTE, *ALWAYS)) == 5
    assert counts(store.write("SPY", MINUTE, minutes(6))) == (1, 5, 0, [])


def test_each_write_of_a_batch_returns_its_exact_result(store):
    bars = minutes(100)
    with store.batch():
        assert counts(store.write("SPY", MINUTE, part(bars, slice(0, 60)))) == (60, 0, 0, [])
        assert counts(store.write("SPY", MINUTE, part(bars, slice(40, 100)))) == (40, 20, 0, [])
        assert counts(store.write("SPY", MINUTE, with_close(bars, 3, 1.0))) == (0, 99, 0, [3])
        assert counts(store.write("SPY", MINUTE, with_close(bars, 4, 1.0), replace=True)) == (0, 99, 1, [])
        assert counts(store.write("SPY", MINUTE, bars)) == (0, 99, 0, [4])
    assert bits(store.read("SPY", MINUTE, *ALWAYS)) == bits(with_close(bars, 4, 1.0))


def test_a_batch_keeps_what_was_written_before_an_error(store):
    with pytest.raises(RuntimeError, match="unreadable file"), store.batch():  # noqa: PT012 - the block is the matter
        store.write("SPY", MINUTE, minutes(5))
        raise RuntimeError("unreadable file")
    assert len(store.read("SPY", MINUTE, *ALWAYS)) == 5


def test_an_atomic_block_stores_all_of_its_writes_or_none(store):
    with pytest.raises(RuntimeError, match="bad row"), store.batch(atomic=True):  # noqa: PT012 - the block is the matter
        store.write("SPY", MINUTE, minutes(5))
        store.write("IBM", MINUTE, minutes(5))
        raise RuntimeError("bad row")
    assert store.series() == {}
    with store.batch(atomic=True):
        store.write("SPY", MINUTE, minutes(5))
        store.write("IBM", MINUTE, minutes(5))
    assert list(store.series()) == ["IBM", "SPY"]


def test_an_atomic_block_inside_a_batch_takes_back_only_its_own_writes(store):
    with store.batch():
        store.write("SPY", MINUTE, minutes(5))
        with pytest.raises(RuntimeError), store.batch(atomic=True):  # noqa: PT012 - the block is the matter
            store.write("SPY", MINUTE, minutes(9))
            raise RuntimeError
        assert counts(store.write("SPY", MINUTE, minutes(6))) == (1, 5, 0, [])
    assert len(store.read("SPY", MINUTE, *ALWAYS)) == 6


def test_an_atomic_block_inside_another_takes_back_only_its_own_writes(store):
    with store.batch(atomic=True):
        store.write("SPY", MINUTE, minutes(5))
        with pytest.raises(RuntimeError), store.batch(atomic=True):  # noqa: PT012 - the block is the matter
            store.write("SPY", MINUTE, minutes(9))
            raise RuntimeError
    assert len(store.read("SPY", MINUTE, *ALWAYS)) == 5


@pytest.mark.parametrize("atomic", [False, True])
def test_a_thread_can_read_inside_its_own_batch(store, atomic):
    store.write("SPY", MINUTE, minutes(5))
    with store.batch(atomic=atomic):
        store.write("IBM", MINUTE, minutes(5))
        assert by_row(store.scan(["SPY"], MINUTE, *ALWAYS)) == {0: as_rows(minutes(5))}
        assert len(store.read("SPY", MINUTE, *ALWAYS)) == 5
        assert store.first_at_or_after("SPY", MINUTE, 0) == OPEN_7_OCTOBER_2013
        assert "SPY" in store.series()
    assert list(store.series()) == ["IBM", "SPY"]


def test_bars_handed_to_a_batch_may_be_changed_afterwards(store):
    bars = minutes(5)
    with store.batch():
        store.write("SPY", MINUTE, bars)
        bars.opened_at[:] = 0
        bars.close[:] = 0
    assert bits(store.read("SPY", MINUTE, *ALWAYS)) == bits(minutes(5))


def test_a_scan_may_be_left_half_way_during_a_write(store):
    store.write("SPY", MINUTE, minutes(20000))
    scan = store.scan(["SPY", "SPY", "SPY"], MINUTE, *ALWAYS)
    first = next(scan)
    assert store.write("SPY", MINUTE, minutes(20001)).written == 1
    rest = list(scan)
    assert sum(len(batch.bars) for batch in [first, *rest]) in range(60000, 60003)
    abandoned = store.scan(["SPY", "SPY", "SPY"], MINUTE, *ALWAYS)
    next(abandoned)
    assert store.write("SPY", MINUTE, minutes(20002)).written == 1


def test_many_threads_read_the_same_bars_at_once(store):
    bars = minutes(5000)
    for symbol in ("SPY", "IBM"):
        store.write(symbol, MINUTE, bars)
    failures = []

    def read():
        try:
            for low in range(0, 4000, 500):
                start, end = (int(bars.opened_at[at]) for at in (low, low + 900))
                wanted = as_rows(part(bars, slice(low, low + 900)))
                assert by_row(store.scan(["SPY", "IBM"], MINUTE, start, end)) == {0: wanted, 1: wanted}
                assert as_rows(store.read("IBM", MINUTE, start, end)) == wanted
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []


@pytest.mark.parametrize(
    ("bars", "text"),
    [
        (bars_at([60, 180, 120]), "bar 2 (1970-01-01T00:02:00Z) is not later than the previous one"),
        (bars_at([60, 60]), "times must be ascending, without duplicates"),
        (with_close(minutes(3), 1, np.nan), "SPY 1m 2013-10-07T13:31:00Z: close is nan, but must be finite"),
        (with_close(minutes(3), 2, np.inf), "close is inf"),
        (BarColumns(np.array([60, 120]), *[np.array([1.0])] * 5), "2 times, but 1 values of open"),
        (bars_at([OPEN_7_OCTOBER_2013 * 1000]), "Times must be in whole seconds, not milliseconds"),
    ],
)
def test_bars_that_no_market_makes_are_refused_and_nothing_is_stored(store, bars, text):
    with pytest.raises(StoreError) as caught:
        store.write("SPY", MINUTE, bars)
    assert text in str(caught.value)
    assert store.series() == {}


@pytest.mark.parametrize("symbol", ["", "SP\x00Y"])
def test_a_symbol_that_is_none_is_refused(store, symbol):
    with pytest.raises(StoreError, match="invalid symbol"):
        store.write(symbol, MINUTE, minutes(1))
    assert len(store.read(symbol, MINUTE, *ALWAYS)) == 0


def test_derived_intervals_are_not_stored(store):
    five = Interval.parse("5m")
    for use in (
        lambda: store.write("SPY", five, minutes(1)),
        lambda: store.read("SPY", five, *ALWAYS),
        lambda: list(store.scan(["SPY"], five, *ALWAYS)),
        lambda: store.first_at_or_after("SPY", five, 0),
    ):
        with pytest.raises(StoreError, match="5m bars are not stored: store 1s, 1m or 1d"):
            use()

"""Derived bars against pandas' resample, anchored at the open and again after a break."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.bar_grid import CLOSE, FIELDS, HIGH, LOW, OPEN, VOLUME, BarGrid, Floats
from tapedeck.engine.tape.buckets import DerivedGrid, buckets_of
from tests.support.naive import in_order, resampled, whole_day
from tests.support.tapes import frame_of, random_values, same_bits, slots_of

DAYS: Final = [
    ("XNYS", "2013-10-07"),
    ("XNYS", "2013-11-29"),
    ("XTKS", "2023-06-01"),
    ("XHKG", "2023-06-01"),
    ("24/7", "2023-06-03"),
]
WIDTHS: Final = ("2m", "5m", "7m", "11m", "15m", "30m", "1h", "4h", "1d")


def derived_of(
    slots: SessionSlots, values: Floats, interval: str, min_completeness: float = 0.0
) -> DerivedGrid:
    """Return all derived bars of a session, made at once."""
    grid = DerivedGrid(buckets_of(slots, Interval.parse(interval)), values.shape[1])
    grid.derive(BarGrid.loaded(values), 0, len(grid.buckets), min_completeness)
    return grid


def assert_equal_to_pandas(
    slots: SessionSlots, values: Floats, grid: DerivedGrid, completeness: float = 0.0
) -> None:
    """Compare every bar of every symbol, bit for bit, with those that plain pandas makes."""
    interval = grid.buckets.interval
    opened_at = slots.opened_at[grid.buckets.starts]
    for row in range(values.shape[1]):
        frame = frame_of(values[:, row], slots.opened_at)
        expected = (
            resampled(frame, slots.session, interval.seconds) if interval.is_intraday else whole_day(frame)
        )
        if interval.is_intraday:
            width = pd.Series(grid.buckets.widths, index=pd.to_datetime(opened_at, unit="s", utc=True))
            expected = expected[expected["base_bars"] / width.reindex(expected.index) >= completeness]
        else:
            expected = expected[expected["base_bars"] / len(slots) >= completeness]
        here = grid.present[row]
        assert same_bits(
            grid.values[:, row, here].T.copy(), expected[list(FIELDS)].to_numpy(dtype=float).copy()
        )
        assert grid.base_bars[row, here].tolist() == expected["base_bars"].tolist()
        assert np.isnan(grid.values[:, row, ~here]).all()
        if interval.is_intraday:
            labels = pd.to_datetime(opened_at[here], unit="s", utc=True)
            assert list(labels) == list(expected.index)


@pytest.mark.parametrize("missing", [0.0, 0.3, 0.97])
@pytest.mark.parametrize("interval", WIDTHS)
@pytest.mark.parametrize(("exchange", "day"), DAYS)
def test_derived_bars_equal_those_of_pandas(exchange: str, day: str, interval: str, missing: float) -> None:
    slots = slots_of(day, "1m", exchange)
    values = random_values(2, len(slots), seed=len(slots), missing=missing)
    assert_equal_to_pandas(slots, values, derived_of(slots, values, interval))


@pytest.mark.parametrize("missing", [0.0, 0.3, 0.97])
@pytest.mark.parametrize("interval", WIDTHS)
def test_derived_bars_of_forty_symbols_equal_those_of_each_alone(interval: str, missing: float) -> None:
    slots = slots_of("2023-06-01", "1m", "XTKS")
    values = random_values(40, len(slots), seed=40, missing=missing)
    together = derived_of(slots, values, interval)
    for row in range(40):
        alone = derived_of(slots, values[:, row : row + 1], interval)
        assert same_bits(together.values[:, row].copy(), alone.values[:, 0].copy())
        assert same_bits(together.base_bars[row].copy(), alone.base_bars[0].copy())


@pytest.mark.parametrize("base", ["1s", "1m"])
@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_five_minute_bars_of_seconds_equal_those_of_pandas(base: str, missing: float) -> None:
    slots = slots_of("2013-11-29", base)
    values = random_values(1, len(slots), seed=3, missing=missing)
    assert_equal_to_pandas(slots, values, derived_of(slots, values, "5m"))


@pytest.mark.parametrize("completeness", [0.2, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("interval", ["5m", "7m", "1h", "1d"])
def test_buckets_with_too_few_base_bars_give_no_bar(interval: str, completeness: float) -> None:
    slots = slots_of("2013-11-29")
    values = random_values(3, len(slots), seed=5, missing=0.3)
    grid = derived_of(slots, values, interval, completeness)
    assert_equal_to_pandas(slots, values, grid, completeness)


def test_exactly_the_required_fraction_is_enough() -> None:
    slots = slots_of("2013-10-07")
    values = random_values(1, len(slots), seed=1)
    values[:, :, 2:5] = np.nan
    assert derived_of(slots, values, "5m", 0.4).present[0, 0]
    assert not derived_of(slots, values, "5m", 0.41).present[0, 0]


def test_a_short_last_bucket_is_complete_with_all_its_slots() -> None:
    slots = slots_of("2013-11-29")
    grid = derived_of(slots, random_values(1, len(slots), seed=1), "1h", 1.0)
    assert grid.buckets.widths.tolist() == [60, 60, 60, 30]
    assert grid.base_bars.tolist() == [[60, 60, 60, 30]]
    assert grid.present.all()


def test_no_bar_crosses_tokyos_lunch() -> None:
    slots = slots_of("2023-06-01", "1m", "XTKS")
    buckets = buckets_of(slots, Interval.parse("4h"))
    assert list(zip(buckets.starts.tolist(), buckets.stops.tolist(), strict=True)) == [(0, 150), (150, 300)]


def test_the_day_is_one_bar_across_lunch() -> None:
    slots = slots_of("2023-06-01", "1m", "XTKS")
    buckets = buckets_of(slots, Interval.parse("1d"))
    assert (buckets.starts.tolist(), buckets.stops.tolist(), len(buckets)) == ([0], [300], 1)


def test_a_derived_bar_is_over_when_its_last_slot_is() -> None:
    buckets = buckets_of(slots_of("2013-11-29"), Interval.parse("1h"))
    frontiers = (0, 59, 60, 119, 120, 179, 180, 209, 210)
    assert [buckets.over_at(k) for k in frontiers] == [0, 0, 1, 1, 2, 2, 3, 3, 4]


def test_layouts_are_read_only() -> None:
    buckets = buckets_of(slots_of("2013-11-29"), Interval.parse("5m"))
    assert not buckets.starts.flags.writeable
    assert not buckets.stops.flags.writeable


@st.composite
def sparse_sessions(draw: st.DrawFn) -> tuple[SessionSlots, Floats, str]:
    """Draw a session, its bars with random gaps, and a width."""
    exchange, day = draw(st.sampled_from(DAYS[1:4]))
    slots = slots_of(day, "1m", exchange)
    rows = draw(st.sampled_from([1, 33]))
    missing = draw(st.sampled_from([0.0, 0.05, 0.6, 1.0]))
    values = random_values(rows, len(slots), seed=draw(st.integers(0, 10**6)), missing=missing)
    first, last = draw(st.integers(0, len(slots))), draw(st.integers(0, len(slots)))
    values[:, :, min(first, last) : max(first, last)] = np.nan
    return slots, values, draw(st.sampled_from(["3m", "5m", "7m", "1h", "1d"]))


@given(sparse_sessions(), st.data())
@settings(max_examples=60, deadline=None)
def test_making_buckets_in_parts_gives_the_same_bits(
    drawn: tuple[SessionSlots, Floats, str], data: st.DataObject
) -> None:
    slots, values, interval = drawn
    whole = derived_of(slots, values, interval)
    cut = DerivedGrid(whole.buckets, values.shape[1])
    edges = sorted(
        {0, len(whole.buckets), *data.draw(st.lists(st.integers(0, len(whole.buckets)), max_size=6))}
    )
    for first, last in pairwise(edges):
        cut.derive(BarGrid(values), first, last)
    assert same_bits(cut.values, whole.values)
    assert same_bits(cut.base_bars, whole.base_bars)
    assert same_bits(cut.present, whole.present)


@given(sparse_sessions())
@settings(max_examples=60, deadline=None)
def test_derived_bars_keep_count_open_close_and_volume_of_the_day(
    drawn: tuple[SessionSlots, Floats, str],
) -> None:
    slots, values, interval = drawn
    grid = derived_of(slots, values, interval)
    assert int(grid.base_bars.sum()) == int((~np.isnan(values[CLOSE])).sum())
    for row in range(0, values.shape[1], 11):
        bars, base = grid.values[:, row, grid.present[row]], values[:, row]
        base = base[:, ~np.isnan(base[CLOSE])]
        assert bars.shape[1] == 0 or bars[OPEN, 0] == base[OPEN, 0]
        assert bars.shape[1] == 0 or bars[CLOSE, -1] == base[CLOSE, -1]
        assert in_order(bars[VOLUME]) == pytest.approx(in_order(base[VOLUME]), rel=1e-12)
        assert (bars[LOW] <= bars[[OPEN, HIGH, CLOSE]]).all()
        assert (bars[HIGH] >= bars[[OPEN, LOW, CLOSE]]).all()


def test_a_late_bar_corrects_its_bucket() -> None:
    slots = slots_of("2013-11-29")
    values = random_values(33, len(slots), seed=9)
    base = BarGrid.loaded(values.copy())
    late = tuple(base.values[:, 0, 7].tolist())
    base.values[:, 0, 5:10] = np.nan
    base.present[0, 5:10] = False
    base.full = None
    grid = DerivedGrid(buckets_of(slots, Interval.parse("5m")), 33)
    grid.derive(base, 0, len(grid.buckets))
    assert not grid.present[0, 1]
    base.write_bar(0, 7, late)
    grid.derive(base, 1, 2)
    assert grid.values[:, 0, 1].tolist() == list(late)
    assert grid.base_bars[0, 1] == 1

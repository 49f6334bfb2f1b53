"""Forming bars: a reduction of the base bars up to the frontier, which changes nothing else."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.intervals import MINUTE, Interval
from tapedeck.engine.read.forming_bar import FormingBar, forming_bar
from tapedeck.engine.tape.bar_grid import Floats
from tapedeck.engine.tape.buckets import buckets_of
from tapedeck.engine.tape.session_view import SessionView
from tapedeck.engine.tape.stamp import session_digest
from tapedeck.engine.tape.tape import Tape
from tests.support.tapes import compute, random_values, slots_of, tape_over

TEXTS: Final = ("2m", "5m", "7m", "15m", "1h", "4h", "1d")
INTERVALS: Final = tuple(Interval.parse(text) for text in TEXTS)
DAYS: Final = (("XNYS", "2013-10-07"), ("XNYS", "2013-11-29"), ("XHKG", "2023-06-01"))
SPECS: Final = (IndicatorSpec("sma", "SMA", MINUTE, {"timeperiod": 3}),)


@cache
def tape_of(exchange: str, day: str, *, seed: int, missing: float) -> tuple[Tape, Floats]:
    """Return a finished tape of two symbols with all intervals, and its base bars (5, S, n)."""
    slots = slots_of(day, "1m", exchange)
    values = random_values(2, len(slots), seed=seed, missing=missing)
    return compute(tape_over(slots, values, derived=TEXTS), SPECS), values


def walked(bars: Floats) -> tuple[float, float, float, float, float, int] | None:
    """Return one bar made of bars (5, n), one after the other; None without any."""
    made: tuple[float, float, float, float, float, int] | None = None
    for opened, high, low, close, volume in bars.T.tolist():
        if np.isnan(close):
            continue
        if made is None:
            made = (opened, high, low, close, volume, 1)
        else:
            made = (made[0], max(made[1], high), min(made[2], low), close, made[4] + volume, made[5] + 1)
    return made


def as_plain(bar: FormingBar | None) -> tuple[float, float, float, float, float, int] | None:
    """Return a forming bar without its label."""
    if bar is None:
        return None
    return (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.base_bars)


@settings(max_examples=20, deadline=None)
@given(
    where=st.sampled_from(DAYS),
    seed=st.integers(0, 1),
    missing=st.sampled_from([0.0, 0.3, 0.97]),
    interval=st.sampled_from(INTERVALS),
    share=st.floats(0, 1),
)
def test_a_forming_bar_is_the_reduction_of_the_base_bars_of_its_bucket_up_to_the_frontier(
    where: tuple[str, str], seed: int, missing: float, interval: Interval, share: float
) -> None:
    tape, values = tape_of(*where, seed=seed, missing=missing)
    buckets = buckets_of(tape.slots, interval)
    middle = int(share * len(tape))
    for frontier in {0, *range(max(0, middle - 6), min(len(tape), middle + 6)), len(tape)}:
        view = SessionView(tape, frontier)
        column = buckets.over_at(frontier)
        start = int(buckets.starts[column]) if column < len(buckets) else frontier
        for row, symbol in enumerate(tape.symbols):
            found = forming_bar(view, symbol, interval)
            assert as_plain(found) == walked(values[:, row, start:frontier])
            assert found is None or found.opened_at == tape.slots.opened_at[start]


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1), missing=st.sampled_from([0.0, 0.3]), interval=st.sampled_from(INTERVALS))
def test_with_its_last_base_bar_it_is_the_bar_that_the_tape_gets(
    seed: int, missing: float, interval: Interval
) -> None:
    tape, values = tape_of("XNYS", "2013-11-29", seed=seed, missing=missing)
    buckets = buckets_of(tape.slots, interval)
    for column, stop in enumerate(buckets.ends):
        before, after = SessionView(tape, stop - 1), SessionView(tape, stop)
        for row, symbol in enumerate(tape.symbols):
            if not np.isnan(values[3, row, stop - 1]):
                continue
            found, bars = forming_bar(before, symbol, interval), after.bars(symbol, interval)
            made = [float(getattr(bars, name)[column]) for name in ("open", "high", "low", "close", "volume")]
            expected = as_plain(found)
            assert np.isnan(made[3]) if expected is None else tuple(made) == expected[:5]


def test_nothing_after_the_frontier_changes_a_forming_bar() -> None:
    slots = slots_of("2013-11-29")
    values = random_values(1, len(slots), seed=3)
    for frontier in (1, 7, 64, 200):
        other = values.copy()
        other[:, :, frontier:] = random_values(1, len(slots) - frontier, seed=4)
        views = [
            SessionView(compute(tape_over(slots, one, derived=TEXTS)), frontier) for one in (values, other)
        ]
        for interval in INTERVALS:
            assert forming_bar(views[0], "S0", interval) == forming_bar(views[1], "S0", interval)


def test_the_base_interval_has_none() -> None:
    tape, _ = tape_of("XNYS", "2013-11-29", seed=1, missing=0.0)
    assert forming_bar(SessionView(tape, 50), "S0", MINUTE) is None


def test_reading_forming_bars_changes_no_value_of_the_tape() -> None:
    tape, _ = tape_of("XNYS", "2013-11-29", seed=2, missing=0.3)

    def content() -> list[bytes]:
        view = SessionView(tape)
        grids = [view.bars_grid(interval).tobytes() for interval in (MINUTE, *INTERVALS)]
        return [*grids, view.indicator_grid("sma").tobytes(), session_digest(tape, len(tape)).encode()]

    before = content()
    for frontier in range(0, len(tape) + 1, 7):
        for interval in INTERVALS:
            forming_bar(SessionView(tape, frontier), "S1", interval)
    assert content() == before

"""Figures of the day: equal to plain Python over the bars so far, at one frontier and at many."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapedeck.engine.config.names import RESERVED_NAMES
from tapedeck.engine.tape.bar_grid import CLOSE, HIGH, LOW, OPEN, VOLUME
from tapedeck.engine.tape.day_figures import DAY_FIGURES, DayValues
from tapedeck.engine.tape.prior_close import PriorClose
from tapedeck.engine.tape.session_view import SessionView
from tapedeck.engine.tape.tape import Tape
from tests.support.naive import in_order
from tests.support.tapes import compute, random_values, slots_of, tape_over

PRIOR = np.array([50.5, np.nan, 0.0, 49.25])


def make_tape(day: str, exchange: str, seed: int, missing: float) -> Tape:
    """Return a tape of four symbols: with a prior close, without, with one of 0, and one without bars."""
    slots = slots_of(day, exchange=exchange)
    values = random_values(4, len(slots), seed=seed, missing=missing)
    values[:, 2, :90] = np.nan
    values[:, 3] = np.nan
    tape = compute(tape_over(slots, values))
    known = np.zeros(4, dtype=np.int64)
    tape.prior_close = PriorClose(PRIOR, known, known.astype(np.bool_))
    return tape


TAPES = [make_tape("2013-11-29", "XNYS", 1, 0.2), make_tape("2013-11-29", "XTKS", 2, 0.05)]


def by_hand(tape: Tape, row: int, frontier: int) -> dict[str, float]:
    """Return the figures of a symbol at a frontier, from its bars in a list; NaN where they are missing."""
    bars = [bar for bar in tape.base.values[:, row, :frontier].T.tolist() if not math.isnan(bar[CLOSE])]
    prior = float(PRIOR[row])
    last, first = (bars[-1][CLOSE], bars[0][OPEN]) if bars else (math.nan, math.nan)
    return {
        "prev_close": prior,
        "change": last - prior,
        "change_pct": (last / prior - 1.0) * 100.0 if prior else math.nan,
        "gap_pct": (first / prior - 1.0) * 100.0 if prior else math.nan,
        "day_open": first,
        "day_high": max((bar[HIGH] for bar in bars), default=math.nan),
        "day_low": min((bar[LOW] for bar in bars), default=math.nan),
        "day_volume": float(in_order(np.array([bar[VOLUME] for bar in bars]))) if bars else math.nan,
        "change_open_pct": (last / first - 1.0) * 100.0,
    }


@given(st.sampled_from(TAPES), st.integers(0, 210), st.integers(0, 80))
def test_figures_equal_those_by_hand_bit_for_bit_however_many_at_once(
    tape: Tape, start: int, more: int
) -> None:
    frontiers = np.arange(start, min(start + more, len(tape)) + 1)
    for name, figure in DAY_FIGURES.items():
        at_once = figure.of(DayValues(tape, frontiers))
        shown = SessionView(tape, start).day_figure(name)
        assert at_once.shape == (4, len(frontiers))
        for row in range(4):
            ends = [by_hand(tape, row, int(at))[name] for at in (frontiers[0], frontiers[-1])]
            np.testing.assert_array_equal([at_once[row, 0], at_once[row, -1]], ends)
            np.testing.assert_array_equal(shown[row], ends[0])
            one = figure.of(DayValues(tape, frontiers, slice(row, row + 1)))
            np.testing.assert_array_equal(one[0], at_once[row])


def test_no_figure_depends_on_later_bars() -> None:
    one, other = make_tape("2013-11-29", "XNYS", 3, 0.2), make_tape("2013-11-29", "XNYS", 3, 0.2)
    other.base.values[:, :3, 100:] *= 1.5
    frontiers = np.arange(101)
    for figure in DAY_FIGURES.values():
        found = [figure.of(DayValues(tape, frontiers)) for tape in (one, other)]
        np.testing.assert_array_equal(*found)


def test_the_prior_close_is_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        SessionView(TAPES[0], 5).prior_close.values[0] = 1.0


def test_no_indicator_can_bear_the_name_of_a_figure() -> None:
    assert set(DAY_FIGURES) <= RESERVED_NAMES

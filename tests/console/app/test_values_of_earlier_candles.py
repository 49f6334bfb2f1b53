"""Values of indicators at earlier candles: those of the session before, at its own candles."""

from __future__ import annotations

import numpy as np

from tapedeck.console.app.rows import values_before
from tapedeck.engine.clock.slots import day_label
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.intervals import DAY, Interval
from tapedeck.engine.tape.session_view import SessionView
from tests.support.tapes import compute, random_values, slots_of, tape_over

FIVE = Interval.parse("5m")
SLOTS = slots_of("2013-11-29")
SPECS = (IndicatorSpec("vwap_5m", "VWAP", FIVE), IndicatorSpec("vwap_day", "VWAP", DAY))
VIEW = SessionView(
    compute(tape_over(SLOTS, random_values(1, len(SLOTS), seed=1), derived=["5m", "1d"]), SPECS)
)


def test_each_earlier_candle_has_the_value_of_its_own_time() -> None:
    own = VIEW.opened_at(FIVE)
    earlier = np.concatenate([own - 86_400, own])
    values = values_before(VIEW, "S0", "vwap_5m", earlier)
    assert np.isnan(values[: len(own)]).all()
    assert np.array_equal(values[len(own) :], VIEW.indicator_grid("vwap_5m")[0], equal_nan=True)


def test_a_day_has_the_value_of_its_session() -> None:
    label = day_label(VIEW.trading_day.toordinal())
    values = values_before(VIEW, "S0", "vwap_day", np.array([label - 86_400, label], dtype=np.int64))
    assert np.isnan(values[0])
    assert values[1] == VIEW.indicator_grid("vwap_day")[0, 0]


def test_without_a_session_before_there_is_no_value() -> None:
    assert np.isnan(values_before(None, "S0", "vwap_5m", VIEW.opened_at(FIVE))).all()

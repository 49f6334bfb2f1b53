"""Where and how charts draw each indicator: over the price or in a pane, within its bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from talib.abstract import Function  # type: ignore[attr-defined]  # TA-Lib's annotations lack it

from tapedeck.engine.indicators.drawing import OutputForm
from tapedeck.engine.indicators.registry import REGISTRY
from tapedeck.engine.tape.bar_grid import FIELDS
from tests.support.tapes import random_values

KINDS = [REGISTRY.kind(type_) for type_ in REGISTRY.types()]
BOUNDED = [kind for kind in KINDS if kind.bounds is not None]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type)
def test_each_indicator_is_over_the_price_or_has_a_pane(kind) -> None:  # type: ignore[no-untyped-def]
    forms = [kind.form(output) for output in kind.outputs]
    assert set(kind.forms) <= set(kind.outputs)
    assert any(form is not OutputForm.HIDDEN for form in forms)
    if kind.over_price:
        assert kind.bounds is None
        assert not kind.levels
        assert OutputForm.HISTOGRAM not in forms  # bars from zero have no place on a scale of prices
    elif kind.bounds is not None:
        assert kind.bounds is not None
        low, high = kind.bounds
        assert low < high
        assert all(low <= level <= high for level in kind.levels)
    assert list(kind.levels) == sorted(set(kind.levels))


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), flat=st.integers(0, 60))
def test_values_of_bounded_indicators_are_within_their_bounds(seed: int, flat: int) -> None:
    values = random_values(1, 300, seed=seed)[:, 0]
    values[:, 100 : 100 + flat] = values[:, 100:101]  # a price that stands still
    bars = {name: np.ascontiguousarray(values[at]) for at, name in enumerate(FIELDS)}
    for kind in BOUNDED:
        found = Function(kind.type)(bars)
        assert kind.bounds is not None
        low, high = kind.bounds
        slack = 1e-6 * (high - low)
        for output in found if isinstance(found, list | tuple) else [found]:
            known = np.asarray(output, dtype=float)
            known = known[np.isfinite(known)]
            assert ((known >= low - slack) & (known <= high + slack)).all(), kind.type


@pytest.mark.parametrize(
    ("type_", "levels", "bounds"),
    [
        ("RSI", (30.0, 70.0), (0.0, 100.0)),
        ("STOCH", (20.0, 80.0), (0.0, 100.0)),
        ("CCI", (-100.0, 100.0), None),
        ("WILLR", (-80.0, -20.0), (-100.0, 0.0)),
        ("MFI", (20.0, 80.0), (0.0, 100.0)),
        ("ADX", (25.0,), (0.0, 100.0)),
        ("RELATIVE_VOLUME", (1.0,), None),
        ("ATR", (), None),
    ],
)
def test_panes_have_the_usual_levels(
    type_: str, levels: tuple[float, ...], bounds: tuple[float, float] | None
) -> None:
    kind = REGISTRY.kind(type_)
    assert (kind.levels, kind.bounds) == (levels, bounds)


@pytest.mark.parametrize(
    ("type_", "forms"),
    [
        ("MACD", ("line", "line", "histogram")),
        ("SAR", ("dots",)),
        ("BBANDS", ("line", "line", "line")),
        ("SUPERTREND", ("line", "hidden")),
        ("CDLDOJI", ("histogram",)),
    ],
)
def test_outputs_are_lines_histograms_or_dots(type_: str, forms: tuple[str, ...]) -> None:
    kind = REGISTRY.kind(type_)
    assert tuple(kind.form(output).value for output in kind.outputs) == forms

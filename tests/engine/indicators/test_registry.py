"""Registry of indicators: an added kind is validated, computed and explained like any other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest

from tapedeck.engine.config import SessionConfig
from tapedeck.engine.errors import ConfigError, TapedeckError
from tapedeck.engine.indicators.kernel import Kernel, KernelInputs
from tapedeck.engine.indicators.kind import IndicatorKind, WholeNumber
from tapedeck.engine.indicators.registry import OWN_KINDS, REGISTRY
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.session_file import session_config_schema
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.bar_grid import HIGH, LOW, VOLUME
from tests.support.files import session_file
from tests.support.markets import fill_store, open_new_store
from tests.support.runs import LIMIT_S, at_frontier

FRONTIER = 30


class BarSpan(IndicatorKind):
    """A multiple of a bar's high less its low, and its volume: a kind with all defaults."""

    type = "BAR_SPAN"
    inputs = ("high", "low", "volume")
    formula = "factor × (high − low); volume"
    parameters = MappingProxyType({"factor": WholeNumber(2, 1, 9)})
    outputs = ("span", "volume")

    def kernel(self, inputs: KernelInputs) -> BarSpanKernel:
        return BarSpanKernel(inputs)


class BarSpanKernel(Kernel):
    def __init__(self, inputs: KernelInputs) -> None:
        self._grid, self._columns = inputs.grid, inputs.columns
        self._factor = inputs.parameters["factor"]

    def advance(self, slots: range, columns: range) -> None:
        del slots
        bars = self._grid.values[:, :, columns.start : columns.stop]
        span, volume = (column[:, columns.start : columns.stop] for column in self._columns)
        span[...] = self._factor * (bars[HIGH] - bars[LOW])
        volume[...] = bars[VOLUME]


@pytest.fixture
def bar_span() -> Iterator[None]:
    with REGISTRY.added(BarSpan()):
        yield


def config_with(**definition: object) -> SessionConfig:
    return session_file(
        ["AAA"], ["1m"], "2013-11-26", "2013-11-26",
        indicators={"reach": {"type": "BAR_SPAN", "interval": "1m", **definition}},
    )  # fmt: skip


@pytest.mark.usefixtures("bar_span")
def test_an_added_kind_is_validated() -> None:
    indicator = config_with(factor=3).session_data_config.indicators["reach"]
    assert (indicator.type, indicator.parameters) == ("BAR_SPAN", {"factor": 3})
    assert config_with().session_data_config.indicators["reach"].parameters == {"factor": 2}
    with pytest.raises(ConfigError) as caught:
        config_with(factor=0, facto=3, against="usual")
    start = "session_data_config.indicators.reach."
    assert [str(problem).removeprefix(start) for problem in caught.value.problems] == [
        "against: must be left out: BAR_SPAN takes no historical indicator.",
        "factor: must be 1 to 9 for BAR_SPAN, not 0.",
        "facto: unknown parameter 'facto' of BAR_SPAN: it takes factor. Did you mean 'factor'?",
    ]
    types = session_config_schema()["$defs"]["SessionIndicator"]["properties"]["type"]["anyOf"][0]["enum"]
    assert "BAR_SPAN" in types


@pytest.mark.usefixtures("bar_span")
def test_an_added_kind_is_computed_and_explained(tmp_path: Path) -> None:
    with open_new_store(tmp_path / "bars.db") as store:
        fill_store(store, ["AAA"], "2013-11-26", "2013-11-26", missing=0.2)
    with open_store(tmp_path / "bars.db") as store:
        system = SystemManager(config_with(factor=3), store)
        system.start(paused=True)
        try:
            system.step(FRONTIER)
            assert system.wait_for(at_frontier(system, 1, FRONTIER), LIMIT_S)
            why = system.explain("AAA", "reach_span")
            first = system.explain("AAA", "reach_volume", 0)
            tape = system.session_data.require_tape()
            bars = pd.DataFrame(tape.base.values[:, 0, :FRONTIER].T)
            found = {name: column.values[0, :FRONTIER] for name, column in tape.indicators.items()}
            parameters = system.summary().parameters["reach"]
        finally:
            system.stop(LIMIT_S)
    np.testing.assert_array_equal(found["reach_span"], 3 * (bars[HIGH] - bars[LOW]))
    np.testing.assert_array_equal(found["reach_volume"], bars[VOLUME])
    assert parameters == {"type": "BAR_SPAN", "interval": "1m", "factor": 3}
    there = bars.dropna()
    assert why.value == 3 * (there[HIGH] - there[LOW]).iloc[-1]
    assert (why.formula, why.interval) == ("factor × (high − low); volume", MINUTE)
    assert why.source == "tapedeck, output span, on stored 1m bars"
    assert {part.name: part.values.tolist() for part in why.inputs} == {
        "high": there[HIGH].tolist(),
        "low": there[LOW].tolist(),
        "volume": there[VOLUME].tolist(),
    }
    last = int(there.index[-1]) + 1  # the bar that has the value
    assert (why.bars_used, why.missing_bars, why.is_warm) == (len(there), last - len(there), True)
    assert (first.value, first.bars_used, first.is_warm) == (None, 0, False)


def test_an_added_kind_is_removed_after_the_block() -> None:
    with REGISTRY.added(BarSpan()):
        assert REGISTRY.kind("BAR_SPAN").outputs == ("span", "volume")
        with (
            pytest.raises(TapedeckError, match="indicator type 'BAR_SPAN' is registered already"),
            REGISTRY.added(BarSpan()),
        ):
            pass
    with pytest.raises(TapedeckError, match="unknown indicator type 'BAR_SPAN'"):
        REGISTRY.kind("BAR_SPAN")


def test_an_own_kind_takes_precedence_over_talibs_of_the_same_name() -> None:
    assert REGISTRY.kind("VWAP").source == "tapedeck"
    assert REGISTRY.kind("SMA").source == "TA-Lib's SMA"
    assert tuple(kind.type for kind in OWN_KINDS) == REGISTRY.own_types()


@pytest.mark.parametrize(
    ("over_price", "types"),
    [
        (True, ("VWAP", "ROLLING_VWAP", "SESSION_HIGH", "OPENING_RANGE_LOW", "SMA", "BBANDS", "SAR")),
        (False, ("RELATIVE_VOLUME", "RSI", "MACD", "ATR", "OBV", "CDLDOJI")),
    ],
)
def test_indicators_in_price_units_are_drawn_over_the_candles(
    over_price: bool, types: tuple[str, ...]
) -> None:
    assert {REGISTRY.kind(type_).over_price for type_ in types} == {over_price}


def test_vwap_and_averages_are_drawn_before_other_lines_and_bands_last() -> None:
    types = ("BBANDS", "SESSION_HIGH", "EMA", "VWAP", "MAMA")
    ordered = sorted(types, key=lambda type_: REGISTRY.kind(type_).overlay_order)
    assert ordered == ["VWAP", "EMA", "MAMA", "SESSION_HIGH", "BBANDS"]

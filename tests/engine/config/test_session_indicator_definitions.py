"""Definitions of session indicators against TA-Lib."""

# ruff: noqa: E501  # a table of errors reads best with one in a line

from __future__ import annotations

import numpy as np
import pytest
import talib
from pydantic_core import PydanticCustomError
from talib import abstract

from tapedeck.engine.config import SessionConfig, SessionIndicator
from tapedeck.engine.config.catalogue import output_names
from tapedeck.engine.errors import ConfigError
from tapedeck.engine.indicators.registry import REGISTRY
from tapedeck.engine.indicators.talib_adapter import TalibKind, moving_average_types
from tapedeck.engine.intervals import Interval

OWN = {
    "VWAP",
    "ROLLING_VWAP",
    "SESSION_HIGH",
    "SESSION_LOW",
    "OPENING_RANGE_HIGH",
    "OPENING_RANGE_LOW",
    "RELATIVE_VOLUME",
}
AVERAGE = {"type": "trailing_average", "period": "5d", "granularity": "minute", "field": "volume"}


@pytest.fixture
def define(document, read):
    """Define one indicator called `x`, on 1m by default."""

    def define(**definition: object) -> SessionIndicator:
        data = document["session_data_config"]
        data["indicators"] = {"x": {"interval": "1m"} | definition}
        data["historical"] = {"indicators": {"usual": AVERAGE}}
        return read(document).config.session_data_config.indicators["x"]

    return define


@pytest.fixture
def refused(define):
    """Define an invalid indicator; return the messages."""

    def refused(**definition: object) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            define(**definition)
        start = "session_data_config.indicators.x"
        return [str(problem).removeprefix(start).removeprefix(".") for problem in caught.value.problems]

    return refused


def test_every_function_of_ta_lib_but_mavp_can_be_asked_for():
    assert set(REGISTRY.types()) == (set(talib.get_functions()) - {"MAVP"}) | OWN


@pytest.mark.parametrize("type_", sorted(set(talib.get_functions()) - {"MAVP", "VWAP"}))
def test_inputs_and_parameters_as_described_are_what_ta_lib_takes(define, type_):
    indicator = define(type=type_)
    columns = dict(
        zip(
            ("open", "high", "low", "close", "volume"), np.random.default_rng(7).random((5, 300)), strict=True
        )
    )
    kind = REGISTRY.kind(type_)
    ours = getattr(talib, type_)(*(columns[name] for name in kind.inputs), **indicator.parameters)
    theirs = abstract.Function(type_)(columns)
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))
    assert len(kind.outputs) == (len(theirs) if isinstance(theirs, list) else 1)


def test_a_type_may_be_written_in_small_letters(define):
    assert define(type="rsi").type == "RSI"


def test_defaults_are_those_of_ta_lib(define):
    assert define(type="RSI").parameters == {"timeperiod": 14}
    assert define(type="MACD", slowperiod=30).parameters == {
        "fastperiod": 12,
        "slowperiod": 30,
        "signalperiod": 9,
    }


def test_a_parameter_that_ta_lib_has_as_a_float_becomes_one(define):
    value = define(type="BBANDS", nbdevup=3).parameters["nbdevup"]
    assert value == 3
    assert isinstance(value, float)


@pytest.mark.parametrize(
    ("type_", "names"),
    [
        ("RSI", ("x",)),
        ("CDLDOJI", ("x",)),
        ("VWAP", ("x",)),
        ("BBANDS", ("x_upperband", "x_middleband", "x_lowerband")),
        ("STOCH", ("x_slowk", "x_slowd")),
        ("AROON", ("x_aroondown", "x_aroonup")),
    ],
)
def test_a_single_output_has_the_name_and_several_add_their_own(type_, names):
    assert output_names("x", REGISTRY.kind(type_).outputs) == names


def test_an_indicator_may_be_on_an_interval_that_is_not_streamed(define):
    assert define(type="ATR", interval="30m").interval == Interval(1800)
    assert define(type="SMA", interval="1d").interval == Interval(86400)


def test_a_moving_average_may_be_chosen_by_name(define):
    assert define(type="BBANDS", matype="ema").parameters["matype"] == 1
    assert define(type="BBANDS", matype=8).parameters["matype"] == 8
    assert moving_average_types()["T3"] == 8


def test_vwap_and_the_like_are_tapedecks_own(define):
    assert REGISTRY.kind("VWAP").source == "tapedeck"
    for type_ in ("VWAP", "SESSION_HIGH", "session_low"):
        assert dict(define(type=type_, interval="5m").parameters) == {}


def test_defaults_of_tapedecks_own_are_filled_in(define):
    assert define(type="ROLLING_VWAP").parameters == {"timeperiod": 20}
    assert define(type="rolling_vwap", timeperiod=1).parameters == {"timeperiod": 1}
    assert define(type="OPENING_RANGE_HIGH", interval="15m").parameters == {"minutes": 30}
    assert define(type="OPENING_RANGE_LOW", interval="30s", minutes=1).parameters == {"minutes": 1}


def test_relative_volume_compares_with_a_historical_average_by_the_minute(define):
    assert define(type="RELATIVE_VOLUME", against="usual").against == "usual"


@pytest.mark.parametrize(
    ("definition", "lines"),
    [
        ({"type": "RSI", "timeperiod": 1}, ["timeperiod: must be 2 to 100000 for RSI, not 1."]),
        ({"type": "RSI", "timeperiod": 100001}, ["timeperiod: must be 2 to 100000 for RSI, not 100001."]),
        ({"type": "RSI", "timeperiod": 2**40}, [f"timeperiod: must be 2 to 100000 for RSI, not {2**40}."]),
        ({"type": "ROC", "timeperiod": 0}, ["timeperiod: must be 1 to 100000 for ROC, not 0."]),
        ({"type": "RSI", "timeperiod": 14.0}, ["timeperiod: must be a whole number, not 14.0; the default is 14."]),
        ({"type": "RSI", "timeperiod": True}, ["timeperiod: must be a whole number, not true; the default is 14."]),
        ({"type": "RSI", "timeperiod": "14"}, ["timeperiod: must be a whole number, not '14'; the default is 14."]),
        ({"type": "T3", "vfactor": 2}, ["vfactor: must be 0.0 to 1.0 for T3, not 2."]),
        ({"type": "MAMA", "fastlimit": 1.0}, ["fastlimit: must be 0.01 to 0.99 for MAMA, not 1.0."]),
        ({"type": "SAR", "maximum": -1}, ["maximum: must be at least 0.0 for SAR, not -1."]),
        ({"type": "STDDEV", "nbdev": 1e40}, ["nbdev: must be a finite number for STDDEV, not 1e+40."]),
        ({"type": "STDDEV", "nbdev": 10**400}, [f"nbdev: must be a finite number for STDDEV, not {'1' + '0' * 58}…."]),
        ({"type": "STDDEV", "nbdev": float("nan")}, ["nbdev: must be a finite number for STDDEV, not nan."]),
        ({"type": "SMA", "timeperod": 5}, ["timeperod: unknown parameter 'timeperod' of SMA: it takes timeperiod. Did you mean 'timeperiod'?"]),
        ({"type": "VWAP", "timeperiod": 5}, ["timeperiod: unknown parameter 'timeperiod' of VWAP: it takes none."]),
        ({"type": "TRANGE", "timeperiod": 5}, ["timeperiod: unknown parameter 'timeperiod' of TRANGE: it takes none."]),
        ({"type": "SMA", "parameters": {}}, ["parameters: parameters belong next to the type, without a field around them, like {type: SMA, interval: 1m, timeperiod: 20}."]),
        ({"type": "SMA", "name": "y"}, ["name: unknown parameter 'name' of SMA: it takes timeperiod."]),
        ({"type": "BBANDS", "matype": 14}, ["matype: must be 0 to 13 for BBANDS, not 14."]),
        ({"type": "BBANDS", "matype": "EMMA"}, ["matype: unknown moving average 'EMMA': use SMA, EMA, WMA, DEMA, TEMA, TRIMA, KAMA, MAMA, T3, HMA, DISABLED, DEFAULT, ZLEMA, RMA, or TA-Lib's number of it. Did you mean 'EMA'?"]),
        ({"type": "MACD", "fastperiod": 1, "slowperiod": 0}, ["fastperiod: must be 2 to 100000 for MACD, not 1.", "slowperiod: must be 2 to 100000 for MACD, not 0."]),
        ({"type": "SMAA", "timeperiod": 1}, ["type: unknown indicator type 'SMAA': use a TA-Lib function such as SMA, EMA, RSI, MACD, BBANDS, ATR, or VWAP, ROLLING_VWAP, SESSION_HIGH, SESSION_LOW, OPENING_RANGE_HIGH, OPENING_RANGE_LOW, RELATIVE_VOLUME. Did you mean 'SMA'?"]),
        ({"type": "relativ_volume", "against": "usual"}, ["type: unknown indicator type 'relativ_volume': use a TA-Lib function such as SMA, EMA, RSI, MACD, BBANDS, ATR, or VWAP, ROLLING_VWAP, SESSION_HIGH, SESSION_LOW, OPENING_RANGE_HIGH, OPENING_RANGE_LOW, RELATIVE_VOLUME. Did you mean 'RELATIVE_VOLUME'?"]),
        ({"type": "MAVP"}, ["type: unusable indicator type 'MAVP': it needs more inputs than the prices and volumes of bars."]),
        ({"type": 5}, ["type: must be text (in quotes, if YAML reads it as another type), not 5."]),
        ({}, ["type: is required: Type of the indicator, such as SMA, RSI, MACD or VWAP; `tapedeck config schema` lists all."]),
        ({"type": "VWAP", "interval": "1w"}, ["interval: must be at most 1d for VWAP, which starts with the session's open: 1w has the bars of earlier weeks. Did you mean '1d'?"]),
        ({"type": "SMA", "interval": "2w"}, ["interval: invalid interval '2w': days and weeks must be single, 1d or 1w."]),
        ({"type": "RELATIVE_VOLUME", "interval": "1w", "against": "usual"}, ["interval: must be 1m for RELATIVE_VOLUME, which compares minutes, not '1w'. Did you mean '1m'?"]),
        ({"type": "SMA", "interval": None}, ["interval: is required: Interval of its bars, made if it is not in `streams`; 1w: the complete weeks before the session."]),
        ({"type": "SMA", "against": "usual"}, ["against: must be left out: SMA takes no historical indicator."]),
        ({"type": "ROLLING_VWAP", "timeperiod": 0}, ["timeperiod: must be 1 to 100000 for ROLLING_VWAP, not 0."]),
        ({"type": "ROLLING_VWAP", "timeperiod": 5.0}, ["timeperiod: must be a whole number, not 5.0; the default is 20."]),
        ({"type": "ROLLING_VWAP", "period": 5}, ["period: unknown parameter 'period' of ROLLING_VWAP: it takes timeperiod. Did you mean 'timeperiod'?"]),
        ({"type": "OPENING_RANGE_HIGH", "minute": 5, "timeperiod": 3}, ["minute: unknown parameter 'minute' of OPENING_RANGE_HIGH: it takes minutes. Did you mean 'minutes'?", "timeperiod: unknown parameter 'timeperiod' of OPENING_RANGE_HIGH: it takes minutes."]),
        ({"type": "OPENING_RANGE_HIGH", "minutes": 1441}, ["minutes: must be 1 to 1440 for OPENING_RANGE_HIGH, not 1441."]),
        ({"type": "OPENING_RANGE_LOW", "interval": "5m", "minutes": 12}, ["minutes: must be a multiple of the interval 5m, not 12 minutes."]),
        ({"type": "OPENING_RANGE_LOW", "interval": "7m"}, ["minutes: must be a multiple of the interval 7m, not 30 minutes."]),
        ({"type": "OPENING_RANGE_LOW", "interval": "1d"}, ["minutes: must be a multiple of the interval 1d, not 30 minutes."]),
        ({"type": "OPENING_RANGE_LOW", "interval": "1w", "minutes": 0}, ["interval: must be at most 1d for OPENING_RANGE_LOW, which starts with the session's open: 1w has the bars of earlier weeks. Did you mean '1d'?", "minutes: must be 1 to 1440 for OPENING_RANGE_LOW, not 0."]),
        ({"type": "RELATIVE_VOLUME", "interval": "5m", "against": "usual"}, ["interval: must be 1m for RELATIVE_VOLUME, which compares minutes, not '5m'. Did you mean '1m'?"]),
        ({"type": "RELATIVE_VOLUME"}, ["against: is required for RELATIVE_VOLUME: the name of a historical indicator {type: trailing_average, granularity: minute, field: volume}."]),
    ],
)  # fmt: skip
def test_an_indicator_that_cannot_be_is_told_as(refused, definition, lines):
    assert refused(**definition) == lines


@pytest.mark.parametrize(
    "type_", ["RSI", "BBANDS", "MACDEXT", "STOCH", "T3", "MAMA", "SAR", "PERCENTILE", "KDJ"]
)
def test_what_is_refused_is_what_ta_lib_refuses(define, type_):
    """Small and awkward values, one parameter at a time, against calling the function itself."""
    columns = dict(
        zip(
            ("open", "high", "low", "close", "volume"), np.random.default_rng(7).random((5, 300)), strict=True
        )
    )
    for name, default in abstract.Function(type_).parameters.items():
        candidates = (
            range(-1, 16)
            if isinstance(default, int)
            else (-1.0, 0.0, 0.005, 0.01, 0.5, 0.99, 1.0, 100.0, 101.0)
        )
        for value in candidates:
            try:
                abstract.Function(type_)(columns, **{name: value})
            except Exception:  # noqa: BLE001  # TA-Lib raises nothing narrower
                with pytest.raises(ConfigError):
                    define(type=type_, **{name: value})
            else:
                assert define(type=type_, **{name: value}).parameters[name] == value


def test_parameters_that_ta_lib_refuses_only_together_are_told_together():
    """No function of prices does so today, but MAVP, which is not offered, wants minperiod <= maxperiod."""
    with pytest.raises(
        PydanticCustomError, match=r"invalid combination of parameters of TA-Lib's MAVP: .*14.*3"
    ):
        TalibKind("MAVP").resolve_parameters({"minperiod": 14, "maxperiod": 3})


def test_a_model_that_is_validated_without_a_catalogue_says_how_to_read_a_file(document):
    document["session_data_config"]["indicators"] = {"x": {"type": "SMA", "interval": "1m"}}
    with pytest.raises(TypeError, match=r"use tapedeck\.load_session_config"):
        SessionConfig.model_validate(document)

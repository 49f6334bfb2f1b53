"""Texts of `--indicator`: parts, default names, values by the order of parameters."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.console.cli.indicator_option import IndicatorProblem, definitions_of, names_of, read_indicator
from tapedeck.engine.indicators.registry import REGISTRY
from tapedeck.engine.session_file import parse_session_config

KINDS = [kind for kind in REGISTRY.types() if REGISTRY.kind(kind).against is None]


def definitions(*texts: str, interval: str = "1m") -> dict[str, dict[str, Any]]:
    return definitions_of([read_indicator(text) for text in texts], interval)


@pytest.mark.parametrize(
    ("text", "name", "definition"),
    [
        ("RSI", "rsi_14", {"type": "RSI", "interval": "1m", "timeperiod": 14}),
        ("rsi:9", "rsi_9", {"type": "RSI", "interval": "1m", "timeperiod": 9}),
        ("RSI:14@5m", "rsi_14_5m", {"type": "RSI", "interval": "5m", "timeperiod": 14}),
        ("RSI@1m", "rsi_14", {"type": "RSI", "interval": "1m", "timeperiod": 14}),
        ("VWAP", "vwap", {"type": "VWAP", "interval": "1m"}),
        ("own=VWAP@15m", "own", {"type": "VWAP", "interval": "15m"}),
        (
            "MACD:5,10",
            "macd_5_10",
            {"type": "MACD", "interval": "1m", "fastperiod": 5, "slowperiod": 10, "signalperiod": 9},
        ),
        (
            "BBANDS:20,,2.5,EMA",
            "bbands_20_2_5_ema",
            {
                "type": "BBANDS",
                "interval": "1m",
                "timeperiod": 20,
                "nbdevup": 2.0,
                "nbdevdn": 2.5,
                "matype": "EMA",
            },
        ),
        (
            "OPENING_RANGE_LOW:15",
            "opening_range_low_15",
            {"type": "OPENING_RANGE_LOW", "interval": "1m", "minutes": 15},
        ),
    ],
)
def test_a_text_has_this_definition(text: str, name: str, definition: dict[str, object]) -> None:
    assert definitions(text) == {name: definition}


def test_an_indicator_twice_has_two_names() -> None:
    assert list(definitions("RSI", "RSI:14", "rsi_14_2=SMA", "RSI@5m")) == [
        "rsi_14", "rsi_14_3", "rsi_14_2", "rsi_14_5m",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "=", ":", "@", "=RSI", "RSI:1:2", "RSI@1m@5m", "a b=RSI", "RSI:,,"])
def test_an_invalid_text_is_a_problem_of_the_option(text: str) -> None:
    with pytest.raises(IndicatorProblem) as caught:
        definitions(text)
    assert caught.value.problem.path == f"--indicator {text}"


def test_a_name_twice_is_a_problem() -> None:
    with pytest.raises(IndicatorProblem, match="'macd_macd' is used already"):
        definitions("macd=MACD", "macd_macd=RSI")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        # An opening range of 30 minutes has no bars of a day.
        st.tuples(st.sampled_from(KINDS), st.sampled_from(["", "@1m", "@5m", "@1d"]), st.booleans()).filter(
            lambda one: not (one[0].startswith("OPENING_RANGE") and one[1] == "@1d")
        ),
        min_size=1,
        max_size=8,
    )
)
def test_any_indicators_without_names_are_valid_together(chosen: list[tuple[str, str, bool]]) -> None:
    texts = [f"{kind}{_defaults(kind) if spelled else ''}{at}" for kind, at, spelled in chosen]
    found = definitions(*texts)
    assert len(found) == len(texts)
    assert [one["type"] for one in found.values()] == [kind for kind, _, _ in chosen]
    names = [names_of(name, REGISTRY.kind(one["type"])) for name, one in found.items()]
    assert len(set.union(*names)) == sum(map(len, names))
    document = {
        "session_name": "Any",
        "exchange_group": "XNYS",
        "backtest_config": {"start_date": "2013-10-07", "end_date": "2013-10-07"},
        "session_data_config": {"symbols": ["SPY"], "streams": ["1m"], "indicators": found},
    }
    config = parse_session_config(document, "any").config
    for (kind, _, _), one in zip(chosen, config.session_data_config.indicators.values(), strict=True):
        assert dict(one.parameters) == REGISTRY.kind(kind).resolve_parameters({})


def _defaults(kind: str) -> str:
    values = [str(parameter.default) for parameter in REGISTRY.kind(kind).parameters.values()]
    return f":{','.join(values)}" if values else ""

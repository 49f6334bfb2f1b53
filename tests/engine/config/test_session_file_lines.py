"""Errors of session files: their lines, in YAML and JSON, and what is allowed, said once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.config.documents import find_lines, parse_text, write_yaml
from tapedeck.engine.config.plain_documents import dotted
from tapedeck.engine.errors import ConfigError
from tapedeck.engine.session_file import load_session_config, parse_session_config

YAML = """\
session_name: Bad
exchange_group: US_EQUITY
start: 2013-10-07
tickers: [SPY]
session_data_config:
  symbols:
    - SPY
    - SPY
  streams: [1m,
            5min, 7min]
  historical:
    data:
      - {days: 1, intervals: [1m], symbols: all}
  colour: red
  flavour: sweet
  indicators:
    rsi: &rsi
      type: RSI
      interval: 1m
      length: 14
    other:
      <<: *rsi
      timeframe: 1m
backtest_config:
  start: 2013-10-07
"""
JSON = """\
{
\t"session_name": "Bad", "exchange_group": "US_EQUTY",
\t"backtest_config": {"start_date": "2013-10-07",
\t\t"end_date": "{[2013"},

\t"session_data_config": {
\t\t"symbols": ["SPY", ["\\"x\\\\", 1],
\t\t\t"SPY"],
\t\t"indicators": {"a": {"type": "RSI", "interval": "1m",
\t\t\t"timeperiod": 1}}
\t}
}
"""


def problems(text: str, path: Path) -> list[str]:
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_session_config(path)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def test_each_fault_of_a_yaml_file_has_its_line_in_order(tmp_path: Path) -> None:
    lines = problems(YAML, tmp_path / "bad.yaml")
    assert [line.split(": ", 2)[:2] for line in lines] == [
        ["line 3", "start"],
        ["line 4", "tickers"],
        ["line 8", "session_data_config.symbols[1]"],
        ["line 10", "session_data_config.streams[1]"],
        ["line 10", "session_data_config.streams[2]"],
        ["line 13", "session_data_config.historical.data[0].trailing_days"],
        ["line 13", "session_data_config.historical.data[0].days"],
        ["line 13", "session_data_config.historical.data[0].symbols"],
        ["line 14", "session_data_config.colour"],
        ["line 15", "session_data_config.flavour"],
        ["line 20", "session_data_config.indicators.rsi.length"],
        ["line 20", "session_data_config.indicators.other.length"],
        ["line 23", "session_data_config.indicators.other.timeframe"],
        ["line 24", "backtest_config.start_date"],
        ["line 24", "backtest_config.end_date"],
        ["line 25", "backtest_config.start"],
    ]


def test_each_fault_of_a_json_file_has_its_line_in_order(tmp_path: Path) -> None:
    lines = problems(JSON, tmp_path / "bad.json")
    assert [line.split(": ", 2)[:2] for line in lines] == [
        ["line 2", "exchange_group"],
        ["line 4", "backtest_config.end_date"],
        ["line 6", "session_data_config.streams"],
        ["line 7", "session_data_config.symbols[1]"],
        ["line 8", "session_data_config.symbols[2]"],
        ["line 10", "session_data_config.indicators.a.timeperiod"],
    ]


def test_what_is_allowed_is_said_once(tmp_path: Path) -> None:
    lines = problems(YAML, tmp_path / "bad.yaml")
    for allowed in ("the fields here are symbols, streams,", "use a whole number and s, m, h, d or w"):
        assert sum(allowed in line for line in lines) == 1
    assert "line 15: session_data_config.flavour: unknown field 'flavour'." in lines
    assert "line 10: session_data_config.streams[2]: invalid interval '7min'." in lines


DATA, TEST, FILLER = "session_data_config", "backtest_config", "session_data_config.gap_filler"
BELONGS, CALLED = "it belongs to {}", "it is called {}, in {}"


@pytest.mark.parametrize(
    ("place", "message", "meant"),
    [
        ("symbols", BELONGS.format(DATA), f"{DATA}.symbols"),
        ("start", CALLED.format("start_date", TEST), f"{TEST}.start_date"),
        ("startDate", BELONGS.format(TEST), f"{TEST}.start_date"),
        ("symbls", CALLED.format("symbols", DATA), f"{DATA}.symbols"),
        ("exchange", "the fields here are session_name", "exchange_group"),
        (f"{DATA}.timeframe", "the fields here are symbols", "streams"),
        (f"{DATA}.capital", CALLED.format("initial_cash", "trading_config"), "trading_config.initial_cash"),
        (f"{DATA}.mode", BELONGS.format("the top level of the file"), None),
        (f"{DATA}.historical.max_retries", BELONGS.format(FILLER), f"{FILLER}.max_retries"),
        (f"{TEST}.to", "the fields here are start_date", "end_date"),
        ("trading_config.from", CALLED.format("start_date", TEST), f"{TEST}.start_date"),
    ],
)  # fmt: skip
def test_a_misplaced_field_names_where_it_belongs(
    document: dict[str, Any], place: str, message: str, meant: str | None
) -> None:
    *above, name = place.split(".")
    node = document
    for part in above:
        node = node.setdefault(part, {})
    node[name] = "x"
    with pytest.raises(ConfigError) as caught:
        parse_session_config(document, "october.yaml")
    (problem,) = caught.value.problems
    assert (problem.path, problem.suggestion) == (place, meant)
    assert message in problem.message


NAMES = st.text("abcdefgh_", min_size=1, max_size=6)
DOCUMENTS = st.recursive(
    st.integers(0, 99) | st.sampled_from(["x", "a: b", "{", "[", '"', "\\", ",", "#", "'"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)


def places(node: object, above: tuple[int | str, ...] = ()) -> Iterator[tuple[tuple[int | str, ...], object]]:
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inner:
        yield (*above, key), value
        yield from places(value, (*above, key))


@settings(max_examples=30, deadline=None)
@given(
    document=st.dictionaries(NAMES, DOCUMENTS, min_size=1, max_size=5),
    form=st.sampled_from(["yaml", "json", "tabs", "flat"]),
)
def test_the_line_of_any_field_is_that_of_its_name(document: dict[str, Any], form: str) -> None:  # fmt: skip
    if form == "yaml":
        text = write_yaml(document)
    else:
        text = json.dumps(document, indent={"json": 2, "tabs": "\t", "flat": None}[form])
    is_json = form != "yaml"
    assert parse_text(text, "file", is_json=is_json) == document
    lines, written = find_lines(text, is_json=is_json), text.splitlines()
    found = list(places(document))
    assert set(lines) == {dotted(place) for place, _ in found}
    before = 0
    for place, value in found:
        line = lines[dotted(place)]
        assert line >= before, "fields stand in the order of the document"
        before = line
        shown = place[-1] if isinstance(place[-1], str) else value if isinstance(value, int) else ""
        assert str(shown) in written[line - 1]

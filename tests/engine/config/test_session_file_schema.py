"""JSON Schema of session files, and the imports of reading one."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tapedeck.engine.session_file import session_config_schema


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return session_config_schema()


def fields(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from schema["properties"].items()
    for name, section in schema["$defs"].items():
        for field, described in section.get("properties", {}).items():
            yield f"{name}.{field}", described


def test_the_schema_is_plain_json_of_a_known_version(schema):
    assert json.loads(json.dumps(schema)) == schema
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_field_has_a_description(schema):
    assert [name for name, described in fields(schema) if not described.get("description")] == []


def test_unknown_fields_are_marked_in_the_editor(schema):
    sections = [schema, *(each for name, each in schema["$defs"].items() if name.endswith("Config"))]
    assert len(sections) == 9
    sections += [
        schema["$defs"][name] for name in ("Scanner", "ScanSchedule", "Universe", "Strategy", "EntrySize")
    ]
    assert all(section["additionalProperties"] is False for section in sections)


@pytest.mark.parametrize(
    ("place", "good", "bad"),
    [
        (
            ("SessionDataConfig", "streams", "items", "anyOf", 1),
            ["1m", "60m", "1d"],
            ["1w", "5", "m", "2d", "1M"],
        ),
        (("HistoricalData", "intervals", "items"), ["1s", "1w", "1d"], ["5min", "2w", "0m"]),
        (("ScanSchedule", "every"), ["5m", "1h"], ["1d", "x"]),
        (("Strategy", "interval", "anyOf", 0), ["5m", "1h"], ["1d", "x"]),
        (("EntrySize", "cash", "anyOf", -1), ["$cash"], ["cash", "$1", "2 * $x"]),
        (("HistoricalIndicator", "period", "anyOf", 0), ["10d", "52w", "6m", "1y"], ["10", "10h", "0d"]),
        (("BacktestConfig", "start_date"), ["2013-10-07"], ["20131007", "7.10.2013"]),
        (("SessionDataConfig", "symbols", "items"), ["SPY", "BRK.B", "0700"], ["", "BRK B"]),
    ],
)
def test_texts_are_described_by_a_pattern(schema, place, good, bad):
    section, *path = place
    node = schema["$defs"][section]["properties"]
    for part in path:
        node = node[part]
    assert all(re.search(node["pattern"], text) for text in good)
    assert not any(re.search(node["pattern"], text) for text in bad)


def test_an_indicator_is_described_as_the_file_has_it(schema):
    indicator = schema["$defs"]["SessionIndicator"]
    assert set(indicator["properties"]) == {"type", "interval", "against"}
    assert {"SMA", "BBANDS", "RELATIVE_VOLUME"} <= set(indicator["properties"]["type"]["anyOf"][0]["enum"])
    assert indicator["additionalProperties"]["type"] == ["number", "string"]
    assert all("pattern" in form for form in indicator["properties"]["interval"]["anyOf"])


def test_reading_the_configuration_model_does_not_import_what_is_slow():
    program = (
        "import sys, tapedeck.engine.session_file\n"
        "slow = {'exchange_calendars', 'pandas', 'numpy', 'talib', 'pyarrow'} & set(sys.modules)\n"
        "tapedeck.engine.session_file.parse_session_config({'session_name': 'x', 'exchange_group': 'XTKS',\n"
        "    'backtest_config': {'start_date': '2013-10-07', 'end_date': '2013-10-07'},\n"
        "    'session_data_config': {'symbols': ['SPY'], 'streams': ['1m']}}, 'x')\n"
        "slow |= {'exchange_calendars', 'pandas', 'numpy', 'talib', 'pyarrow'} & set(sys.modules)\n"
        "sys.exit(f'imported: {sorted(slow)}' if slow else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")

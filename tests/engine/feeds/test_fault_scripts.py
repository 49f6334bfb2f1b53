"""Fault scripts as files: what is read, and what errors say."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path

import pytest

from tapedeck.engine.errors import ConfigError
from tapedeck.engine.feeds.fault_script import (
    Corrected,
    Disconnect,
    FaultScript,
    Late,
    Missing,
    RandomFaults,
    load_fault_script,
    parse_fault_script,
)
from tapedeck.engine.feeds.fault_times import Moment

SCRIPT = """\
faults:
  - {kind: late, at: 09:31, symbol: SPY, by: 45}
  - {kind: corrected, at: 2013-10-07 10:00, for: 5m, symbol: [SPY, ON], after: 30s, volume: 0.5}
  - {kind: missing, at: 11:00, for: 1h, history_after: never}
  - kind: disconnect
    at: 12:00:30
    for: 90
random: {seed: 7, duplicate: 0.05}
history_confirms_empty: true
provider_ahead: 1.5
"""


def written(folder: Path, text: str, name: str = "faults.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_script_is_read(tmp_path: Path) -> None:
    script = load_fault_script(written(tmp_path, SCRIPT))
    late, corrected, missing, disconnect = script.faults
    assert isinstance(late, Late)
    assert (late.at, late.symbol, late.by) == (Moment(time(9, 31)), ("SPY",), 45.0)
    assert isinstance(corrected, Corrected)
    assert corrected.at == Moment(time(10, 0), date(2013, 10, 7))
    assert (corrected.duration, corrected.symbol, corrected.after) == (300.0, ("SPY", "ON"), 30.0)
    assert isinstance(missing, Missing)
    assert (missing.duration, missing.history_after) == (3600.0, "never")
    assert isinstance(disconnect, Disconnect)
    assert disconnect.duration == 90.0
    assert script.random == RandomFaults(seed=7, duplicate=0.05)
    assert script.history_confirms_empty
    assert script.provider_ahead == 1.5


def test_json_is_read_too(tmp_path: Path) -> None:
    text = '{"faults": [{"kind": "late", "at": "09:31", "by": 5}]}'
    (fault,) = load_fault_script(written(tmp_path, text, "faults.json")).faults
    assert fault.kind == "late"


def test_an_empty_mapping_has_no_faults() -> None:
    assert parse_fault_script({}) == FaultScript()


KINDS = (
    "duplicate, reorder, late, early, corrected, missing, history_late, history_differs, disconnect, mute, "
    "history_fails"
)
LATE = {"kind": "late", "at": "09:31", "by": 5}
A_TIME = "must be a time, such as 10:31 or 2013-10-07 10:31, not"
A_LENGTH = "must be a length of time, such as 90, 90s, 5m or 1h"
MESSAGES = [
    ({**LATE, "kind": "lat"}, f"kind: must be one of {KINDS}, not 'lat'. Did you mean 'late'?"),
    ({"at": "09:31"}, f"kind: must be one of {KINDS}, not nothing."),
    ({"kind": "late", "at": "09:31"}, "by: is required: Seconds of delay."),
    ({**LATE, "by": 0}, "by: must be greater than 0, not 0"),
    ({**LATE, "by": "soon"}, f"by: {A_LENGTH}, not 'soon'."),
    ({**LATE, "by": "never"}, f"by: {A_LENGTH}, not 'never'."),
    ({**LATE, "at": "25:31"}, f"at: {A_TIME} '25:31'."),
    ({**LATE, "at": 931}, f"at: {A_TIME} 931."),
    ({**LATE, "at": "2013-02-30 09:31"}, f"at: {A_TIME} '2013-02-30 09:31'."),
    (
        {**LATE, "symbl": "SPY"},
        "symbl: unknown field 'symbl': the fields here are at, for, symbol, kind, by. Did you mean 'symbol'?",
    ),
    (
        {**LATE, "symbol": True},
        "symbol: must be a symbol such as SPY, not true (YAML reads it as another type: put it in quotes).",
    ),
    ({"kind": "mute", "at": "09:31"}, "for: is required: Length, such as 90, 90s, 5m or 1h."),
    (
        {"kind": "missing", "at": "09:31", "history_after": "nevr"},
        f"history_after: {A_LENGTH}, or never, not 'nevr'. Did you mean 'never'?",
    ),
    ({"kind": "missing", "at": "09:31", "history_after": -1}, "history_after: must be at least 0, not -1."),
    (
        {"kind": "history_fails", "at": "09:31", "for": 5, "how": "hangs"},
        "how: must be error or hang, not 'hangs'. Did you mean 'hang'?",
    ),
    ({"kind": "corrected", "at": "09:31", "price": 0}, "price: must be greater than 0, not 0."),
    ({"kind": "duplicate", "at": "09:31", "times": 0}, "times: must be at least 1, not 0."),
]


@pytest.mark.parametrize(("fault", "message"), MESSAGES)
def test_a_fault_that_is_wrong_has_this_message(fault: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_fault_script({"faults": [fault]}, "faults.yaml")
    assert f"faults[0].{message}" in str(caught.value)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            None,
            "faults.yaml is empty: its fields are faults, random, history_confirms_empty, provider_ahead.",
        ),
        ([], "faults.yaml must be a mapping of fields, not a list: its fields are"),
        ({"fault": []}, "fault: unknown field 'fault': the fields here are faults, random"),
        ({"faults": {}}, "faults: must be a list, not a mapping."),
        ({"faults": ["late"]}, "faults[0]: must be a mapping of fields, not 'late'."),
        ({"random": {"late": 0.1}}, "random.seed: is required: Number that decides all faults."),
        ({"random": {"seed": 1, "late": 2}}, "random.late: must be at most 1, not 2."),
        ({"random": {"seed": 1, "lte": 0.1}}, "random.lte: unknown field 'lte': the fields here are seed,"),
        ({"provider_ahead": float("nan")}, "provider_ahead: must be a finite number, not nan."),
    ],
)
def test_a_script_that_is_wrong_has_this_message(document: object, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_fault_script(document, "faults.yaml")
    assert message in str(caught.value)


def test_all_problems_are_told_with_their_lines(tmp_path: Path) -> None:
    text = (
        "faults:\n  - {kind: late, at: 09:31}\n  - kind: mute\n    at: noon\n    for: 5\nrandom: {seed: x}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_fault_script(written(tmp_path, text))
    assert [(problem.path, problem.line) for problem in caught.value.problems] == [
        ("faults[0].by", 2),
        ("faults[1].at", 4),
        ("random.seed", 6),
    ]


def test_a_script_that_does_not_exist_names_the_nearest_file(tmp_path: Path) -> None:
    written(tmp_path, SCRIPT)
    with pytest.raises(ConfigError, match=r"does not exist\. Did you mean '.*faults\.yaml'\?"):
        load_fault_script(tmp_path / "fault.yaml")

"""The section `sessions` of a session file: entries, faults, texts for the stamp."""

from __future__ import annotations

from datetime import date

import pytest

from tapedeck.engine.config import dump
from tapedeck.engine.config.changed_sessions import describe_changes
from tapedeck.engine.errors import ConfigError
from tapedeck.engine.session_file import parse_session_config

VALID = {
    "2024-06-20": {"holiday": True},
    "2024-06-19": {"close": "12:00"},
    "2024-06-21": {"open": "08:30", "close": "15:00:30"},
}


def document(sessions: object, exchange: str = "CMES") -> dict[str, object]:
    return {
        "session_name": "a test",
        "exchange_group": exchange,
        "backtest_config": {"start_date": "2024-06-17", "end_date": "2024-06-21"},
        "session_data_config": {"symbols": ["ES"], "streams": ["1m"], "sessions": sessions},
    }


def faults(sessions: object, **more: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_session_config(document(sessions, **more), "f.yaml")
    return [str(problem).removeprefix("session_data_config.sessions.") for problem in caught.value.problems]


def test_the_entries_are_described_in_the_order_of_dates() -> None:
    config = parse_session_config(document(VALID), "f.yaml").config
    assert describe_changes(config.session_data_config.sessions) == (
        "2024-06-19 calendar to 12:00:00",
        "2024-06-20 holiday",
        "2024-06-21 08:30:00 to 15:00:30",
    )
    assert next(iter(config.session_data_config.sessions)) == date(2024, 6, 20)


def test_a_file_written_back_has_the_same_entries() -> None:
    config = parse_session_config(document(VALID), "f.yaml").config
    from tapedeck.engine.config.documents import parse_text

    again = parse_session_config(parse_text(dump(config), "g.yaml", is_json=False), "g.yaml").config
    assert again == config


def test_all_faults_of_all_days_are_told_at_once_with_those_of_the_calendar() -> None:
    found = faults(
        {
            "2024-13-25": {"close": "12:00"},
            "2024-06-20": "holiday",
            "2024-06-21": {"holiday": True, "open": "08:00"},
            "2024-06-18": {"opens": "08:00"},
            "2024-06-14": {},
            "2024-06-13": {"open": "08:30", "close": "7:00"},
            "2024-12-25": {"close": "12:00"},
        }
    )
    assert found == [
        "2024-13-25: invalid date '2024-13-25': month must be in 1..12.",
        "2024-06-20: must be a mapping, not 'holiday'. Did you mean '{holiday: true}'?",
        "2024-06-21: must have either holiday: true, or open and close, not both.",
        "2024-06-18.opens: unknown field 'opens': the fields here are open, close, holiday. "
        "Did you mean 'open'?",
        '2024-06-14: must have open, close or both, such as {close: "13:00"}, or holiday: true.',
        "2024-06-13.close: must be a time of day as HH:MM or HH:MM:SS, in quotes, not '7:00'. "
        "Did you mean '07:00'?",
        "2024-12-25: CMES has no session on Wednesday 2024-12-25: give open, too.",
    ]


def test_an_unknown_exchange_is_the_only_fault_where_there_is_no_calendar() -> None:
    [found] = faults(VALID, exchange="NOWHERE")
    assert found.startswith("exchange_group: unknown exchange 'NOWHERE'")


def test_the_section_at_the_top_of_the_file_is_told_its_place() -> None:
    misplaced = document({})
    misplaced["sessions"] = VALID
    with pytest.raises(ConfigError) as caught:
        parse_session_config(misplaced, "f.yaml")
    [problem] = caught.value.problems
    assert str(problem) == (
        "sessions: unknown field 'sessions' here: it belongs to session_data_config. "
        "Did you mean 'session_data_config.sessions'?"
    )

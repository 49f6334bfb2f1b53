"""Session files of earlier versions: deprecated and removed fields."""

from __future__ import annotations

import pytest

DATA = "session_data_config"


@pytest.mark.parametrize("place", ["top", DATA])
def test_data_upkeep_is_still_read_and_named_as_deprecated(document, read, place):
    holder = document if place == "top" else document[DATA]
    holder["data_upkeep"] = {"enabled": False, "check_interval_seconds": 30, "derived_intervals": [5, 15]}
    loaded = read(document)
    data = loaded.config.session_data_config
    assert not data.gap_filler.enable_session_quality
    assert data.gap_filler.retry_interval_seconds == 30
    assert [str(interval) for interval in data.streams] == ["1m", "5m", "15m"]
    prefix = "data_upkeep" if place == "top" else f"{DATA}.data_upkeep"
    assert loaded.warnings == (
        f"{prefix}.enabled is deprecated: use {DATA}.gap_filler.enable_session_quality",
        f"{prefix}.check_interval_seconds is deprecated: use {DATA}.gap_filler.retry_interval_seconds",
        f"{prefix}.derived_intervals is deprecated: add 5m, 15m to {DATA}.streams",
    )


def test_intervals_that_are_streamed_already_are_not_added_again(document, read):
    document[DATA] |= {"streams": ["1m", "60m", "quotes"], "data_upkeep": {"derived_intervals": [60, 5, 5]}}
    data = read(document).config.session_data_config
    assert [str(interval) for interval in data.streams] == ["1m", "1h", "5m"]
    assert data.wants_quotes


def test_no_derived_intervals_add_none(document, read):
    document[DATA]["data_upkeep"] = {"derived_intervals": []}
    loaded = read(document)
    assert [str(interval) for interval in loaded.config.session_data_config.streams] == ["1m"]
    assert loaded.warnings[0].endswith(f"add the intervals to {DATA}.streams")


def test_faults_of_older_fields_have_their_path_in_the_file(document, faults):
    document["data_upkeep"] = {
        "enabled": "sometimes",
        "check_interval_seconds": 0,
        "derived_intervals": [5, 0, "15m", True],
        "enable": True,
    }
    assert faults(document) == [
        "data_upkeep.derived_intervals[1]: must be whole minutes from 1 to 1439, not 0.",
        "data_upkeep.derived_intervals[2]: must be whole minutes from 1 to 1439, not '15m'.",
        "data_upkeep.derived_intervals[3]: must be whole minutes from 1 to 1439, not true.",
        "data_upkeep.enable: unknown field 'enable' of data_upkeep: its fields were "
        "enabled, check_interval_seconds, derived_intervals. Did you mean 'enabled'?",
        "data_upkeep.enabled: must be true or false, not 'sometimes'.",
        "data_upkeep.check_interval_seconds: must be greater than 0, not 0.",
    ]


def test_the_older_and_the_newer_field_cannot_be_combined(document, faults):
    document[DATA] |= {"gap_filler": {"enable_session_quality": True}, "data_upkeep": {"enabled": True}}
    assert faults(document) == [
        f"{DATA}.data_upkeep.enabled: duplicates {DATA}.gap_filler.enable_session_quality: keep one of them."
    ]


def test_data_upkeep_cannot_be_in_two_places(document, faults):
    document["data_upkeep"] = {"enabled": True}
    document[DATA]["data_upkeep"] = {"enabled": True}
    assert faults(document) == [
        f"{DATA}.data_upkeep.enabled: duplicates data_upkeep.enabled: keep one of them."
    ]


@pytest.mark.parametrize(
    ("upkeep", "line"),
    [
        (True, f"data_upkeep: must be a mapping, not true; its current name is {DATA}.gap_filler."),
        (
            {"derived_intervals": 5},
            "data_upkeep.derived_intervals: must be a list of minutes, such as [5, 15], not 5; "
            f"better: {DATA}.streams.",
        ),
    ],
)
def test_data_upkeep_of_another_shape_has_this_message(document, faults, upkeep, line):
    document["data_upkeep"] = upkeep
    assert faults(document) == [line]


def test_older_fields_do_not_hide_that_the_newer_sections_are_wrong(document, faults):
    document[DATA]["gap_filler"] = 5
    document[DATA]["streams"] = ["1x"]
    document[DATA]["data_upkeep"] = {"enabled": True, "derived_intervals": [5]}
    assert [line.split(": ")[0] for line in faults(document)] == [f"{DATA}.streams[0]", f"{DATA}.gap_filler"]
    document[DATA]["streams"] = "1m"
    document[DATA]["data_upkeep"] = {"derived_intervals": [5]}
    assert [line.split(": ")[0] for line in faults(document)] == [f"{DATA}.streams", f"{DATA}.gap_filler"]
    document[DATA] = "all of it"
    document["data_upkeep"] = {"enabled": True}
    assert [line.split(": ")[0] for line in faults(document)] == [DATA]


def test_older_fields_do_not_replace_required_ones(document, faults):
    del document[DATA]
    document["data_upkeep"] = {"enabled": True}
    assert [line.split(": ")[0] for line in faults(document)] == [f"{DATA}.symbols", f"{DATA}.streams"]


@pytest.mark.parametrize("section", [None, DATA, "gap_filler", "data_upkeep"])
def test_a_frequency_of_quality_updates_is_gone(document, faults, section):
    document[DATA] |= {"gap_filler": {"max_retries": 1}, "data_upkeep": {"enabled": True}}
    holder = {None: document, DATA: document[DATA]}.get(section) or document[DATA][section]
    holder["quality_update_frequency"] = 60
    (line,) = faults(document)
    assert line.endswith(
        "quality_update_frequency: 'quality_update_frequency' was removed: quality is scored whenever "
        "bars arrive or fall due. Delete the field."
    )


@pytest.mark.parametrize("section", [None, DATA, "backtest_config"])
def test_a_prefetch_window_is_gone_and_days_take_its_place(document, faults, section):
    holder = document if section is None else document[section]
    holder["prefetch"] = {"window_minutes": 30}
    (line,) = faults(document)
    prefix = "" if section is None else f"{section}."
    assert line.startswith(f"{prefix}prefetch.window_minutes: 'prefetch.window_minutes' was removed: ")
    assert "set backtest_config.prefetch_days" in line


def test_a_prefetch_window_as_a_dotted_key_is_gone_too(document, faults):
    document["prefetch.window_minutes"] = 30
    (line,) = faults(document)
    assert "'prefetch.window_minutes' was removed" in line


def test_other_fields_of_prefetch_are_simply_unknown(document, faults):
    document["backtest_config"]["prefetch"] = {"window_minutes": 30, "days": 2}
    gone, unknown = faults(document)
    assert "was removed" in gone
    assert unknown.startswith(
        "backtest_config.prefetch: unknown field 'prefetch': the fields here are start_date, "
    )
    assert unknown.endswith("Did you mean 'prefetch_days'?")


def test_notes_may_mention_what_is_gone(document, read):
    document["metadata"] = {"quality_update_frequency": 60}
    assert read(document).config.metadata == {"quality_update_frequency": 60}

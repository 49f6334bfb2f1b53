"""Errors: texts and attributes."""

from __future__ import annotations

import inspect

import pytest

from tapedeck.engine import errors
from tapedeck.engine.errors import (
    WHOLE_FILE,
    ConfigError,
    ConfigProblem,
    DataMissingError,
    TapedeckError,
    did_you_mean,
    nearest,
)


def test_every_error_can_be_caught_as_one_of_tapedeck() -> None:
    classes = [
        found for _, found in inspect.getmembers(errors, inspect.isclass) if issubclass(found, Exception)
    ]
    assert len(classes) >= 9
    assert all(issubclass(found, TapedeckError) for found in classes)


def test_a_config_error_lists_every_problem_below_the_file() -> None:
    problems = [
        ConfigProblem("mode", "bactest", "must be backtest or live", "backtest"),
        ConfigProblem("symbols[2]", "", "must not be empty"),
    ]
    error = ConfigError("october.yaml", problems)
    assert str(error).splitlines() == [
        "october.yaml: 2 problems",
        "  mode: must be backtest or live Did you mean 'backtest'?",
        "  symbols[2]: must not be empty",
    ]
    assert error.source == "october.yaml"
    assert error.problems == tuple(problems)


def test_a_single_problem_is_counted_in_the_singular() -> None:
    assert str(ConfigError("a.yaml", [ConfigProblem("mode", 1, "is wrong")])).startswith(
        "a.yaml: 1 problem\n"
    )


def test_a_single_problem_of_the_whole_file_is_one_sentence() -> None:
    problem = ConfigProblem(WHOLE_FILE, "octber.yaml", "does not exist.", "october.yaml")
    assert str(ConfigError("octber.yaml", [problem])) == (
        "octber.yaml does not exist. Did you mean 'october.yaml'?"
    )


@pytest.mark.parametrize(
    ("suggestion", "end"), [("SPY", " Did you mean 'SPY'?"), ('"7203"', ' Did you mean "7203"?'), (None, "")]
)
def test_a_suggestion_is_quoted_once(suggestion: str | None, end: str) -> None:
    assert did_you_mean(suggestion) == end


def test_missing_data_tell_which_symbols_and_interval() -> None:
    error = DataMissingError("no bars", symbols=["SPY", "IBM"], interval="1m")
    assert (str(error), error.symbols, error.interval) == ("no bars", ("SPY", "IBM"), "1m")
    assert DataMissingError("nothing").symbols == ()
    assert DataMissingError("nothing").interval is None


@pytest.mark.parametrize(
    ("word", "known", "expected"),
    [
        ("SPYY", ["IBM", "SPY", "AIG"], "SPY"),
        ("spy", ["IBM", "SPY"], "SPY"),
        ("backtets", ["live", "backtest"], "backtest"),
        ("XYZ", ["IBM", "SPY"], None),
        ("anything", [], None),
        ("", ["SPY"], None),
    ],
)
def test_the_nearest_word_ignores_case_and_gives_up_on_strangers(
    word: str, known: list[str], expected: str | None
) -> None:
    assert nearest(word, known) == expected

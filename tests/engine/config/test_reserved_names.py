"""Reserved names of indicators: an error proposes another name, which the file can use."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tapedeck.engine.config import LoadedConfig
from tapedeck.engine.config.catalogue import HistoricalNeed, IndicatorType
from tapedeck.engine.config.cross_checks import find_conflicts
from tapedeck.engine.config.names import RESERVED_NAMES
from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.day_figures import DAY_FIGURES

SMA = {"type": "SMA", "interval": "1m"}
HIGH = {"type": "trailing_max", "period": "1d", "field": "high"}
WORDS = sorted({*RESERVED_NAMES, *DAY_FIGURES, "lambda", "Prev_Close"})

Read = Callable[[object], LoadedConfig]
Faults = Callable[[object], list[str]]


@pytest.mark.parametrize("word", WORDS)
def test_the_proposed_name_can_be_used(
    document: dict[str, Any], read: Read, faults: Faults, word: str
) -> None:
    data = document["session_data_config"]
    # The first proposal is taken by another indicator.
    data["indicators"] = {word: SMA, f"my_{word}": SMA}
    (line,) = faults(document)
    proposal = f"my_{word}_2"
    assert f".{word}: reserved name {word!r}, used by conditions and columns: choose another" in line
    assert line.endswith(f", such as {proposal!r}.")
    data["indicators"] = {proposal: SMA, f"my_{word}": SMA}
    assert read(document).config.session_data_config.indicators.keys() == {proposal, f"my_{word}"}

    data["indicators"], data["historical"] = {}, {"indicators": {word: HIGH}}
    (line,) = faults(document)
    assert re.search(rf"reserved name '{word}'.*, such as 'my_{word}'\.$", line)


@pytest.mark.parametrize("word", ["bid_size", "Ask_Size"])
def test_sizes_of_quotes_are_reserved_only_where_quotes_are_streamed(
    document: dict[str, Any], read: Read, faults: Faults, word: str
) -> None:
    """A file without quotes may have such an indicator, as it could before there were quotes."""
    data = document["session_data_config"]
    data["indicators"] = {word: SMA}
    assert word in read(document).config.session_data_config.indicators
    data["streams"] = [*data["streams"], "quotes"]
    (line,) = faults(document)
    assert f"reserved name {word!r}, used by conditions and columns" in line


@dataclass(frozen=True)
class TwoOutputs:
    """A type of indicator whose outputs would bear words of conditions, which none of TA-Lib does."""

    type = "RANGE"
    outputs = ("high", "low")
    against: HistoricalNeed | None = None

    def check_interval(self, interval: Interval) -> None: ...

    def resolve_parameters(
        self, given: Mapping[str, object], interval: Interval | None
    ) -> Mapping[str, int | float]:
        return {}


class OneType:
    """A catalogue with that type."""

    def types(self) -> tuple[str, ...]:
        return ("RANGE",)

    def read_type(self, text: str) -> IndicatorType:
        return TwoOutputs()


def test_an_output_with_a_reserved_name_is_a_fault_of_its_indicator(document: dict[str, Any]) -> None:
    changed = copy.deepcopy(document)
    changed["session_data_config"]["indicators"] = {"Day": {"type": "RANGE", "interval": "1m"}}
    found = [str(problem) for problem in find_conflicts(changed, OneType())]
    place = "session_data_config.indicators.Day"
    words = "used by conditions and columns: choose another, such as 'my_Day'"
    assert found == [
        f"{place}: reserved name 'Day', {words}",
        f"{place}: the output has the reserved name 'Day_high', {words}",
        f"{place}: the output has the reserved name 'Day_low', {words}",
    ]

"""Checks of the rules of a session file, by its names alone: without a store, and without a tape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from tapedeck.engine.conditions.faults import rule_problem
from tapedeck.engine.conditions.row_rules import RowRule, RowValue
from tapedeck.engine.conditions.syntax import references
from tapedeck.engine.conditions.vocabulary import Vocabulary
from tapedeck.engine.config import Scanner, SessionDataConfig
from tapedeck.engine.config.catalogue import output_names
from tapedeck.engine.errors import ConditionError, ConfigProblem
from tapedeck.engine.indicators.registry import REGISTRY
from tapedeck.engine.intervals import MINUTE, WEEK
from tapedeck.engine.universe.figures import UNIVERSE_FIGURES

_PLACE: Final = "session_data_config.scanners"


def rule_problems(data: SessionDataConfig) -> list[ConfigProblem]:
    """Return the problems of all rules and of the values that rank what they find."""
    return [
        problem
        for position, scanner in enumerate(data.scanners)
        for problem in _problems_of(scanner, f"{_PLACE}[{position}]", data)
    ]


def rule_vocabulary(data: SessionDataConfig) -> Vocabulary:
    """Return the names that rules may use, with all session indicators of the file, listed or not.

    Symbols are those of the universe if it is a list; otherwise any may be named.
    """
    universe = data.universe
    listed = universe.symbols if universe is not None and isinstance(universe.symbols, tuple) else ()
    wanted = () if universe is None else universe.indicators
    derived = {one.interval for name, one in data.indicators.items() if name in wanted} - {MINUTE, WEEK}
    return Vocabulary(
        listed or data.symbols,
        (MINUTE, *sorted(derived)),
        tuple(indicator_outputs(data)),
        tuple(data.historical.indicators),
        figures=tuple(UNIVERSE_FIGURES),
        any_symbol=not listed,
        of_universe=True,
    )


def indicator_outputs(data: SessionDataConfig) -> Mapping[str, str]:
    """Return the session indicator of each output of the file."""
    return {
        output: name
        for name, one in data.indicators.items()
        for output in output_names(name, REGISTRY.kind(one.type).outputs)
    }


def _problems_of(scanner: Scanner, place: str, data: SessionDataConfig) -> Iterator[ConfigProblem]:
    vocabulary, owners = rule_vocabulary(data), indicator_outputs(data)
    computed = () if data.universe is None else data.universe.indicators
    for field, text, parse in (("where", scanner.where, RowRule.parse), ("by", scanner.by, RowValue.parse)):
        if text is None:
            continue
        try:
            root = parse(text, vocabulary).root
        except ConditionError as error:
            yield rule_problem(f"{place}.{field}", error)
            continue
        named = dict.fromkeys(owners[one.name] for one in references(root) if one.name in owners)
        for name in named:
            if name not in computed:
                message = f"{name!r} is not computed for the universe: add it to universe.indicators"
                yield ConfigProblem(f"{place}.{field}", text, message)

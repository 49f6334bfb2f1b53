"""Checks of the strategies of a session file, by its names alone: without a store, and without a tape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tapedeck.engine.conditions.faults import rule_problem
from tapedeck.engine.conditions.vocabulary import Vocabulary
from tapedeck.engine.config import SessionConfig, SessionDataConfig, Strategy
from tapedeck.engine.errors import ConditionError, ConfigProblem
from tapedeck.engine.intervals import BASE_INTERVALS, WEEK, Interval
from tapedeck.engine.strategies.from_config import terms_of
from tapedeck.engine.strategies.strategy_rules import StrategyRule, parse_row_value
from tapedeck.engine.universe.rule_checks import indicator_outputs

_PLACE: Final = "strategies"
_MOST_UNITS: Final = 10**18
"""Most units of money to begin with: equity is kept in 64 bits, and needs room to grow."""


def strategy_problems(config: SessionConfig) -> list[ConfigProblem]:
    """Return the problems of the rules of strategies, and of the terms of the account."""
    problems = list(_problems_of_terms(config))
    vocabulary = _vocabulary(config.session_data_config)
    for position, strategy in enumerate(config.strategies):
        problems += _problems_of(strategy, f"{_PLACE}[{position}]", vocabulary)
    return problems


def _vocabulary(data: SessionDataConfig) -> Vocabulary:
    """Return the names that rules may use. With scanners any symbol may be named: it may join."""
    return Vocabulary(
        data.symbols,
        _intervals(data),
        tuple(indicator_outputs(data)),
        tuple(data.historical.indicators),
        any_symbol=bool(data.scanners),
        quotes=data.wants_quotes,
    )


def _intervals(data: SessionDataConfig) -> tuple[Interval, ...]:
    """Return the intervals of the session, with those of which the store may have bars to make them."""
    wanted = {*data.streams, *(one.interval for one in data.indicators.values())} - {WEEK}
    bases = {base for base in BASE_INTERVALS if all(one.can_be_made_from(base) for one in wanted)}
    return tuple(sorted(wanted | bases))


def _problems_of(strategy: Strategy, place: str, vocabulary: Vocabulary) -> Iterator[ConfigProblem]:
    for field, text in (("enter", strategy.enter), ("exit", strategy.exit)):
        if text is not None:
            try:
                StrategyRule.parse(text, vocabulary)
            except ConditionError as error:
                yield rule_problem(f"{place}.{field}", error)
    stop = None if strategy.size is None else strategy.size.stop
    if isinstance(stop, str):
        try:
            parse_row_value(stop, vocabulary)
        except ConditionError as error:
            yield rule_problem(f"{place}.size.stop", error)


def _problems_of_terms(config: SessionConfig) -> Iterator[ConfigProblem]:
    trading = config.trading_config
    most = _MOST_UNITS // 10**trading.digits
    if trading.initial_cash > most:
        message = f"must be at most {most:,} with {trading.digits} digits, not {trading.initial_cash:g}"
        yield ConfigProblem("trading_config.initial_cash", trading.initial_cash, message)
    try:
        terms_of(config)
    except ValueError as error:
        text = str(error)
        named = next((name for name in type(trading).model_fields if name in text), None)
        place = "trading_config" if named is None else f"trading_config.{named}"
        yield ConfigProblem(place, None, text if named is None else text.removeprefix(f"{named} "))

"""Strategy setup: the strategies of a session file, loaded and checked before the run starts."""

from __future__ import annotations

from tapedeck.engine.conditions.vocabulary import Vocabulary
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.strategies.from_config import definitions_of, terms_of
from tapedeck.engine.strategies.strategy_walk import StrategyWalk
from tapedeck.engine.streams.stream_plan import StreamPlan


def strategy_walk(config: SessionConfig, plan: StreamPlan) -> StrategyWalk | None:
    """Return the walk of a file's strategies, with classes loaded afresh; None without strategies.

    Raises ConfigError, ConditionError, EngineError for rules and classes with faults.
    """
    if not config.strategies:
        return None
    return StrategyWalk(definitions_of(config), terms_of(config), vocabulary_of(plan), folder=config.folder)


def vocabulary_of(plan: StreamPlan) -> Vocabulary:
    """Return the words that conditions over the sessions of a plan may use."""
    return Vocabulary(
        symbols=plan.symbols,
        intervals=(plan.base, *plan.derived),
        indicators=tuple(output for spec in plan.specs for output in spec.outputs),
        historical=tuple(trailing.name for trailing in plan.history.trailing),
    )

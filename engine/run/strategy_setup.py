"""Strategy setup: the strategies of a session file, loaded and checked before the run starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tapedeck.engine.conditions.vocabulary import Vocabulary
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.strategies.definition import ClassDefinition
from tapedeck.engine.strategies.from_config import definitions_of, terms_of
from tapedeck.engine.strategies.strategy_walk import StrategyWalk
from tapedeck.engine.streams.stream_plan import StreamPlan


@dataclass(frozen=True, slots=True)
class StrategySetup:
    """The strategies of a run. `timeouts`: longest time of a call, in seconds, of each class."""

    walk: StrategyWalk
    timeouts: Mapping[str, float]


def strategy_setup(config: SessionConfig, plan: StreamPlan) -> StrategySetup | None:
    """Return the setup of a file's strategies, with classes loaded afresh; None without strategies.

    Raises ConfigError, ConditionError, EngineError for rules and classes with faults.
    """
    if not config.strategies:
        return None
    definitions = definitions_of(config)
    walk = StrategyWalk(definitions, terms_of(config), rule_vocabulary(config, plan), folder=config.folder)
    classes = (one for one in definitions if isinstance(one, ClassDefinition))
    return StrategySetup(walk, {one.name: one.timeout_seconds for one in classes})


def rule_vocabulary(config: SessionConfig, plan: StreamPlan) -> Vocabulary:
    """Return the words that rules of strategies may use, without those of strategies alone.

    What scanners find may join, so with them any symbol may be named; it has no values until then.
    """
    return replace(vocabulary_of(plan), any_symbol=bool(config.session_data_config.scanners))


def vocabulary_of(plan: StreamPlan) -> Vocabulary:
    """Return the words that conditions over the sessions of a plan may use."""
    return Vocabulary(
        symbols=plan.symbols,
        intervals=(plan.base, *plan.derived),
        indicators=tuple(output for spec in plan.specs for output in spec.outputs),
        historical=tuple(trailing.name for trailing in plan.history.trailing),
        quotes=plan.quotes,
    )

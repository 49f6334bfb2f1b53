"""Loading of the strategies of a session file that are classes, with all faults at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from pathlib import Path
from typing import Final

from pydantic import BaseModel, JsonValue

from tapedeck.engine.conditions.vocabulary import Vocabulary
from tapedeck.engine.errors import (
    ConfigError,
    ConfigProblem,
    nearest,
    unknown_name,
)
from tapedeck.engine.intervals import WEEK
from tapedeck.engine.strategies.definition import ClassDefinition, RuleDefinition
from tapedeck.engine.strategies.strategy import Strategy
from tapedeck.engine.user_code.class_parameters import UserCodeFaultsError, loaded_with_parameters

_SOURCE: Final = "session file"
METHODS: Final = ("on_session_start", "on_bar", "on_slice", "on_order", "on_session_end")
"""Methods that a walk calls."""


@dataclass(frozen=True, slots=True)
class LoadedStrategy:
    """A class with its parameters. `code_hash`: SHA-256 of its code, hexadecimal."""

    strategy: type[Strategy]
    parameters: BaseModel
    code_hash: str

    @property
    def values(self) -> dict[str, JsonValue]:
        """The values of its parameters, those that the session file leaves out as well, by name."""
        return {name: _plain(value) for name, value in self.parameters.model_dump().items()}


def load_strategies(
    definitions: Sequence[RuleDefinition | ClassDefinition], vocabulary: Vocabulary, folder: Path
) -> Mapping[str, LoadedStrategy]:
    """Return the classes among some definitions, by name, loaded afresh; ConfigError with all faults."""
    loaded: dict[str, LoadedStrategy] = {}
    problems: list[ConfigProblem] = []
    for position, definition in enumerate(definitions):
        if isinstance(definition, ClassDefinition):
            path = f"strategies[{position}]"
            problems += _faults(definition, vocabulary, path)
            try:
                found = loaded[definition.name] = _loaded(definition, folder, path)
            except UserCodeFaultsError as error:
                problems += error.problems
            else:
                problems += _method_faults(found.strategy, definition.reference, f"{path}.strategy")
    if problems:
        raise ConfigError(_SOURCE, problems)
    return loaded


def _plain(value: object) -> JsonValue:
    """Return a value as JSON has it, the same in each run: sets in order, null for NaN, others as text."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, set | frozenset):
        return [_plain(one) for one in sorted(value, key=str)]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    is_shown_by_address = type(value).__str__ is object.__str__ and type(value).__repr__ is object.__repr__
    return type(value).__name__ if is_shown_by_address else str(value)


def _loaded(definition: ClassDefinition, folder: Path, path: str) -> LoadedStrategy:
    found, parameters = loaded_with_parameters(
        definition.reference, definition.parameters, folder, Strategy, path, "strategy"
    )
    return LoadedStrategy(found.loaded, parameters, found.code_hash)


def _method_faults(kind: type[Strategy], reference: str, path: str) -> list[ConfigProblem]:
    """Return the faults of a class's methods: those that could not be called, or none that ever is."""
    own = [name for name in METHODS if getattr(kind, name) is not getattr(Strategy, name)]
    if not own:
        near = next((near for name in vars(kind) if (near := nearest(name, METHODS)) is not None), None)
        message = f"{kind.__name__} has none of the methods {', '.join(METHODS)}."
        return [ConfigProblem(path, reference, message, near)]
    return [
        ConfigProblem(path, reference, f"{kind.__name__}.{name} must be a plain method, which is called.")
        for name in own
        if not callable(method := getattr(kind, name))
        or iscoroutinefunction(method)
        or isgeneratorfunction(method)
        or isasyncgenfunction(method)
    ]


def _faults(definition: ClassDefinition, vocabulary: Vocabulary, path: str) -> list[ConfigProblem]:
    """Return the faults of symbols and interval."""
    problems = []
    for symbol in definition.symbols or ():
        if not vocabulary.any_symbol and symbol not in vocabulary.symbols:
            message = unknown_name("symbol", symbol, vocabulary.symbols) + "."
            problems.append(
                ConfigProblem(f"{path}.symbols", symbol, message, nearest(symbol, vocabulary.symbols))
            )
    interval = definition.interval
    known = [one for one in vocabulary.intervals if one != WEEK]
    if interval is not None and interval not in known:
        message = unknown_name("interval", str(interval), [str(one) for one in known]) + "."
        problems.append(ConfigProblem(f"{path}.interval", str(interval), message))
    return problems

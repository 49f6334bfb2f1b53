"""Parameters given on the command line, in place of the values that a session file has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tapedeck.engine.config.parameters import PARAMETERS, STRATEGIES, mapping, strategies_of
from tapedeck.engine.config.strategies import strategy_name
from tapedeck.engine.errors import ConfigProblem, nearest, unknown_name
from tapedeck.engine.printable import printable_line


def with_settings(
    document: Mapping[str, object], settings: Mapping[str, object]
) -> tuple[dict[str, object], list[ConfigProblem]]:
    """Return a document with other values of parameters, and the problems of these; the document stays.

    `settings`: values by `name`, a parameter of the file, else of each strategy that has it; or by
    `strategy.name`, that strategy's alone.
    """
    changed, problems = dict(document), list[ConfigProblem]()
    if isinstance(changed.get(PARAMETERS), Mapping):
        changed[PARAMETERS] = dict(mapping(changed[PARAMETERS]))
    listed = changed.get(STRATEGIES)
    if isinstance(listed, list | tuple):
        changed[STRATEGIES] = [_with_own_parameters(one) for one in listed]
    for name, value in settings.items():
        places = _places_of(name, changed)
        for values, key in places:
            values[key] = value
        if not places:
            problems.append(_unknown_setting(name, value, changed))
    return changed, problems


def _with_own_parameters(strategy: object) -> object:
    """Return a copy of a strategy with a copy of its parameters, which may be none."""
    if not isinstance(strategy, Mapping):
        return strategy
    own = strategy.get(PARAMETERS)
    if own is None:
        return {**strategy, PARAMETERS: {}}
    return {**strategy, PARAMETERS: dict(own) if isinstance(own, Mapping) else own}


def _places_of(name: str, document: Mapping[str, object]) -> list[tuple[dict[str, object], str]]:
    """Return the mappings that have a parameter, with its name in them."""
    owner, dot, key = name.rpartition(".")
    file = document.get(PARAMETERS)
    if not dot:
        if isinstance(file, dict) and name in file:
            return [(file, name)]
        return [(own, name) for _, own in _own_parameters(document) if name in own]
    return [
        (own, key)
        for strategy, own in _own_parameters(document)
        # A class has parameters that the file does not name; it refuses those that it has not.
        if strategy_name(strategy) == owner
        and (key in own or key in mapping(file) or ("strategy" in strategy and key.isidentifier()))
    ]


def _unknown_setting(name: str, value: object, document: Mapping[str, object]) -> ConfigProblem:
    known = [*mapping(document.get(PARAMETERS))]
    known += [f"{strategy_name(one)}.{key}" for one, own in _own_parameters(document) for key in own]
    near = nearest(name, known) or nearest(name, [one.rpartition(".")[2] for one in known])
    message = unknown_name("parameter", name, known, owner="this file")
    classes = [strategy_name(one) for one, _ in _own_parameters(document) if "strategy" in one]
    if classes and name.isidentifier():
        message = f"{message.rstrip('.')}. A class takes others, too: --set {classes[0]}.{name}={value}."
    return ConfigProblem(printable_line(f"--set {name}"), value, message, near)


def _own_parameters(
    document: Mapping[str, object],
) -> Iterator[tuple[Mapping[str, object], dict[str, object]]]:
    """Yield the strategies of a document, each with its own parameters."""
    for _, strategy in strategies_of(document):
        own = strategy.get(PARAMETERS)
        if isinstance(own, dict):
            yield strategy, own

"""Loading of a session file's scanners: classes and their parameters, with all faults at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel, ValidationError

from tapedeck.engine.conditions.vocabulary import Vocabulary
from tapedeck.engine.config import Scanner
from tapedeck.engine.config.problems import value_message
from tapedeck.engine.errors import ConditionError, ConfigError, ConfigProblem, listed, nearest
from tapedeck.engine.universe.managed_scanner import ManagedScanner
from tapedeck.engine.universe.rule_scanner import RuleScanner
from tapedeck.engine.universe.scanner_classes import ScannerClass, ScannerClassError, load_scanner_class

_SOURCE = "session file"


class _FaultsError(Exception):
    """Faults of one scanner."""

    def __init__(self, *problems: ConfigProblem) -> None:
        super().__init__(problems)
        self.problems = problems


def load_scanners(scanners: Sequence[Scanner], folder: Path) -> tuple[ManagedScanner, ...]:
    """Return the scanners with their classes. Raises ConfigError with all faults; `folder`: of the file."""
    loaded: list[ManagedScanner] = []
    problems: list[ConfigProblem] = []
    for position, scanner in enumerate(scanners):
        try:
            loaded.append(_loaded(scanner, folder, _path(position)))
        except _FaultsError as error:
            problems += error.problems
    if problems:
        raise ConfigError(_SOURCE, problems)
    return tuple(loaded)


def parse_rules(scanners: Sequence[ManagedScanner], vocabulary: Vocabulary) -> None:
    """Parse the rules of all scanners. Raises ConfigError with all faults."""
    problems: list[ConfigProblem] = []
    for position, scanner in enumerate(scanners):
        if scanner.config.where is not None:
            try:
                scanner.rule = RuleScanner.of(scanner.config, vocabulary)
            except ConditionError as error:
                name = "where" if error.condition == scanner.config.where else "by"
                problems.append(ConfigProblem(f"{_path(position)}.{name}", error.condition, str(error)))
    if problems:
        raise ConfigError(_SOURCE, problems)


def _path(position: int) -> str:
    return f"session_data_config.scanners[{position}]"


def _loaded(scanner: Scanner, folder: Path, path: str) -> ManagedScanner:
    if scanner.scanner is None:
        return ManagedScanner(scanner)
    try:
        found = load_scanner_class(scanner.scanner, folder)
    except ScannerClassError as error:
        problem = ConfigProblem(f"{path}.scanner", scanner.scanner, str(error), error.suggestion)
        raise _FaultsError(problem) from error
    return ManagedScanner(scanner, found, _parameters(found, scanner, f"{path}.parameters"))


def _parameters(found: ScannerClass, scanner: Scanner, path: str) -> BaseModel:
    model, values = found.scanner.Parameters, scanner.parameters
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        message = f"{found.scanner.__name__}.Parameters must be a pydantic model, not {model!r:.60}"
        raise _FaultsError(ConfigProblem(path, None, message))
    fields = [info.alias or name for name, info in model.model_fields.items()]
    unknown: list[str] = []
    if model.model_config.get("extra") != "allow":
        unknown = [name for name in values if name not in fields and name not in model.model_fields]
    problems = [_unknown(name, fields, f"{path}.{name}") for name in unknown]
    try:
        parameters = model.model_validate({name: values[name] for name in values if name not in unknown})
    except ValidationError as error:
        raise _FaultsError(*problems, *_invalid(error, path)) from error
    except Exception as error:  # of a validator of users'
        problem = ConfigProblem(path, None, f"{type(error).__name__}: {error}")
        raise _FaultsError(*problems, problem) from error
    if problems:
        raise _FaultsError(*problems)
    return parameters


def _unknown(name: str, fields: list[str], path: str) -> ConfigProblem:
    message = f"unknown parameter {name!r}: this class has {listed(fields)}."
    return ConfigProblem(path, None, message, nearest(name, fields))


def _invalid(error: ValidationError, path: str) -> Iterator[ConfigProblem]:
    for detail in error.errors(include_url=False):
        place = ".".join((path, *map(str, detail["loc"])))
        if detail["type"] == "missing":
            yield ConfigProblem(place, None, "is required by the class, but missing.")
        else:
            message, suggestion = value_message(detail)
            yield ConfigProblem(place, detail["input"], message, suggestion)

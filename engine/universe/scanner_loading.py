"""Loading of a session file's scanners: classes and their parameters, with all faults at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tapedeck.engine.conditions.vocabulary import Vocabulary
from tapedeck.engine.config import Scanner
from tapedeck.engine.errors import ConditionError, ConfigError, ConfigProblem
from tapedeck.engine.universe.managed_scanner import ManagedScanner
from tapedeck.engine.universe.rule_scanner import RuleScanner
from tapedeck.engine.universe.scanner import Scanner as ScannerClass
from tapedeck.engine.user_code.class_parameters import UserCodeFaultsError, loaded_with_parameters

_SOURCE = "session file"


def load_scanners(scanners: Sequence[Scanner], folder: Path) -> tuple[ManagedScanner, ...]:
    """Return the scanners with their classes. Raises ConfigError with all faults; `folder`: of the file."""
    loaded: list[ManagedScanner] = []
    problems: list[ConfigProblem] = []
    for position, scanner in enumerate(scanners):
        try:
            loaded.append(_loaded(scanner, folder, _path(position)))
        except UserCodeFaultsError as error:
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
    found, parameters = loaded_with_parameters(
        scanner.scanner, scanner.parameters, folder, ScannerClass, path, "scanner"
    )
    return ManagedScanner(scanner, found, parameters)

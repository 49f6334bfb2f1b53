"""Rules over rows: conditions in which a bare name is a value of the row's own symbol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np

from tapedeck.engine.conditions.faults import condition_fault
from tapedeck.engine.conditions.known_values import KnownValues
from tapedeck.engine.conditions.reading import read_condition, read_value
from tapedeck.engine.conditions.row_evaluation import RowEvaluation
from tapedeck.engine.conditions.syntax import ClockTime, Node, Reference, TimeOfDay, Truth, Value, references
from tapedeck.engine.conditions.vocabulary import Vocabulary
from tapedeck.engine.tape.bar_grid import Floats, Mask

_RULE_EXAMPLE: Final = "gap_pct > 2 and day_volume > 100_000"
_VALUE_EXAMPLE: Final = "gap_pct, or -gap_pct"


@dataclass(frozen=True, slots=True)
class RowRule:
    """A statement that is true, false or unknown for each symbol, such as `gap_pct > 2 and SPY.close > 168`.

    A bare name is a value of the row's own symbol; `SPY.close` is that symbol's for all rows; a comparison
    with `any` or `all` ranges over all rows, and is the same for each. A comparison with a missing value is
    unknown, `not` of unknown is unknown, `or` is true if one side is. What is not true does not match.
    """

    text: str
    root: Truth

    @classmethod
    def parse(cls, text: str, vocabulary: Vocabulary) -> RowRule:
        """Parse and check a rule; ConditionError gives the fault's position and the nearest word."""
        root = read_condition(text, vocabulary.symbols, example=_RULE_EXAMPLE)
        replace(vocabulary, bare_names=True).check(text, root)
        return cls(" ".join(text.split()), root)

    @property
    def looked_at(self) -> tuple[str, ...]:
        """The values of the row's own symbol that it reads, as written (`close[1]`), in order, each once."""
        return _own_names(self.root)

    def matches(self, values: KnownValues, symbols: tuple[str, ...]) -> Mask:
        """Return where it is true, bool (S, frontiers); `symbols`: those of the values' rows."""
        holds = RowEvaluation(values, symbols).holds(self.root)
        return np.array(np.broadcast_to(holds, (len(symbols), len(values))))


@dataclass(frozen=True, slots=True)
class RowValue:
    """A value of each symbol, such as `gap_pct`, `-change_pct` or `day_volume / avg_volume_to_now`."""

    text: str
    root: Value

    @classmethod
    def parse(cls, text: str, vocabulary: Vocabulary) -> RowValue:
        """Parse and check a value; ConditionError as `RowRule.parse`, and for one without a bare name."""
        root = read_value(text, vocabulary.symbols, example=_VALUE_EXAMPLE)
        _check_value(text, root)
        replace(vocabulary, bare_names=True).check(text, root)
        return cls(" ".join(text.split()), root)

    @property
    def looked_at(self) -> tuple[str, ...]:
        """The values of the row's own symbol that it reads, as `RowRule.looked_at`."""
        return _own_names(self.root)

    def of(self, values: KnownValues, symbols: tuple[str, ...]) -> Floats:
        """Return it, float64 (S, frontiers), NaN where missing; `symbols`: those of the values' rows."""
        found = RowEvaluation(values, symbols).value(self.root)
        return np.array(np.broadcast_to(found, (len(symbols), len(values))))


def own_values(names: Sequence[str], values: KnownValues, symbols: tuple[str, ...]) -> Floats:
    """Return the values that rules looked at, float64 (names, S, frontiers), NaN where they are missing.

    `names`: as in `RowRule.looked_at`; `symbols`: those of the values' rows.
    """
    evaluation = RowEvaluation(values, symbols)
    found = np.empty((len(names), len(symbols), len(values)))
    for number, name in enumerate(names):
        found[number] = evaluation.value(_own_value(name))
    return found


@lru_cache(maxsize=256)
def _own_value(name: str) -> Value:
    return read_value(name, example=_VALUE_EXAMPLE)


def _own_names(node: Node) -> tuple[str, ...]:
    own = (reference for reference in references(node) if reference.is_bare)
    return tuple(dict.fromkeys(map(_written, own)))


def _written(reference: Reference) -> str:
    interval = "" if reference.interval is None else f"{reference.interval}."
    back = f"[{reference.back}]" if reference.back else ""
    return f"{interval}{reference.name}{back}"


def _check_value(text: str, root: Value) -> None:
    """Raise ConditionError for a value that cannot rank symbols."""
    if isinstance(root, TimeOfDay | ClockTime):
        raise condition_fault(text, root.span, "a time ranks no symbols: use a value such as gap_pct")
    found = tuple(references(root))
    for reference in found:
        if reference.quantifier is not None:
            name, word = reference.name, reference.quantifier
            message = f"{word} is of all symbols at once: use {name} alone, the value of each"
            raise condition_fault(text, reference.span, message, name)
    if not any(reference.is_bare for reference in found):
        message = "it is the same for every symbol: use a value of each, such as gap_pct"
        raise condition_fault(text, root.span, message)

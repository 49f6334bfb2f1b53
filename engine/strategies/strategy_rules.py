"""Rules of a strategy over a block: columns of where they are true, or may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tapedeck.engine.conditions.account_words import check_words, reads_any
from tapedeck.engine.conditions.known_values import Figure, KnownValues
from tapedeck.engine.conditions.late_figures import LateRule
from tapedeck.engine.conditions.row_rules import RowRule, RowValue
from tapedeck.engine.conditions.vocabulary import Vocabulary
from tapedeck.engine.strategies.definition import RuleDefinition
from tapedeck.engine.strategies.words import ACCOUNT_WORDS, OWNERS, TIME_WORDS, WORDS
from tapedeck.engine.tape.bar_grid import Mask
from tapedeck.engine.tape.tape import Tape


@dataclass(frozen=True, slots=True)
class StrategyRule:
    """A rule over rows, which may use the words of strategies (`WORDS`)."""

    rule: RowRule
    reads_account: bool

    @classmethod
    def parse(cls, text: str, vocabulary: Vocabulary) -> StrategyRule:
        """Parse and check a rule; ConditionError as `RowRule.parse`, and for words that are used wrongly."""
        rule = RowRule.parse(text, replace(vocabulary, figures=(*vocabulary.figures, *WORDS)))
        check_words(text, rule.root, OWNERS, WORDS)
        return cls(rule, reads_any(rule.root, ACCOUNT_WORDS))


def parse_row_value(text: str, vocabulary: Vocabulary) -> RowValue:
    """Parse a value of a size; ConditionError as `RowValue.parse`. It reads the market and the time only."""
    value = RowValue.parse(text, replace(vocabulary, figures=(*vocabulary.figures, *TIME_WORDS)))
    check_words(text, value.root, OWNERS, WORDS)
    return value


@dataclass(frozen=True, slots=True)
class ParsedRules:
    """The rules of a strategy, parsed. `row_values`: the values that its size reads, by their texts."""

    enter: StrategyRule
    exit: StrategyRule | None
    row_values: Mapping[str, RowValue]

    @classmethod
    def of(cls, definition: RuleDefinition, vocabulary: Vocabulary) -> ParsedRules:
        """Parse and check the rules of a definition; ConditionError as `StrategyRule.parse`."""
        leave, texts = definition.exit, definition.size.row_values
        return cls(
            StrategyRule.parse(definition.enter, vocabulary),
            None if leave is None else StrategyRule.parse(leave, vocabulary),
            {text: parse_row_value(text, vocabulary) for text in texts},
        )


class RuleColumns:
    """A rule over a block of frontiers, those of `known`.

    `possible`: where it is true; for a rule that reads the account, where it may be; bool (S, frontiers).
    """

    __slots__ = ("_late", "_seen", "_tape", "possible")

    def __init__(self, rule: StrategyRule, tape: Tape, known: KnownValues) -> None:
        self._tape = tape
        self._late: LateRule | None = None
        self._seen: tuple[int, Mask] | None = None
        if rule.reads_account:
            self._late = LateRule(rule.rule.root, known, tape.symbols, ACCOUNT_WORDS)
            self.possible: Mask = self._late.possible()
        else:
            self.possible = rule.rule.matches(known, tape.symbols)

    def holds(self, row: int, column: int, frontier: int, account: Mapping[str, Figure]) -> bool:
        """Return whether it is true for a row at a frontier, in a column of the block.

        `account`: figures of the account words at that frontier.
        """
        if not self.possible[row, column]:
            return False
        if self._late is None:
            return True
        # All rows are evaluated at once, as the account does not change while a slot is decided.
        if self._seen is None or self._seen[0] != column:
            known = KnownValues(self._tape, frontier, frontier, account)
            self._seen = column, self._late.holds_at(column, known)
        return bool(self._seen[1][row])

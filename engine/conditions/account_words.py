"""Account words: names of the account of a run's strategies, beside those of the market."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from tapedeck.engine.conditions.faults import condition_fault
from tapedeck.engine.conditions.syntax import Crossing, Node, children, references

POSITION_WORDS: Final = ("position", "unrealised")
"""Of the position in a symbol; both are 0 without one.

`position`: shares, below 0 if short. `unrealised`: profit by the last close, before commission, in the
currency. In rules of a strategy those of its own position, elsewhere of all strategies together.
"""
MONEY_WORDS: Final = ("equity", "cash")
"""Of the whole account, which strategies share, in the currency. They are used without a symbol."""
ACCOUNT_OWNERS: Final[Mapping[str, str]] = dict.fromkeys(MONEY_WORDS, "the whole account")
"""What owns each word that belongs to no symbol, for messages."""


def check_words(text: str, node: Node, owners: Mapping[str, str], uncrossed: Collection[str]) -> None:
    """Raise ConditionError for a symbol before a word that belongs to none, or a word that crosses.

    `owners`: what owns a word that belongs to no symbol. `uncrossed`: words that have no value one slot
    before.
    """
    for reference in references(node):
        if reference.name in owners and not reference.is_bare and reference.interval is None:
            message = f"{reference.name} is of {owners[reference.name]}: use it without a symbol"
            raise condition_fault(text, reference.span, message, reference.name)
    _refuse_crosses(text, node, uncrossed)


def reads_any(node: Node, words: Collection[str]) -> bool:
    """Return whether a condition or value reads one of some words."""
    return any(reference.name in words and reference.interval is None for reference in references(node))


def _refuse_crosses(text: str, node: Node, uncrossed: Collection[str]) -> None:
    if isinstance(node, Crossing):
        for reference in references(node):
            if reference.name in uncrossed:
                message = f"{reference.name} cannot cross a value: compare it, as in {reference.name} > 0"
                raise condition_fault(text, reference.span, message)
    for child in children(node):
        _refuse_crosses(text, child, uncrossed)

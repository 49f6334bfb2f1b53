"""Words of a strategy's rules that are not of the market: the time of the session, and the account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from tapedeck.engine.conditions.faults import condition_fault
from tapedeck.engine.conditions.known_values import Figure
from tapedeck.engine.conditions.syntax import Crossing, Node, children, references
from tapedeck.engine.tape.bar_grid import Floats, Ints
from tapedeck.engine.tape.tape import Tape

TIME_WORDS: Final = ("minutes_since_open", "minutes_to_close")
"""Minutes of the clock since the session's open, and to its close; a break counts, too."""
POSITION_WORDS: Final = ("position", "unrealised", "bars_held")
"""Of the strategy's own position in a symbol; all are 0 without one.

`position`: shares, below 0 if short. `unrealised`: profit by the last close, before commission, in the
currency. `bars_held`: the symbol's bars since it was opened, with the one that filled.
"""
MONEY_WORDS: Final = ("equity", "cash")
"""Of the whole account, which strategies share, in the currency."""
ACCOUNT_WORDS: Final = (*POSITION_WORDS, *MONEY_WORDS)
WORDS: Final = (*TIME_WORDS, *ACCOUNT_WORDS)


def check_words(text: str, node: Node) -> None:
    """Raise ConditionError for a word that crosses, or for a symbol before a word that belongs to none."""
    for reference in references(node):
        if reference.name not in (*TIME_WORDS, *MONEY_WORDS) or reference.is_bare:
            continue
        owner = "the session" if reference.name in TIME_WORDS else "the whole account"
        message = f"{reference.name} is of {owner}: use it without a symbol"
        raise condition_fault(text, reference.span, message, reference.name)
    _refuse_crosses(text, node)


def _refuse_crosses(text: str, node: Node) -> None:
    if isinstance(node, Crossing):
        for reference in references(node):
            if reference.name in WORDS:
                message = f"{reference.name} cannot cross a value: compare it, as in {reference.name} > 0"
                raise condition_fault(text, reference.span, message)
    for child in children(node):
        _refuse_crosses(text, child)


def time_figures(tape: Tape) -> Mapping[str, Figure]:
    """Return the time words as figures of a tape."""
    clock = tape.slots.clock_times()
    rows = len(tape.symbols)

    def minutes(seconds: Ints) -> Figure:
        def figure(frontiers: Ints) -> Floats:
            return np.broadcast_to(seconds[frontiers] / 60.0, (rows, len(frontiers)))

        return figure

    return dict(zip(TIME_WORDS, (minutes(clock - clock[0]), minutes(clock[-1] - clock)), strict=True))

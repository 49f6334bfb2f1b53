"""Words of a strategy's rules that are not of the market: the time of the session, and the account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from tapedeck.engine.conditions.account_words import ACCOUNT_OWNERS, MONEY_WORDS, POSITION_WORDS
from tapedeck.engine.conditions.known_values import Figure
from tapedeck.engine.tape.bar_grid import Floats, Ints
from tapedeck.engine.tape.tape import Tape

TIME_WORDS: Final = ("minutes_since_open", "minutes_to_close")
"""Minutes of the clock since the session's open, and to its close; a break counts, too."""
BARS_HELD: Final = "bars_held"
"""The symbol's bars since the strategy's position was opened, with the one that filled; 0 without one."""
ACCOUNT_WORDS: Final = (*POSITION_WORDS, BARS_HELD, *MONEY_WORDS)
WORDS: Final = (*TIME_WORDS, *ACCOUNT_WORDS)
OWNERS: Final[Mapping[str, str]] = {**dict.fromkeys(TIME_WORDS, "the session"), **ACCOUNT_OWNERS}
"""What owns each word that belongs to no symbol, for messages."""


def time_figures(tape: Tape) -> Mapping[str, Figure]:
    """Return the time words as figures of a tape."""
    clock = tape.slots.clock_times()
    rows = len(tape.symbols)

    def minutes(seconds: Ints) -> Figure:
        def figure(frontiers: Ints) -> Floats:
            return np.broadcast_to(seconds[frontiers] / 60.0, (rows, len(frontiers)))

        return figure

    return dict(zip(TIME_WORDS, (minutes(clock - clock[0]), minutes(clock[-1] - clock)), strict=True))

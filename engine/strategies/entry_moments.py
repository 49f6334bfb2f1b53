"""Entry moments: where the entry rule of a strategy becomes true on a tape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tapedeck.engine.conditions.account_values import AccountValues
from tapedeck.engine.strategies.strategy_rules import StrategyRule
from tapedeck.engine.strategies.values_then import ValuesThen
from tapedeck.engine.strategies.words import time_figures
from tapedeck.engine.tape.bar_grid import Mask
from tapedeck.engine.tape.tape import Tape


@dataclass(frozen=True, slots=True)
class EntryMoments:
    """The entry rule of a strategy, for some symbols or for all (None).

    It is the rule alone: whether the strategy was free to enter does not matter. Nothing is decided before
    the first slot is over, or after the last slot that was walked, or for a symbol that was not there.
    """

    strategy: str
    rule: StrategyRule
    symbols: tuple[str, ...] | None

    def becomes_true(self, tape: Tape, start: int, stop: int, *, armed_at: int = -1) -> Mask:
        """Return where it becomes true for one of the symbols at the frontiers start … stop, bool (n,).

        That is where it is true for the symbol and was not one slot before. `armed_at` as in
        `Condition.becomes_true`: what was true up to then counts as new at the next frontier.
        """
        return np.asarray(self._rises(tape, start, stop, armed_at).any(axis=0))

    def symbols_at(self, tape: Tape, frontier: int, *, armed_at: int = -1) -> tuple[str, ...]:
        """Return the symbols for which it becomes true at a frontier, in the order of rows."""
        rises = self._rises(tape, frontier, frontier, armed_at)[:, 0]
        return tuple(tape.symbols[row] for row in np.flatnonzero(rises))

    def _rises(self, tape: Tape, start: int, stop: int, armed_at: int) -> Mask:
        """Return where it becomes true, bool (S, frontiers)."""
        before = start - 1 > armed_at
        holds = self._holds(tape, start - before, stop)
        rises = holds.copy()
        rises[:, 1:] &= ~holds[:, :-1]
        return rises[:, 1:] if before else rises

    def _holds(self, tape: Tape, start: int, stop: int) -> Mask:
        """Return where it is true for the symbols that are looked for, bool (S, frontiers)."""
        if tape.account is None:
            return np.zeros((len(tape.symbols), stop - start + 1), dtype=np.bool_)
        record = tape.account.record
        account = AccountValues(record, tape, self.strategy).figures
        known = ValuesThen(tape, start, stop, {**time_figures(tape), **account})
        holds = self.rule.rule.matches(known, tape.symbols)
        frontiers = np.arange(start, stop + 1)
        holds[:, (frontiers < 1) | (frontiers > record.walked)] = False
        if self.symbols is not None:
            holds[[row for symbol, row in tape.rows.items() if symbol not in self.symbols]] = False
        return holds

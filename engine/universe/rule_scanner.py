"""Rule scanner: the symbols of which a rule is true, ranked by a value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tapedeck.engine.conditions.row_rules import RowRule, RowValue, own_values
from tapedeck.engine.conditions.vocabulary import Vocabulary
from tapedeck.engine.config import Scanner
from tapedeck.engine.tape.bar_grid import Ints
from tapedeck.engine.tape.scan_records import FoundSymbol
from tapedeck.engine.universe.view import UniverseView


@dataclass(frozen=True, slots=True, eq=False)
class RuleScanner:
    """A parsed rule. `by`: ranks, largest first; None: by symbol. `top`: most symbols; None: all.

    `places`: place of each row's symbol among all in ascending order, int64 (S,), which decides ties.
    """

    where: RowRule
    by: RowValue | None
    top: int | None
    looked_at: tuple[str, ...]
    places: Ints

    @classmethod
    def of(cls, scanner: Scanner, vocabulary: Vocabulary) -> RuleScanner:
        """Parse a scanner's rule. Raises ConditionError for an unknown name or an invalid rule."""
        assert scanner.where is not None
        where = RowRule.parse(scanner.where, vocabulary)
        by = None if scanner.by is None else RowValue.parse(scanner.by, vocabulary)
        looked_at = where.looked_at if by is None else (*where.looked_at, *by.looked_at)
        symbols = vocabulary.symbols
        places = np.empty(len(symbols), dtype=np.int64)
        places[sorted(range(len(symbols)), key=symbols.__getitem__)] = np.arange(len(symbols))
        return cls(where, by, scanner.top, tuple(dict.fromkeys(looked_at)), places)

    def scan(self, view: UniverseView) -> tuple[FoundSymbol, ...]:
        """Return what is found at a view's moment, in rank order, with the values that the rule looked at.

        What is missing neither matches nor ranks; ties are in the order of the symbols.
        """
        symbols, values = view.symbols, view.known_values()
        rows = np.flatnonzero(self.where.matches(values, symbols)[:, 0])
        if not len(rows):
            return ()
        if self.by is None:
            order = np.argsort(self.places[rows])
        else:
            ranking = self.by.of(values, symbols)[rows, 0]
            known = ~np.isnan(ranking)
            rows, ranking = rows[known], ranking[known]
            order = np.lexsort((self.places[rows], -ranking))
        rows = rows[order[: self.top]]
        looked_at = own_values(self.looked_at, values, symbols)[:, rows, 0].T.tolist()
        return tuple(
            FoundSymbol(rank, symbols[row], tuple(zip(self.looked_at, own, strict=True)))
            for rank, (row, own) in enumerate(zip(rows.tolist(), looked_at, strict=True), start=1)
        )

"""First rows of a table by column, to find out from their values which column is which."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

import numpy as np

from tapedeck.engine.importers.column_names import plain_name
from tapedeck.engine.importers.text_kinds import (
    is_clock,
    is_day,
    is_instant,
    is_missing,
    is_number,
    is_time,
    rough_numbers,
)
from tapedeck.engine.store.bar_store import Floats

Kind = Literal["instant", "time", "day", "clock", "other"]
_ENOUGH: Final = 0.8
"""Share of a column's texts that decides its kind; the others may be faulty."""
_FITTING: Final = 0.9
"""Share of rows in which prices must fit each other."""


class ColumnSample:
    """Columns of a table with the texts of its first rows, shape (n,) each."""

    def __init__(self, names: Sequence[str], texts: Mapping[str, Sequence[str]]) -> None:
        self.names = tuple(names)
        self._texts = texts
        self.by_plain: dict[str, str] = {}
        for name in names:
            self.by_plain.setdefault(plain_name(name), name)
        numeric = [name for name in names if self._is_mostly(name, is_number)]
        rough = rough_numbers([texts[name] for name in numeric])
        self._numbers = dict(zip(numeric, rough, strict=True))

    def rows(self, count: int) -> list[list[str]]:
        """Return the texts of the first `count` rows."""
        return [list(row) for row in zip(*(self._texts[name][:count] for name in self.names), strict=True)]

    def texts(self, name: str) -> list[str]:
        """Return the texts of a column that are not missing."""
        return [text for text in self._texts[name] if not is_missing(text)]

    def distinct(self, name: str) -> int:
        """Return the number of different texts of a column."""
        return len(set(self._texts[name]))

    def numbers(self, name: str) -> Floats:
        """Return a column as float64, NaN where it holds no number."""
        return self._numbers[name]

    def is_numeric(self, name: str) -> bool:
        """Whether most texts of a column are numbers."""
        return name in self._numbers

    def first_named(self, plain_names: Iterable[str], taken: Iterable[str] = ()) -> str | None:
        """Return the column with the first of these plain names that is there and not taken."""
        left_out = set(taken)
        names = (self.by_plain[plain] for plain in plain_names if plain in self.by_plain)
        return next((name for name in names if name not in left_out), None)

    def kind(self, name: str) -> Kind:
        """Return what most texts of a column look like."""
        if self._is_mostly(name, is_instant):
            return "instant"
        if self._is_mostly(name, is_day):
            return "day"
        if self._is_mostly(name, is_time):
            return "time"
        return "clock" if self._is_mostly(name, is_clock) else "other"

    def direction(self, name: str) -> int:
        """Return 1 where the times of a column rise from first to last, -1 where they fall, 0 if unknown."""
        texts = self.texts(name)
        if len(texts) < 2:
            return 0
        first, last = (_sort_keys(text) for text in (texts[0], texts[-1]))
        signs = {(one < other) - (one > other) for one, other in zip(first, last, strict=True)}
        return signs.pop() if len(signs) == 1 else 0

    def is_price_set(self, names: Sequence[str], widest: float | None = None) -> bool:
        """Whether the columns, open, high, low and close, fit each other in nearly all rows.

        `widest`: the most that a high may be as a multiple of its low.
        """
        if len(set(names)) < 4 or not all(map(self.is_numeric, names)):
            return False
        opens, highs, lows, closes = (self.numbers(name) for name in names)
        known = np.isfinite(opens + highs + lows + closes)
        slack = 1e-9 * np.abs(highs)
        fits = (highs >= np.maximum(opens, closes) - slack) & (lows <= np.minimum(opens, closes) + slack)
        fits &= highs >= lows
        if widest is not None:
            fits &= highs <= lows * widest
        count = int(known.sum())
        return count > 0 and int((fits & known).sum()) >= _FITTING * count

    def _is_mostly(self, name: str, check: object) -> bool:
        texts = self.texts(name)
        assert callable(check)
        return bool(texts) and sum(map(check, texts)) >= _ENOUGH * len(texts)


def _sort_keys(text: str) -> tuple[list[float], list[float]]:
    # The numbers of a time in the order of their size, for both orders of day and month.
    numbers = [float(part) for part in re.findall(r"\d+", text)]
    if len(numbers) >= 3 and numbers[2] > 1900 and numbers[0] <= 31:
        day, month, year, *rest = numbers
        return [year, month, day, *rest], [year, day, month, *rest]
    return numbers, numbers

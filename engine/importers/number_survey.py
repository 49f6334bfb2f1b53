"""Survey of the numbers of a table: decides the decimal mark and the unit of prices for the whole file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tapedeck.engine.importers.file_rows import UnclearFileError
from tapedeck.engine.importers.text_numbers import (
    PRICES,
    Decimal,
    NumberFormat,
    bare_numbers,
    fits,
    is_text,
    plain_numbers,
    two_readings,
)
from tapedeck.engine.store.bar_store import Floats, Ints

_NANOSECOND_EVENTS: Final = "ts_event"  # the column of times in Databento's files
_FIXED_POINT_FROM: Final = 10**9
_DOUBTFUL_FROM: Final = 10**6
_UNDEFINED: Final = 2**63 - 1


class NumberSurvey:
    """Evidence on the number format of a table, collected from its parts; `decimal`: the mark given."""

    def __init__(self, file: Path, decimal: Decimal | None, names: Mapping[str, str]) -> None:
        self._file = file
        self._given = decimal
        self._may_be_fixed_point = any(
            names.get(role, "").strip().casefold() == _NANOSECOND_EVENTS for role in ("time", "date")
        )
        self._examples: dict[Decimal, str] = {}
        self._doubtful: str | None = None
        self._has_volume = False
        self._rows = 0
        self._sizes: tuple[int, int] | None = None

    def add(self, numbers: Mapping[str, pa.Array]) -> None:
        """Take the next rows into account; `numbers` maps the roles of prices and sizes to their columns."""
        self._rows += len(next(iter(numbers.values())))
        if self._may_be_fixed_point:
            self._add_sizes([column for role, column in numbers.items() if role in PRICES])
        texts = {role: pc.fill_null(column, "") for role, column in numbers.items() if is_text(column)}
        plain = {role: plain_numbers(column) for role, column in texts.items()}
        self._has_volume = self._has_volume or _has_volume(numbers.get("volume"), plain.get("volume"))
        if self._given is not None:
            return
        if self._doubtful is None and all(found is not None for found in plain.values()):
            # With points only they are decimal, as in 1.676.
            if any(pc.any(pc.match_substring(column, ".")).as_py() for column in texts.values()):
                self._examples.setdefault(".", "a number with a point")
            return
        for role, column in texts.items():
            self._add_marks(bare_numbers(column, role))

    @property
    def is_decided(self) -> bool:
        """Whether a number tells the decimal mark, or none has a comma."""
        return self._given is not None or bool(self._examples) or self._doubtful is None

    def formats(self) -> tuple[NumberFormat, tuple[str, ...]]:
        """Return the format and notes on it; UnclearFileError where two fit, or no single one."""
        fixed_point = self._is_fixed_point()
        without_volume = self._rows > 0 and not self._has_volume
        notes = ["prices are whole numbers of 1e-9 (fixed point): divided by 1,000,000,000"] * fixed_point
        notes += ["no row has a volume: rows without one are stored with 0"] * without_volume
        decimal, is_certain = self._decimal()
        return NumberFormat(decimal, is_certain, fixed_point, without_volume), tuple(notes)

    def _decimal(self) -> tuple[Decimal, bool]:
        if self._given is not None:
            return self._given, True
        if len(self._examples) > 1:
            raise UnclearFileError(
                self._file,
                f"numbers of two formats: {self._examples['.']!r} has a decimal point, "
                f"{self._examples[',']!r} a decimal comma. Write all numbers of the file in one format, or "
                "name the decimal mark, which rejects the other rows",
                [{"--decimal": "."}, {"--decimal": ","}],
            )
        if self._examples:
            return next(iter(self._examples)), True
        if self._doubtful is not None:
            raise two_readings(self._file, self._doubtful)
        return ".", False

    def _add_marks(self, bare: pa.Array) -> None:
        distinct = pc.unique(bare).drop_null()
        point, comma = fits(distinct, "."), fits(distinct, ",")
        only_one: tuple[tuple[Decimal, pa.Array], ...] = (
            (".", pc.and_not(point, comma)),
            (",", pc.and_not(comma, point)),
        )
        for decimal, only in only_one:
            place = pc.index(only, True).as_py()
            if place >= 0:
                self._examples.setdefault(decimal, distinct[place].as_py())
        both = pc.and_(pc.and_(point, comma), pc.match_substring(distinct, ","))
        place = pc.index(both, True).as_py()
        if place >= 0 and self._doubtful is None:
            self._doubtful = distinct[place].as_py()

    def _add_sizes(self, prices: list[pa.Array]) -> None:
        for column in prices:
            sizes = _sizes_of_whole(column)
            if sizes is None:
                self._may_be_fixed_point = False
                return
            if len(sizes):
                low, high = int(sizes.min()), int(sizes.max())
                known = self._sizes or (low, high)
                self._sizes = (min(known[0], low), max(known[1], high))

    def _is_fixed_point(self) -> bool:
        if not self._may_be_fixed_point or self._sizes is None:
            return False
        low, high = self._sizes
        if high >= _FIXED_POINT_FROM:
            return True
        if low >= _DOUBTFUL_FROM:
            raise UnclearFileError(
                self._file,
                f"prices such as {low} can be whole numbers of 1e-9, or prices as they are: divide them by "
                "1,000,000,000, or give the column of times another name than ts_event",
            )
        return False


def _has_volume(column: pa.Array | None, plain: Floats | None) -> bool:
    if column is None:
        return True
    if plain is not None:
        return not bool(np.isnan(plain).all())
    if not is_text(column):
        return bool(column.null_count < len(column))
    return bool(pc.any(bare_numbers(pc.fill_null(column, ""), "volume").is_valid()).as_py())


def _sizes_of_whole(column: pa.Array) -> Ints | None:
    # Sizes of the prices of a column of whole numbers, without undefined ones; None for other columns.
    if is_text(column):
        bare = bare_numbers(pc.fill_null(column, ""), "open").drop_null()
        if not pc.all(pc.match_substring_regex(bare, r"^-?\d{1,19}$")).as_py():
            return None
        column = bare.cast(pa.int64())
    if not pa.types.is_integer(column.type):
        return None
    counts: Ints = np.abs(column.cast(pa.int64()).drop_null().to_numpy(zero_copy_only=False))
    sizes: Ints = counts[(counts != _UNDEFINED) & (counts != 0)]
    return sizes

"""Times written as numbers, in text or in columns of numbers: epochs and dates of 8 to 17 digits."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tapedeck.engine.importers.epochs import (
    EpochFormat,
    compact_width,
    read_compact,
    read_epochs,
    survey_epochs,
)
from tapedeck.engine.importers.file_rows import UnclearFileError
from tapedeck.engine.importers.stamps import LATEST, MISSING, UNEVEN, Mask, Stamps, whole_numbers
from tapedeck.engine.importers.time_format import TimeFormat
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_store import Ints

_PLAIN: Final = r"^[+-]?[0-9]{1,18}(\.[0-9]*)?$|^-?[1-8][0-9]{18}(\.[0-9]*)?$"
_SCIENTIFIC: Final = r"^[+-]?[0-9](\.[0-9]+)?[eE]\+?[0-9]{1,2}$"
# Seconds that the last digit of scientific epochs may stand for: their times are multiples of it.
_COARSEST: Final = {1: 1, 60: 10, 86400: 100}
_SHORT_FLOATS: Final = (pa.float16(), pa.float32())


@dataclass(frozen=True, slots=True)
class NumberTimes:
    """Numbers of a column, shape (n,), as int64, and the reasons of the rows without one, by position.

    `resolution`: seconds of the last digit of those in scientific notation, 0 without such.
    """

    numbers: Ints
    faults: dict[int, str]
    resolution: float = 0.0
    example: str = ""

    @property
    def sound(self) -> Ints:
        """The numbers of rows without a fault."""
        return np.delete(self.numbers, list(self.faults)) if self.faults else self.numbers


@dataclass(frozen=True, slots=True)
class NumberFormatOfTimes:
    """Format of times that are numbers: dates of `width` digits, or epochs."""

    width: int | None
    epochs: EpochFormat | None
    resolution: float

    @property
    def words(self) -> str:
        """The format in words."""
        return self.epochs.words if self.epochs is not None else f"date of {self.width} digits"

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what the user should know of the format."""
        if self.epochs is None or not self.epochs.others:
            return ()
        units = " and ".join((self.epochs.unit, *self.epochs.others))
        return (f"times are epochs in {units}: each row is read in its own unit",)


def are_numbers(texts: pa.Array) -> bool:
    """Whether most of the texts that are not blank are numbers."""
    if len(texts) and pc.all(pc.utf8_is_digit(pc.utf8_slice_codeunits(texts, 0, 19))).as_py():
        return True
    texts = pc.utf8_trim_whitespace(texts)
    fit = pc.match_substring_regex(texts, f"{_PLAIN}|{_SCIENTIFIC}")
    filled = pc.sum(pc.not_equal(texts, "")).as_py() or 0
    return 2 * (pc.sum(fit).as_py() or 0) > filled


def numbers_of(column: pa.Array, interval: Interval, file: Path) -> NumberTimes:
    """Return a column of numbers or texts as numbers; UnclearFileError where their type lost digits."""
    if column.type in _SHORT_FLOATS:
        raise UnclearFileError(file, f"times of the type {column.type} have lost digits: save them as int64")
    if pa.types.is_decimal(column.type):
        column = pc.fill_null(column.cast(pa.string()), "")
    if not pa.types.is_string(column.type):
        return NumberTimes(*whole_numbers(column))
    try:
        column[:1].cast(pa.int64())  # a cast that fails takes long: it words an error for each row
        return NumberTimes(column.cast(pa.int64()).to_numpy(zero_copy_only=False), {})
    except pa.ArrowInvalid:
        return _from_odd_texts(pc.utf8_trim_whitespace(column))


def survey_numbers(found: NumberTimes, form: TimeFormat, file: Path) -> NumberFormatOfTimes:
    """Return the format of times that are numbers; UnclearFileError where it is in doubt."""
    _check_resolution(found, found.resolution, form.interval, file)
    width = compact_width(found.sound) if form.unit is None else None
    epochs = None if width is not None else survey_epochs(found.sound, form, file)
    return NumberFormatOfTimes(width, epochs, found.resolution)


def read_number_times(found: NumberTimes, known: NumberFormatOfTimes, form: TimeFormat, file: Path) -> Stamps:
    """Return numbers as times; UnclearFileError where one lies decades from the others."""
    resolution = min(found.resolution, known.resolution) if known.resolution else found.resolution
    _check_resolution(found, resolution, form.interval, file)
    if known.epochs is not None:
        return read_epochs(found.numbers, known.epochs, found.faults, file)
    return read_compact(found.numbers, known.width or 8, found.faults)


def _from_odd_texts(texts: pa.Array) -> NumberTimes:
    plain = pc.match_substring_regex(texts, _PLAIN).to_numpy(zero_copy_only=False)
    scientific = pc.match_substring_regex(texts, _SCIENTIFIC).to_numpy(zero_copy_only=False)
    whole = pc.replace_substring_regex(pc.if_else(pa.array(plain), texts, "0"), r"\..*$", "")
    uneven = pc.match_substring_regex(texts, r"\.[0-9]*[1-9]").to_numpy(zero_copy_only=False)
    numbers = whole.cast(pa.int64()).to_numpy(zero_copy_only=False).copy()
    faults = {int(i): UNEVEN for i in np.flatnonzero(plain & uneven)}
    for i in np.flatnonzero(~plain & ~scientific):
        text = texts[int(i)].as_py()
        faults[int(i)] = f"invalid time {text!r}: expected a whole number" if text else MISSING
    resolution, example = _read_scientific(texts, scientific, numbers, faults)
    return NumberTimes(numbers, faults, resolution, example)


def _read_scientific(
    texts: pa.Array, chosen: Mask, numbers: Ints, faults: dict[int, str]
) -> tuple[float, str]:
    # Each value has all its digits in writers that print the shortest form; else the last digits are lost,
    # which shows in the finest digit of all.
    finest, example = 0.0, ""
    for i in map(int, np.flatnonzero(chosen)):
        text = texts[i].as_py()
        value = Decimal(text)
        if value != int(value) or abs(value) >= 2**63:
            faults[i] = UNEVEN
            continue
        numbers[i] = int(value)
        exponent = value.as_tuple().exponent
        seconds = float(10.0 ** int(exponent)) / _per_second(abs(int(value)))
        if not example or seconds < finest:
            finest, example = seconds, text
    return finest, example


def _per_second(size: int) -> int:
    return next((1000**power for power in range(3) if size < LATEST * 1000**power), 10**9)


def _check_resolution(found: NumberTimes, resolution: float, interval: Interval, file: Path) -> None:
    if resolution > _COARSEST.get(interval.seconds, 1):
        raise UnclearFileError(
            file,
            f"the time {found.example!r} has lost digits: the last one stands for {resolution:,.0f} seconds. "
            "Export the times in full, such as 1381152600",
        )

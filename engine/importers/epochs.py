"""Times written as numbers: epochs in s, ms, us or ns, told row by row, and dates of 8 to 17 digits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from tapedeck.engine.importers.file_rows import UnclearFileError
from tapedeck.engine.importers.stamps import LATEST, UNEVEN, Stamps, day_seconds, from_units, moment_text
from tapedeck.engine.importers.time_format import EPOCH_UNITS, TimeFormat
from tapedeck.engine.importers.zones import FIRST_YEAR, LAST_YEAR
from tapedeck.engine.store.bar_store import Ints

_UNITS: Final = tuple(EPOCH_UNITS)
# A unit reaches to the year 2199; a larger number is in the next finer one. So each number has one reading,
# and only the first three months of 1970 can be mistaken: see _seconds.
_REACH: Final = np.array([LATEST * 1000**power for power in range(3)], np.int64)
_COMPACT_WIDTHS: Final = (8, 12, 14, 17)
_YEAR: Final = 31_557_600
# Numbers that are read in the wrong unit, or lack a digit, end up in these years.
_DOUBTFUL: Final = (-86400, int(datetime(1976, 1, 1, tzinfo=UTC).timestamp()))
_APART: Final = 10 * _YEAR


@dataclass(frozen=True, slots=True)
class EpochFormat:
    """Format of epochs: the unit given or of most rows, and the times of rows in it, seconds since 1970.

    `others`: the units of other rows of those surveyed.
    """

    unit: str
    is_given: bool
    first: int
    last: int
    others: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The format in words."""
        return f"epoch in {' and '.join((self.unit, *self.others))}"


def compact_width(numbers: Ints) -> int | None:
    """Return the digits of numbers that mostly are dates (20131007, 201310070930, ...), or None."""
    for width in _COMPACT_WIDTHS:
        scale = 10 ** (width - 4)
        dates = numbers[(numbers >= FIRST_YEAR * scale) & (numbers < (LAST_YEAR + 1) * scale)]
        if 2 * len(dates) >= len(numbers) > 0:
            wrong = len(read_compact(dates, width, {}).faults) + len(numbers) - len(dates)
            return width if 2 * wrong <= len(numbers) else None
    return None


def read_compact(numbers: Ints, width: int, faults: Mapping[int, str]) -> Stamps:
    """Return dates of `width` digits as times without an offset."""
    parts = numbers % 1000 if width == 17 else np.zeros_like(numbers)
    whole = numbers // 1000 if width == 17 else numbers * {8: 10**6, 12: 100, 14: 1}[width]
    days, clocks = np.divmod(whole, 10**6)
    midnight, sound = day_seconds(days // 10000, days // 100 % 100, days % 100)
    hour, minute, second = clocks // 10000, clocks // 100 % 100, clocks % 100
    sound &= (hour < 24) & (minute < 60) & (second < 60) & (parts >= 0)
    found = {int(i): UNEVEN for i in np.flatnonzero(parts)}
    found |= {
        int(i): f"invalid time '{numbers[i]}': expected a date of {width} digits"
        for i in np.flatnonzero(~sound)
    }
    seconds = np.where(sound, midnight + hour * 3600 + minute * 60 + second, 0)
    return Stamps(seconds, seconds, np.zeros(len(seconds), bool), found | dict(faults))


def survey_epochs(numbers: Ints, form: TimeFormat, file: Path) -> EpochFormat:
    """Return the format of epochs; UnclearFileError where all lie in the first years of 1970."""
    if form.unit is not None:
        seconds = numbers // EPOCH_UNITS[form.unit]
        return EpochFormat(form.unit, True, *_span(seconds))
    powers = _powers(numbers)
    counts = np.bincount(powers, minlength=len(_UNITS))
    usual = int(counts.argmax())
    seconds = numbers[powers == usual] // 1000**usual
    others = tuple(_UNITS[power] for power in np.flatnonzero(counts) if power != usual)
    found = EpochFormat(_UNITS[usual], False, *_span(seconds), others)
    if len(numbers) and found.first >= -_DOUBTFUL[1] and found.last < _DOUBTFUL[1]:
        is_day_number = 10_000 < abs(numbers[0]) < 100_000
        day_number = ", or is it the day number of a spreadsheet" if is_day_number else ""
        raise UnclearFileError(
            file,
            f"times such as {numbers[0]} would be in {moment_text(found.first)[:4]}, as {found.unit} since "
            f"1970: is this the column of the times{day_number}? Where they are epochs, name their unit; "
            "else name the right column, or write the times as text",
            [] if is_day_number else [{"--time-format": found.unit}],
        )
    return found


def read_epochs(numbers: Ints, form: EpochFormat, faults: Mapping[int, str], file: Path) -> Stamps:
    """Return epochs as times, each in its own unit unless one is given.

    Raises UnclearFileError where a time in the 1970s lies decades from all others; with a unit given such
    rows are faults.
    """
    if form.is_given:
        stamps = from_units(numbers, EPOCH_UNITS[form.unit], faults, is_instant=True)
        odd = _stray(stamps, form)
        reason = "is decades from the other rows: is it in another unit?"
        found = {int(i): f"time {moment_text(int(stamps.instants[i]))} UTC {reason}" for i in odd}
        return Stamps(stamps.written, stamps.instants, stamps.known, {**stamps.faults, **found})
    stamps = _in_own_units(numbers, form, faults, file)
    odd = _stray(stamps, form)
    if len(odd):
        raise UnclearFileError(
            file,
            f"the time {numbers[odd[0]]} would be {moment_text(int(stamps.instants[odd[0]]))} UTC, decades "
            f"from the other rows (from {moment_text(form.first)[:10]}). Correct it, or name the unit, which "
            "rejects such rows",
            [{"--time-format": form.unit}],
        )
    return stamps


def _span(seconds: Ints) -> tuple[int, int]:
    return (int(seconds.min()), int(seconds.max())) if len(seconds) else (0, 0)


def _powers(numbers: Ints) -> Ints:
    # Unit of each number, as power of 1000.
    size = np.abs(numbers)
    if len(size):
        low, high = np.searchsorted(_REACH, [size.min(), size.max()], side="right")
        if low == high:
            return np.full(len(size), low, np.int64)
    return np.searchsorted(_REACH, size, side="right").astype(np.int64)


def _in_own_units(numbers: Ints, form: EpochFormat, faults: Mapping[int, str], file: Path) -> Stamps:
    usual = _UNITS.index(form.unit)
    if faults:
        numbers = numbers.copy()
        numbers[list(faults)] = form.first * 1000**usual  # a value that decides nothing
    powers = _powers(numbers)
    if bool((powers == usual).all()):
        return from_units(numbers, 1000**usual, faults, is_instant=True)
    _check_finer(numbers, powers, usual, file)
    smaller = powers < usual
    if smaller.any():
        powers[smaller] = np.where(_is_early(numbers, powers, form, file), usual, powers[smaller])
    seconds, parts = np.divmod(numbers, 1000**powers)
    stamps = from_units(seconds, 1, faults, is_instant=True)
    found = {int(i): UNEVEN for i in np.flatnonzero(parts)}
    return Stamps(stamps.written, stamps.instants, stamps.known, found | dict(stamps.faults))


def _check_finer(numbers: Ints, powers: Ints, usual: int, file: Path) -> None:
    # A history in a finer unit that reaches back to 1970 has small numbers there, which would be misread.
    finer = np.flatnonzero(powers > usual)
    if not len(finer):
        return
    old = np.flatnonzero(numbers // 1000**powers < _APART)
    if len(old):
        raise UnclearFileError(
            file,
            f"times of several units, of which {numbers[old[0]]} would be before 1980: name the unit, which "
            "rejects the rows in another one",
            [{"--time-format": _UNITS[usual]}, {"--time-format": _UNITS[powers[finer].max()]}],
        )


def _is_early(numbers: Ints, powers: Ints, form: EpochFormat, file: Path) -> bool:
    # Whether small numbers are early 1970 in the usual unit, rather than later times in a coarser one: they
    # are where the other rows reach that far back.
    usual = _UNITS.index(form.unit)
    others = numbers[powers == usual] // 1000**usual
    first = min(form.first, int(others.min())) if len(others) else form.first
    if first < _YEAR:
        return True
    if first >= _APART:
        return False
    example = numbers[powers < usual][0]
    raise UnclearFileError(
        file, f"the time {example} can be in {form.unit} or in a coarser unit", [{"--time-format": form.unit}]
    )


def _stray(stamps: Stamps, form: EpochFormat) -> Ints:
    # Positions of times in the 1970s that are decades from all others.
    times = stamps.instants
    if not len(times) or int(times.min()) >= _DOUBTFUL[1]:
        return np.empty(0, np.int64)
    sound = np.ones(len(times), bool)
    sound[list(stamps.faults)] = False
    doubtful = sound & (times >= _DOUBTFUL[0]) & (times < _DOUBTFUL[1])
    rest = times[sound & ~doubtful]
    known = np.array([form.first, form.last])
    rest = np.concatenate([rest, known[(known < _DOUBTFUL[0]) | (known >= _DOUBTFUL[1])]])
    if not doubtful.any() or not len(rest) or int(rest.min()) < _DOUBTFUL[0]:
        return np.empty(0, np.int64)
    near = int(rest.min()) - int(times[doubtful].max()) <= _APART
    return np.empty(0, np.int64) if near else np.flatnonzero(doubtful)

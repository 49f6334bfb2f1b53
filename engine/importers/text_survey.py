"""Survey of times in text: decides the order of dates and the form of clocks for the whole file."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tapedeck.engine.importers.date_fields import DateFields, read_fields
from tapedeck.engine.importers.file_rows import UnclearFileError
from tapedeck.engine.importers.time_format import DATE_ORDERS, Order, TimeFormat
from tapedeck.engine.store.bar_store import Ints

LONGEST_HMM: Final = 4
"""Digits of the longest clock without marks that has no seconds."""

_HOUR_ONLY: Final = len("2013-10-07 09")
_SUMMER: Final = range(4, 11)
_STANDARD_TIMES: Final = frozenset({"EST", "CST", "MST", "PST", "CET", "EET", "WET"})


@dataclass(frozen=True, slots=True)
class TextFormat:
    """Layout of the times of a table.

    `order` of numeric dates; `with_seconds`: clocks without marks are hmmss, not hmm; `is_joined`: the clock
    stands in a column of its own; `zone_words`: the words of zones behind the times.
    """

    order: Order
    with_seconds: bool
    is_joined: bool
    zone_words: frozenset[str]
    notes: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The layout in words, with the zones that the texts name."""
        zones = sorted(self.zone_words)
        shown = ", ".join(zones[:3]) + (", ..." if len(zones) > 3 else "")
        return f"text ({DATE_ORDERS[self.order]})" + (f" with its zone ({shown})" if zones else "")


class TextSurvey:
    """Evidence on the layout of times in text, collected from the parts of a table.

    `has_times`: whether a text was a time.
    """

    def __init__(self, file: Path, form: TimeFormat, *, is_joined: bool) -> None:
        self._file = file
        self._form = form
        self._is_joined = is_joined
        self._orders = set(form.orders)
        self._seen: dict[Order, str] = {}
        self._example: str | None = None
        self.has_times = False
        self._has_numeric = False
        self._zone_words: set[str] = set()
        self._is_standard_in_summer = False
        self._longest_clock = 0
        self._clocks_are_clear = True

    def add(self, texts: pa.Array) -> None:
        """Take the next rows into account."""
        if iso_times(texts, is_joined=self._is_joined) is not None:
            self._narrow("ymd", texts[0].as_py())
            self.has_times = True
            return
        fields = read_fields(texts)
        sound = fields.sound
        self.has_times |= bool(sound.any())
        for order in tuple(self._orders):
            strangers = sound & ~fields.fits[order]
            if strangers.any():
                self._drop(order, fields, texts, int(strangers.argmax()))
        self._add_clocks(fields)
        numeric = sound & fields.is_numeric
        self._has_numeric |= bool(numeric.any())
        if self._example is None and len(self._orders) > 1:
            first, *others = (fields.midnights[order] for order in self._orders)
            differ = numeric & np.logical_or.reduce([first != other for other in others])
            if differ.any():
                self._example = texts[int(differ.argmax())].as_py()
        words = {word for word in pc.unique(fields.zones).to_pylist() if word}
        self._zone_words |= {word.upper() for word in words}
        if words & _STANDARD_TIMES:
            months = fields.midnights["ymd"][sound].astype("datetime64[s]").astype("datetime64[M]")
            self._is_standard_in_summer |= bool(np.isin(months.astype(int) % 12 + 1, _SUMMER).any())

    @property
    def is_decided(self) -> bool:
        """Whether times were seen, and one order is left, or those left give the same times so far."""
        has_order = len(self._orders) == 1 or not self._has_numeric
        return self.has_times and self._clocks_are_clear and has_order

    def format(self) -> TextFormat:
        """Return the layout; UnclearFileError where several orders fit, or no single one does."""
        if len(self._orders) > 1 and self._example is not None:
            ways = [order for order in ("mdy", "dmy", "ymd") if order in self._orders]
            raise UnclearFileError(
                self._file,
                f"the date {self._example!r} can be {' or '.join(DATE_ORDERS[order] for order in ways)}, "
                "and so can all others of the file: name the order",
                [{"--time-format": order} for order in ways],
            )
        if not self._clocks_are_clear:
            raise UnclearFileError(
                self._file,
                "the times of day without leading zeros can be hours and minutes, or minutes and seconds of "
                "the first hour: write them with leading zeros, such as 0930 or 093000",
            )
        order = next(order for order in ("ymd", "dmy", "mdy") if order in self._orders)
        return TextFormat(
            order,
            self._longest_clock > LONGEST_HMM,
            self._is_joined,
            frozenset(self._zone_words),
            self._notes(),
        )

    def _notes(self) -> tuple[str, ...]:
        found = sorted(self._zone_words & _STANDARD_TIMES)
        if not found or not self._is_standard_in_summer:
            return ()
        return (f"{', '.join(found)} in the times is without daylight saving, in summer, too",)

    def _narrow(self, order: Order, example: str) -> None:
        if order not in self._orders and self._form.pattern is None:
            raise two_formats(self._file, example, self._seen)
        if self._form.pattern is None:
            self._orders = {order}
            self._seen.setdefault(order, example)

    def _drop(self, order: Order, fields: DateFields, texts: pa.Array, row: int) -> None:
        text = texts[row].as_py()
        left = {each for each in self._orders if fields.fits[each][row]}
        if not left:
            if self._form.pattern is None:
                raise two_formats(self._file, text, self._seen)
            return
        self._orders.discard(order)
        for each in left:
            self._seen.setdefault(each, text)

    def _add_clocks(self, fields: DateFields) -> None:
        digits, width = fields.clock_digits[fields.sound], fields.clock_width[fields.sound]
        if not self._is_joined or not len(digits) or int(width.max()) == 0:
            return
        self._longest_clock = max(self._longest_clock, int(width.max()))
        is_padded = int(width.min()) == int(width.max()) >= LONGEST_HMM
        has_minutes = bool((digits % 100 != 0).any()) and self._form.interval.seconds >= 60
        is_one = len(np.unique(digits)) == 1 and not self._form.interval.is_intraday
        self._clocks_are_clear = self._longest_clock > LONGEST_HMM or is_padded or has_minutes or is_one


def iso_times(texts: pa.Array, *, is_joined: bool) -> tuple[Ints, int, str | None] | None:
    """Return ISO 8601 times as counts since 1970, their number in a second, and UTC where all have an offset.

    None where Arrow does not read all of them: it reads columns in which all have an offset, or none.
    """
    # A clock such as 10 in a column of its own is 00:10, not the hour that Arrow takes it for.
    if not len(texts) or (is_joined and pc.min(pc.binary_length(texts)).as_py() <= _HOUR_ONLY):
        return None
    for unit, per_second in (("s", 1), ("ns", 10**9)):
        for zone in (None, "UTC"):
            kind = pa.timestamp(unit, zone)
            with suppress(pa.ArrowInvalid):
                texts[:1].cast(kind)  # a cast that fails takes long: it words an error for each row
                return texts.cast(kind).cast(pa.int64()).to_numpy(zero_copy_only=False), per_second, zone
    return None


def two_formats(file: Path, text: str, seen: Mapping[Order, str]) -> UnclearFileError:
    """Return the error for a text without the order of the others, of which `seen` has examples."""
    order, example = next(iter(seen.items()), ("ymd", "the first rows"))
    return UnclearFileError(
        file,
        f"two formats of dates: {text!r} does not have the order of {example!r} ({DATE_ORDERS[order]}). "
        "Write all dates of the file in one format, or name one, which rejects the other rows",
        [{"--time-format": order}],
    )

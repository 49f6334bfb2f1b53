"""Times in text: their layout is decided for the whole file, then rows are read by it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tapedeck.engine.importers.date_fields import DateFields, clock_seconds, read_fields
from tapedeck.engine.importers.file_rows import UnclearFileError
from tapedeck.engine.importers.stamps import MISSING, OUTSIDE, UNEVEN, Mask, Stamps, from_units
from tapedeck.engine.importers.time_format import DATE_ORDERS, Order, TimeFormat
from tapedeck.engine.importers.zone_names import AmbiguousZoneError, zone_of_word
from tapedeck.engine.importers.zones import FIRST_YEAR, LAST_YEAR, localise
from tapedeck.engine.store.bar_store import Ints

_LONGEST_HMM: Final = 4
_HOUR_ONLY: Final = len("2013-10-07 09")
_DAYS_OF_YEAR: Final = re.compile(r"(\d{4})-(\d{3})(T.*)?", re.ASCII)
_SUMMER: Final = range(4, 11)
_STANDARD_TIMES: Final = frozenset({"EST", "CST", "MST", "PST", "CET", "EET", "WET"})
_EXPECTED: Final = "expected a date such as 2013-10-07 09:30, or an epoch"


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
        """The layout in words."""
        return f"text ({DATE_ORDERS[self.order]})"


class TextSurvey:
    """Evidence on the layout of times in text, collected from the parts of a table."""

    def __init__(self, file: Path, form: TimeFormat, *, is_joined: bool) -> None:
        self._file = file
        self._form = form
        self._is_joined = is_joined
        self._orders = set(form.orders)
        self._seen: dict[Order, str] = {}
        self._example: str | None = None
        self._has_numeric = False
        self._zone_words: set[str] = set()
        self._is_standard_in_summer = False
        self._longest_clock = 0
        self._clocks_are_clear = True

    def add(self, texts: pa.Array) -> None:
        """Take the next rows into account."""
        if _iso(texts, is_joined=self._is_joined) is not None:
            self._narrow("ymd", texts[0].as_py())
            return
        fields = read_fields(texts)
        sound = fields.sound
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
        """Whether one order is left, or any of those left gives the same times so far."""
        return self._clocks_are_clear and (len(self._orders) == 1 or not self._has_numeric)

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
            self._longest_clock > _LONGEST_HMM,
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
            raise _two_formats(self._file, example, self._seen)
        if self._form.pattern is None:
            self._orders = {order}
            self._seen.setdefault(order, example)

    def _drop(self, order: Order, fields: DateFields, texts: pa.Array, row: int) -> None:
        text = texts[row].as_py()
        left = {each for each in self._orders if fields.fits[each][row]}
        if not left:
            if self._form.pattern is None:
                raise _two_formats(self._file, text, self._seen)
            return
        self._orders.discard(order)
        for each in left:
            self._seen.setdefault(each, text)

    def _add_clocks(self, fields: DateFields) -> None:
        digits, width = fields.clock_digits[fields.sound], fields.clock_width[fields.sound]
        if not self._is_joined or not len(digits) or int(width.max()) == 0:
            return
        self._longest_clock = max(self._longest_clock, int(width.max()))
        is_padded = int(width.min()) == int(width.max()) >= _LONGEST_HMM
        has_minutes = bool((digits % 100 != 0).any()) and self._form.interval.seconds >= 60
        is_one = len(np.unique(digits)) == 1 and not self._form.interval.is_intraday
        self._clocks_are_clear = self._longest_clock > _LONGEST_HMM or is_padded or has_minutes or is_one


def read_texts(texts: pa.Array, layout: TextFormat, form: TimeFormat, file: Path) -> Stamps:
    """Return texts as times; UnclearFileError where some are in another layout, or a zone is ambiguous."""
    found = _iso(texts, is_joined=layout.is_joined)
    if found is not None:
        if layout.order != "ymd" and form.pattern is None:
            raise _two_formats(file, texts[0].as_py(), {layout.order: "the first rows"})
        raw, per_second, zone = found
        stamps = from_units(raw, per_second, {}, is_instant=zone is not None)
        if zone is None or form.interval.is_intraday:
            return stamps
        bare = pc.replace_substring_regex(texts, r"(Z|z|[+-]\d\d(:?\d\d)?)$", "")
        written = bare.cast(pa.timestamp("ns")).cast(pa.timestamp("s"), safe=False).cast(pa.int64())
        return Stamps(written.to_numpy(zero_copy_only=False), stamps.instants, stamps.known, stamps.faults)
    return _from_fields(texts, layout, form, file)


def _iso(texts: pa.Array, *, is_joined: bool) -> tuple[Ints, int, str | None] | None:
    # Arrow reads columns in which all times have an offset, or none. A clock such as 10 in a column of its
    # own is 00:10, not the hour that Arrow takes it for.
    if not len(texts) or (is_joined and pc.min(pc.binary_length(texts)).as_py() <= _HOUR_ONLY):
        return None
    for unit, per_second in (("s", 1), ("ns", 10**9)):
        for zone in (None, "UTC"):
            kind = pa.timestamp(unit, zone)
            with suppress(pa.ArrowInvalid):
                texts[:1].cast(kind)  # a cast that fails takes long: it words an error for each row
                return texts.cast(kind).cast(pa.int64()).to_numpy(zero_copy_only=False), per_second, zone
    return None


def _from_fields(texts: pa.Array, layout: TextFormat, form: TimeFormat, file: Path) -> Stamps:
    fields = read_fields(texts)
    clock, sound = _clocks(fields, layout, file)
    sound &= fields.sound & fields.fits[layout.order]
    if form.pattern is None:
        others = np.logical_or.reduce([*fields.fits.values()]) & fields.sound & ~fields.fits[layout.order]
        if others.any():
            raise _two_formats(
                file, texts[int(others.argmax())].as_py(), {layout.order: _first(texts, sound)}
            )
    written = np.where(sound, fields.midnights[layout.order] + clock, 0)
    instants, known, faults = _in_zones(texts, written, fields, layout, form, file)
    known &= sound
    faults = {i: fault for i, fault in faults.items() if sound[i]}
    faults |= {int(i): UNEVEN for i in np.flatnonzero(fields.is_uneven & sound)}
    _read_rest(texts, np.flatnonzero(~sound), written, instants, known, faults)
    return Stamps(written, instants, known, faults)


def _first(texts: pa.Array, chosen: Mask) -> str:
    text: str = texts[int(chosen.argmax())].as_py() if chosen.any() else "the first rows"
    return text


def _two_formats(file: Path, text: str, seen: Mapping[Order, str]) -> UnclearFileError:
    order, example = next(iter(seen.items()), ("ymd", "the first rows"))
    return UnclearFileError(
        file,
        f"two formats of dates: {text!r} does not have the order of {example!r} ({DATE_ORDERS[order]}). "
        "Write all dates of the file in one format, or name one, which rejects the other rows",
        [{"--time-format": order}],
    )


def _clocks(fields: DateFields, layout: TextFormat, file: Path) -> tuple[Ints, Mask]:
    has_digits = fields.clock_digits >= 0
    if not has_digits.any():
        return fields.clock, np.ones(len(fields.clock), bool)
    if layout.is_joined and not layout.with_seconds and (fields.clock_width > _LONGEST_HMM).any():
        raise UnclearFileError(
            file, "times of day of two formats, such as 930 and 93000: write all of them as 09:30:00"
        )
    if layout.is_joined:
        with_seconds: Mask = np.full(len(has_digits), layout.with_seconds)
        digits = fields.clock_digits
    else:
        # Behind the date in one column the clock has all its digits: 09, 0930 or 093000.
        with_seconds = fields.clock_width > _LONGEST_HMM
        digits = np.where(fields.clock_width <= 2, fields.clock_digits * 100, fields.clock_digits)
    long, long_sound = clock_seconds(digits, with_seconds=True)
    short, short_sound = clock_seconds(digits, with_seconds=False)
    clock = np.where(with_seconds, long, short)
    sound = np.where(with_seconds, long_sound, short_sound)
    return np.where(has_digits, clock, fields.clock), ~has_digits | sound


def _in_zones(
    texts: pa.Array, written: Ints, fields: DateFields, layout: TextFormat, form: TimeFormat, file: Path
) -> tuple[Ints, Mask, dict[int, str]]:
    encoded = fields.zones.dictionary_encode()
    places = encoded.indices.to_numpy(zero_copy_only=False)
    instants, known, faults = written.copy(), np.zeros(len(written), bool), dict[int, str]()
    for place, word in enumerate(encoded.dictionary.to_pylist()):
        if not word:
            continue
        rows = np.flatnonzero(places == place)
        zone = _zone(word, layout, form, file)
        if zone is None:
            faults |= {int(i): f"unknown time zone {word!r} in {texts[int(i)].as_py()!r}" for i in rows}
            continue
        instants[rows], ambiguous = localise(written[rows], zone)
        faults |= {int(rows[i]): reason for i, reason in ambiguous.items()}
        known[rows] = True
    return instants, known, faults


def _zone(word: str, layout: TextFormat, form: TimeFormat, file: Path) -> tzinfo | None:
    try:
        return zone_of_word(word, default=form.zone, others=layout.zone_words)
    except AmbiguousZoneError as error:
        reason = f"{error}: name the time zone of the times"
        raise UnclearFileError(file, reason, [{"--zone": zone} for zone in error.zones]) from error


def _read_rest(
    texts: pa.Array, rows: Ints, written: Ints, instants: Ints, known: Mask, faults: dict[int, str]
) -> None:
    # Reads each distinct text that is in no usual layout: weeks and days of the year of ISO 8601, else none.
    results: dict[str, datetime | str] = {}
    for i in map(int, rows):
        text = texts[i].as_py().strip()
        if text not in results:
            results[text] = _read_iso(text)
        result = results[text]
        if isinstance(result, str):
            faults[i] = result
            continue
        written[i] = int(result.replace(tzinfo=UTC).timestamp())
        known[i] = result.tzinfo is not None
        instants[i] = int(result.timestamp()) if known[i] else written[i]


def _read_iso(text: str) -> datetime | str:
    if not text:
        return MISSING
    try:
        moment = _day_of_year(text) or datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return f"invalid time {text!r}: {_EXPECTED}"
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        return f"time {text!r} {OUTSIDE}"
    return UNEVEN if moment.microsecond else moment


def _day_of_year(text: str) -> datetime | None:
    match = _DAYS_OF_YEAR.fullmatch(text)
    if match is None:
        return None
    first = datetime.fromisoformat(f"{match[1]}-01-01{match[3] or ''}")
    moment = first + timedelta(days=int(match[2]) - 1)
    if moment.year != first.year:
        raise ValueError(text)
    return moment

"""Times in text, read by the layout that is decided for the whole file."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tapedeck.engine.importers.date_fields import DateFields, clock_seconds, read_fields
from tapedeck.engine.importers.file_rows import UnclearFileError
from tapedeck.engine.importers.stamps import MISSING, OUTSIDE, UNEVEN, Mask, Stamps, from_units
from tapedeck.engine.importers.text_survey import LONGEST_HMM, TextFormat, iso_times, two_formats
from tapedeck.engine.importers.time_format import TimeFormat
from tapedeck.engine.importers.zone_names import AmbiguousZoneError, zone_of_word
from tapedeck.engine.importers.zones import FIRST_YEAR, LAST_YEAR, localise
from tapedeck.engine.store.bar_store import Ints

_DAYS_OF_YEAR: Final = re.compile(r"(\d{4})-(\d{3})(T.*)?", re.ASCII)
_EXPECTED: Final = "expected a date such as 2013-10-07 09:30, or an epoch"


def read_texts(texts: pa.Array, layout: TextFormat, form: TimeFormat, file: Path) -> Stamps:
    """Return texts as times; UnclearFileError where some are in another layout, or a zone is ambiguous."""
    found = iso_times(texts, is_joined=layout.is_joined)
    if found is not None:
        if layout.order != "ymd" and form.pattern is None:
            raise two_formats(file, texts[0].as_py(), {layout.order: "the first rows"})
        raw, per_second, zone = found
        stamps = from_units(raw, per_second, {}, is_instant=zone is not None)
        if zone is None or form.interval.is_intraday:
            return stamps
        bare = pc.replace_substring_regex(texts, r"(Z|z|[+-]\d\d(:?\d\d)?)$", "")
        written = bare.cast(pa.timestamp("ns")).cast(pa.timestamp("s"), safe=False).cast(pa.int64())
        return Stamps(written.to_numpy(zero_copy_only=False), stamps.instants, stamps.known, stamps.faults)
    return _from_fields(texts, layout, form, file)


def _from_fields(texts: pa.Array, layout: TextFormat, form: TimeFormat, file: Path) -> Stamps:
    fields = read_fields(texts)
    clock, sound = _clocks(fields, layout, file)
    sound &= fields.sound & fields.fits[layout.order]
    if form.pattern is None:
        others = np.logical_or.reduce([*fields.fits.values()]) & fields.sound & ~fields.fits[layout.order]
        if others.any():
            raise two_formats(file, texts[int(others.argmax())].as_py(), {layout.order: _first(texts, sound)})
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


def _clocks(fields: DateFields, layout: TextFormat, file: Path) -> tuple[Ints, Mask]:
    has_digits = fields.clock_digits >= 0
    if not has_digits.any():
        return fields.clock, np.ones(len(fields.clock), bool)
    if layout.is_joined and not layout.with_seconds and (fields.clock_width > LONGEST_HMM).any():
        raise UnclearFileError(
            file, "times of day of two formats, such as 930 and 93000: write all of them as 09:30:00"
        )
    if layout.is_joined:
        with_seconds: Mask = np.full(len(has_digits), layout.with_seconds)
        digits = fields.clock_digits
    else:
        # Behind the date in one column the clock has all its digits: 09, 0930 or 093000.
        with_seconds = fields.clock_width > LONGEST_HMM
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

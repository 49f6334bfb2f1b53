"""Fields of dates and clocks in text: year, month, day, hour, minute, second, in any usual layout."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tapedeck.engine.importers.stamps import Mask, day_seconds
from tapedeck.engine.importers.time_format import Order
from tapedeck.engine.importers.zones import DAY_SECONDS
from tapedeck.engine.store.bar_store import Ints

_DATE: Final = (
    r"(?P<a>\d{1,4})(?P<mark>[-/.])(?P<b>\d{1,2})[-/.](?P<c>\d{1,4})"
    r"|(?P<whole>\d{8})"
    r"|(?P<d1>\d{1,2})(?:st|nd|rd|th)?[-/. ]?(?P<m1>[A-Za-z]{3,9})\.?[-/. ]?(?P<y1>\d{4}|\d{2})"
    r"|(?P<m2>[A-Za-z]{3,9})\.? (?P<d2>\d{1,2})(?:st|nd|rd|th)?,? ?(?P<y2>\d{4})"
    r"|(?P<y3>\d{4})[-/. ](?P<m3>[A-Za-z]{3,9})[-/. ](?P<d3>\d{1,2})"
)
_CLOCK: Final = (
    r"(?P<h>\d{1,2}):(?P<mi>\d{2})(?::(?P<s>\d{2})(?:[.,:](?P<part>\d+))?)?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\b\.?)?"
    r"|(?P<digits>\d{1,6})(?:\.(?P<part2>\d*))?"
    r"|(?P<h2>\d{1,2})[- ]?(?P<half2>[AaPp])\.?[Mm]\b\.?"
)
_ZONE: Final = (
    r"(?P<zone>(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?|[A-Za-z][A-Za-z0-9_/+-]*)?"
    r"(?:\[(?P<region>[A-Za-z_/+-]+)\])?"
)
_TIME: Final = rf"^(?:{_DATE})(?:(?:[,;] ?| ?[Tt:_] ?| )(?:{_CLOCK}))? ?{_ZONE}$"
_NAMES: Final = tuple(re.compile(_TIME).groupindex)
_TIDYING: Final = (
    (r"[\s\x{00A0}\x{2009}\x{202F}]+", " "),
    (r"^ | ?\([A-Za-z ]*\)$| $", ""),
    (r"^(?i:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?[,.]? ", ""),
    # A date at midnight before a clock of its own, and the year behind the clock, as `date` prints it.
    (r"^(\S+)[ T]00:00(?::00(?:\.0+)?)? (\d)", r"\1 \2"),
    (r"^(\S+)[ T_](\d{2})[-.](\d{2})[-.](\d{2})((?:[^0-9].*)?)$", r"\1 \2:\3:\4\5"),
    (r"^([A-Za-z]{3,9} \d{1,2}) (\d{1,2}:\S+)((?: [A-Z]{1,5})?) (\d{4})$", r"\1 \4 \2\3"),
)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
)  # fmt: skip
_MOST_DIGITS: Final = 18  # that an integer surely holds
_PIVOT: Final = 69  # of years with two digits, as POSIX has it: 69 is 1969, 68 is 2068


@dataclass(frozen=True, slots=True)
class DateFields:
    """Parts of date texts, shape (n,): for each order the midnight, in seconds, and which rows fit it.

    `clock`: seconds of the day, of `sounds` rows; `clock_digits`: the value of clocks without marks, else -1,
    and `clock_width` their digits. `is_uneven`: with a fraction of a second. `is_numeric`: dates whose order
    is not told by a month's name. `zones`: the zone's word of each row, "" without one.
    """

    midnights: Mapping[Order, Ints]
    fits: Mapping[Order, Mask]
    clock: Ints
    sound: Mask
    clock_digits: Ints
    clock_width: Ints
    is_uneven: Mask
    is_numeric: Mask
    zones: pa.Array


def read_fields(texts: pa.Array) -> DateFields:
    """Return the fields of texts; rows in no known layout are not `sound`."""
    raw = _of_one_layout(texts)
    return _fields(raw if raw is not None else _of_any_layout(texts), len(texts))


@dataclass(frozen=True, slots=True)
class _Raw:
    # Values of the numeric groups (-1: absent), their digits, and the texts of the others.
    values: Mapping[str, Ints]
    widths: Mapping[str, Ints]
    words: Mapping[str, pa.Array]
    matched: Mask


_WORD_GROUPS: Final = ("mark", "m1", "m2", "m3", "half", "half2", "zone", "region")
_DIGIT_GROUPS: Final = tuple(name for name in _NAMES if name not in _WORD_GROUPS)


def _of_one_layout(texts: pa.Array) -> _Raw | None:
    # Texts of one width that differ in digits only, which is most files; None for others.
    if len(texts) < 2 or texts.null_count:
        return None
    _, offsets, data = texts.buffers()
    bounds = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    width = int(bounds[1] - bounds[0])
    if not width or not bool((np.diff(bounds) == width).all()):
        return None
    cells = np.frombuffer(data, np.uint8)[bounds[0] : bounds[-1]].reshape(len(texts), width)
    match = re.match(_TIME, texts[0].as_py(), re.ASCII)
    if match is None or len(texts[0].as_py()) != width:
        return None
    digits = cells - ord("0")
    varies = np.zeros(width, bool)
    for name in _DIGIT_GROUPS:
        varies[slice(*match.span(name))] = match[name] is not None
        if len(match[name] or "") > _MOST_DIGITS:
            return None
    if not bool((digits[:, varies] < 10).all()) or not bool((cells[:, ~varies] == cells[0, ~varies]).all()):
        return None
    values, widths = {}, {}
    for name in _DIGIT_GROUPS:
        first, last = match.span(name)
        powers = 10 ** np.arange(max(last - first, 0))[::-1]
        found = digits[:, first:last].astype(np.int64) @ powers if last > first else None
        values[name] = np.full(len(texts), -1) if found is None else found
        widths[name] = np.full(len(texts), max(last - first, 0))
    words = {
        name: pa.DictionaryArray.from_arrays(np.zeros(len(texts), np.int32), [match[name] or ""])
        for name in _WORD_GROUPS
    }
    return _Raw(values, widths, words, np.ones(len(texts), bool))


def _of_any_layout(texts: pa.Array) -> _Raw:
    encoded = texts.dictionary_encode()
    places = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    tidy = reduce(lambda now, rule: pc.replace_substring_regex(now, *rule), _TIDYING, encoded.dictionary)
    groups = pc.extract_regex(tidy, _TIME)
    matched = groups.is_valid().to_numpy(zero_copy_only=False)
    values, widths, words = {}, {}, {}
    for name in _NAMES:
        column = pc.fill_null(pc.struct_field(groups, name), "")
        if name in _WORD_GROUPS:
            words[name] = column.take(pa.array(places)).dictionary_encode()
            continue
        column = pc.utf8_slice_codeunits(column, 0, _MOST_DIGITS)
        found = pc.if_else(pc.equal(column, ""), "-1", column).cast(pa.int64())
        values[name] = found.to_numpy()[places]
        widths[name] = pc.utf8_length(column).to_numpy().astype(np.int64)[places]
    return _Raw(values, widths, words, matched[places])


def _fields(raw: _Raw, count: int) -> DateFields:
    midnights, fits = _dates(raw, count)
    clock, sound = _clocks(raw)
    found = np.logical_or.reduce([*fits.values()])
    zone, region = (word.cast(pa.string()) for word in (raw.words["zone"], raw.words["region"]))
    return DateFields(
        midnights,
        fits,
        clock,
        raw.matched & sound & found,
        raw.values["digits"],
        raw.widths["digits"],
        (raw.values["part"] > 0) | (raw.values["part2"] > 0),
        raw.values["a"] >= 0,
        pc.if_else(pc.equal(zone, ""), region, zone),
    )


def _dates(raw: _Raw, count: int) -> tuple[dict[Order, Ints], dict[Order, Mask]]:
    a, b, c, whole = (raw.values[name] for name in ("a", "b", "c", "whole"))
    wide_a, wide_c = raw.widths["a"], raw.widths["c"]
    is_dotted = _equals(raw.words["mark"], ".")
    by_name, named = _named_dates(raw)
    by_whole, is_whole = day_seconds(whole // 10000, whole // 100 % 100, whole % 100)
    is_short = (wide_a <= 2) & (wide_c <= 2)
    year_first = (a >= 0) & ((wide_a == 4) | is_short & (wide_a == 2)) & (wide_c <= 2)
    year_last = (a >= 0) & (wide_a <= 2) & ((wide_c == 4) | is_short & (wide_c == 2))
    layouts: dict[Order, tuple[Mask, Ints, Ints, Ints]] = {
        "ymd": (year_first, np.where(wide_a == 2, _century(a), a), b, c),
        "dmy": (year_last, np.where(wide_c == 2, _century(c), c), b, a),
        "mdy": (year_last & ~is_dotted, np.where(wide_c == 2, _century(c), c), a, b),
    }
    midnights, fits = {}, {}
    for order, (applies, year, month, day) in layouts.items():
        numeric, sound = day_seconds(year, month, day)
        is_compact = (whole >= 0) & is_whole & (order == "ymd")
        midnights[order] = np.where(named, by_name, np.where(whole >= 0, by_whole, numeric))
        fits[order] = named | is_compact | (applies & sound)
    return midnights, fits


def _century(year: Ints) -> Ints:
    return year + np.where(year < _PIVOT, 2000, 1900)


def _named_dates(raw: _Raw) -> tuple[Ints, Mask]:
    years = {"1": raw.values["y1"], "2": raw.values["y2"], "3": raw.values["y3"]}
    year = reduce(np.maximum, years.values())
    if not bool((year >= 0).any()):
        return np.zeros_like(year), np.zeros(len(year), bool)
    day = reduce(np.maximum, (raw.values[f"d{place}"] for place in years))
    month = reduce(np.maximum, (_month_numbers(raw.words[f"m{place}"]) for place in years))
    short = (raw.values["y1"] >= 0) & (raw.widths["y1"] == 2)
    midnight, sound = day_seconds(np.where(short, _century(year), year), month, day)
    return midnight, sound & (year >= 0)


def _month_numbers(words: pa.DictionaryArray) -> Ints:
    numbers = [_month(word) for word in words.dictionary.to_pylist()]
    found: Ints = np.array([*numbers, 0], np.int64)[words.indices.to_numpy(zero_copy_only=False)]
    return found


def _month(word: str) -> int:
    folded = word.casefold()
    if folded[:4] == "sept" and len(folded) == 4:
        return 9
    return next(
        (i for i, pair in enumerate(zip(_MONTHS, _LONG_MONTHS, strict=True), start=1) if folded in pair), 0
    )


def _clocks(raw: _Raw) -> tuple[Ints, Mask]:
    hour = np.maximum(raw.values["h"], raw.values["h2"])
    minute, second = np.maximum(raw.values["mi"], 0), np.maximum(raw.values["s"], 0)
    halves = [raw.words[name] for name in ("half", "half2")]
    is_pm = reduce(np.logical_or, (_equals(half, "P") | _equals(half, "p") for half in halves))
    is_am = reduce(np.logical_or, (_equals(half, "A") | _equals(half, "a") for half in halves))
    on_12 = is_am | is_pm
    # 24:00 is the midnight that ends the day, in ISO 8601.
    is_end = (hour == 24) & (minute == 0) & (second == 0) & ~on_12
    sound = (hour < 24) & (minute < 60) & (second < 60) & (~on_12 | (hour <= 12)) & ~(is_pm & (hour == 0))
    hour = np.where(on_12, np.where(hour >= 0, hour % 12, hour) + 12 * is_pm, hour)
    return np.where(hour >= 0, hour * 3600 + minute * 60 + second, 0), sound | is_end


def _equals(words: pa.DictionaryArray, word: str) -> NDArray[np.bool_]:
    flags = np.array([*(each == word for each in words.dictionary.to_pylist()), False], bool)
    found: NDArray[np.bool_] = flags[words.indices.to_numpy(zero_copy_only=False)]
    return found


def clock_seconds(digits: Ints, *, with_seconds: bool) -> tuple[Ints, Mask]:
    """Return clocks written without marks, hmm or hmmss, as seconds of the day, and which are valid."""
    value = digits if with_seconds else digits * 100
    hour, minute, second = value // 10000, value // 100 % 100, value % 100
    seconds = hour * 3600 + minute * 60 + second
    return seconds, (minute < 60) & (second < 60) & (seconds <= DAY_SECONDS) & (digits >= 0)

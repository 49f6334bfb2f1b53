"""Kinds of texts in a table: whether a text looks like a time, a time of day, a number, or nothing.

Used to find out which column is which; the values themselves are read by `value_survey`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from tapedeck.engine.store.bar_store import Floats

MISSING: Final = frozenset({"", "nan", "null", "none", "na", "n/a", "#n/a", "-", "--", "nil"})
"""Texts, in small letters, of a value that is missing."""

_EPOCH: Final = re.compile(
    r"\d{9,10}(\.\d+)?|\d{12,13}(\.0*)?|\d{15,16}(\.0*)?|\d{18,19}|1\.\d+e\+?(0?9|12|15|18)"
)
_DAY: Final = (
    r"(19|20|21)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"
    r"|\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d\d)"
    r"|\d{1,2}[-/. ]?[a-z]{3,9}\.?[-/. ,]{0,2}\d{2,4}|[a-z]{3,9}\.? \d{1,2},? \d{4}"
    r"|\d{4}[-/. ]?[a-z]{3}[-/. ]?\d{1,2}"
)
_CLOCK: Final = r"\d{1,2}:\d\d(:\d\d([.,:]\d+)?)?( ?[ap]m)?|\d{1,2} ?[ap]m"
_COMPACT_CLOCK: Final = r"([01]?\d|2[0-3])?[0-5]?\d([0-5]\d)?"
_ZONE: Final = r"( ?(z|utc|gmt|[a-z]{3,4}|[a-z]+/[a-z_/+\-\d]+|(utc|gmt)? ?[+-]\d\d:?(\d\d)?(:\d\d)?))?"
_WEEKDAY: Final = r"((mon|tue|wed|thu|fri|sat|sun)[a-z]*,? +)?"
_IS_DAY: Final = re.compile(f"{_WEEKDAY}({_DAY})")
_IS_CLOCK: Final = re.compile(f"({_CLOCK}|{_COMPACT_CLOCK}){_ZONE}( ?\\[[a-z_/]+\\])?")
_IS_TIME: Final = re.compile(
    f"{_WEEKDAY}({_DAY})([t ,;-] *({_CLOCK}|\\d{{1,6}}){_ZONE}( ?\\[[a-z_/]+\\])?)?"
    r"|(19|20|21)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])t?([01]\d|2[0-3])[0-5]\d([0-5]\d)?z?"
)
_IS_INSTANT: Final = re.compile(r".*\d(z| ?(utc|gmt)|[+-]\d\d:?(\d\d)?)( ?\[[a-z_/]+\])?")
_NUMBER: Final = re.compile(
    r"[+-]?[$€£¥]?\s?[+-]?"
    r"(\d{1,3}([,.' \u00a0\u202f]\d{3})+([.,]\d*)?|\d+([.,]\d*)?|[.,]\d+)"
    r"(e[+-]?\d+)?\s?([kmbt%$€£¥]|bn)?"
)
_SIGNS: Final = re.compile(r"[$€£¥%'\s\u00a0\u202f]")
_FACTORS: Final = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}


def is_missing(text: str) -> bool:
    """Whether a text stands for no value."""
    return text.strip().casefold() in MISSING


def is_epoch(text: str) -> bool:
    """Whether a text is a number in the size of an epoch of this century, in s, ms, us or ns."""
    word = text.strip().casefold()
    return bool(_EPOCH.fullmatch(word)) and not _IS_TIME.fullmatch(word)


def is_day(text: str) -> bool:
    """Whether a text looks like a date without a time of day."""
    return bool(_IS_DAY.fullmatch(text.strip().casefold()))


def is_clock(text: str) -> bool:
    """Whether a text looks like a time of day: `09:30`, `930`, `9:30 AM`."""
    return bool(_IS_CLOCK.fullmatch(text.strip().casefold()))


def is_time(text: str) -> bool:
    """Whether a text looks like a date, a date and time, or an epoch."""
    word = re.sub(r"\s+", " ", text.strip().casefold())
    return bool(_IS_TIME.fullmatch(word) or _EPOCH.fullmatch(word))


def is_instant(text: str) -> bool:
    """Whether a text looks like a time that needs no time zone: an epoch, or one with an offset."""
    word = text.strip().casefold()
    return is_epoch(word) or (is_time(word) and not is_day(word) and bool(_IS_INSTANT.fullmatch(word)))


def is_number(text: str) -> bool:
    """Whether a text looks like a number, with any signs for decimals, thousands, currencies and units."""
    return bool(_NUMBER.fullmatch(text.strip().casefold()))


def rough_numbers(columns: Sequence[Sequence[str]]) -> list[Floats]:
    """Return columns of texts as float64, NaN where one is not a number; good for comparisons only.

    Whether a comma is a sign for decimals is decided for all columns together.
    """
    words = [[text.strip().casefold() for text in column] for column in columns]
    comma = any(re.fullmatch(r".*,(\d{1,2}|\d{4,})[^\d.,]*", word) for column in words for word in column)
    return [np.array([_rough(word, comma=comma) for word in column]) for column in words]


def _rough(word: str, *, comma: bool) -> float:
    if not _NUMBER.fullmatch(word):
        return float("nan")
    plain = _SIGNS.sub("", word).removesuffix("n")
    factor = _FACTORS.get(plain[-1:], 1.0)
    plain = plain.rstrip("kmbt")
    plain = plain.replace(".", "").replace(",", ".") if comma else plain.replace(",", "")
    try:
        return float(plain) * factor
    except ValueError:
        return float("nan")

"""Names of files of bars: the symbol in them, beside intervals, dates and words such as `minute`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_SUFFIXES: Final = (
    ".gz", ".xz", ".bz2", ".zst", ".zip", ".csv", ".txt", ".tsv", ".parquet", ".pq",
)  # fmt: skip
# HistData: DAT_ASCII_EURUSD_M1_2013.csv; Dukascopy: EURUSD_Candlestick_1_M_BID_01.01.2024-31.01.2024.csv.
_VENDOR_WORDS: Final = re.compile(
    r"^DAT_(ASCII|MT|NT|XLSX)_(?=.)|(?<=.)_Candlestick_\d+_[A-Za-z]+(?=_)", re.IGNORECASE
)
_DASHED_DATE: Final = re.compile(r"(?<![0-9A-Za-z])(\d{4})([-_.])(\d\d)(?:\2(\d\d))?(?![0-9A-Za-z])")
_DOTTED_DATE: Final = re.compile(r"(?<![0-9A-Za-z])(\d\d)\.(\d\d)\.((?:19|20|21)\d\d)(?![0-9A-Za-z])")
_SEPARATOR: Final = re.compile(r"([-_ ]+|\.(?=\d{6,8}(?![0-9A-Za-z])|\d+(?:s|m|min|h|d)(?![0-9A-Za-z])))")
_DATE: Final = re.compile(
    r"(19|20|21)\d\d((0[1-9]|1[0-2])((0[1-9]|[12]\d|3[01])(\d{4}|\d{6}|t\d{4,6}z?)?)?)?"
)
_INTERVAL: Final = re.compile(
    r"\d{1,3}(s|secs?|seconds?|m|mins?|minutes?|t|h|hrs?|hours?|d|days?|w|weeks?|mo|months?)"
    r"|(m|h|d|w|mn)\d{1,2}"
)
_WORDS: Final = frozenset(
    (
        *("minute", "minutes", "min", "second", "seconds", "hour", "hourly", "day", "daily", "weekly"),
        *("bars", "ohlc", "ohlcv", "kline", "klines", "candles", "candlestick", "intraday", "history"),
        *("historical", "data", "full", "trade", "trades", "bid", "ask", "to"),
        *("adjusted", "unadjusted", "adj", "adjsplit", "adjsplitdiv"),
    )
)
# Root and month code of a future: ES_H4 is its contract of March 2014, or four hours of ES.
_MONTH_CODE: Final = re.compile(r"[fghjkmnquvxz]\d{1,2}")
_LONGEST_ROOT: Final = 3


@dataclass(frozen=True, slots=True)
class NameParts:
    """Symbol in the name of a file, as written; empty where there is none, or where it is in doubt.

    `dropped`: intervals, dates and words beside it. `guesses`: what the symbol may be where it is in doubt.
    """

    symbol: str
    dropped: tuple[str, ...] = ()
    guesses: tuple[str, ...] = ()


def split_name(name: str) -> NameParts:
    """Return the symbol in a file's name, without suffixes of formats and of compression."""
    stem = _stem(name)
    pieces = _SEPARATOR.split(_compact_dates(_VENDOR_WORDS.sub("", stem)))
    words, marks = pieces[::2], [*pieces[1::2], ""]
    first, last = 0, len(words)
    while last and _is_beside(words[last - 1]):
        last -= 1
    while first < last and (not words[first] or _is_date(words[first])):
        first += 1
    dropped = tuple(word for word in (*words[:first], *words[last:]) if word)
    core = words[first:last]
    symbol = "".join(word + mark for word, mark in zip(core, [*marks[first : last - 1], ""], strict=False))
    if any(letter.isspace() for letter in stem):
        return NameParts("", dropped, _guesses(core))
    if not dropped and symbol:
        return NameParts(symbol, (), _guesses(core))
    if not core or all(word.casefold() in _WORDS or (first and word.isdigit()) for word in core):
        names = [stem] if len(words) == 1 else [word for word in words if word.casefold() in _WORDS]
        return NameParts("", dropped, tuple(names))
    if last < len(words) and _may_be_a_contract(core, words[last]):
        return NameParts("", dropped, (symbol, f"{symbol}{marks[last - 1]}{words[last]}"))
    return NameParts(symbol, dropped, _guesses(core))


def _stem(name: str) -> str:
    while (suffix := next((s for s in _SUFFIXES if name.lower().endswith(s)), None)) is not None:
        name = name[: -len(suffix)]
    return name


def _compact_dates(stem: str) -> str:
    stem = _DOTTED_DATE.sub(r"\3\2\1", stem)
    return _DASHED_DATE.sub(_joined_date, stem)


def _joined_date(match: re.Match[str]) -> str:
    joined = match[1] + match[3] + (match[4] or "")
    return joined if _DATE.fullmatch(joined) else match[0]


def _is_beside(word: str) -> bool:
    folded = word.casefold()
    return not word or folded in _WORDS or _is_date(word) or _INTERVAL.fullmatch(folded) is not None


def _is_date(word: str) -> bool:
    return _DATE.fullmatch(word.casefold()) is not None


def _may_be_a_contract(core: list[str], after: str) -> bool:
    root = core[-1]
    return (
        len(core) == 1 and len(root) <= _LONGEST_ROOT and _MONTH_CODE.fullmatch(after.casefold()) is not None
    )


def _guesses(core: list[str]) -> tuple[str, ...]:
    # Where the whole is no valid symbol, such as "BATS_SPY, 1": its words with letters, the last one first.
    words = [word.strip(",;()[]") for word in core]
    return tuple(word for word in reversed(words) if any(letter.isalpha() for letter in word))

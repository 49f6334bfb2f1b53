"""Names of files of bars: the symbol in them, beside intervals, dates and words such as `minute`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_SUFFIXES: Final = (
    ".gz", ".xz", ".bz2", ".zst", ".zip", ".csv", ".txt", ".tsv", ".parquet", ".pq", ".last", ".bid", ".ask",
)  # fmt: skip
# HistData: DAT_ASCII_EURUSD_M1_2013.csv; Dukascopy: EURUSD_Candlestick_1_M_BID_01.01.2024-31.01.2024.csv;
# MarketWatch: STOCK_US_XNAS_AAPL.csv; NSE: Quote-Equity-INFY-EQ-01-03-2024-to-31-03-2024.csv; Stooq:
# aapl_us_d.csv.
_VENDOR_WORDS: Final = re.compile(
    r"^(HISTDATA_COM_|DAT_)(ASCII|MT|NT|XLSX)_(?=.)|(?<=.)_Candlestick_\d+_[A-Za-z]+(?=_)"
    r"|^(STOCK|FUND|INDEX|FUTURE|CURRENCY)_[A-Z]{2}_[A-Z]{4}_(?=.)|^Quote-Equity-(?=.)"
    r"|(?<=_(us|uk|de|jp|hk|hu|pl))_[dwm]$",
    re.IGNORECASE,
)
# HistData's folders: HISTDATA_COM_ASCII_EURUSD_M1202403.zip; MetaTrader 4: EURUSD1.csv.
_JOINED: Final = re.compile(r"(?<=[-_ ]M1)(?=(?:19|20)\d\d)|(?<=^[A-Za-z]{6})(?=(?:1|5|15|30|60|240|1440)$)")
_DASHED_DATE: Final = re.compile(r"(?<![0-9A-Za-z])(\d{4})([-_.])(\d\d)(?:\2(\d\d))?(?![0-9A-Za-z])")
_TURNED_DATE: Final = re.compile(r"(?<![0-9A-Za-z])(\d\d)-(\d\d)-((?:19|20|21)\d\d)(?![0-9A-Za-z])")
_DOTTED_DATE: Final = re.compile(r"(?<![0-9A-Za-z])(\d\d)\.(\d\d)\.((?:19|20|21)\d\d)(?![0-9A-Za-z])")
_SEPARATOR: Final = re.compile(r"([-_ ]+|\.(?=\d{6,8}(?![0-9A-Za-z])|\d+(?:s|m|min|h|d)(?![0-9A-Za-z])))")
# The day of a download may be an epoch in seconds: HistoricalData_1709568000.csv.
_DATE: Final = re.compile(
    r"(19|20|21)\d\d((0[1-9]|1[0-2])((0[1-9]|[12]\d|3[01])(\d{4}|\d{6}|t\d{4,6}z?)?)?)?|1[0-9]{9}"
)
_INTERVAL: Final = re.compile(
    r"\d{1,3}(s|secs?|seconds?|m|mins?|minutes?|t|h|hrs?|hours?|d|days?|w|weeks?|mo|months?)"
    r"|(m|h|d|w|mn)\d{1,2}"
)
# Names of downloads from nasdaq.com, wsj.com and euronext.com, the same for all symbols.
_NAMELESS: Final = ("historicaldata", "historicalprices")
_WORDS: Final = frozenset(
    (
        *("minute", "minutes", "min", "second", "seconds", "hour", "hourly", "day", "daily", "weekly"),
        *("bars", "ohlc", "ohlcv", "kline", "klines", "candles", "candlestick", "intraday", "history"),
        *("historical", "data", "full", "trade", "trades", "bid", "ask", "to"),
        *("adjusted", "unadjusted", "adj", "adjsplit", "adjsplitdiv"),
        *("sample", *_NAMELESS),
    )
)
_BEFORE: Final = frozenset(("daily", "intraday", "minute", "hourly", "historical", "adjusted", "unadjusted"))
# Kraken and Bybit: XBTUSD_1.csv, BTCUSDT_1_2024-03-04.csv. CL_1 is a continuous future.
_BARE_INTERVALS: Final = ("1", "5", "15", "30", "60", "240", "720", "1440")
_SHORTEST_PAIR: Final = 6
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
    pieces = _SEPARATOR.split(_compact_dates(_JOINED.sub("_", _VENDOR_WORDS.sub("", stem))))
    words, marks = pieces[::2], [*pieces[1::2], ""]
    first, last = 0, len(words)
    while last and (_is_beside(words[last - 1]) or _is_bare_interval(words[:last])):
        last -= 1
    while first < last and (not words[first] or _is_date(words[first]) or _is_before(words[first])):
        first += 1
    dropped = tuple(word for word in (*words[:first], *words[last:]) if word)
    core = words[first:last]
    symbol = "".join(word + mark for word, mark in zip(core, [*marks[first : last - 1], ""], strict=False))
    if any(letter.isspace() for letter in stem) or any(map(_is_interval, core[1:])):
        return NameParts("", dropped, _guesses(core))
    if not dropped and symbol:
        return NameParts(symbol, (), _guesses(core))
    if not core or all(word.casefold() in _WORDS or (first and word.isdigit()) for word in core):
        names = [stem] if len(words) == 1 else [word for word in words if word.casefold() in _WORDS]
        names = [name for name in names if name.casefold() not in _NAMELESS]
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
    return _TURNED_DATE.sub(_turned_date, _DASHED_DATE.sub(_joined_date, stem))


def _turned_date(match: re.Match[str]) -> str:
    # Month and day in either order.
    joined = match[3] + match[1] + match[2]
    return joined if _is_date(joined) else match[3] + match[2] + match[1]


def _joined_date(match: re.Match[str]) -> str:
    joined = match[1] + match[3] + (match[4] or "")
    return joined if _DATE.fullmatch(joined) else match[0]


def _is_beside(word: str) -> bool:
    return not word or word.casefold() in _WORDS or _is_date(word) or _is_interval(word)


def _is_before(word: str) -> bool:
    return word.casefold() in _BEFORE or _is_interval(word)


def _is_interval(word: str) -> bool:
    return _INTERVAL.fullmatch(word.casefold()) is not None


def _is_bare_interval(words: list[str]) -> bool:
    if len(words) != 2 or words[1] not in _BARE_INTERVALS:
        return False
    return words[0].isalpha() and len(words[0]) >= _SHORTEST_PAIR


def _is_date(word: str) -> bool:
    return _DATE.fullmatch(word.casefold()) is not None


def _may_be_a_contract(core: list[str], after: str) -> bool:
    root = core[-1]
    return (
        len(core) == 1 and len(root) <= _LONGEST_ROOT and _MONTH_CODE.fullmatch(after.casefold()) is not None
    )


def _guesses(core: list[str]) -> tuple[str, ...]:
    # Where the whole is not a valid symbol, such as "BATS_SPY, 1": its words with letters, last one first.
    words = [word.strip(",;()[]") for word in core]
    named = (word for word in reversed(words) if any(letter.isalpha() for letter in word))
    return tuple(word for word in named if len(words) == 1 or not _is_beside(word))

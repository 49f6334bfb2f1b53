"""Names of columns as tables of bars have them: their plain form, usual words, and the symbol in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

PRICES: Final = ("open", "high", "low", "close")


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


USUAL: Final[Mapping[str, tuple[str, ...]]] = {
    "time": _words(
        """timeperiodstart periodstart windowstart openedat opentime timeopen opentimestamp klineopentime
        startat starttime timestamp datetime time tsevent unix unixtime
        unixtimestamp epoch epochtime ts t gmttime timegmt utctime timeutc datetimeutc timestamputc dategmt
        dateutc utc gmt datetimegmt localtime timelocal start begin begins
        bartime bartimestamp candletime candlebegintime eventtime opendatetime
        zeitstempel zeitpunkt datumzeit datumuhrzeit
        tradetime timems timens timestampms timestampns unixtimestampms"""
    ),
    "date": _words(
        """date dates day tradingday tradedate tradingdate businessdate d dtyyyymmdd yyyymmdd dateyyyymmdd
         sessiondate dt pricedate calendardate exchangedate traddt datum data handelstag 日期 交易日期"""
    ),
    # German, Polish, Chinese; and ISO 20022.
    "open": _words(
        """open o openprice priceopen pxopen openingprice opening first opnpric
        eröffnung eroeffnung erffnung eröffn erffn eröffnungskurs erffnungskurs erster otwarcie
        开盘 开盘价"""
    ),
    "high": _words(
        """high h highprice pricehigh pxhigh max highest hghpric hoch tageshoch höchst höchstkurs hchst
        hchstkurs najwyzszy najwyższy 最高 最高价"""
    ),
    "low": _words(
        """low l lowprice pricelow pxlow min lowest lwpric tief tagestief tiefst tiefstkurs najnizszy
        najniższy
        höchst höchstkurs hchst
        最低 最低价"""
    ),
    "close": _words(
        """close closelast c closeprice priceclose pxclose closingprice last lastprice pxlast closing
        latest clspric schluss schlu schlusskurs zuletzt zamkniecie zamknięcie 收盘 收盘价"""
    ),
    "volume": _words(
        """volume vol v periodvolume totalvolume tradevolume tradedvolume realvolume pxvolume volumetraded
        sharevolume sharestraded quantity qty totaltradequantity tottrdqty totaltradedquantity
        tradedquantity basevolume volumefrom baseassetvolume sxsum ttltradgvol numberofshares noofshares
        noofshrs stücke stuecke stcke stück stck volumen wolumen 成交量"""
    ),
    "symbol": _words(
        """symbol ticker tic sym tickersymbol actsymbol rawsymbol tscode symbolname instrument instrumentname
        tckrsymb code stockcode 股票代码 stock secid security pair name s"""
    ),
}
"""Usual names of each role in their plain form, the preferred first.

German ones stand without their umlauts, too: in Windows-1252 those are signs that cannot be read.
"""

QUOTES: Final[Mapping[str, tuple[str, ...]]] = {
    "bid": _words("bid bidprice bidpx bestbid bestbidprice pricebid pxbid bp bidpx00 bidprice1 bid1"),
    "ask": _words(
        """ask askprice askpx bestask bestaskprice priceask pxask ap askpx00 askprice1 ask1
        offer offerprice bestoffer bestofferprice ofr ofrprice"""
    ),
    "bid_size": _words(
        """bidsize bidsz bidsiz bidvolume bidvol bidqty bidquantity bidamount bestbidsize bestbidqty sizebid
        volumebid bs bidsz00 lastbidsize bidsize1"""
    ),
    "ask_size": _words(
        """asksize asksz asksiz askvolume askvol askqty askquantity askamount bestasksize bestaskqty sizeask
        volumeask as asksz00 lastasksize asksize1 offersize offervolume ofrsize ofrsiz bestoffersize"""
    ),
}
"""Usual names of the columns of quotes, in their plain form, the preferred first."""

TICK_VOLUMES: Final = ("tickvol", "tickvolume", "volumetick", "ticks")
STATUS_WORDS: Final = frozenset({"ok", "no_data", "error", "0", "1", "true", "false"})

_TICKER: Final = re.compile(r"[A-Z0-9^=.:/!$#@&*-]+")
_GROUPED: Final = (*PRICES, "volume", "adjusted", "adjclose")
_NUMBERED: Final = re.compile(r"^\s*\d{1,2}[a-z]?[.)]\s+", re.IGNORECASE)
_PAIR: Final = re.compile(r"""\(\s*['"]([^'"]*)['"]\s*,\s*['"]([^'"]*)['"]\s*\)""")
_WORDS: Final = frozenset(
    _words(
        """PRICE PRICES PX VALUE VALUES BID ASK MID RATE USD EUR ADJ ADJUSTED RAW UNADJ UNADJUSTED SPLIT TIME
        DATE TIMESTAMP INTEREST INT VOLUME LAST DAY PREV PREVIOUS SESSION BAR CANDLE"""
    )
)


@dataclass(frozen=True, slots=True)
class ColumnGroup:
    """Columns of one symbol in a table: their names in it, each with its plain name.

    `symbol` is None where the names hold none; then the group is the whole table.
    """

    symbol: str | None
    plain: Mapping[str, str]


def plain_name(name: str) -> str:
    """Return a name without case, numbering, signs and blanks: `<CLOSE>` and `4. close` are `close`."""
    return re.sub(r"[\W_]", "", _NUMBERED.sub("", name).casefold())


def names_prices(fields: Iterable[str]) -> bool:
    """Whether fields of a line name at least three of open, high, low, close, in any usual form."""
    if len([role for role in PRICES if any(_role_in(field) == role for field in fields)]) >= 3:
        return True
    return {"o", "h", "l", "c"} <= {plain_name(field) for field in fields}


def names_quotes(fields: Iterable[str]) -> bool:
    """Whether fields of a line name a bid and an ask."""
    plain = {plain_name(field) for field in fields}
    return all(plain.intersection(QUOTES[side]) for side in ("bid", "ask"))


def unique_names(names: Sequence[str]) -> list[str]:
    """Return names of which none is repeated: the second `Plot` is `Plot (2)`."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = count = seen.get(name, 0) + 1
        found.append(name if count == 1 else f"{name} ({count})")
    return found


def split_pair(name: str) -> tuple[str, str] | None:
    """Return both levels of a name such as `('Close', 'AAPL')`, as pandas writes names of two levels."""
    match = _PAIR.fullmatch(name.strip())
    return (match[1], match[2]) if match else None


def join_pair(name: str, symbol: str) -> str:
    """Return the name of a column of a symbol, as pandas writes names of two levels."""
    return f"('{name}', '{symbol}')"


def column_groups(names: Sequence[str]) -> list[ColumnGroup]:
    """Return the columns by symbol, where the names hold symbols; else one group of all.

    Names may be pairs (`('Close', 'AAPL')`), or have the symbol before or behind the role (`AAPL.Close`,
    `Close_AAPL`).
    """
    owned = {name: _owner(name) for name in names}
    by_symbol: dict[str, dict[str, str]] = {}
    for name, owner in owned.items():
        if owner is not None:
            by_symbol.setdefault(owner[0], {})[name] = owner[1]
    whole = {
        symbol: columns
        for symbol, columns in by_symbol.items()
        if {"open", "high", "low"} <= {plain_name(plain) for plain in columns.values()}
    }
    if not whole:
        return [ColumnGroup(None, {name: name for name in names})]
    shared = {name: name for name, owner in owned.items() if owner is None}
    for name, owner in owned.items():
        if owner is not None and owner[0] not in whole and split_pair(name):
            # Of ('Date', ''), the level that is not empty.
            shared[name] = owner[1] or owner[0]
    return [ColumnGroup(symbol, shared | columns) for symbol, columns in whole.items()]


def _owner(name: str) -> tuple[str, str] | None:
    # Symbol and plain name of a column that belongs to a symbol.
    if pair := split_pair(name):
        first, second = pair
        return (first, second) if _role_in(second) and not _role_in(first) else (second, first)
    for before, sign, after in _splits(name):
        for word, role in ((before, after), (after, before)):
            if sign and plain_name(role) in _GROUPED and is_ticker(word):
                return word, role
    return None


def _splits(name: str) -> list[tuple[str, str, str]]:
    return [name.rpartition("."), name.partition("_"), name.rpartition("_"), name.rpartition(" ")]


def is_ticker(word: str) -> bool:
    """Whether a name, or a part of one, is written like a symbol: in capitals, and no usual word."""
    word = word.strip()
    is_upper = word == word.upper() and any(letter.isalpha() for letter in word)
    return is_upper and word not in _WORDS and _TICKER.fullmatch(word) is not None


def _role_in(field: str) -> str | None:
    # Role of a price in a field, also where the field has a symbol, a side or a currency, too.
    plain = plain_name(field)
    for role in PRICES:
        if plain in USUAL[role] and len(plain) > 1:
            return role
    if plain_name(field.partition("(")[0]) in PRICES:
        return plain_name(field.partition("(")[0])
    if pair := split_pair(field):
        return _role_in(pair[0]) or _role_in(pair[1])
    words = [word for word in re.split(r"[\W_]+|(?<=[a-z])(?=[A-Z])", field) if word]
    found = [word.casefold() for word in words if word.casefold() in PRICES]
    return found[0] if len(found) == 1 and len(words) == 2 else None

"""Shapes of the exchange's messages: events of the stream, answers of REST."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tests.support.exchange_server.candles import MINUTE_S, Candle

RESTRICTED: Final = (
    "Service unavailable from a restricted location according to 'b. Eligibility' in"
    " https://www.binance.com/en/terms. Please contact customer service if you believe you received this"
    " message in error."
)
ERROR_BODIES: Final[dict[int, dict[str, Any]]] = {
    401: {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."},
    418: {"code": -1003, "msg": "Way too much request weight used; IP banned until 1893456000000."},
    429: {"code": -1003, "msg": "Too much request weight used; current limit is 6000 per 1 MINUTE."},
    451: {"code": 0, "msg": RESTRICTED},
    500: {"code": -1000, "msg": "An unknown error occurred while processing the request."},
}
REFUSED_PAGE: Final = "<html><head><title>403 Forbidden</title></head><body><h1>403</h1></body></html>"
"""Answer of the firewall in front of the exchange."""
PAGE_OF_HTML: Final = (
    "<!DOCTYPE html><html><head><title>Checking</title></head><body>Please wait…</body></html>"
)


def market_id(symbol: str) -> str:
    """Return the exchange's name of a symbol: BTCUSDT of BTC/USDT."""
    return symbol.replace("/", "")


def decimal_text(value: float) -> str:
    """Return a number as the exchange writes it, with eight decimals; a value that needs more is an error."""
    text = f"{value:.8f}"
    assert float(text) == value, f"{value!r} has more than eight decimals"
    return text


def kline_event(symbol: str, candle: Candle, now: float, *, is_last: bool) -> dict[str, Any]:
    """Return the event of an update; `now`: the market's time at which it is sent."""
    name, milliseconds = market_id(symbol), candle.opened_at * 1000
    ids = (-1, -1) if candle.is_flat else (100, 100 + candle.trades - 1)
    return {
        "e": "kline",
        "E": int(now * 1000),
        "s": name,
        "k": {
            "t": milliseconds,
            "T": milliseconds + MINUTE_S * 1000 - 1,
            "s": name,
            "i": "1m",
            "f": ids[0],
            "L": ids[1],
            "o": decimal_text(candle.open),
            "c": decimal_text(candle.close),
            "h": decimal_text(candle.high),
            "l": decimal_text(candle.low),
            "v": decimal_text(candle.volume),
            "n": candle.trades,
            "x": is_last,
            "q": "0.00000000",
            "V": "0.00000000",
            "Q": "0.00000000",
            "B": "0",
        },
    }


def kline_row(candle: Candle) -> list[Any]:
    """Return a candle as REST gives it."""
    opened = candle.opened_at * 1000
    values = (candle.open, candle.high, candle.low, candle.close, candle.volume)
    last = opened + MINUTE_S * 1000 - 1
    texts = [decimal_text(value) for value in values]
    return [opened, *texts, last, "0.00000000", candle.trades, "0.00000000", "0.00000000", "0"]


def book_ticker(symbol: str, candle: Candle, number: int) -> dict[str, Any]:
    """Return the best bid and ask around a candle's close; such events have no kind and no time."""
    return {
        "u": number,
        "s": market_id(symbol),
        "b": decimal_text(round(candle.close - 0.01, 8)),
        "B": "1.25000000",
        "a": decimal_text(round(candle.close + 0.01, 8)),
        "A": "2.50000000",
    }


def exchange_info(symbols: Sequence[str], now: float) -> dict[str, Any]:
    """Return the exchange's list of markets."""
    limits = [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
        {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 61000},
    ]
    return {
        "timezone": "UTC",
        "serverTime": int(now * 1000),
        "rateLimits": limits,
        "exchangeFilters": [],
        "symbols": [_market(symbol) for symbol in symbols],
    }


def _market(symbol: str) -> dict[str, Any]:
    base, quote = symbol.split("/")
    return {
        "symbol": market_id(symbol),
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "icebergAllowed": True,
        "ocoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": True,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000.00", "stepSize": "0.00001"},
            {"filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True},
        ],
        "permissions": [],
        "permissionSets": [["SPOT", "MARGIN"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
    }  # fmt: skip

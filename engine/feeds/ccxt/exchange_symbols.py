"""Symbols of an exchange: those that it has, is trading, and what a wrong one may have meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from tapedeck.engine.errors import listed, nearest
from tapedeck.engine.feeds.ccxt.exchange_library import Exchange, Market
from tapedeck.engine.feeds.live_feed import FeedError

_HINTS: Final = 5


def unknown_symbols(exchange: Exchange, symbols: Sequence[str]) -> list[str]:
    """Return the symbols that the exchange does not have."""
    markets = exchange.markets or {}
    return [symbol for symbol in symbols if symbol not in markets]


def check_symbols(exchange: Exchange, symbols: Sequence[str]) -> None:
    """Check that the exchange has these symbols, and trades them; FeedError (bad input) names the others."""
    if unknown := unknown_symbols(exchange, symbols):
        raise FeedError(
            f"{exchange.id} has no {_symbols(unknown)}{''.join(_hints(exchange, unknown))}", is_bad_input=True
        )
    markets = exchange.markets or {}
    idle = [symbol for symbol in symbols if markets[symbol].get("active") is False]
    if idle:
        raise FeedError(f"{exchange.id} does not trade {_symbols(idle)} now", is_bad_input=True)


def _symbols(symbols: Sequence[str]) -> str:
    return f"symbol{'' if len(symbols) == 1 else 's'} {listed(symbols)}"


def _hints(exchange: Exchange, unknown: Sequence[str]) -> Iterator[str]:
    markets = exchange.markets or {}
    found = [(symbol, _nearest(exchange, markets, symbol)) for symbol in islice(unknown, _HINTS)]
    near = [f"{name!r} for {symbol}" for symbol, name in found if name is not None]
    if near:
        yield f"\nsymbols with similar names: {', '.join(near)}"
    yield "\nccxt writes BTC/USDT for a spot market, BTC/USDT:USDT for a perpetual swap"


def _nearest(exchange: Exchange, markets: Mapping[str, Market], symbol: str) -> str | None:
    """Return the symbol that has this name at the exchange, or the same letters, or nearly so."""
    ids = exchange.markets_by_id or {}
    for name in (symbol, symbol.upper()):
        if same := ids.get(name):
            return _spot_first([str(market["symbol"]) for market in same])
    letters = _letters(symbol)
    if same_letters := [known for known in markets if _letters(known) == letters]:
        return _spot_first(same_letters)
    return nearest(symbol, markets)


def _spot_first(symbols: Sequence[str]) -> str:
    """Return the symbol of the spot market, which has no settlement after a colon."""
    return min(symbols, key=lambda symbol: (":" in symbol, len(symbol), symbol))


def _letters(symbol: str) -> str:
    return "".join(letter for letter in symbol.upper() if letter.isalnum())

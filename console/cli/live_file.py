"""Session file for `tapedeck live`: the document of a session that a feed records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final

from tapedeck.console.cli.options import bad_option
from tapedeck.console.cli.session_of_options import SOURCE, SessionParts, read_options
from tapedeck.console.cli.session_options import SessionOptions
from tapedeck.engine.config import LiveConfig
from tapedeck.engine.errors import nearest
from tapedeck.engine.feeds.registry import feed_names
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.session_file import parse_session_config

_CRYPTO: Final = "CRYPTO"
_STOCKS: Final = "US_EQUITY"
_ANY_DAY: Final = date(2013, 10, 7)  # a file in mode live has no days
_DETAILS: Final = {"ccxt": "exchange", "alpaca": "alpaca_feed"}
"""Field that says more of a feed, after the colon of its option."""
_DEFAULTS: Final = {"ccxt": "binance", "alpaca": "iex"}
_WAITS: Final = ("settle_seconds", "grace_seconds", "reconcile_within_seconds")


def live_file_document(feed: str, options: SessionOptions) -> dict[str, Any]:
    """Return the document of a session file that a feed records; `feed`: NAME, or NAME:DETAIL.

    Raises ConfigError for invalid options.
    """
    name, _, detail = feed.strip().partition(":")
    name = name.lower()
    if name not in feed_names():
        known = feed_names()
        message = f"unknown feed {name!r}: the feeds are {', '.join(known)}."
        raise bad_option("--feed", feed, message, nearest(name, known))
    if detail and name not in _DETAILS:
        raise bad_option("--feed", feed, f"the feed {name} has no detail after a colon: leave it out.")
    if not options.symbols:
        raise bad_option("--symbols", None, "is needed with --feed: the symbols to record.")
    for option, value in (("--from", options.first), ("--to", options.last)):
        if value is not None:
            raise bad_option(option, value, "a live session has no days: leave it out.")
    exchange = options.exchange or (_CRYPTO if _is_crypto(name, options) else _STOCKS)
    intervals = options.intervals or (str(MINUTE),)
    options = replace(options, exchange=exchange, intervals=intervals)
    indicators = read_options(options).indicators
    parts = SessionParts(options.symbols, intervals, _ANY_DAY, _ANY_DAY, exchange, indicators)
    document = _live(parts.document(), name, detail.strip())
    parse_session_config(document, SOURCE)
    return document


def _live(document: Mapping[str, Any], name: str, detail: str) -> dict[str, Any]:
    session_name = f"{str(document['session_name']).rpartition(', ')[0]}, live"
    api = {"data_api": name}
    if name in _DETAILS and not (name == "alpaca" and document["asset_class"] == _CRYPTO):
        api[_DETAILS[name]] = detail or _DEFAULTS[name]
    waits = LiveConfig().model_dump(include=set(_WAITS))
    return {
        "session_name": session_name,
        "exchange_group": document["exchange_group"],
        "asset_class": document["asset_class"],
        "mode": "live",
        "api_config": api,
        "live_config": {key: int(waits[key]) for key in _WAITS},
        "session_data_config": document["session_data_config"],
    }


def _is_crypto(name: str, options: SessionOptions) -> bool:
    return name == "ccxt" or all("/" in symbol for symbol in options.symbols)

"""Alpaca's stream and REST on this machine, for the unmodified client, with faults from a script.

    market = Market(bars, quotes, opens=open_s)
    with AlpacaServer(market, clock, faults=[Drop(at=5.5, code=1011)]) as server:
        StockDataStream(server.key, server.secret, url_override=server.stream_url + "/v2/iex")

What it answers is from the documents of the protocol, not from an account. `faults.py` has all faults;
`server.counts` tells what was asked for and sent.
"""

from __future__ import annotations

from tests.support.alpaca_server.counts import Counts
from tests.support.alpaca_server.faults import (
    BarFault,
    Drop,
    Fault,
    Frame,
    HistoryFault,
    Mute,
    Refuse,
    Reject,
    SlowClient,
)
from tests.support.alpaca_server.market import Bar, Market, Quote
from tests.support.alpaca_server.plan import BASIC, Plan
from tests.support.alpaca_server.server import AlpacaServer

__all__ = [
    "BASIC",
    "AlpacaServer",
    "Bar",
    "BarFault",
    "Counts",
    "Drop",
    "Fault",
    "Frame",
    "HistoryFault",
    "Market",
    "Mute",
    "Plan",
    "Quote",
    "Refuse",
    "Reject",
    "SlowClient",
]

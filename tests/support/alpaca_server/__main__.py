"""Starts Alpaca's stream and REST by hand, and prints the environment that sends the feed alpaca to them.

`python -m tests.support.alpaca_server SPY AAPL` plays made-up bars and quotes of the present day (UTC) in
real time until ctrl+c. `--drop SECONDS` cuts the connection some seconds after the start.
"""

from __future__ import annotations

import argparse
import sys
import threading
from contextlib import suppress
from typing import Final

from tapedeck.engine.clock.live_clock import LiveClock
from tests.support.alpaca_server import AlpacaServer, Drop
from tests.support.alpaca_server.made_market import made_market

_DAY_S: Final = 86_400
_QUOTES: Final = 4


def main() -> int:
    """Serve until ctrl+c."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("symbols", nargs="*", default=["SPY", "AAPL", "BTC/USD"])
    parser.add_argument("--drop", type=float, default=None, metavar="SECONDS")
    options = parser.parse_args()
    clock = LiveClock()
    begun = clock.now()
    midnight = int(begun) // _DAY_S * _DAY_S
    market = made_market(options.symbols, midnight, _DAY_S // 60, no_trade=0.05, quotes_a_minute=_QUOTES)
    faults = [] if options.drop is None else [Drop(at=(begun + options.drop - midnight) / 60, code=1011)]
    with AlpacaServer(market, clock, faults=faults) as server:
        _say(f"Alpaca with {', '.join(options.symbols)}. In the shell that runs tapedeck:\n")
        variables = {
            "TAPEDECK_ALPACA_STREAM_URL": server.stream_url,
            "TAPEDECK_ALPACA_DATA_URL": server.data_url,
            "APCA_API_KEY_ID": server.key,
            "APCA_API_SECRET_KEY": server.secret,
        }
        _say(*(f"export {name}={value}" for name, value in variables.items()))
        _say("\nctrl+c ends it.")
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
    return 0


def _say(*lines: str) -> None:
    for line in lines:
        print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())

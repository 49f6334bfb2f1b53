"""Starts an exchange by hand, and prints the environment that sends the feed ccxt to it.

`python -m tests.support.exchange_server` plays a made-up market in real time until ctrl+c.
`--fault KIND AFTER SECONDS` makes one begin some seconds after the start, such as `--fault drop 90 20`.
"""

from __future__ import annotations

import argparse
import sys
import threading
from contextlib import suppress
from typing import Final

from tapedeck.engine.clock.live_clock import LiveClock
from tests.support.exchange_server.candles import DrawnCandles
from tests.support.exchange_server.faults import OF_CANDLES, ExchangeFaults, Fault, FaultKind
from tests.support.exchange_server.server import ExchangeServer

_MARKETS: Final = {"BTC/USDT": 64_000.0, "ETH/USDT": 3_100.0, "SOL/USDT": 150.0, "XRP/USDT": 0.55}


def main() -> int:
    """Serve until ctrl+c."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--fault",
        nargs=3,
        action="append",
        default=[],
        metavar=("KIND", "AFTER", "SECONDS"),
        help=", ".join(kind.value for kind in FaultKind),
    )
    parser.add_argument("--status", type=int, default=503, help="HTTP status of faults that answer one")
    options = parser.parse_args()
    clock = LiveClock()
    faults = [_fault(*words, status=options.status, now=clock.now()) for words in options.fault]
    candles = DrawnCandles(tuple(_MARKETS), tuple(_MARKETS.values()))
    with ExchangeServer(candles, clock, ExchangeFaults(faults)) as server:
        _say(f"An exchange with {', '.join(_MARKETS)}. In the shell that runs tapedeck:\n")
        _say(*(f"export {name}={value}" for name, value in server.environment.items()))
        _say("\nctrl+c ends it.")
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
    return 0


def _fault(kind: str, after: str, seconds: str, *, status: int, now: float) -> Fault:
    chosen = FaultKind(kind)
    start = now + float(after)
    if chosen in OF_CANDLES:
        start = start // 60 * 60
    return Fault(chosen, start, float(seconds), by=20.0, status=status)


def _say(*lines: str) -> None:
    for line in lines:
        print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())

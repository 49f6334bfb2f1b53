"""Confirmation: asks history, at a low rate, whether the bars of the stream were complete."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.feeds.back_off import BackOff
from tapedeck.engine.feeds.ccxt.candle_book import CandleBook
from tapedeck.engine.feeds.ccxt.candle_history import QUIET_AFTER_S, CandleHistory
from tapedeck.engine.feeds.ccxt.request_pace import RequestPace
from tapedeck.engine.feeds.live_feed import FeedSink
from tapedeck.engine.intervals import Interval

log = logging.getLogger(__name__)

CONFIRM_AFTER_S: Final = 10.0
"""A bar is asked for this long after its end at the earliest, in market seconds."""
SAME_SYMBOL_S: Final = 30.0
"""Least time between two requests for one symbol, in seconds of the machine."""
_LOOK_S: Final = 1.0
_FIRST_WAIT_S: Final = 5.0
_LONGEST_WAIT_S: Final = 300.0


async def confirm_bars(
    book: CandleBook,
    history: CandleHistory,
    interval: Interval,
    sink: FeedSink,
    clock: LiveClock,
    pace: RequestPace,
    *,
    monotonic: Callable[[], float] = time.monotonic,
) -> None:
    """Confirm bars for ever, one symbol after the other, and send those that history has otherwise.

    At most `pace` allows, together with requests for history; after a request that failed with longer and
    longer waits.
    """
    back_off = BackOff(first_s=_FIRST_WAIT_S, longest_s=_LONGEST_WAIT_S)
    while True:
        await asyncio.sleep(max(pace.wait_s(), clock.real_seconds(_LOOK_S)))
        machine = monotonic()
        wanted = book.next_unconfirmed(clock.now() - CONFIRM_AFTER_S, machine - SAME_SYMBOL_S)
        if wanted is None or pace.wait_s() > 0:
            continue
        slots = (wanted.last - wanted.first) // interval.seconds + 2
        try:
            candles = await history.page(wanted.symbol, wanted.first, slots)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # of any kind: bars stay unconfirmed, and are asked for later
            log.debug("%s: not confirmed", wanted.symbol, exc_info=error)
            book.not_confirmed(wanted, machine)
            await asyncio.sleep(back_off.next_wait())
            continue
        back_off.reset()
        if bars := book.confirm(wanted, candles, machine, clock.now() - QUIET_AFTER_S):
            sink.bars(bars)

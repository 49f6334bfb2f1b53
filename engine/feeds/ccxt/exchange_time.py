"""Exchange's time: told to a sink now and then, as slots are closed by our clock."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from tapedeck.engine.feeds.ccxt.exchange_library import Exchange
from tapedeck.engine.feeds.ccxt.request_pace import RequestPace
from tapedeck.engine.feeds.live_feed import FeedSink

log = logging.getLogger(__name__)

EACH_S: Final = 600.0
"""Seconds of the machine between two requests for the time."""


async def tell_time(exchange: Exchange, heard: asyncio.Event, sink: FeedSink, pace: RequestPace) -> None:
    """Tell the exchange's time for ever, from the first candle on: by REST, as ccxt has it of no message.

    Before, it would hide that the stream is mute.
    """
    await heard.wait()
    while True:
        pace.made()
        try:
            milliseconds = await exchange.fetch_time()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.debug("%s: no time", exchange.id, exc_info=error)
        else:
            if milliseconds is not None:
                sink.provider_time(milliseconds / 1000)
        await asyncio.sleep(EACH_S)

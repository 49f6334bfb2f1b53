"""Stream of the exchange: the frames of each candle, with the market time at which each is due."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final, NamedTuple

from tests.support.exchange_server.candles import FORMING_AT, LAST_S, MINUTE_S, Candle, Candles, forming
from tests.support.exchange_server.faults import ExchangeFaults, FaultKind
from tests.support.exchange_server.messages import book_ticker, kline_event, market_id

_DAY_S: Final = 86_400
Frame = str | bytes


class DueFrame(NamedTuple):
    """A frame, the market time at which it is due, and the stream that it belongs to."""

    due: float
    stream: str
    frame: Frame


def kline_stream(symbol: str) -> str:
    """Return the name of a symbol's candles: btcusdt@kline_1m."""
    return f"{market_id(symbol).lower()}@kline_1m"


def book_stream(symbol: str) -> str:
    """Return the name of a symbol's best bid and ask."""
    return f"{market_id(symbol).lower()}@bookTicker"


def frames_of(symbol: str, opened_at: int, candles: Candles, faults: ExchangeFaults) -> Iterator[DueFrame]:
    """Yield the frames of a candle: some forming updates, and the last one."""
    candle = candles.final(symbol, opened_at)
    if candle is None:
        return
    yield from _quotes(symbol, candle)

    def is_faulty(kind: FaultKind) -> bool:
        return faults.of_candle(kind, symbol, opened_at) is not None

    if is_faulty(FaultKind.MISSING) or is_faulty(FaultKind.LOST):
        return
    frames = list(_updates(symbol, candle, faults))
    if frames and is_faulty(FaultKind.REORDER):
        due = frames[-1].due
        frames = [one._replace(due=due) for one in reversed(frames)]
    if is_faulty(FaultKind.DUPLICATE):
        frames = [one for one in frames for _ in range(2)]
    yield from frames


def _updates(symbol: str, candle: Candle, faults: ExchangeFaults) -> Iterator[DueFrame]:
    stream, ends = kline_stream(symbol), candle.opened_at + MINUTE_S

    def framed(state: Candle, due: float, *, is_last: bool = False) -> DueFrame:
        return DueFrame(due, stream, json.dumps(kline_event(symbol, state, due, is_last=is_last)))

    if not candle.is_flat:
        for part in FORMING_AT:
            yield framed(forming(candle, part), candle.opened_at + part * MINUTE_S)
    if faults.of_candle(FaultKind.MISSING_LAST, symbol, candle.opened_at) is not None:
        return
    late = faults.of_candle(FaultKind.LATE_LAST, symbol, candle.opened_at)
    due = ends + (LAST_S if late is None else late.by)
    if faults.of_candle(FaultKind.OTHER_DAY, symbol, candle.opened_at) is not None:
        other = Candle(candle.opened_at - _DAY_S, 1.0, 2.0, 0.5, 1.5, 7.0, trades=2)
        yield framed(other, due, is_last=True)
    event = kline_event(symbol, candle, due, is_last=True)
    if faults.of_candle(FaultKind.NO_CLOSE, symbol, candle.opened_at) is not None:
        del event["k"]["c"]
    if faults.of_candle(FaultKind.NONSENSE, symbol, candle.opened_at) is not None:
        is_odd = candle.opened_at // MINUTE_S % 2 == 1
        event["k"] |= {"o": "NaN", "h": "-1.00000000"} if is_odd else {"h": "0.50000000", "v": "-4"}
    yield DueFrame(due, stream, json.dumps(event))


def _quotes(symbol: str, candle: Candle) -> Iterator[DueFrame]:
    for number, part in enumerate(FORMING_AT):
        state = forming(candle, part)
        message = book_ticker(symbol, state, candle.opened_at * 10 + number)
        yield DueFrame(candle.opened_at + part * MINUTE_S, book_stream(symbol), json.dumps(message))


def frame_of(kind: FaultKind) -> Frame:
    """Return the frame of a fault that sends one."""
    if kind is FaultKind.TEXT:
        return "hello from the exchange"
    if kind is FaultKind.GARBAGE:
        return bytes(range(128, 256)) + b'{"e":"kline"'
    if kind is FaultKind.EMPTY:
        return ""
    if kind is FaultKind.BIG:
        return json.dumps({"e": "kline_history", "padding": "x" * (1 << 20)})
    return json.dumps({"e": "somethingNew", "E": 0, "s": "BTCUSDT", "x": [1, {"y": None}]})

"""History is asked for page by page, and says up to when it is whole: never further than the exchange is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapedeck.engine.feeds.ccxt.candle_history import QUIET_AFTER_S, CandleHistory
from tapedeck.engine.feeds.ccxt.request_pace import RequestPace
from tapedeck.engine.feeds.live_feed import FeedHistory
from tapedeck.engine.intervals import MINUTE

START = 1_700_000_040


class ListedExchange:
    """An exchange with given volumes by minute; candles are flat where the volume is 0, absent where None.

    `behind`: seconds by which its history lags. `page`: most candles of an answer. `keeps`: candles that it
    can give at all, as Kraken's 720: older ones are left out, whatever is asked for.
    """

    def __init__(
        self,
        volumes: Mapping[str, list[float | None]],
        now: float,
        *,
        behind: float = 0.0,
        page: int = 500,
        keeps: int | None = None,
    ) -> None:
        self.volumes, self.now, self.behind, self.size, self.keeps = volumes, now, behind, page, keeps
        self.asked: list[tuple[str, int]] = []
        self.at_once = self.most_at_once = 0

    def feature_value(self, *_: object) -> object:
        return self.size

    async def fetch_ohlcv(self, symbol: str, timeframe: str, since: int, limit: int) -> Any:
        assert (timeframe, limit <= self.size) == ("1m", True)
        self.asked.append((symbol, since // 1000))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        known_at = self.now - self.behind
        rows = []
        for minute, volume in enumerate(self.volumes[symbol]):
            at = START + 60 * minute
            if at <= known_at and volume is not None:
                is_whole = at + 60 <= known_at
                rows.append([at * 1000, 1.0, 2.0, 0.5, 1.5, volume if is_whole else volume / 2])
        rows = rows[-self.keeps :] if self.keeps else rows
        return [row for row in rows if row[0] >= since][:limit]


def asked(exchange: Any, start: int, end: int, symbols: tuple[str, ...] = ("A",)) -> FeedHistory:
    """Return the answer for some minutes."""

    async def ask() -> FeedHistory:
        history = CandleHistory(exchange, MINUTE, lambda: exchange.now, RequestPace())
        return await history.ask(symbols, START + 60 * start, START + 60 * end)

    return asyncio.run(ask())


def minutes(answer: FeedHistory) -> list[int]:
    return sorted((bar.opened_at - START) // 60 for bar in answer.bars)


def whole_until(answer: FeedHistory) -> float:
    return (answer.complete_until - START) / 60


def at(minute: float) -> float:
    return START + 60 * minute


def test_the_candle_that_forms_and_minutes_without_a_trade_are_no_bars() -> None:
    exchange = ListedExchange({"A": [1, 0, 2, 3, 4]}, at(4.5))
    answer = asked(exchange, 0, 5)
    assert (minutes(answer), whole_until(answer)) == ([0, 2, 3], 4)
    assert len(exchange.asked) == 1


def test_pages_follow_one_another_until_the_range_is_whole() -> None:
    exchange = ListedExchange({"A": [1.0] * 100}, at(99.5), page=7)
    answer = asked(exchange, 10, 90)
    assert minutes(answer) == list(range(10, 90))
    assert whole_until(answer) >= 90
    assert len(exchange.asked) == 12


def test_several_symbols_are_whole_up_to_the_first_that_is_not_and_a_few_are_asked_at_once() -> None:
    symbols = tuple(f"S{n}" for n in range(30))
    volumes: dict[str, list[float | None]] = {symbol: [1.0] * 10 for symbol in symbols}
    volumes["S7"] = [1.0] * 6 + [0.0, None, None, None]
    exchange = ListedExchange(volumes, at(9.5))
    answer = asked(exchange, 0, 10, symbols)
    assert whole_until(answer) == 6
    assert 1 < exchange.most_at_once <= 8


def test_without_candles_of_empty_minutes_one_is_empty_once_it_has_been_over_for_a_while() -> None:
    exchange = ListedExchange({"A": [1.0, 1.0, *[None] * 8]}, at(9.5))
    answer = asked(exchange, 0, 10)
    assert minutes(answer) == [0, 1]
    assert whole_until(answer) * 60 == pytest.approx(9.5 * 60 - 1 - QUIET_AFTER_S, abs=1)


def test_an_exchange_that_keeps_few_candles_does_not_make_earlier_minutes_empty() -> None:
    exchange = ListedExchange({"A": [1.0] * 1000}, at(999.5), keeps=720)
    assert asked(exchange, 0, 1000).complete_until == 0
    answer = asked(exchange, 400, 1000)
    assert (len(answer.bars), whole_until(answer)) == (599, 999)


def test_an_error_of_one_symbol_ends_the_requests_of_the_others() -> None:
    class Failing(ListedExchange):
        async def fetch_ohlcv(self, symbol: str, *rest: Any) -> Any:
            if symbol == "S20":
                raise OSError("no network")
            return await super().fetch_ohlcv(symbol, *rest)

    symbols = tuple(f"S{n}" for n in range(40))
    exchange = Failing({symbol: [1.0] * 10 for symbol in symbols}, at(9.5))
    with pytest.raises(OSError, match="no network"):
        asked(exchange, 0, 10, symbols)


volumes_of = st.lists(st.sampled_from([0.0, 1.0, 2.0, None]), min_size=1, max_size=30)


@given(
    volumes=volumes_of,
    start=st.integers(0, 10),
    length=st.integers(1, 25),
    age=st.floats(0, 40),
    behind=st.floats(0, QUIET_AFTER_S - 65),
    page=st.integers(2, 9),
)
def test_whatever_an_exchange_has_no_bar_is_wrong_and_none_is_missing_before_its_answer_is_whole(
    volumes: list[float | None], start: int, length: int, age: float, behind: float, page: int
) -> None:
    now = at(age)
    exchange = ListedExchange({"A": volumes}, now, behind=behind, page=page)
    answer = asked(exchange, start, start + length)
    true = {minute: volume for minute, volume in enumerate(volumes) if volume}
    given_bars = {(bar.opened_at - START) // 60: bar.volume for bar in answer.bars}
    assert all(true[minute] == volume for minute, volume in given_bars.items())
    is_over: Callable[[int], bool] = lambda minute: at(minute + 1) <= min(answer.complete_until, now)  # noqa: E731
    expected = {minute for minute in true if start <= minute < start + length and is_over(minute)}
    assert expected <= set(given_bars)
    assert answer.complete_until <= now


def test_a_candle_that_may_not_have_begun_is_not_asked_for() -> None:
    exchange = ListedExchange({"A": [1.0] * 5 + [None]}, at(5.2))
    answer = asked(exchange, 0, 6)
    assert (minutes(answer), whole_until(answer)) == ([0, 1, 2, 3], 4)  # the last one may not be complete yet
    assert len(exchange.asked) == 1

"""Law of the prior close: it follows from stored bars and calendar alone, whichever day a run begins."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import exchange_calendars
import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tapedeck.engine.config import SessionConfig
from tapedeck.engine.intervals import DAY, Interval
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarColumns, BarStore
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.stamp import session_digest
from tests.support.markets import open_new_store
from tests.support.runs import LIMIT_S, KeepRecords

SYMBOLS = ("AAA", "BBB", "CCC")
# An early close on 29 November in New York; Tokyo breaks for lunch, Chicago opens the evening before.
DAYS = {
    "XNYS": ("2013-11-26", "2013-11-27", "2013-11-29", "2013-12-02", "2013-12-03"),
    "XTKS": ("2013-11-26", "2013-11-27", "2013-11-28", "2013-11-29", "2013-12-02"),
    "CMES": ("2013-11-19", "2013-11-20", "2013-11-21", "2013-11-22", "2013-11-25"),
}
CHANGED = {"XNYS": ("2013-11-27", "14:00"), "XTKS": ("2013-11-28", "11:00"), "CMES": ("2013-11-20", "12:00")}


class Market(NamedTuple):
    """Stored bars: closes by symbol, day and minutes from the open; daily closes by symbol and day."""

    exchange: str
    base: str
    is_changed: bool
    minutes: Mapping[tuple[str, str], list[int]]
    daily: frozenset[tuple[str, str]]


@st.composite
def markets(draw: st.DrawFn) -> Market:
    """Draw a market: few bars of each day, some near the close, some past it, some days without any."""
    exchange = draw(st.sampled_from(sorted(DAYS)))
    near = st.integers(-20, 12) | st.integers(-400, -20)
    minutes = {
        (symbol, day): sorted(draw(st.sets(near, max_size=4))) for symbol in SYMBOLS for day in DAYS[exchange]
    }
    for symbol in SYMBOLS:  # a run needs some bar of each symbol
        minutes[symbol, DAYS[exchange][-1]] = [-30]
    every = sorted((symbol, day) for symbol in SYMBOLS for day in DAYS[exchange])
    daily = draw(st.frozensets(st.sampled_from(every)))
    bases = ["1m", "1d"] if exchange == "CMES" else ["1m", "1s", "1d"]
    return Market(exchange, draw(st.sampled_from(bases)), draw(st.booleans()), minutes, daily)


def segments(market: Market, day: str) -> list[tuple[int, int]]:
    """Return the trading hours of a day, seconds UTC: of the calendar, or with the close of the file."""
    calendar = exchange_calendars.get_calendar(market.exchange, start="2013-11-01", end="2013-12-31")
    row = calendar.schedule.loc[day]
    bounds = [int(row[name].timestamp()) for name in ("open", "close")]
    changed_day, close = CHANGED[market.exchange]
    if market.is_changed and day == changed_day:
        at = datetime.fromisoformat(f"{day} {close}").replace(tzinfo=ZoneInfo(str(calendar.tz)))
        bounds[1] = int(at.timestamp())
    start, end = row["break_start"], row["break_end"]
    if start is None or str(start) == "NaT" or int(end.timestamp()) >= bounds[1]:
        return [(bounds[0], bounds[1])]
    return [(bounds[0], int(start.timestamp())), (int(end.timestamp()), bounds[1])]


def all_stored(market: Market, symbol: str) -> dict[int, float]:
    """Return a symbol's stored closes by label: around the close of each day, in and out of hours."""
    closes = {day: segments(market, day)[-1][1] for day in DAYS[market.exchange]}
    labels = [closes[day] + 60 * minute for day in closes for minute in market.minutes[symbol, day]]
    return {label: 10.0 + label % 1009 for label in labels}


def daily_close(symbol: str, day: str) -> float:
    return 5000.0 + SYMBOLS.index(symbol) + date.fromisoformat(day).day


def expected(market: Market, symbol: str, day: str) -> float:
    """Return the prior close by the rule in words."""
    before = DAYS[market.exchange][DAYS[market.exchange].index(day) - 1]
    if market.base != "1d":
        bars = all_stored(market, symbol)
        regular = [at for at in bars if any(a <= at < b for a, b in segments(market, before))]
        if regular:
            return bars[max(regular)]
    return daily_close(symbol, before) if (symbol, before) in market.daily else np.nan


def columns(closes: Mapping[int, float]) -> BarColumns:
    values = np.array([closes[label] for label in sorted(closes)], dtype=float)
    return BarColumns(np.array(sorted(closes), dtype=np.int64), *[values] * 5)


def fill(market: Market, store: BarStore) -> None:
    """Write a market."""
    base = Interval.parse(market.base)
    for symbol in SYMBOLS:
        days = {(symbol, day): day for day in DAYS[market.exchange]}
        if base != DAY:
            store.write(symbol, base, columns(all_stored(market, symbol)))
        label = lambda day: int(np.datetime64(day, "s").astype(np.int64))  # noqa: E731
        # A run on 1d needs a bar of each symbol.
        last = DAYS[market.exchange][-1] if base == DAY else None
        chosen = [day for key, day in days.items() if key in market.daily or day == last]
        store.write(symbol, DAY, columns({label(day): daily_close(symbol, day) for day in chosen}))


def run_file(market: Market, start: str, prefetch: int, *, indicators: bool) -> SessionConfig:
    """Return a session file over the market from a day on."""
    ema = {"ema": {"type": "EMA", "interval": market.base, "timeperiod": 3}}
    day, close = CHANGED[market.exchange]
    data: dict[str, Any] = {
        "symbols": list(SYMBOLS),
        "streams": [market.base],
        "indicators": ema if indicators else {},
        "sessions": {day: {"close": close}} if market.is_changed else {},
    }
    document = {
        "session_name": "prior close",
        "exchange_group": market.exchange,
        "backtest_config": {
            "start_date": start,
            "end_date": DAYS[market.exchange][-1],
            "prefetch_days": prefetch,
        },
        "session_data_config": data,
    }
    return parse_session_config(document, "law").config


def played(config: SessionConfig, store: BarStore, cuts: list[int]) -> KeepRecords:
    """Play a run, in blocks of some lengths, and return its sessions."""
    kept = KeepRecords()
    system = SystemManager(config, store, sinks=[kept])
    system.start(paused=bool(cuts))
    for slots in cuts:
        system.step(slots)
    if cuts:
        system.resume()
    assert system.wait(LIMIT_S)
    assert system.error is None, system.error
    return kept


# Markets are small already: shrinking one would play hundreds of runs.
@settings(phases=[Phase.generate], max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    market=markets(),
    place=st.sampled_from(["bars.db", "bars"]),
    first=st.integers(1, 4),
    prefetch=st.integers(1, 3),
    cuts=st.lists(st.integers(1, 300), max_size=4),
    indicators=st.booleans(),
)
def test_prior_closes_follow_the_rule_whichever_day_a_run_begins(
    market: Market, place: str, first: int, prefetch: int, cuts: list[int], indicators: bool
) -> None:
    days = DAYS[market.exchange]
    with TemporaryDirectory() as folder, open_new_store(Path(folder) / place) as store:
        fill(market, store)
        whole = played(run_file(market, days[1], 2, indicators=indicators), store, []).records
        late = played(run_file(market, days[first], prefetch, indicators=indicators), store, cuts).records
        for record in whole:
            day = record.tape.session.trading_day.isoformat()
            wanted = [expected(market, symbol, day) for symbol in SYMBOLS]
            np.testing.assert_array_equal(record.tape.prior_close.values, wanted)
        digests = [session_digest(record.tape, record.frontier) for record in whole]
        assert [session_digest(record.tape, record.frontier) for record in late] == digests[first - 1 :]

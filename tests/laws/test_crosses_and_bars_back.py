"""Law of crosses and bars back: they equal a reading slot by slot over all sessions.

So the day on which a run begins does not matter, nor how a session is cut, nor what comes later. The expected
truths are computed in plain Python from the stored bars of all sessions; indicators, scores and trailing
values are taken from the tapes of a run over all of them.
"""

from __future__ import annotations

import copy
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.conditions import Condition, Vocabulary
from tapedeck.engine.conditions.known_values import KnownValues
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.intervals import MINUTE, Interval
from tapedeck.engine.store.bar_store import BarColumns, BarStore
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.bar_grid import BarGrid
from tapedeck.engine.tape.quote_grid import QuoteGrid
from tapedeck.engine.tape.stamp import session_digest
from tapedeck.engine.tape.tape import IndicatorColumn, Tape
from tests.laws.test_breakpoints_of_any_cut import Stop, breaks_of, resume_to_the_end
from tests.support.files import session_file
from tests.support.markets import open_new_store, random_bars
from tests.support.quotes import random_columns
from tests.support.runs import play, play_recorded
from tests.support.tapes import same_bits, sessions_of

SYMBOLS: Final = ("AAA", "BBB", "CCC")
INDICATORS: Final = {
    "sma": {"type": "SMA", "interval": "1m", "timeperiod": 3},
    "rsi_5m": {"type": "RSI", "interval": "5m", "timeperiod": 3},
    "vwap": {"type": "VWAP", "interval": "1m"},
    "sma_1d": {"type": "SMA", "interval": "1d", "timeperiod": 2},
}
TRAILING: Final = {
    "usual": {"type": "trailing_average", "period": "2d", "granularity": "minute", "field": "volume"},
    "high_2d": {"type": "trailing_max", "period": "2d", "field": "high"},
}
QUOTES: Final = ("bid", "ask", "spread", "bid_size", "ask_size")
FIRST, LAST = "2013-11-21", "2013-12-02"
PLAYED_LATER: Final = "2013-11-27"


def config(start: str, **backtest: object) -> SessionConfig:
    """Return a file over the sessions from a day on; that of 2013-11-29 closes early."""
    return session_file(
        SYMBOLS,
        ["1m", "5m", "1d", "quotes"],
        start,
        LAST,
        historical={"indicators": TRAILING},
        indicators=INDICATORS,
        **backtest,
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    """A store in which BBB begins late, and CCC has no bars on one day and only late ones on another."""
    sessions = sessions_of(FIRST, LAST)
    labels = np.concatenate([SessionSlots(session, MINUTE).opened_at for session in sessions])
    days = [SessionSlots(session, MINUTE).opened_at for session in sessions]
    kept = {
        "AAA": np.ones(len(labels), dtype=bool),
        "BBB": labels >= days[1][200],
        "CCC": ~np.isin(labels, days[4]) & ~np.isin(labels, days[5][:120]),
    }
    folder: Path = tmp_path_factory.mktemp("crosses")
    with open_new_store(folder / "bars.db") as opened:
        for number, symbol in enumerate(SYMBOLS):
            bars = random_bars(labels, seed=number, missing=0.15)
            there = np.isin(bars.opened_at, labels[kept[symbol]])
            columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
            opened.write(
                symbol, MINUTE, BarColumns(bars.opened_at[there], *(column[there] for column in columns))
            )
        # Quotes of AAA on all days but the third, of BBB on the last two.
        for number, symbol, own in ((3, "AAA", [*days[:2], *days[3:]]), (4, "BBB", days[-2:])):
            quoted = random_columns(np.concatenate(own), seed=number, missing=0.4)
            opened.quotes.write(symbol, MINUTE, quoted)
        yield opened


@dataclass(frozen=True)
class Bar:
    """A bar of any interval; it is over at frontier `over` of its session."""

    session: int
    over: int
    fields: dict[str, float]


class Market:
    """All sessions of the store, read slot by slot."""

    def __init__(self, store: BarStore) -> None:
        self.tapes = [record.tape for record in play_recorded(config(FIRST), store).records]
        self.by_maker = self._by_maker(store)
        stored = {symbol: store.read(symbol, MINUTE, 0, 2**40) for symbol in SYMBOLS}
        self.quotes = {symbol: store.quotes.read(symbol, MINUTE, 0, 2**40) for symbol in SYMBOLS}
        self.bars = {(s, i): self._bars(stored[s], i) for s in SYMBOLS for i in ("1m", "5m", "1d")}
        self.now = cache(self._now)

    def _bars(self, stored: BarColumns, interval: str) -> list[Bar]:
        at = {int(label): n for n, label in enumerate(stored.opened_at)}
        made = []
        for session, tape in enumerate(self.tapes):
            count = len(tape)
            width = {"1m": 1, "5m": 5, "1d": count}[interval]
            for start in range(0, count, width):
                labels = tape.slots.opened_at[start : start + width].tolist()
                own = [at[label] for label in labels if label in at]
                if own:
                    fields = {
                        "open": stored.open[own[0]],
                        "high": max(stored.high[own]),
                        "low": min(stored.low[own]),
                        "close": stored.close[own[-1]],
                        "volume": sum(stored.volume[own].tolist()),
                    }
                    made.append(Bar(session, min(start + width, count), fields))
        return made

    def _by_maker(self, store: BarStore) -> dict[str, list[Tape]]:
        """Return the tapes of all sessions, by the part of the engine that made them."""
        late = SystemManager(config(PLAYED_LATER), store)
        played = [record.tape for record in play_recorded(config(PLAYED_LATER), store).records]
        days = [tape.session.trading_day for tape in self.tapes]
        recomputed = [late.earlier_sessions.before(day) for day in days[1:]]
        return {
            "run over all sessions": self.tapes,
            "run begun later": [*self.tapes[: -len(played)], *played],
            "recomputed": [tape for tape in recomputed if tape is not None] + self.tapes[-1:],
        }

    def _upto(self, session: int, frontier: int, symbol: str, interval: str) -> list[Bar]:
        """Return the bars of all sessions that are over at a frontier."""
        bars = self.bars[symbol, interval]
        return bars[: bisect_right(bars, (session, frontier), key=lambda bar: (bar.session, bar.over))]

    def _now(self, session: int, frontier: int, symbol: str, name: str, interval: str) -> float | None:
        """Return a value at a frontier, None where there is none yet in the session."""
        tape, row = self.tapes[session], SYMBOLS.index(symbol)
        bars = [bar for bar in self._upto(session, frontier, symbol, interval) if bar.session == session]
        found: float | None
        if name in INDICATORS:
            column = tape.indicators[name]
            over = tape.columns_over(column.interval, frontier)
            found = _last([value for value in column.values[row, :over] if not np.isnan(value)])
        elif name == "quality":
            assert tape.scores is not None
            found = float(tape.scores[row, frontier])
        elif name in TRAILING:
            value = tape.historical[name].values[row]
            value = value[bars[-1].over - 1 if bars else 0] if name == "usual" else value
            found = None if np.isnan(value) else float(value)
        elif name in QUOTES:
            found = self._quote(session, frontier, symbol, name)
        elif name == "day_high":
            found = max((bar.fields["high"] for bar in bars), default=None)
        elif name in ("prev_close", "change_pct"):
            before = [b for b in self._upto(session, 0, symbol, "1m") if b.session == session - 1]
            found = before[-1].fields["close"] if before else None
            if name == "change_pct" and found is not None:
                found = (bars[-1].fields["close"] / found - 1.0) * 100.0 if bars else None
        else:
            found = _last([bar.fields["close" if name == "last" else name] for bar in bars])
        return found

    def _quote(self, session: int, frontier: int, symbol: str, name: str) -> float | None:
        """Return a value of the quote held, by the stored quotes of the session up to a frontier."""
        if name == "spread":
            bid, ask = (self._quote(session, frontier, symbol, side) for side in ("bid", "ask"))
            return None if bid is None or ask is None else ask - bid
        slots, quotes = self.tapes[session].slots, self.quotes[symbol]
        labels = quotes.opened_at
        own = np.flatnonzero((labels >= slots.opened_at[0]) & (labels <= slots.opened_at[-1]))
        if not len(own):  # made of the closes
            return self.now(session, frontier, symbol, "close", "1m") if name in ("bid", "ask") else None
        prices = getattr(quotes, name.removesuffix("_size"))
        known = [at for at in own.tolist() if labels[at] < slots.clock(frontier) and not np.isnan(prices[at])]
        found = getattr(quotes, name)[known[-1]] if known else np.nan
        return None if np.isnan(found) else float(found)

    def back(
        self, session: int, frontier: int, symbol: str, name: str, interval: str, bars_back: int
    ) -> float | None:
        """Return a value so many bars back."""
        if not bars_back:
            return self.now(session, frontier, symbol, name, interval)
        own = str(self.tapes[session].indicators[name].interval) if name in INDICATORS else interval
        bars = self._upto(session, frontier, symbol, own)
        # Before the first bar of the session, that bar is the one from which is counted.
        is_first_open = not bars or bars[-1].session < session
        at = len(bars) - 1 - bars_back + is_first_open
        return self.now(bars[at].session, bars[at].over, symbol, name, interval) if at >= 0 else None

    def before(
        self, session: int, frontier: int, symbol: str, name: str, interval: str, bars_back: int
    ) -> float | None:
        """Return a value one slot before a frontier, as a cross reads it."""
        value = (symbol, name, interval, bars_back)
        if session == 0:  # the day before has no bars, which are 0 % of those expected
            ended = 0.0 if name == "quality" and not bars_back else None
        else:
            ended = self.back(session - 1, len(self.tapes[session - 1]), *value)
        found = self.back(session, frontier - 1, *value) if frontier else ended
        is_held = not bars_back and name not in TRAILING
        return ended if found is None and is_held else found


def _last(values: list[float]) -> float | None:
    return float(values[-1]) if values else None


@pytest.fixture(scope="module")
def market(store: BarStore) -> Market:
    return Market(store)


MAKERS: Final = st.sampled_from(["run over all sessions", "run begun later", "recomputed"])
NAMED: Final = st.sampled_from(
    [(name, "") for name in ("close", "last", "day_high", "prev_close", "change_pct", "quality", *QUOTES)]
    + [(name, "") for name in INDICATORS]
    + [("close", "5m"), ("high", "1d"), ("low", "1m"), ("volume", "5m")]
)
TRAILED: Final = st.sampled_from([(name, "") for name in TRAILING])
BACK: Final = st.one_of(st.just(0), st.integers(1, 4), st.integers(1, 4), st.integers(5, 1000))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    value=st.one_of(st.tuples(NAMED, BACK), st.tuples(NAMED, BACK), st.tuples(TRAILED, st.just(0))),
    maker=MAKERS,
    session=st.integers(0, 6),
)
def test_values_now_and_one_slot_before_are_those_of_a_reader_of_all_sessions(
    market: Market, value: tuple[tuple[str, str], int], maker: str, session: int
) -> None:
    (name, interval), bars_back = value
    tape = market.by_maker[maker][session]
    known = KnownValues(tape, 0, len(tape))
    asked = (name, slice(None), Interval.parse(interval) if interval else None, bars_back)
    for found, read in (
        (known.value(*asked), market.back),
        (known.value_before(*asked), market.before),
    ):
        expected = [
            [
                read(session, frontier, symbol, name, interval or "1m", bars_back)
                for frontier in range(len(known))
            ]
            for symbol in SYMBOLS
        ]
        assert same_bits(found, np.array(expected, dtype=np.float64))


class Said(NamedTuple):
    """A value of a condition, and how to read it: by `Market.back`, or one slot before by `Market.before`."""

    text: str
    read: Callable[[Callable[..., float | None], int, int, str], float | None]


def reference(holder: str, named: tuple[str, str], bars_back: int) -> Said:
    name, interval = named
    text = f"{holder}.{name}" if interval == "" else f"{holder}.{interval}.{name}"

    def read(how: Callable[..., float | None], session: int, frontier: int, symbol: str) -> float | None:
        own = symbol if holder in ("any", "all") else holder
        return how(session, frontier, own, name, interval or "1m", bars_back)

    return Said(f"{text}[{bars_back}]" if bars_back else text, read)


def scaled(value: Said, factor: float) -> Said:
    def read(how: Callable[..., float | None], session: int, frontier: int, symbol: str) -> float | None:
        found = value.read(how, session, frontier, symbol)
        return None if found is None else found * factor

    return Said(f"({value.text} * {factor})", read)


def constant(number: float) -> Said:
    return Said(str(number), lambda *_: number)


def values(holders: list[str]) -> st.SearchStrategy[Said]:
    holder = st.sampled_from(holders)
    one = st.builds(reference, holder, NAMED, BACK)
    return st.one_of(
        one,
        one,
        st.builds(scaled, one, st.sampled_from([0.999, 1.001, 2.0])),
        st.builds(reference, holder, TRAILED, st.just(0)),
    )


@st.composite
def statements(draw: st.DrawFn) -> tuple[str, Callable[[Market, int, int], bool]]:
    quantifier = draw(st.sampled_from(["", "", "any", "all"]))
    sides = values([quantifier] if quantifier else list(SYMBOLS))
    left = draw(st.builds(reference, st.sampled_from([quantifier or s for s in SYMBOLS]), NAMED, BACK))
    right = draw(st.one_of(sides, sides, st.sampled_from([50, 0, 95, 40.5]).map(constant)))
    sign = draw(st.sampled_from([">", "<=", "crosses above", "crosses below", "crosses above"]))

    def holds(market: Market, session: int, frontier: int) -> bool:
        def one(symbol: str) -> bool:
            a, b = (side.read(market.back, session, frontier, symbol) for side in (left, right))
            if a is None or b is None:
                return False
            if not sign.startswith("crosses"):
                return a > b if sign == ">" else a <= b
            c, d = (side.read(market.before, session, frontier, symbol) for side in (left, right))
            if c is None or d is None:
                return False
            return a > b and c <= d if sign.endswith("above") else a < b and c >= d

        return all(map(one, SYMBOLS)) if quantifier == "all" else any(map(one, SYMBOLS))

    return f"{left.text} {sign} {right.text}", holds


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    said=statements(),
    maker=MAKERS,
    session=st.integers(0, 6),
    cut=st.tuples(st.integers(0, 390), st.integers(0, 20)),
)
def test_they_hold_where_a_reader_of_all_sessions_finds_it(
    market: Market,
    said: tuple[str, Callable[[Market, int, int], bool]],
    maker: str,
    session: int,
    cut: tuple[int, int],
) -> None:
    text, holds = said
    tape = market.by_maker[maker][session]
    condition = Condition.parse(text, Vocabulary.of(tape))
    whole = condition.holds(tape, 0, len(tape)).tolist()
    assert whole == [holds(market, session, frontier) for frontier in range(len(tape) + 1)], text
    start = min(cut[0], len(tape))
    stop = min(len(tape), start + cut[1])
    assert condition.holds(tape, start, stop).tolist() == whole[start : stop + 1], text


BREAKS: Final = (
    "AAA.close crosses below AAA.close[500]",
    "AAA.close[1000] > 0 and time == 09:31",
    "any.vwap crosses below 0.9995 * any.prev_close and time < 09:45",
    "CCC.5m.close crosses above CCC.sma_1d[1]",
    "BBB.1d.high[1] < BBB.1d.high[2] and time == 09:30",
    "any.close crosses above any.sma[2] and any.rsi_5m[90] > 60 and time < 09:40",
    "CCC.last crosses above CCC.last[1] and time < 09:33",
    "any.bid crosses above any.ask[3] and time < 09:36",
    "AAA.spread[400] > 0.02 and time == 09:35",
)


@pytest.fixture(scope="module")
def stops(market: Market) -> list[Stop]:
    """Where the breakpoints fire, by the tapes of a run without any."""
    found = []
    for tape in market.tapes:
        conditions = [Condition.parse(text, Vocabulary.of(tape)) for text in BREAKS]
        rises = np.stack([condition.becomes_true(tape, 0, len(tape)) for condition in conditions])
        for at, number in np.argwhere(rises.T).tolist():
            found.append((str(tape.session.trading_day), at, BREAKS[number]))
    assert {text for _, _, text in found} == set(BREAKS)
    return found


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    position=st.integers(0, 5),
    cuts=st.lists(st.integers(1, 150), max_size=8),
    speed=st.sampled_from([0.0, 1e9]),
)
def test_a_run_breaks_at_them_whichever_day_it_begins_and_however_it_is_cut(
    store: BarStore, market: Market, stops: list[Stop], position: int, cuts: list[int], speed: float
) -> None:
    day = market.tapes[position].session.trading_day

    def drive(system: SystemManager) -> None:
        for text in BREAKS:
            system.add_breakpoint(text)
        resume_to_the_end(system, cuts)

    system = play(config(str(day), speed_multiplier=speed), store, drive)
    assert breaks_of(system) == [stop for stop in stops if stop[0] >= str(day)]
    digests = [session.digest for session in system.summary().sessions]
    assert digests == [session_digest(tape, len(tape)) for tape in market.tapes[position:]]


def poisoned(tape: Tape, frontier: int) -> Tape:
    """Return a copy of a tape in which everything that is over after a frontier has other values."""
    other = copy.copy(tape)
    other.base = BarGrid.loaded(tape.base.values.copy())
    other.base.values[:, :, frontier:] *= -3.0
    other.derived = {interval: copy.copy(grid) for interval, grid in tape.derived.items()}
    for interval, grid in other.derived.items():
        over = tape.columns_over(interval, frontier)
        grid.values, grid.present = grid.values.copy(), grid.present.copy()
        grid.values[:, :, over:] = -1.0
        grid.present[:, over:] = True
    if tape.quotes is not None:
        came, held = tape.quotes.came.copy(), tape.quotes.values.copy()
        came[:, :, frontier:] = held[:, :, frontier:] = -7.0
        other.quotes = QuoteGrid(came, held, tape.quotes.made)
    other.indicators = {}
    for column in tape.indicators.values():
        column_values = column.values.copy()
        column_values[:, tape.columns_over(column.interval, frontier) :] = -1e6
        other.set_indicator(IndicatorColumn(column.name, column.interval, column_values))
    return other


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(said=statements(), session=st.integers(0, 6), part=st.floats(0, 1))
def test_what_comes_later_does_not_matter(
    market: Market, said: tuple[str, object], session: int, part: float
) -> None:
    tape = market.tapes[session]
    frontier = round(part * len(tape))
    condition = Condition.parse(said[0], Vocabulary.of(tape))
    found = condition.holds(poisoned(tape, frontier), 0, frontier)
    assert (found == condition.holds(tape, 0, frontier)).all()

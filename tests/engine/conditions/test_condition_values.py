"""A condition evaluated over many slots at once equals its evaluation slot by slot."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import datetime, time
from typing import Final, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.conditions import Condition, Vocabulary
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.intervals import MINUTE, Interval
from tapedeck.engine.tape.day_figures import DAY_FIGURES
from tapedeck.engine.tape.historical_value import HistoricalValue, TrailingKind
from tapedeck.engine.tape.prior_close import PriorClose
from tapedeck.engine.tape.quote_grid import QuoteGrid
from tapedeck.engine.tape.session_view import SessionView
from tapedeck.engine.tape.tape import Tape
from tests.support.tapes import compute, random_values, slots_of, tape_over

FIVE: Final = Interval.parse("5m")
SYMBOLS: Final = ("S0", "S1", "S2")
FIELDS: Final = ("open", "high", "low", "close", "volume")


def make_tape(
    day: str = "2013-11-29", exchange: str = "XNYS", *, measured: bool = True, base: str = "1m"
) -> Tape:
    slots = slots_of(day, base, exchange)
    count = len(slots)
    values = random_values(3, count, seed=5, missing=0.25)
    values[:, 1, : min(90, count)] = np.nan  # a symbol that begins to trade late
    values[:, 2, 20:150] = np.nan  # and one that was halted
    tape = tape_over(slots, values, derived=["5m", "1h", "1d"] if count > 1 else [], measure_quality=measured)
    tape.quotes = QuoteGrid(random_quotes(3, count))
    specs = (
        IndicatorSpec("sma", "SMA", MINUTE, {"timeperiod": 3}),
        IndicatorSpec("rsi_5m", "RSI", FIVE, {"timeperiod": 3}),
        IndicatorSpec("vwap", "VWAP", MINUTE),
    )
    minutes = len(slots_of(day, "1m", exchange))
    usual = random_values(3, minutes, seed=9, missing=0.1)[4]
    tape.historical["usual"] = HistoricalValue(
        "usual", TrailingKind.AVERAGE, True, usual, np.ones(usual.shape, dtype=np.int64), 2
    )
    known = np.zeros(3, dtype=np.int64)
    tape.prior_close = PriorClose(np.array([50.1, 49.9, np.nan]), known, known.astype(np.bool_))
    high = np.array([50.0, np.nan, 51.0])
    tape.historical["high_2w"] = HistoricalValue(
        "high_2w", TrailingKind.MAX, False, high, np.ones(3, dtype=np.int64), 5
    )
    return compute(tape, specs if base == "1m" and count > 1 else ())


def random_quotes(symbols: int, slots: int) -> np.ndarray:
    """Quotes that came, float64 (4, symbols, slots): often one side alone; of the second symbol none."""
    random = np.random.default_rng(3)
    quotes = 50 + np.round(random.random((4, symbols, slots)), 2)
    for side in (0, 1):
        lacking = random.random((symbols, slots)) < 0.7
        lacking[1] = True
        lacking[0, :20] = True  # its first quote comes late
        quotes[side, lacking] = quotes[side + 2, lacking] = np.nan
        quotes[side + 2, random.random((symbols, slots)) < 0.2] = np.nan
    return quotes


TAPES: Final = {
    "early close": make_tape(),
    "not measured": make_tape(measured=False),
    "lunch break": make_tape("2013-11-29", "XTKS"),
    "clocks changed": make_tape("2013-11-03", "24/7"),
}
WORDS: Final = Vocabulary.of(TAPES["early close"])


class Said(NamedTuple):
    """A part of a condition, and its value computed from a view, for one symbol of `any`."""

    text: str
    read: Callable[[Tape, SessionView, str], float | bool | None]


def last(values: np.ndarray) -> float | None:
    known = [float(value) for value in values if not np.isnan(value)]
    return known[-1] if known else None


def read_value(tape: Tape, view: SessionView, symbol: str, name: str, interval: Interval) -> float | None:  # noqa: PLR0911
    """Return a value, read from the view."""
    bars = view.bars(symbol, MINUTE)
    if name in FIELDS:
        return last(getattr(view.bars(symbol, interval), name))
    if name == "last":
        return last(bars.close)
    if name == "change_open_pct":
        closes = [(o, c) for o, c in zip(bars.open, bars.close, strict=True) if not np.isnan(c)]
        return (closes[-1][1] / closes[0][0] - 1.0) * 100.0 if closes else None
    if name in DAY_FIGURES:
        value = float(view.day_figure(name)[view.row(symbol)])
        return None if np.isnan(value) else value
    if name == "quality":
        return view.quality(symbol)
    if name == "missing":
        return 0.0 if tape.scores is None else float(sum(np.isnan(bars.close)))
    if name == "gaps":
        return float(len(view.gaps(symbol)))
    if name in QUOTES:
        return quote(tape, view, symbol, name)
    if name == "high_2w":
        value = float(tape.historical[name].values[view.row(symbol)])
        return None if np.isnan(value) else value
    if name == "usual":
        there = [slot for slot, close in enumerate(bars.close) if not np.isnan(close)]
        minute = there[-1] if there else 0  # before its first bar, the session's first
        value = float(tape.historical[name].values[view.row(symbol), minute])
        return None if np.isnan(value) else value
    return view.indicator(symbol, name)


def quote(tape: Tape, view: SessionView, symbol: str, name: str) -> float | None:
    """Return a value of the quote held at a frontier, from the quotes that came up to there."""
    if name == "spread":
        bid, ask = (quote(tape, view, symbol, side) for side in ("bid", "ask"))
        return None if bid is None or ask is None else ask - bid
    assert tape.quotes is not None
    side, is_size = name.split("_", maxsplit=1)[0], name.endswith("size")
    at = ("bid", "ask").index(side)
    came = tape.quotes.came[:, view.row(symbol)]
    if np.isnan(came[:2]).all():  # made of the closes
        return None if is_size else last(view.bars(symbol, MINUTE).close)
    there = [slot for slot in range(view.frontier) if not np.isnan(came[at, slot])]
    value = float(came[at + 2 if is_size else at, there[-1]]) if there else np.nan
    return None if np.isnan(value) else value


QUOTES: Final = ("bid", "ask", "spread", "bid_size", "ask_size")
NAMES: Final = (
    *FIELDS, *QUOTES, "last", *DAY_FIGURES, "quality", "missing", "gaps", "high_2w", "usual", "sma", "rsi_5m",
    "vwap",
)  # fmt: skip


def reference(holder: str, name: str, interval: str | None) -> Said:
    used = Interval.parse(interval) if interval else MINUTE
    text = f"{holder}.{interval}.{name}" if interval else f"{holder}.{name}"

    def read(tape: Tape, view: SessionView, symbol: str) -> float | None:
        return read_value(tape, view, symbol if holder in ("any", "all") else holder, name, used)

    return Said(text, read)


def arithmetic(sign: str, left: Said, right: Said) -> Said:
    work = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}[sign]

    def read(tape: Tape, view: SessionView, symbol: str) -> float | None:
        a, b = left.read(tape, view, symbol), right.read(tape, view, symbol)
        if a is None or b is None or (sign == "/" and b == 0):
            return None
        return float(work(a, b))

    return Said(f"({left.text} {sign} {right.text})", read)


def function(name: str, left: Said, right: Said) -> Said:
    def read(tape: Tape, view: SessionView, symbol: str) -> float | None:
        a, b = left.read(tape, view, symbol), right.read(tape, view, symbol)
        if name == "abs":
            return None if a is None else abs(a)
        return None if a is None or b is None else {"min": min, "max": max}[name](a, b)

    return Said(f"abs({left.text})" if name == "abs" else f"{name}({left.text}, {right.text})", read)


def values(holders: list[str]) -> st.SearchStrategy[Said]:
    named = st.builds(reference, st.sampled_from(holders), st.sampled_from(NAMES), st.none())
    timed = st.builds(
        reference, st.sampled_from(holders), st.sampled_from(FIELDS), st.sampled_from(["5m", "1h", "1d"])
    )
    numbers = st.sampled_from([0, 1, 30, 49.9, 50, 50.1, 70, 90, 700]).map(
        lambda n: Said(str(n), lambda *_: float(n))
    )
    leaves = st.one_of(named, timed, numbers)
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(arithmetic, st.sampled_from("+-*/"), inner, inner),
            st.builds(function, st.sampled_from(["abs", "min", "max"]), inner, inner),
        ),
        max_leaves=3,
    )


COMPARE: Final = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


@st.composite
def comparisons(draw: st.DrawFn) -> Said:
    quantifier = draw(st.sampled_from(["any", "all", ""]))
    side = values([quantifier, *SYMBOLS] if quantifier else list(SYMBOLS))
    left, right, sign = draw(side), draw(side), draw(st.sampled_from(list(COMPARE)))
    # At least one value of the session, and the quantifier only if it is used.
    anchor = draw(st.builds(reference, st.just(quantifier or "S0"), st.sampled_from(NAMES), st.none()))
    left = arithmetic("+", anchor, left)

    def read(tape: Tape, view: SessionView, _symbol: str) -> bool:
        def holds(symbol: str) -> bool:
            a, b = left.read(tape, view, symbol), right.read(tape, view, symbol)
            return a is not None and b is not None and bool(COMPARE[sign](a, b))

        return all(map(holds, SYMBOLS)) if quantifier == "all" else any(map(holds, SYMBOLS))

    return Said(f"{left.text} {sign} {right.text}", read)


def at_time(sign: str, hour: int, minute: int) -> Said:
    def read(_tape: Tape, view: SessionView, _symbol: str) -> bool:
        # None of these sessions passes midnight before its close, so the date of the open is the only one.
        local = view.clock.astimezone(view.session.zone).replace(tzinfo=None)
        return bool(COMPARE[sign](local, datetime.combine(view.session.trading_day, time(hour, minute))))

    return Said(f"time {sign} {hour}:{minute:02}", read)


def joined(word: str, parts: list[Said]) -> Said:
    fold = all if word == "and" else any
    return Said(
        "(" + f" {word} ".join(part.text for part in parts) + ")",
        lambda tape, view, symbol: fold(part.read(tape, view, symbol) for part in parts),
    )


def denied(part: Said) -> Said:
    return Said(f"not ({part.text})", lambda tape, view, symbol: not part.read(tape, view, symbol))


CONDITIONS: Final = st.recursive(
    st.one_of(
        comparisons(),
        st.builds(at_time, st.sampled_from(list(COMPARE)), st.integers(0, 23), st.integers(0, 59)),
    ),
    lambda inner: st.one_of(
        st.builds(joined, st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3)),
        st.builds(denied, inner),
    ),
    max_leaves=4,
)


@settings(max_examples=40, deadline=None)
@given(
    said=CONDITIONS,
    name=st.sampled_from(sorted(TAPES)),
    cut=st.tuples(st.floats(0, 1), st.integers(0, 40)),
)
def test_a_condition_holds_where_a_reader_slot_by_slot_finds_it(
    said: Said, name: str, cut: tuple[float, int]
) -> None:
    tape = TAPES[name]
    start = int(cut[0] * len(tape))
    stop = min(len(tape), start + cut[1])
    condition = Condition.parse(said.text, WORDS)
    found = [bool(said.read(tape, SessionView(tape, k), "")) for k in range(start, stop + 1)]
    assert condition.holds(tape, start, stop).tolist() == found, said.text


def first_true(text: str, words: Vocabulary, tape: Tape, stop: int) -> int | None:
    """Return the first frontier after the open at which a condition is true, or None."""
    (frontiers,) = Condition.parse(text, words).holds(tape, 1, stop).nonzero()
    return int(frontiers[0]) + 1 if len(frontiers) else None


@pytest.mark.parametrize(
    "text", ["S1.close > 0", "S1.close <= 0", "S1.close != 1", "S1.gaps / 0 > 0", "S1.high_2w > 0"]
)
def test_a_missing_value_makes_a_comparison_false(text: str) -> None:
    # S1 has no bar in its first ninety minutes, and no trailing high.
    assert not Condition.parse(text, WORDS).holds(TAPES["early close"], 0, 90).any()


def test_a_value_is_held_from_the_close_of_its_bar_on() -> None:
    tape = TAPES["early close"]
    first = first_true("S0.1h.close > 0", WORDS, tape, 210)
    assert first == 60
    assert first_true("S0.1d.close > 0", WORDS, tape, 210) == 210
    assert first_true("S0.1d.close > 0", WORDS, tape, 209) is None


def test_a_bar_is_compared_with_the_usual_volume_of_its_own_minute_even_in_a_gap() -> None:
    """Relative volume by division is the indicator of that name, gaps included."""
    tape = TAPES["early close"]
    divided = Condition.parse("S2.volume / S2.usual > 1", WORDS).holds(tape, 0, 210)
    multiplied = Condition.parse("S2.volume > S2.usual", WORDS).holds(tape, 0, 210)
    # S2 is halted from slot 20 to 150: what held before the halt goes on.
    assert len(set(multiplied[25:149].tolist())) == 1
    assert (divided == multiplied).all()


@pytest.mark.parametrize("name", NAMES)
def test_at_the_open_only_history_and_quality_are_known(name: str) -> None:
    holds = Condition.parse(f"S0.{name} > -1e9", WORDS).holds(TAPES["early close"], 0, 0)
    assert holds.tolist() == [name in ("prev_close", "quality", "missing", "gaps", "high_2w", "usual")]


def test_a_time_is_that_of_the_exchange_whatever_the_season() -> None:
    # 2013-11-29 closed at 13:00 in New York, three and a half hours after the open.
    assert first_true("time >= 13:00", WORDS, TAPES["early close"], 210) == 210
    assert Condition.parse("time >= 9:30", WORDS).holds(TAPES["early close"], 0, 0).tolist() == [True]
    # Tokyo breaks from 11:30 to 12:30, which has no slots.
    assert first_true("time > 11:30", WORDS, TAPES["lunch break"], 300) == 151


def test_a_daily_base_is_one_slot() -> None:
    tape = make_tape("2013-11-29", base="1d")
    words = Vocabulary.of(tape)
    assert first_true("any.volume > 0", words, tape, 1) == 1

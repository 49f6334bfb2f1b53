"""The crossover of two averages in October 2013 as walked, fill by fill against the raw files and pandas.

Averages of prices in cents are equal at some bars, where sums of floats in another order differ by a last
bit: pandas' own averages cross 332 times, exact ones 330 times. So there are two comparisons: of a rule that
does not count such a bit as a cross, with exact averages; and of the plain rule, with averages that are added
up in plain Python in the order in which a tape's are.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from tapedeck.engine.broker.orders import Side
from tapedeck.engine.broker.terms import AccountTerms
from tapedeck.engine.conditions import Vocabulary
from tapedeck.engine.strategies.definition import RuleDefinition
from tapedeck.engine.strategies.sizes import CashSize
from tapedeck.engine.strategies.strategy_walk import StrategyWalk
from tapedeck.engine.tape.tape import Tape
from tests.golden import raw_bars
from tests.golden.raw_bars import DAYS, SYMBOLS
from tests.support.files import session_file
from tests.support.markets import open_new_store
from tests.support.runs import play_recorded

CASH = 10_000
STORED = ("2013-10-04", *DAYS)


class PlainFill(NamedTuple):
    """A fill by plain pandas; `time`: of the open of the bar that filled."""

    time: pd.Timestamp
    symbol: str
    side: Side
    shares: int
    price: float


@pytest.fixture(scope="module")
def tapes(store_path: Path) -> list[Tape]:
    """The tapes of the week, with averages of 10 and 30 closes."""
    averages = {
        f"sma_{name}": {"type": "SMA", "interval": "1m", "timeperiod": period}
        for name, period in (("fast", 10), ("slow", 30))
    }
    config = session_file(SYMBOLS, ["1m"], DAYS[0], DAYS[-1], indicators=averages)
    with open_new_store(store_path) as store:
        return [record.tape for record in play_recorded(config, store).records]


def closes(root: Path, symbol: str) -> pd.Series:
    """Return the closes of all regular bars stored."""
    return pd.concat([raw_bars.regular(root, symbol, day) for day in STORED])["close"]


def crossed(above: pd.Series, before: pd.Series) -> pd.Series:
    """Return 1 where a difference rises above 0, -1 where it falls below; `before`: one bar before."""
    return ((above > 0) & (before <= 0)).astype(int) - ((above < 0) & (before >= 0)).astype(int)


def by_pandas(root: Path, symbol: str) -> pd.Series:
    """Return the crosses of averages by pandas."""
    prices = closes(root, symbol)
    above = prices.rolling(10).mean() - prices.rolling(30).mean()
    return crossed(above, above.shift())


def exactly(root: Path, symbol: str) -> pd.Series:
    """Return the crosses of exact averages: of sums of whole hundredths of cents."""
    prices = (closes(root, symbol) * 10_000).round().astype(np.int64)
    above = 3 * prices.rolling(10).sum() - prices.rolling(30).sum()
    return crossed(above, above.shift())


def added_up(root: Path, symbol: str) -> pd.Series:
    """Return the crosses of averages that are added up anew each day, from two days before it on."""
    of_days = {day: raw_bars.regular(root, symbol, day)["close"] for day in STORED}
    found, end = [], np.nan
    for number, day in enumerate(STORED):
        prices = pd.concat([of_days[one] for one in STORED[max(0, number - 2) : number + 1]])
        differences = [a - b for a, b in zip(averages(prices, 10), averages(prices, 30), strict=True)]
        above = pd.Series(differences, index=prices.index).loc[day]
        found.append(crossed(above, above.shift(fill_value=end)))
        end = above.iloc[-1]
    return pd.concat(found)


def averages(prices: pd.Series, period: int) -> list[float]:
    """Return averages of the last `period` prices, from one sum that goes along; NaN before the first."""
    values, total, found = prices.tolist(), 0.0, list[float]()
    for at, price in enumerate(values):
        total += price
        found.append(total / period if at >= period - 1 else np.nan)
        if at >= period - 1:
            total -= values[at - period + 1]
    return found


def plain_fills(root: Path, crosses: Callable[[Path, str], pd.Series]) -> list[PlainFill]:
    """Return what the crossover fills: decided at a close, filled at the open of the symbol's next bar."""
    fills = []
    for symbol in SYMBOLS:
        bars = pd.concat([raw_bars.regular(root, symbol, day) for day in DAYS])
        decided, shares = crosses(root, symbol)[bars.index].tolist(), 0
        rows = list(zip(bars.index, bars["open"].tolist(), bars["close"].tolist(), decided, strict=True))
        for (_, _, close, cross), (time, price, _, _) in pairwise(rows):
            if cross > 0 and not shares:
                shares = int(CASH // close)
                fills.append(PlainFill(time, symbol, Side.BUY, shares, price))
            elif cross < 0 and shares:
                fills.append(PlainFill(time, symbol, Side.SELL, shares, price))
                shares = 0
    return sorted(fills, key=lambda fill: (fill.time, SYMBOLS.index(fill.symbol)))


def walked_fills(tapes: list[Tape], enter: str, leave: str, width: int) -> tuple[list[PlainFill], int]:
    """Return the fills of a walk in blocks of `width` slots, and the cash at its end in units."""
    definition = RuleDefinition("cross", enter, leave, CashSize(CASH))
    walk = StrategyWalk([definition], AccountTerms(participation_pct=None), Vocabulary.of(tapes[0]))
    fills = []
    for tape in tapes:
        walk.begin_session(tape)
        opened = pd.to_datetime(tape.slots.opened_at, unit="s", utc=True).tz_convert("America/New_York")
        for start in range(0, len(tape), width):
            for fill in walk.advance(tape, start, min(start + width, len(tape))):
                fills.append(PlainFill(opened[fill.slot], fill.symbol, fill.side, fill.lots, fill.price))
        walk.end_session()
    return fills, walk.broker.account.cash


@pytest.mark.parametrize(("crosses", "all_days", "first_bars"), [(by_pandas, 332, 5), (exactly, 330, 5)])
def test_the_week_has_so_many_crossovers_and_so_many_at_the_first_bar_of_a_day(
    lean_root: Path, crosses: Callable[[Path, str], pd.Series], all_days: int, first_bars: int
) -> None:
    found = [crosses(lean_root, symbol).loc[DAYS[0] :] for symbol in SYMBOLS]
    times = [time for crosses_of in found for time in crosses_of.index[crosses_of != 0]]
    assert len(times) == all_days
    assert sum(time.time().isoformat() == "09:30:00" for time in times) == first_bars


RULES = {
    "exact": (
        "sma_fast crosses above sma_slow + 0.000001",
        "sma_fast crosses below sma_slow - 0.000001",
        exactly,
    ),
    "plain": ("sma_fast crosses above sma_slow", "sma_fast crosses below sma_slow", added_up),
}


@pytest.mark.parametrize(("rules", "width"), [("exact", 390), ("exact", 7), ("plain", 390), ("plain", 1)])
def test_fills_and_cash_equal_those_of_plain_pandas_over_the_raw_files(
    lean_root: Path, tapes: list[Tape], rules: str, width: int
) -> None:
    enter, leave, crosses = RULES[rules]
    fills, cash = walked_fills(tapes, enter, leave, width)
    expected = plain_fills(lean_root, crosses)
    assert fills == expected
    assert len(fills) > 300
    spent = sum(
        (1 if fill.side is Side.BUY else -1) * fill.shares * round(fill.price * 1_000_000)
        for fill in expected
    )
    assert cash == 100_000 * 1_000_000 - spent

"""The crossover of two averages in October 2013 as walked, fill by fill against the raw files and pandas.

Averages of prices in cents are equal at some bars, where sums of floats in another order differ by a last
bit: pandas' own averages cross 332 times, exact ones 330 times. So there are two comparisons: of a rule that
does not count such a bit as a cross, with exact averages; and of the plain rule, with averages that are added
up in plain Python in the order in which a tape's are.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tapedeck.engine.broker.orders import Side
from tapedeck.engine.broker.terms import AccountTerms
from tapedeck.engine.conditions import Vocabulary
from tapedeck.engine.strategies.definition import RuleDefinition
from tapedeck.engine.strategies.sizes import CashSize
from tapedeck.engine.strategies.strategy_walk import StrategyWalk
from tapedeck.engine.tape.tape import Tape
from tests.golden.crossover import CASH, PlainFill, added_up, as_plain, by_pandas, exactly, plain_fills
from tests.golden.raw_bars import DAYS, SYMBOLS


def walked_fills(tapes: list[Tape], enter: str, leave: str, width: int) -> tuple[list[PlainFill], int]:
    """Return the fills of a walk in blocks of `width` slots, and the cash at its end in units."""
    definition = RuleDefinition("cross", enter, leave, CashSize(CASH))
    walk = StrategyWalk([definition], AccountTerms(participation_pct=None), Vocabulary.of(tapes[0]))
    fills = []
    for tape in tapes:
        walk.begin_session(tape)
        for start in range(0, len(tape), width):
            fills += as_plain(tape, walk.advance(tape, start, min(start + width, len(tape))))
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


@pytest.mark.parametrize(("rules", "width"), [("exact", 390), ("plain", 1)])
def test_fills_and_cash_equal_those_of_plain_pandas_over_the_raw_files(
    lean_root: Path, crossover_tapes: list[Tape], rules: str, width: int
) -> None:
    enter, leave, crosses = RULES[rules]
    fills, cash = walked_fills(crossover_tapes, enter, leave, width)
    expected = plain_fills(lean_root, crosses)
    assert fills == expected
    assert len(fills) > 300
    spent = sum(
        (1 if fill.side is Side.BUY else -1) * fill.shares * round(fill.price * 1_000_000)
        for fill in expected
    )
    assert cash == 100_000 * 1_000_000 - spent

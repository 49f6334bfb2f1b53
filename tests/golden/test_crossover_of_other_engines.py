"""The crossover in October 2013 gives the fills and the money of backtrader and of backtesting.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tapedeck.engine.broker.terms import AccountTerms
from tapedeck.engine.conditions import Vocabulary
from tapedeck.engine.strategies.definition import RuleDefinition
from tapedeck.engine.strategies.sizes import CashSize
from tapedeck.engine.strategies.strategy_walk import StrategyWalk
from tapedeck.engine.tape.tape import Tape
from tests.golden.crossover import CASH, PlainFill, as_plain, times_of
from tests.golden.raw_bars import SYMBOLS

HALF_A_CENT = 0.005


@pytest.fixture(scope="module")
def walked(crossover_tapes: list[Tape]) -> tuple[list[PlainFill], pd.Series]:
    """The fills of the walk, and the equity at the close of each slot in dollars, by the slot's open."""
    rules = ("sma_fast crosses above sma_slow + 0.000001", "sma_fast crosses below sma_slow - 0.000001")
    walk = StrategyWalk(
        [RuleDefinition("cross", *rules, CashSize(CASH))],
        AccountTerms(participation_pct=None),
        Vocabulary.of(crossover_tapes[0]),
    )
    fills, equity = list[PlainFill](), []
    for tape in crossover_tapes:
        walk.begin_session(tape)
        fills += as_plain(tape, walk.advance(tape, 0, len(tape)))
        equity.append(pd.Series(walk.equity / 10**walk.broker.scale.digits, index=times_of(tape)))
        walk.end_session()
    return fills, pd.concat(equity)


def test_backtrader_fills_the_same_and_has_the_same_equity_at_every_bar(
    lean_root: Path, walked: tuple[list[PlainFill], pd.Series]
) -> None:
    from tests.golden.other_engines import by_backtrader

    fills, equity = by_backtrader(lean_root)
    assert fills == walked[0]
    compare(equity, walked[1])


def test_backtesting_fills_the_same_and_has_the_same_profit_at_every_bar(
    lean_root: Path, walked: tuple[list[PlainFill], pd.Series]
) -> None:
    from tests.golden.other_engines import INITIAL_CASH, by_backtesting

    played = {symbol: by_backtesting(lean_root, symbol) for symbol in SYMBOLS}
    for symbol, (fills, _) in played.items():
        assert fills == [fill for fill in walked[0] if fill.symbol == symbol], symbol
    profits = pd.DataFrame({symbol: profit for symbol, (_, profit) in played.items()}).ffill()
    compare(profits.sum(axis=1) + INITIAL_CASH, walked[1])


def compare(equity: pd.Series, ours: pd.Series) -> None:
    """Compare the equity at each slot of the days played."""
    theirs = equity.reindex(ours.index, method="ffill")
    assert len(theirs) == 5 * 390
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=HALF_A_CENT)

"""The crossover of October 2013 as a class, by bars and by slices, gives the fills of plain pandas."""

from __future__ import annotations

from pathlib import Path

import pytest

from tapedeck.engine.broker.terms import AccountTerms
from tapedeck.engine.conditions import Vocabulary
from tapedeck.engine.strategies.definition import ClassDefinition
from tapedeck.engine.strategies.strategy_walk import StrategyWalk
from tapedeck.engine.tape.tape import Tape
from tests.golden.crossover import CASH, as_plain, exactly, plain_fills

CLASSES = f"""
import numpy as np
from tapedeck import Strategy

LEAST = 0.000001


class ByBars(Strategy):
    before = {{}}

    def on_bar(self, bar):
        symbol = bar.symbol
        above = self.value(symbol, "sma_fast") - self.value(symbol, "sma_slow")
        before, self.before[symbol] = self.before.get(symbol, np.nan), above
        if above > LEAST and before <= LEAST and not self.position(symbol):
            self.buy(symbol, cash={CASH})
        elif above < -LEAST and before >= -LEAST:
            self.flatten(symbol)


class BySlices(Strategy):
    before = None

    def on_slice(self, bars):
        above = bars.value("sma_fast") - bars.value("sma_slow")
        if self.before is not None:
            for row in np.flatnonzero((above > LEAST) & (self.before <= LEAST)):
                if not self.position(bars.symbols[row]):
                    self.buy(bars.symbols[row], cash={CASH})
            for row in np.flatnonzero((above < -LEAST) & (self.before >= -LEAST)):
                self.flatten(bars.symbols[row])
        self.before = above if self.before is None else np.where(np.isnan(above), self.before, above)
"""


@pytest.mark.parametrize("name", ["ByBars", "BySlices"])
def test_fills_equal_those_of_plain_pandas_over_the_raw_files(
    tmp_path: Path, lean_root: Path, crossover_tapes: list[Tape], name: str
) -> None:
    (tmp_path / "crossover.py").write_text(CLASSES, encoding="utf-8")
    terms, words = AccountTerms(participation_pct=None), Vocabulary.of(crossover_tapes[0])
    definition = ClassDefinition("cross", f"crossover.py:{name}")
    walk = StrategyWalk([definition], terms, words, folder=tmp_path)
    fills = []
    for tape in crossover_tapes:
        walk.begin_session(tape)
        fills += as_plain(tape, walk.advance(tape, 0, len(tape)))
        walk.end_session()
    assert fills == plain_fills(lean_root, exactly)

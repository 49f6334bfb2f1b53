"""Laws of strategy classes: as rules of the same logic, the same by any cut, and nothing later is read."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.broker.account_record import AccountRecord
from tapedeck.engine.broker.terms import AccountTerms
from tapedeck.engine.conditions import Vocabulary
from tapedeck.engine.intervals import Interval
from tapedeck.engine.strategies.definition import ClassDefinition, RuleDefinition
from tapedeck.engine.strategies.sizes import CashSize
from tapedeck.engine.strategies.strategy_walk import StrategyWalk
from tapedeck.engine.tape.tape import Tape
from tests.support.tapes import compute, random_values, slots_of, tape_over

READS_ALL: Final = f"{Path(__file__).parents[1] / 'support' / 'reading_strategy.py'}:ReadsAll"
SYMBOLS: Final = ("AAA", "BBB", "CCC")
DAYS: Final = ("2013-11-27", "2013-11-29", "2013-12-02")
"""The second one closes early."""
CLASSES: Final = """
import numpy as np
from tapedeck import Strategy


class OnBar(Strategy):
    def on_bar(self, bar):
        enter, leave = bar.close > bar.open + 0.02, bar.close < bar.open - 0.02
        if self.position(bar.symbol) or self.orders(bar.symbol):
            if leave:
                self.flatten(bar.symbol)
        elif enter:
            self.buy(bar.symbol, cash=10_000)


class OnSlice(Strategy):
    def on_slice(self, bars):
        enter, leave = bars.close > bars.open + 0.02, bars.close < bars.open - 0.02
        for row in np.flatnonzero(enter | leave):
            symbol = bars.symbols[row]
            if self.position(symbol) or self.orders(symbol):
                if leave[row]:
                    self.flatten(symbol)
            elif enter[row]:
                self.buy(symbol, cash=10_000)
"""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder with the file of the classes."""
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "classes.py").write_text(CLASSES, encoding="utf-8")
        yield Path(name)


def market(seed: int, missing: float) -> list[Tape]:
    """Return the tapes of sessions of 13, 7 and 13 slots, all computed."""
    tapes: list[Tape] = []
    for number, day in enumerate(DAYS):
        slots = slots_of(day, "30m")
        values = random_values(len(SYMBOLS), len(slots), seed=seed + number, missing=missing)
        tapes.append(computed(slots_tape=tape_over(slots, values, derived=("1h",), symbols=SYMBOLS)))
    return tapes


def computed(slots_tape: Tape) -> Tape:
    compute(slots_tape)
    return slots_tape


MARKETS: Final = st.builds(market, st.integers(0, 10**6), st.sampled_from([0.0, 0.3, 0.7]))
CUTS: Final = st.lists(st.integers(0, 13), max_size=13)


def walked(
    definition: RuleDefinition | ClassDefinition,
    tapes: Sequence[Tape],
    terms: AccountTerms,
    cuts: Sequence[int],
    folder: Path,
) -> list[AccountRecord]:
    """Return the account of each session, walked in blocks that end at the cuts."""
    walk = StrategyWalk([definition], terms, Vocabulary.of(tapes[0]), folder=folder)
    records = []
    for tape in tapes:
        walk.begin_session(tape)
        edges = sorted({0, len(tape), *(min(cut, len(tape)) for cut in cuts)})
        for start, stop in pairwise(edges):
            walk.advance(tape, start, stop)
            assert walk.record().walked == stop
        walk.end_session()
        records.append(walk.record())
    return records


def told(records: Sequence[AccountRecord]) -> list[Any]:
    """Return what does not depend on the reasons of orders; of refused ones the close may be NaN."""
    return [
        (
            [repr(one._replace(reason="", state_reason="")) for one in record.orders],
            [one._replace(reason="") for one in record.fills],
            record.trades,
            record.notes,
            record.equity.tolist(),
        )
        for record in records
    ]


@settings(max_examples=12)
@given(MARKETS, st.sampled_from([None, 2.5, 0.4]), CUTS, CUTS)
def test_the_same_logic_by_a_rule_by_bars_and_by_slices_gives_the_same_fills(
    folder: Path, tapes: list[Tape], participation: float | None, cuts: list[int], others: list[int]
) -> None:
    terms = AccountTerms(participation_pct=participation)
    rule = RuleDefinition("one", "close > open + 0.02", "close < open - 0.02", CashSize(10_000))
    by_rule = told(walked(rule, tapes, terms, cuts, folder))
    for name in ("OnBar", "OnSlice"):
        definition = ClassDefinition("one", f"classes.py:{name}")
        assert told(walked(definition, tapes, terms, others, folder)) == by_rule


INTERVALS: Final = st.sampled_from([None, Interval.parse("1h")])


@settings(max_examples=10)
@given(MARKETS, INTERVALS, CUTS)
def test_any_cut_gives_the_same(
    folder: Path, tapes: list[Tape], interval: Interval | None, cuts: list[int]
) -> None:
    definition = ClassDefinition("one", READS_ALL, interval=interval)
    whole = told(walked(definition, tapes, AccountTerms(), [], folder))
    assert told(walked(definition, tapes, AccountTerms(), cuts, folder)) == whole
    assert any(orders and fills and notes for orders, fills, _, notes, _ in whole)


@settings(max_examples=10)
@given(MARKETS, INTERVALS, st.integers(0, 12), st.integers(0, 10**6))
def test_what_comes_after_a_slot_changes_nothing_before_it(
    folder: Path, tapes: list[Tape], interval: Interval | None, slot: int, seed: int
) -> None:
    last = tapes[-1]
    values = random_values(len(SYMBOLS), len(last), seed=seed, missing=0.3) * 3
    values[:, :, :slot] = last.base.values[:, :, :slot]
    poisoned = computed(tape_over(last.slots, values, derived=("1h",), symbols=SYMBOLS))
    definition = ClassDefinition("one", READS_ALL, interval=interval)

    def known(last_tape: Tape) -> Any:
        records = walked(definition, [*tapes[:-1], last_tape], AccountTerms(), [], folder)
        at = records[-1].at(slot)
        orders = [repr(one[:11]) for one in at.orders]
        return told(records[:-1]), orders, at.fills, at.notes, at.equity_so_far.tolist()

    assert known(poisoned) == known(last)

"""Law of changing rows: a symbol's values do not depend on when its row joined, nor on rows that leave."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.indicators.block_computer import BlockComputer
from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.bar_grid import BarGrid
from tapedeck.engine.tape.tape import Tape
from tests.support.changing_rows import ChangingSession
from tests.support.editions import Market, differences, random_bar
from tests.support.quotes import random_quote, random_quotes
from tests.support.tapes import random_values

ROWS = 5
MARKETS = {
    "early close": ("2013-11-29", "5m", "15m", "XNYS"),
    "lunch break": ("2013-12-03", "5m", "20m", "XTKS"),
    "minutes": ("2013-11-29", "1m", "7m", "XNYS"),
}


@cache
def market(name: str, min_completeness: float, missing: float) -> Market:
    day, base, derived, exchange = MARKETS[name]
    return Market.of(
        day,
        base,
        derived,
        exchange=exchange,
        min_completeness=min_completeness,
        missing=missing,
        symbols=tuple(f"S{row}" for row in range(ROWS)),
    )


plays = st.tuples(st.integers(1, 50), st.sampled_from([0, 0, 2]))
changes = st.frozensets(st.integers(0, ROWS - 1), min_size=1, max_size=3)
late_quotes = st.lists(
    st.tuples(st.integers(0, ROWS - 1), st.floats(0, 1), st.integers(0, 2**20)), max_size=4
)
late_bars = st.lists(
    st.tuples(st.integers(0, ROWS - 1), st.floats(0, 1), st.none() | st.integers(0, 2**20)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=15, deadline=None)
@given(
    name=st.sampled_from(sorted(MARKETS)),
    seed=st.integers(0, 50),
    missing=st.sampled_from([0.0, 0.05, 0.3, 0.9]),
    history_missing=st.sampled_from([0.0, 0.1]),
    min_completeness=st.sampled_from([0.0, 0.6]),
    depths=st.lists(st.integers(0, 3), min_size=ROWS, max_size=ROWS),
    opening=st.frozensets(st.integers(0, ROWS - 1), min_size=1),
    quotes_missing=st.sampled_from([None, 0.2, 1.0]),
    steps=st.lists(
        st.one_of(plays, changes, st.builds(list, st.tuples(late_bars, late_quotes))), min_size=3, max_size=16
    ),
)
def test_rows_that_come_and_go_have_the_bits_of_rows_that_were_there_from_the_open(
    name: str,
    seed: int,
    missing: float,
    history_missing: float,
    min_completeness: float,
    depths: list[int],
    opening: frozenset[int],
    quotes_missing: float | None,
    steps: list[Any],
) -> None:
    over = market(name, min_completeness, history_missing)
    slots = len(over.slots)
    came = None
    if quotes_missing is not None:
        came = random_quotes(ROWS, slots, seed=seed, missing=quotes_missing)
    values = random_values(ROWS, slots, seed=seed, missing=missing)
    session = ChangingSession(over, values, depths, sorted(opening), came)
    for step in steps:
        if isinstance(step, tuple):
            session.play(step[0], hidden=step[1])
        elif isinstance(step, frozenset):
            session.change(
                [row for row in session.rows if row in step], sorted(step.difference(session.rows))
            )
        else:
            bars, quotes = step
            session.correct(
                [
                    (row, min(slots - 1, int(part * slots)), None if bar is None else random_bar(bar))
                    for row, part, bar in bars
                ],
                [
                    (row, min(slots - 1, int(part * slots)), random_quote(quote))
                    for row, part, quote in quotes
                ],
            )
    session.play(slots)
    assert differences(session.tape, session.expected()) == []
    assert differences(next_session(session, session.tape), next_session(session, session.expected())) == []


def next_session(session: ChangingSession, played: Tape) -> Tape:
    """Return the next session of the rows of a tape, with this tape as its latest history."""
    rows = np.array(session.rows, dtype=np.int64)
    over = session.market
    whole = over.tape(random_values(ROWS, len(played), seed=91, missing=0.1))
    tape = whole.of_rows(rows)

    def history(interval: Interval) -> list[BarGrid]:
        grids = [grid.of_rows(rows) for grid in over.history.get(interval, ())]
        return [*grids, played.grid(interval)] if interval in played.intervals[:2] else grids

    BlockComputer(tape, over.specs, history).compute(0, len(tape))
    return tape


def test_an_edition_stays_as_it_was_when_its_rows_change_at_the_close() -> None:
    over = market("early close", 0.0, 0.1)
    slots = len(over.slots)
    session = ChangingSession(
        over, random_values(ROWS, slots, seed=4, missing=0.2), [3] * ROWS, list(range(ROWS))
    )
    session.play(slots)
    first, rows = session.tape, list(session.rows)
    before = next_session(session, first)
    session.change([1], [])
    session.correct([(2, 3, random_bar(11)), (0, 40, random_bar(12))])
    session.change([0, 3], [1])
    session.rows = rows
    assert differences(next_session(session, first), before) == []


def test_all_rows_may_leave_and_come_back() -> None:
    over = market("minutes", 0.0, 0.1)
    session = ChangingSession(
        over, random_values(ROWS, len(over.slots), seed=4, missing=0.2), [3] * ROWS, [0, 2]
    )
    session.play(40)
    session.change([0, 2], [])
    session.play(40)
    assert not session.tape.symbols
    session.change([], [2, 1])
    session.play(len(over.slots))
    assert differences(session.tape, session.expected()) == []
    assert session.tape.symbols == ("S2", "S1")


def test_rows_of_different_histories_are_corrected_together() -> None:
    over = market("early close", 0.0, 0.0)
    slots = len(over.slots)
    values = random_values(ROWS, slots, seed=4)
    values[:, :, :10] = np.nan
    session = ChangingSession(over, values, [3, 1, 2, 0, 3], [0, 4])
    session.play(20)
    session.correct([(3, slot, None) for slot in range(4)])
    session.change([4], [1, 3])
    session.play(3)
    session.change([], [2])
    session.correct([(row, slot, random_bar(row + slot)) for row in range(3) for slot in range(4, 9)])
    session.play(slots)
    session.correct([(row, 30, random_bar(row)) for row in range(3)])
    assert differences(session.tape, session.expected()) == []

"""Conditions over symbols that join and leave a session."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.conditions import Condition, Vocabulary
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.intervals import Interval
from tapedeck.engine.read.snapshot import BreakpointHit
from tapedeck.engine.run.breakpoints import Breakpoints
from tapedeck.engine.run.past_breakpoints import hits_of
from tapedeck.engine.tape.symbol_changes import ChangeKind, SymbolChange
from tapedeck.engine.tape.tape import Tape
from tests.support.changing_symbols import ChangingSession, chosen
from tests.support.tapes import compute, random_values, slots_of, tape_over

SYMBOLS: Final = ("S0", "S1", "S2", "S3")
WHOLE: Final = compute(
    tape_over(
        slots_of("2013-11-29", "5m"),
        random_values(4, 42, seed=8, missing=0.3),
        derived=["10m"],
        symbols=SYMBOLS,
    ),
    [IndicatorSpec("sma", "SMA", Interval.parse("5m"), {"timeperiod": 3})],
)
WORDS: Final = Vocabulary.of(WHOLE)
CONDITIONS: Final = (
    "S1.close > S1.sma",
    "S2.10m.close < S2.close or S3.gaps > 4",
    "not S1.volume > 500",
    "any.close crosses above any.sma",
    "all.close >= all.sma",
    "any.close > S2.close and not all.volume > S3.volume",
    "S0.close crosses below S2.close or S3.close[1] > S3.close",
    "S2.quality != 100",
)
Step = int | str
STEPS: Final = st.lists(st.integers(1, 9) | st.sampled_from(SYMBOLS), max_size=14)


@cache
def truth(text: str, symbols: tuple[str, ...]) -> list[bool]:
    """Return where a condition holds on a tape that had these symbols from the open, and no others."""
    tape = chosen(WHOLE, symbols)
    holds: list[bool] = Condition.parse(text, WORDS).holds(tape, 0, len(tape)).tolist()
    return holds


def played(steps: list[Step]) -> list[tuple[int, ChangingSession]]:
    """Return frontiers to play to, each with the session as it is on the way there."""
    session, parts, frontier = ChangingSession(WHOLE, SYMBOLS[:2]), [], 0
    for step in [*steps, len(WHOLE)]:
        if isinstance(step, int):
            frontier = min(len(WHOLE), frontier + step)
            parts.append((frontier, session))
        elif step not in session.tape.rows or len(session.tape.symbols) > 1:
            before, session = session.tape, ChangingSession(WHOLE, SYMBOLS[:2])
            session.tape = before
            kind = ChangeKind.LEFT if step in before.rows else ChangeKind.JOINED
            session.tape = session.made([SymbolChange(kind, step, frontier)])
    return parts


@settings(max_examples=10, deadline=None)
@given(steps=STEPS)
def test_breakpoints_fire_where_a_reader_slot_by_slot_finds_the_symbols_that_are_there(
    steps: list[Step],
) -> None:
    found: set[tuple[int, int]] = set()
    breakpoints = Breakpoints(lambda hit: found.add((hit.number, hit.frontier)))
    for number, text in enumerate(CONDITIONS):
        breakpoints.add(number + 1, Condition.parse(text, WORDS))
    expected, before = set(), 0
    for stop, session in played(steps):
        tape, at = session.tape, before + 1
        while at <= stop and (hit := breakpoints.search(tape, at, stop)) is not None:
            breakpoints.fire(tape, hit)
            at = hit + 1
        for frontier in range(before + 1, stop + 1):
            for number, text in enumerate(CONDITIONS):
                holds = truth(text, tape.symbols)
                if holds[frontier] and not holds[frontier - 1]:
                    expected.add((number + 1, frontier))
        before = stop
    assert found == expected


def whole_of(tape: Tape) -> Tape:
    """Return a tape with all symbols that were in the session, in the order of joining."""
    made = replace(
        chosen(WHOLE, [stay.symbol for stay in tape.stays]), opening=tape.opening, changes=tape.changes
    )
    made.frontier = len(WHOLE)
    return made


@settings(max_examples=20, deadline=None)
@given(steps=STEPS)
def test_in_the_past_a_joined_symbol_counts_from_the_open_and_one_that_left_up_to_then(
    steps: list[Step],
) -> None:
    tape = played(steps)[-1][1].tape
    stays = tape.stays
    for text in CONDITIONS:
        there = [
            tuple(stay.symbol for stay in stays if stay.left is None or frontier <= stay.left)
            for frontier in range(len(WHOLE) + 1)
        ]
        expected = [truth(text, symbols)[at] for at, symbols in enumerate(there)]
        condition = Condition.parse(text, WORDS)
        assert condition.holds(whole_of(tape), 0, len(WHOLE)).tolist() == expected, text
        rises = [at for at, now in enumerate(expected) if now and not (at and expected[at - 1])]
        hits: tuple[BreakpointHit, ...] = hits_of([(1, condition)], whole_of(tape), len(WHOLE))
        assert [hit.frontier for hit in hits] == rises


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("S3.close > 0", False),
        ("S3.close != 0", False),
        ("S3.prev_close <= 0 or S3.quality <= 100", False),
        ("S3.close crosses above S0.close", False),
        ("S0.close > 0 and S3.close[2] > 0", False),
        ("not S3.close > 0", True),
        ("all.close > 0", True),
        ("any.close < 0", False),
    ],
)
def test_a_comparison_with_a_symbol_that_is_not_there_is_false(text: str, expected: bool) -> None:
    tape = chosen(WHOLE, SYMBOLS[:2])
    assert set(Condition.parse(text, WORDS).holds(tape, 20, 42).tolist()) == {expected}


def test_a_condition_needs_nothing_of_earlier_sessions_for_a_symbol_that_is_not_there() -> None:
    condition = Condition.parse("S3.close[2] > S0.close[1] and S2.close crosses above S2.sma", WORDS)
    assert {need.series.first for need in condition.earlier_needs(("S1", "S0"))} == {1}
    assert len(condition.earlier_needs(SYMBOLS)) == 4


def test_a_symbol_that_was_there_at_its_last_frontier_is_read_there() -> None:
    tape = replace(
        chosen(WHOLE, SYMBOLS), opening=SYMBOLS, changes=(SymbolChange(ChangeKind.LEFT, "S3", 30),)
    )
    holds = Condition.parse("S3.close > 0", WORDS).holds(tape, 25, 40)
    assert np.flatnonzero(holds).tolist() == [0, 1, 2, 3, 4, 5]

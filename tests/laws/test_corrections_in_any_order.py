"""Law of editions: whatever is corrected, and when, a session ends as the corrected input played once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.errors import EngineError
from tapedeck.engine.indicators.block_computer import BlockComputer
from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.session_view import SessionView
from tapedeck.engine.tape.stamp import session_digest
from tapedeck.engine.tape.tape import Tape
from tests.engine.export.export_kit import SPECS, make_config, make_record, make_tape, write_export
from tests.support.editions import SYMBOLS, Market, MendedSession, differences, random_bar
from tests.support.quotes import random_quote, random_quotes
from tests.support.tapes import random_values, same_bits

MARKETS = {
    "early close": ("2013-11-29", "5m", "15m", "XNYS"),
    "lunch break": ("2013-12-03", "5m", "20m", "XTKS"),
    "minutes": ("2013-11-29", "1m", "7m", "XNYS"),
}


@cache
def market(name: str, min_completeness: float, history_missing: float) -> Market:
    day, base, derived, exchange = MARKETS[name]
    return Market.of(
        day, base, derived, exchange=exchange, min_completeness=min_completeness, missing=history_missing
    )


@dataclass(frozen=True)
class Arrivals:
    """Bars and quotes that come together: rows, parts of the session, and seeds."""

    bars: list[tuple[int, float, int | None]]
    quotes: list[tuple[int, float, int]]


late_bars = st.lists(
    # Mostly of one symbol, so that arrays of earlier editions are used again.
    st.tuples(st.sampled_from([0, 0, 0, 0, 0, 1, 2]), st.floats(0, 1), st.none() | st.integers(0, 2**20)),
    min_size=1,
    max_size=6,
)
late_quotes = st.lists(
    st.tuples(st.sampled_from([0, 0, 0, 1, 2]), st.floats(0, 1), st.integers(0, 2**20)), max_size=4
)
steps = st.lists(
    st.one_of(
        st.tuples(st.integers(1, 40), st.sampled_from([0, 0, 0, 1, 3])),
        st.builds(Arrivals, late_bars, st.just([])),
        st.builds(Arrivals, late_bars | st.just([]), late_quotes),
    ),
    min_size=3,
    max_size=24,
)


def history_of_next(played: Tape, over: Market) -> Tape:
    """Return the next session, played with a session as its latest history."""
    tape = over.tape(random_values(SYMBOLS, len(played), seed=91, missing=0.1))

    def history(interval: Interval) -> list:
        grids = list(over.history.get(interval, ()))
        return [*grids, played.grid(interval)] if interval in played.intervals[:2] else grids

    BlockComputer(tape, over.specs, history).compute(0, len(tape))
    return tape


@settings(max_examples=25, deadline=None)
@given(
    name=st.sampled_from(sorted(MARKETS)),
    seed=st.integers(0, 50),
    missing=st.sampled_from([0.0, 0.05, 0.3, 0.9]),
    history_missing=st.sampled_from([0.0, 0.1]),
    min_completeness=st.sampled_from([0.0, 0.6]),
    quotes_missing=st.sampled_from([None, 0.2, 0.95, 1.0]),
    steps=steps,
)
def test_a_corrected_session_has_the_bits_of_the_corrected_input(
    name: str,
    seed: int,
    missing: float,
    history_missing: float,
    min_completeness: float,
    quotes_missing: float | None,
    steps: list[Any],
) -> None:
    over = market(name, min_completeness, history_missing)
    slots = len(over.slots)
    came = None
    if quotes_missing is not None:
        came = random_quotes(SYMBOLS, slots, seed=seed, missing=quotes_missing)
    session = MendedSession(over, random_values(SYMBOLS, slots, seed=seed, missing=missing), came)
    handle = session.data.played()
    editions = 0
    for step in steps:
        before = session.tape
        if isinstance(step, tuple):
            session.play(step[0], hidden=step[1])
            continue
        late = [
            (row, min(slots - 1, int(part * slots)), None if bar is None else random_bar(bar))
            for row, part, bar in step.bars
        ]
        quotes = [
            (row, min(slots - 1, int(part * slots)), random_quote(quote))
            for row, part, quote in ([] if came is None else step.quotes)
        ]
        first = before.writable_from
        made = before.quotes is not None and before.quotes.made.copy()
        session.correct(late, quotes)
        is_late = [slot < first or (first and made[row]) for row, slot, _ in quotes]
        editions += any([*is_late, *(slot < first for _, slot, _ in late)])
        assert session.tape.edition == editions
        assert session.data.played() == handle
    session.play(slots)
    expected = over.played(session.input, empty=session.empty, quotes=session.quotes)
    assert differences(session.tape, expected) == []
    assert session_digest(session.tape, slots) == session_digest(expected, slots)
    marks = SessionView(session.tape).corrected_grid()
    assert same_bits(np.zeros_like(session.corrected) if marks is None else marks.copy(), session.corrected)
    assert differences(history_of_next(session.tape, over), history_of_next(expected, over)) == []


def test_the_exports_of_a_corrected_session_are_those_of_the_corrected_input(tmp_path: Path) -> None:
    day = date(2013, 10, 7)
    first = make_tape(day)
    over = Market(first.slots, ("5m", "1d"), SPECS, {}, symbols=first.symbols)
    session = MendedSession(over, first.base.values)
    session.play(200)
    session.correct([(0, 17, random_bar(1)), (1, 199, random_bar(2))])
    session.play(150)
    session.correct([(1, 0, random_bar(3))])
    session.play(400)
    session.correct([(0, 389, random_bar(7))])
    config = make_config(last=day)
    for name, tape in (("mended", session.tape), ("plain", make_tape(day, session.input))):
        write_export(tmp_path / name, config, [make_record(tape)])
    for file in ("bars.csv", "indicators.csv", "quality.csv"):
        assert (tmp_path / "mended" / file).read_bytes() == (tmp_path / "plain" / file).read_bytes()


def test_an_earlier_edition_stays_as_it_was() -> None:
    over = market("early close", 0.0, 0.1)
    values = random_values(SYMBOLS, len(over.slots), seed=1, missing=0.2)
    session = MendedSession(over, values)
    session.play(20)
    view, handle = session.data.view(), session.data.played()
    assert view is not None
    assert handle is not None
    assert (view.edition, view.corrected_grid(), view.is_latest) == (0, None, True)
    session.correct([(1, 4, random_bar(11))])
    session.play(5)
    assert (view.frontier, view.edition, view.is_latest) == (20, 0, False)
    assert same_bits(view.bars_grid(over.slots.interval).copy(), values[:, :, :20])
    newest = handle.view()
    assert (newest.frontier, newest.edition) == (25, 1)
    assert newest.is_of_same_session(view)
    marks = newest.corrected_grid()
    assert marks is not None
    assert np.argwhere(marks).tolist() == [[1, 4]]
    early = handle.view(4).corrected_grid()
    assert early is not None
    assert not early.any()


@pytest.mark.parametrize("slots", [0, 20])
def test_a_tape_of_another_session_does_not_take_the_place_of_one(slots: int) -> None:
    over = market("early close", 0.0, 0.1)
    session = MendedSession(over, random_values(SYMBOLS, len(over.slots), seed=1))
    session.play(slots)
    with pytest.raises(EngineError, match="not of the session"):
        session.data.replace_tape(over.played(session.input, slots))


def test_what_the_next_session_reads_of_an_earlier_edition_stays_as_it_was() -> None:
    over = market("early close", 0.0, 0.1)
    session = MendedSession(over, random_values(SYMBOLS, len(over.slots), seed=1, missing=0.2))
    session.play(len(over.slots))
    first = session.tape
    before = history_of_next(first, over)
    session.correct([(1, 4, random_bar(11)), (0, 40, random_bar(12))])
    assert differences(history_of_next(first, over), before) == []
    assert differences(history_of_next(session.tape, over), before) != []

"""Determinism stamp: equal for equal tapes, different for any other content."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.intervals import MINUTE, Interval
from tapedeck.engine.tape.bar_grid import Floats
from tapedeck.engine.tape.historical_value import HistoricalValue, TrailingKind
from tapedeck.engine.tape.prior_close import PriorClose
from tapedeck.engine.tape.quote_grid import QuoteGrid
from tapedeck.engine.tape.session_record import SessionRecord
from tapedeck.engine.tape.stamp import run_stamp, session_digest
from tapedeck.engine.tape.tape import Tape
from tests.support.quotes import random_quotes
from tests.support.tapes import compute, random_values, slots_of, tape_over


def finished(
    cuts: tuple[int, ...] = (),
    day: str = "2013-11-29",
    symbols: tuple[str, ...] = ("A", "B"),
    quotes: Floats | None = None,
) -> Tape:
    """Return a finished tape with derived bars, indicators, scores and historical values."""
    slots = slots_of(day)
    values = random_values(2, len(slots), seed=1, missing=0.1)
    tape = tape_over(slots, values, derived=["5m", "1d"], symbols=symbols)
    tape.quotes = None if quotes is None else QuoteGrid(quotes)
    compute(tape, [IndicatorSpec("rsi", "RSI", MINUTE, {"timeperiod": 5})], cuts=cuts)
    tape.historical["high"] = HistoricalValue(
        "high", TrailingKind.MAX, False, np.array([1.0, np.nan]), np.array([3, 0]), 3
    )
    return tape


def test_equal_tapes_have_equal_stamps_for_any_cut() -> None:
    assert session_digest(finished(), 210) == session_digest(finished(cuts=(1, 7, 100)), 210)
    assert len(session_digest(finished(), 210)) == 32


def _change_bar(tape: Tape) -> None:
    tape.base.values[4, 1, 100] = 12345.0


def _change_derived(tape: Tape) -> None:
    tape.derived[Interval.parse("5m")].values[0, 0, 3] += 0.01


def _change_count(tape: Tape) -> None:
    tape.derived[Interval.parse("5m")].base_bars[0, 3] += 1


def _change_indicator(tape: Tape) -> None:
    tape.indicators["rsi"].values[0, 100] = 50.0


def _rename_indicator(tape: Tape) -> None:
    tape.indicators["rsj"] = tape.indicators.pop("rsi")


def _change_score(tape: Tape) -> None:
    assert tape.scores is not None
    tape.scores[0, 50] = 1.0


def _change_historical(tape: Tape) -> None:
    tape.historical["high"].values[0] = 2.0


def _change_prior_close(tape: Tape) -> None:
    tape.prior_close = PriorClose(np.array([1.0, np.nan]), np.zeros(2, np.int64), np.zeros(2, np.bool_))


def _change_bar_of_prior_close(tape: Tape) -> None:
    before = tape.prior_close
    tape.prior_close = PriorClose(before.values, np.array([0, 60]), before.is_daily)


@pytest.mark.parametrize(
    "change",
    [
        _change_bar,
        _change_derived,
        _change_count,
        _change_indicator,
        _rename_indicator,
        _change_score,
        _change_historical,
        _change_prior_close,
        _change_bar_of_prior_close,
    ],
)
def test_any_change_of_the_tape_changes_the_stamp(change: Callable[[Tape], None]) -> None:
    tape = finished()
    before = session_digest(tape, 210)
    change(tape)
    assert session_digest(tape, 210) != before


def test_the_stamp_depends_on_day_symbols_and_frontier() -> None:
    stamps = {
        session_digest(finished(), 210),
        session_digest(finished(), 209),
        session_digest(finished(symbols=("A", "C")), 210),
        session_digest(finished(day="2014-11-28"), 210),
    }
    assert len(stamps) == 4


def test_the_stamp_does_not_depend_on_data_past_the_frontier() -> None:
    tape = finished()
    before = session_digest(tape, 99)
    tape.base.values[:, :, 99:] = 7.0
    tape.derived[Interval.parse("5m")].values[:, :, 19:] = 7.0
    tape.indicators["rsi"].values[:, 99:] = 7.0
    assert session_digest(tape, 99) == before


def test_quotes_are_part_of_the_stamp_up_to_the_frontier() -> None:
    came = random_quotes(2, 210, seed=2, missing=0.5)  # of the second symbol none

    def stamp(frontier: int, change: Callable[[QuoteGrid], None] = lambda quotes: None) -> str:
        tape = finished(quotes=came.copy())
        assert tape.quotes is not None
        assert tape.quotes.made.tolist() == [False, True]
        change(tape.quotes)
        return session_digest(tape, frontier)

    def value(quotes: QuoteGrid) -> None:
        quotes.values[2, 0, 99] = 12345.0

    def made(quotes: QuoteGrid) -> None:
        quotes.made[0] = True

    assert stamp(99) == stamp(99, value)
    assert len({stamp(100), stamp(100, value), stamp(100, made), session_digest(finished(), 100)}) == 4


def test_the_stamp_of_a_run_depends_on_its_sessions_and_their_order() -> None:
    assert run_stamp(["a", "b"]) != run_stamp(["b", "a"])
    assert run_stamp(iter(["a", "b"])) == run_stamp(["a", "b"])
    assert run_stamp([]) != run_stamp(["a"])


def test_a_record_is_complete_when_it_was_played_to_the_close() -> None:
    tape = finished()
    assert SessionRecord(tape, 210, "completed", None).complete
    assert not SessionRecord(tape, 209, "stopped", None).complete

"""Symbols that join and leave a tape: its rows are those of a tape that had all symbols from the open."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from threading import Thread
from typing import Final
from weakref import ref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.errors import EngineError
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.intervals import DAY, WEEK, Interval
from tapedeck.engine.quality.gaps_and_scores import HistoricalQuality
from tapedeck.engine.tape import left_symbols
from tapedeck.engine.tape.bar_grid import BarGrid, Floats, Ints
from tapedeck.engine.tape.earlier_values import Series, gathered_earlier
from tapedeck.engine.tape.historical_value import HistoricalValue, TrailingKind
from tapedeck.engine.tape.kept_history import KeptBars, KeptPart, gathered_kept
from tapedeck.engine.tape.left_symbols import spooled
from tapedeck.engine.tape.prior_close import PriorClose
from tapedeck.engine.tape.session_data import SessionData
from tapedeck.engine.tape.session_record import SessionRecord, SessionSummary
from tapedeck.engine.tape.stamp import session_digest
from tapedeck.engine.tape.symbol_changes import ChangeKind, SymbolChange
from tapedeck.engine.tape.tape import IndicatorColumn, Tape
from tests.support.editions import differences
from tests.support.tapes import compute, random_values, same_bits, slots_of, tape_over

SYMBOLS: Final = ("AIG", "BAC", "IBM", "MSFT", "SPY", "XOM")
FIVE: Final = Interval.parse("5m")
HALF_HOUR: Final = Interval.parse("30m")
DAYS: Final = np.arange(10, dtype=np.int64) * 86400
DEPTHS: Final = {symbol: 4 + 2 * (row % 3) for row, symbol in enumerate(SYMBOLS)}
"""Days of history that are kept of each symbol."""


class NamedValues:
    """Earlier values that name the symbol, so that a wrong row shows."""

    def __init__(self, symbols: Sequence[str]) -> None:
        self.symbols = symbols
        self.reads: list[tuple[int, int]] = []

    def at_bars(self, series: Series, count: int) -> Floats:
        return np.repeat(self.at_end(series, 0)[:, None], count, axis=1)

    def at_end(self, series: Series, back: int) -> Floats:
        self.reads.append((series.first, series.stop))
        return np.array([SYMBOLS.index(name) for name in self.symbols[series.rows]]) + 100.0 * back


@cache
def full() -> Tape:
    """Return a session of all symbols with gaps, played from the open to the close."""
    slots = slots_of("2013-12-03", "5m", "XTKS")
    values = random_values(len(SYMBOLS), len(slots), seed=5, missing=0.15)
    values[:, 3] = random_values(1, len(slots), seed=6)[:, 0]  # one without a gap
    tape = tape_over(slots, values, derived=["30m", "1d"], symbols=SYMBOLS)
    tape.base.confirm_empty(*np.nonzero(~tape.base.present & (np.arange(len(slots)) % 3 == 0)))
    specs = [
        IndicatorSpec("sma", "SMA", FIVE, {"timeperiod": 3}),
        IndicatorSpec("vwap", "VWAP", HALF_HOUR),
        IndicatorSpec("week", "SMA", WEEK, {"timeperiod": 1}),
    ]
    return compute(tape, specs, {WEEK: [BarGrid.loaded(random_values(len(SYMBOLS), 3, seed=8))]})


def part(symbols: Sequence[str], frontier: int) -> Tape:
    """Return a tape of some symbols alone, computed up to a frontier, with all that is known before."""
    whole = full()
    rows = [SYMBOLS.index(symbol) for symbol in symbols]
    tape = tape_over(whole.slots, whole.base.values[:, rows], derived=["30m", "1d"], symbols=symbols)
    tape.base.confirmed_empty = whole.base.confirmed_empty[rows]
    for name, column in whole.indicators.items():
        blank = np.full((len(rows), column.values.shape[1]), np.nan)
        tape.set_indicator(IndicatorColumn(name, column.interval, blank))
    tape.indicators["week"].values[:] = whole.indicators["week"].values[rows]
    tape.historical["high"] = HistoricalValue(
        "high", TrailingKind.MAX, False, np.array(rows) * 1.5, np.array(rows), 3
    )
    minutes = np.array(rows)[:, None] * 1000.0 + np.arange(300)
    tape.historical["usual"] = HistoricalValue(
        "usual", TrailingKind.AVERAGE, True, minutes, minutes.astype(np.int64), 3
    )
    tape.historical_quality = {(symbol, DAY): HistoricalQuality(len(symbol), 9) for symbol in symbols}
    tape.kept_history = (kept(symbols),)
    tape.prior_close = PriorClose(
        np.array(rows) + 0.5, np.array(rows, dtype=np.int64), np.array(rows) % 2 == 0
    )
    tape.earlier = NamedValues(tuple(symbols))
    advance(tape, frontier)
    return tape


def kept(symbols: Sequence[str]) -> KeptBars:
    """Return the history of some symbols, as deep as the deepest of them."""
    depth = max(DEPTHS[symbol] for symbol in symbols)
    values = np.stack([np.full((5, depth), SYMBOLS.index(symbol)) for symbol in symbols], axis=1)
    values = values + np.arange(10 - depth, 10) / 100
    first = np.array([depth - DEPTHS[symbol] for symbol in symbols], dtype=np.int64)
    return KeptBars(DAY, DAYS[-depth:], first, (KeptPart(values, np.arange(len(symbols), dtype=np.int64)),))


def advance(tape: Tape, frontier: int) -> None:
    """Write what the threads write up to a frontier, from the session that was played with all symbols."""
    whole, rows = full(), [SYMBOLS.index(symbol) for symbol in tape.symbols]
    for interval, grid in tape.derived.items():
        over, source = tape.columns_over(interval, frontier), whole.derived[interval]
        grid.values[:, :, :over] = source.values[:, rows, :over]
        grid.present[:, :over] = source.present[rows, :over]
        grid.base_bars[:, :over] = source.base_bars[rows, :over]
    for name, column in tape.indicators.items():
        over = tape.columns_over(column.interval, frontier)
        column.values[:, :over] = whole.indicators[name].values[rows, :over]
    assert tape.scores is not None
    assert whole.scores is not None
    tape.scores[:, : frontier + 1] = whole.scores[rows, : frontier + 1]
    tape.processed = tape.scored = tape.frontier = frontier


class Session:
    """A session in which symbols join and leave, with what must be in it."""

    def __init__(self, opening: Sequence[str]) -> None:
        self.there = list(opening)
        self.order = list(opening)
        self.left: dict[str, int] = {}
        self.data = SessionData()
        for symbol in opening:
            self.data.register_symbol_data(symbol)
        self.data.load_tape(part(opening, 0))
        self.handle = self.data.played()

    @property
    def tape(self) -> Tape:
        return self.data.require_tape()

    def join(self, symbols: Sequence[str]) -> None:
        changes = [SymbolChange(ChangeKind.JOINED, symbol, self.tape.frontier) for symbol in symbols]
        rows = np.arange(len(self.there), dtype=np.int64)
        self.data.replace_tape(self.tape.with_symbols(rows, part(symbols, self.tape.frontier), changes))
        for symbol in symbols:
            self.left.pop(symbol, None)
            self.order = [name for name in self.order if name != symbol] + [symbol]
        self.there += symbols

    def leave(self, symbols: Sequence[str]) -> None:
        tape, frontier = self.tape, self.tape.frontier
        rows = np.array(sorted(tape.rows[symbol] for symbol in symbols), dtype=np.int64)
        left = spooled(tape.cut(rows, frontier), frontier)
        kept_rows = np.setdiff1d(np.arange(len(self.there)), rows)
        changes = [SymbolChange(ChangeKind.LEFT, symbol, frontier) for symbol in symbols]
        self.data.replace_tape(tape.with_symbols(kept_rows, None, changes, left))
        self.there = [symbol for symbol in self.there if symbol not in symbols]
        self.left |= dict.fromkeys(symbols, frontier)


def blank_after(tape: Tape, row: int, frontier: int) -> None:
    """Remove what a tape has of a symbol after it left."""
    tape.base.values[:, row, frontier:], tape.base.present[row, frontier:] = np.nan, False
    tape.base.confirmed_empty[row, frontier:] = True
    for interval, grid in tape.derived.items():
        unfinished = tape.opened_at(interval) >= 0
        unfinished[[stop <= frontier for stop in grid.buckets.ends]] = False
        grid.values[:, row, unfinished], grid.present[row, unfinished] = np.nan, False
        grid.base_bars[row, unfinished] = 0
        for column in tape.indicators.values():
            if column.interval == interval:
                column.values[row, unfinished] = np.nan
    tape.indicators["sma"].values[row, frontier:] = np.nan
    tape.scores[row, frontier:] = tape.scores[row, frontier]


def other_differences(tape: Tape, expected: Tape) -> list[str]:
    """Return the names of what differs of two tapes, beside the bars and what is made of them."""
    everyone = Series("close", None, 0, len(tape.symbols))
    pairs = {"earlier": (tape.earlier.at_bars(everyone, 2), expected.earlier.at_bars(everyone, 2))}
    for name, value in expected.historical.items():
        pairs[name] = (tape.historical[name].values, value.values)
        pairs[f"used {name}"] = (tape.historical[name].used, value.used)
    pairs["prior close"] = (tape.prior_close.values, expected.prior_close.values)
    pairs["opened at"] = (tape.prior_close.opened_at, expected.prior_close.opened_at)
    pairs["is daily"] = (tape.prior_close.is_daily, expected.prior_close.is_daily)
    found = [name for name, (one, other) in pairs.items() if not same_bits(one, other)]
    found += [] if tape.historical_quality == expected.historical_quality else ["quality"]
    return found + [symbol for row, symbol in enumerate(tape.symbols) if not is_kept(tape, row, symbol)]


def is_kept(tape: Tape, row: int, symbol: str) -> bool:
    """Whether a tape has the days of a symbol that are kept."""
    [days] = tape.kept_history
    first, expected = int(days.first[row]), kept([symbol])
    labels = days.opened_at[first:].tolist()
    return labels == DAYS[-DEPTHS[symbol] :].tolist() and np.array_equal(
        days.values(row, row + 1)[:, 0, first:], expected.values(0, 1)[:, 0]
    )


subsets = st.sets(st.sampled_from(SYMBOLS), min_size=1, max_size=3)
steps = st.lists(st.tuples(st.integers(0, 25), subsets, st.booleans()), max_size=6)


@settings(max_examples=50, deadline=None)
@given(opening=subsets, steps=steps, looked_at=st.floats(0, 1))
def test_rows_are_those_of_a_tape_with_all_symbols_from_the_open(
    opening: set[str], steps: list, looked_at: float
) -> None:
    session = Session(sorted(opening))
    for slots, symbols, joins in steps:
        advance(session.tape, min(len(session.tape), session.tape.frontier + slots))
        chosen = sorted(symbols - set(session.there) if joins else symbols & set(session.there))
        if chosen and (joins or len(chosen) < len(session.there)):
            (session.join if joins else session.leave)(chosen)
        expected = part(session.there, session.tape.frontier)
        assert session.tape.symbols == session.data.get_active_symbols() == expected.symbols
        assert differences(session.tape, expected) == other_differences(session.tape, expected) == []
        assert session.tape.base.full == bool(expected.base.present.all())

    frontier = session.tape.frontier
    whole, expected = session.tape.whole(), part(session.order, frontier)
    for symbol, left in session.left.items():
        blank_after(expected, expected.rows[symbol], left)
    assert whole.symbols == tuple(session.order)
    assert differences(whole, expected) == other_differences(whole, expected) == []
    assert (whole is session.tape) is not session.left
    digest = session_digest(session.tape, frontier)
    assert digest == session_digest(whole, frontier)
    if not session.tape.changes:
        assert digest == session_digest(expected, frontier)
    summary = SessionSummary.of(SessionRecord(session.tape, frontier, "stopped", None), digest)
    ends = [session.left.get(symbol, frontier) for symbol in session.order]
    own = part(session.order, frontier).base
    assert summary.bars == sum(int(own.present[row, :end].sum()) for row, end in enumerate(ends))
    assert summary.empty == sum(int(own.confirmed_empty[row, :end].sum()) for row, end in enumerate(ends))

    at = round(looked_at * frontier)
    there = tuple(symbol for symbol in session.order if session.left.get(symbol, frontier + 1) > at)
    view, known = session.handle.view(at), part(there, at)
    assert session.tape.at_frontier(at).symbols == view.symbols == session.data.view(at).symbols == there
    assert same_bits(view.bars_grid(FIVE).copy(), known.base.values[:, :, :at].copy())
    assert same_bits(view.quality_grid().copy(), known.scores[:, : at + 1].copy())
    over = known.columns_over(HALF_HOUR, at)
    assert same_bits(view.indicator_grid("vwap").copy(), known.indicators["vwap"].values[:, :over].copy())
    assert view.is_of_same_session(session.data.view())
    assert view.is_latest == (at == frontier)


def test_symbols_on_disk_are_read_as_they_were_written_by_several_threads_at_once() -> None:
    tape, rows = part(SYMBOLS, 30), np.array([1, 4])
    cut = tape.cut(rows, 30)
    left = spooled(cut, 30)
    assert [(one.symbol, one.frontier) for one in left] == [("BAC", 30), ("SPY", 30)]
    found: list[list[str]] = []

    def read() -> None:
        for _ in range(5):
            for row, one in enumerate(left):
                loaded, expected = one.load(), cut.cut(np.array([row]), 30)
                found.append(differences(loaded, expected) + other_differences(loaded, expected))

    threads = [Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [[]] * 30


def test_memory_of_what_left_is_freed_and_its_place_on_disk_used_again() -> None:
    session, ends = Session(SYMBOLS[:2]), set()
    [held] = spooled(part(["XOM"], 9), 9)
    advance(session.tape, 20)
    for _ in range(5):
        session.join(["IBM", "SPY"])
        tape = session.tape
        arrays = [ref(array) for array in (tape.base.values, tape.indicators["sma"].values, tape.scores)]
        session.leave(["IBM", "SPY"])
        del tape
        assert [array() for array in arrays] == [None] * 3
        assert isinstance(session.tape.earlier, NamedValues)  # the one it began with
        assert session.tape.left[0].file is held.file
        ends.add(held.file._end)
    assert len(ends) <= 2  # two editions hold theirs while the next one is made


def test_a_view_of_an_earlier_moment_is_composed_once_until_there_is_a_new_edition() -> None:
    session = Session(SYMBOLS[:3])
    advance(session.tape, 20)
    session.leave(["BAC"])
    advance(session.tape, 30)
    views = [session.handle.view(at) for at in (3, 19, 3)]
    assert len({id(view._tape) for view in views}) == 1
    assert views[0]._tape is not session.tape
    assert session.handle.view(20)._tape is session.tape
    composed = ref(views[0]._tape.grid(FIVE).values)
    del views
    assert composed() is not None
    session.join(["SPY"])
    assert composed() is None


def test_an_edition_after_a_change_of_rows_does_not_use_arrays_of_other_rows() -> None:
    session = Session(SYMBOLS[:3])
    advance(session.tape, 20)
    one = np.array([0])
    for _ in range(2):  # so that there is an array to use again
        session.data.replace_tape(session.tape.next_edition(one))
    session.leave(["AIG"])
    session.join(["SPY"])
    session.data.replace_tape(session.tape.next_edition(one))
    assert differences(session.tape, part(["BAC", "IBM", "SPY"], 20)) == []
    assert session.tape.edition == 5


def test_an_edition_keeps_what_had_left_when_it_was_made() -> None:
    session = Session(SYMBOLS[:3])
    advance(session.tape, 20)
    session.leave(["BAC"])
    before = session.tape
    session.join(["BAC"])
    session.leave(["BAC"])
    assert before.at_frontier(10).symbols == before.whole().symbols == SYMBOLS[:3]
    assert session.tape.whole().symbols == ("AIG", "IBM", "BAC")


def test_history_of_a_symbol_that_joined_and_left_is_not_in_memory() -> None:
    session = Session(SYMBOLS[:3])
    advance(session.tape, 20)
    session.join(["SPY"])
    session.leave(["SPY"])
    view = session.handle.view(10)
    assert "SPY" in view.symbols
    assert session.data.history_bars(view, "SPY", FIVE) == ()
    with pytest.raises(EngineError, match="unknown symbol 'XOM'"):
        session.data.history_bars(view, "XOM", FIVE)


def test_marks_of_corrected_bars_follow_their_rows() -> None:
    session = Session(SYMBOLS[:3])
    advance(session.tape, 20)
    made = session.tape.next_edition(np.array([1]))
    made.mark_corrected(np.array([1]), np.array([7]))
    session.data.replace_tape(made)
    session.join(["SPY"])
    session.leave(["AIG"])
    assert np.argwhere(session.tape.corrected).tolist() == [[0, 7]]
    session.leave(["BAC"])
    assert np.argwhere(session.tape.whole().corrected).tolist() == [[1, 7]]


def test_symbols_that_joined_before_the_first_slot_are_part_of_the_opening() -> None:
    made = part(["BAC"], 0).with_symbols(np.array([0]), part(["SPY"], 0), ())
    assert made.opening == made.symbols == ("BAC", "SPY")
    assert made.changes == ()
    assert made.whole() is made.at_frontier(0) is made


def test_earlier_values_of_all_symbols_are_read_from_each_source_as_a_whole() -> None:
    first, second = NamedValues(SYMBOLS[:4]), NamedValues(SYMBOLS[4:])
    kept_rows: Ints = np.array([0, 2, 3])
    joined = gathered_earlier([(first, 4, kept_rows), (second, 2, np.array([1]))])
    assert joined.at_end(Series("close", None, 0, 4), 1).tolist() == [100, 102, 103, 105]
    assert (first.reads, second.reads) == ([(0, 4)], [(0, 2)])
    assert joined.at_bars(Series("close", None, 2, 4), 2).tolist() == [[3, 3], [5, 5]]
    assert (first.reads[1:], second.reads[1:]) == ([(3, 4)], [(1, 2)])
    again = gathered_earlier([(joined, 4, np.array([0, 1, 2])), (NamedValues(["IBM"]), 1, np.array([0]))])
    assert again.at_end(Series("close", None, 0, 4), 0).tolist() == [0, 2, 3, 2]


def test_history_of_another_depth_ends_with_the_same_day_and_one_may_have_none() -> None:
    deep, flat = kept(["IBM"]), kept(["MSFT"])
    one: Ints = np.array([0])
    [days] = gathered_kept([((flat,), one), ((), one), ((deep,), one)])
    assert days.opened_at.tolist() == DAYS[-8:].tolist()
    assert days.first.tolist() == [4, 8, 0]
    values = days.values(0, 3)
    assert np.isnan(values[:, 1]).all()
    assert same_bits(values[:, 0, 4:], flat.values(0, 1)[:, 0])
    assert same_bits(days.values(2, 3)[:, 0], deep.values(0, 1)[:, 0])


def test_days_stay_those_of_the_run_without_a_copy() -> None:
    before = kept(SYMBOLS[:3])
    [days] = gathered_kept([((before,), np.array([0, 2])), ((kept(["SPY"]),), np.array([0]))])
    [again] = gathered_kept([((days,), np.array([0, 1]))])
    assert [part_of.values is before.parts[0].values for part_of in again.parts] == [True]
    assert again.values(0, 2)[0, :, 0].round().tolist() == [0, 2]


def test_a_full_disk_leaves_the_session_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    session = Session(SYMBOLS[:3])
    monkeypatch.setattr(left_symbols._SpoolFile, "write", fail)
    with pytest.raises(
        EngineError, match=r"rows of BAC cannot be written .*: No space left on device\. Free"
    ):
        session.leave(["BAC"])
    assert session.tape.symbols == SYMBOLS[:3]
    assert session.tape.left == ()

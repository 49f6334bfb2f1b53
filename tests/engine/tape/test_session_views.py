"""Session views: cut at the clock, read-only, free of look-ahead."""

from __future__ import annotations

from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.intervals import MINUTE, Interval
from tapedeck.engine.quality.gaps_and_scores import HistoricalQuality
from tapedeck.engine.tape.bar_grid import CLOSE, HIGH, LOW, VOLUME
from tapedeck.engine.tape.historical_value import HistoricalValue, TrailingKind
from tapedeck.engine.tape.played_session import PlayedSession
from tapedeck.engine.tape.quote_grid import QuoteGrid
from tapedeck.engine.tape.session_view import SessionView
from tapedeck.engine.tape.tape import Tape
from tests.support.naive import gaps_by_walking, in_order
from tests.support.quotes import held_by_walking, random_quotes
from tests.support.tapes import compute, random_values, slots_of, tape_over

FIVE: Final = Interval.parse("5m")
HOUR: Final = Interval.parse("1h")
DAY: Final = Interval.parse("1d")
SPECS: Final = (
    IndicatorSpec("sma", "SMA", MINUTE, {"timeperiod": 3}),
    IndicatorSpec("rsi_5m", "RSI", FIVE, {"timeperiod": 3}),
    IndicatorSpec("vwap", "VWAP", MINUTE),
)
LENGTH: Final = 210


def early_close_tape(missing: float = 0.2, *, measure_quality: bool = True) -> Tape:
    """Return a finished tape of 2013-11-29, which closed at 13:00."""
    slots = slots_of("2013-11-29")
    values = random_values(3, len(slots), seed=11, missing=missing)
    tape = tape_over(slots, values, derived=["5m", "1h", "1d"], measure_quality=measure_quality)
    tape.quotes = QuoteGrid(random_quotes(3, len(slots), seed=1, missing=0.5))
    return compute(tape, SPECS)


FULL = early_close_tape()


def everything(view: SessionView) -> list[object]:
    """Return all data of a view, as bytes and plain values."""
    content: list[object] = [view.frontier, view.clock]
    for interval in (MINUTE, FIVE, HOUR, DAY):
        content += [
            grid(interval).tobytes() for grid in (view.bars_grid, view.present_grid, view.base_bars_grid)
        ]
        content += [at(interval).tobytes() for at in (view.opened_at, view.closed_at, view.bucket_widths)]
        content += [view.bucket_span(interval, at) for at in range(len(view.opened_at(interval)))]
    content += [view.indicator_grid(name).tobytes() for name in view.indicator_names()]
    content += [
        one().tobytes()
        for one in (
            lambda: view.day_figure("day_volume"),
            view.first_opens,
            view.last_prices,
            lambda: view.day_figure("change_open_pct"),
        )
    ]
    content += [view.missing_counts().tolist(), view.gap_slots(), view.has_scores, view.computed_frontier]
    scores = view.quality_grid()
    content.append(None if scores is None else scores.tobytes())
    for quotes in (view.quotes_grid(), view.last_quotes(), view.quotes_made()):
        assert quotes is not None
        content.append(quotes.tobytes())
    for symbol in view.symbols:
        content += [view.totals(symbol), view.quality(symbol), view.gaps(symbol)]
        own = view.quotes(symbol)
        assert own is not None
        content += [own.bid.tobytes(), str(own.last_bid), str(own.last_ask_size), len(own)]
        content += [view.indicator(symbol, name) for name in view.indicator_names()]
    return content


@given(st.integers(0, LENGTH))
@settings(deadline=None, max_examples=60)
def test_a_view_ends_at_its_clock(frontier: int) -> None:
    view = SessionView(FULL, frontier)
    clock = view.clock.timestamp()
    assert clock == FULL.slots.clock(frontier)
    for interval, seconds in ((MINUTE, 60), (FIVE, 300), (HOUR, 3600)):
        closes = np.minimum(view.opened_at(interval) + seconds, FULL.slots.clock(LENGTH))
        assert (closes <= clock).all()
        assert (
            view.bars_grid(interval).shape[2] == len(closes) == frontier * 60 // seconds or frontier == LENGTH
        )
    assert len(view.opened_at(DAY)) == (frontier == LENGTH)


@given(st.integers(0, LENGTH))
@settings(deadline=None, max_examples=40)
def test_later_bars_have_no_effect_on_a_view(frontier: int) -> None:
    tape = early_close_tape()
    before = everything(SessionView(tape, frontier))
    tape.base.values[:, :, frontier:] = 1e9
    tape.base.present[:, frontier:] = ~tape.base.present[:, frontier:]
    for interval, grid in tape.derived.items():
        over = tape.columns_over(interval, frontier)
        grid.values[:, :, over:] = 1e9
        grid.present[:, over:] = ~grid.present[:, over:]
        grid.base_bars[:, over:] = 99
    for column in tape.indicators.values():
        column.values[:, tape.columns_over(column.interval, frontier) :] = 1e9
    assert tape.scores is not None
    assert tape.quotes is not None
    tape.scores[:, frontier + 1 :] = 1e9
    tape.quotes.came[:, :, frontier:] = tape.quotes.values[:, :, frontier:] = 1e9
    assert everything(SessionView(tape, frontier)) == before


@pytest.mark.parametrize("interval", [MINUTE, FIVE, HOUR, DAY])
def test_arrays_of_a_view_are_read_only(interval: Interval) -> None:
    view = SessionView(FULL)
    bars = view.bars("S1", interval)
    scores = view.quality_grid()
    assert scores is not None
    arrays = [view.bars_grid(interval), view.present_grid(interval), view.base_bars_grid(interval), scores]
    arrays += [view.closed_at(interval), view.bucket_widths(interval)]
    arrays += [view.opened_at(interval), view.indicator_grid("sma"), bars.opened_at, bars.open, bars.high]
    arrays += [bars.low, bars.close, bars.volume, bars.base_bars]
    quotes = view.quotes("S1")
    assert quotes is not None
    arrays += [quotes.opened_at, quotes.bid, quotes.ask, quotes.bid_size, quotes.ask_size]
    for grid in (view.quotes_grid(), view.last_quotes(), view.quotes_made()):
        assert grid is not None
        arrays.append(grid)
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    assert len(bars) == len(bars.close)


def test_bars_of_a_view_are_not_copied() -> None:
    bars = SessionView(FULL).bars("S2", MINUTE)
    assert np.shares_memory(bars.close, FULL.base.values)
    assert bars.close.tobytes() == FULL.base.values[CLOSE, 2].tobytes()
    assert SessionView(FULL).row("S2") == 2


def test_quotes_of_a_view_are_those_at_the_end_of_each_slot_computed() -> None:
    tape = early_close_tape()
    assert tape.quotes is not None
    tape.frontier, tape.processed = 100, 90
    view = SessionView(tape, 95)
    own, made = view.quotes("S1"), view.quotes("S2")
    assert own is not None
    assert made is not None
    assert (own.made, made.made, len(own), len(made)) == (False, True, 90, 90)
    assert own.opened_at.tolist() == tape.slots.opened_at[:90].tolist()
    walked = held_by_walking(tape.quotes.came[:, 1], tape.base.values[CLOSE, 1], made=False)
    assert np.array_equal([own.bid, own.ask, own.bid_size, own.ask_size], walked[:, :90], equal_nan=True)
    last = [own.last_bid, own.last_ask, own.last_bid_size, own.last_ask_size]
    assert np.array_equal(last, walked[:, 89], equal_nan=True)
    quotes = view.last_quotes()
    assert quotes is not None
    assert np.array_equal(quotes[:, 1], last, equal_nan=True)
    closes = tape.base.values[CLOSE, 2, :90]
    assert made.last_bid == made.last_ask == closes[~np.isnan(closes)][-1]
    assert np.isnan([made.last_bid_size, made.last_ask_size]).all()


def test_quotes_before_the_first_slot_are_missing() -> None:
    view = SessionView(early_close_tape(), 0)
    quotes, own = view.last_quotes(), view.quotes("S1")
    assert quotes is not None
    assert quotes.shape == (4, 3)
    assert np.isnan(quotes).all()
    assert own is not None
    assert np.isnan(own.last_bid)


def test_a_session_without_quotes_has_none() -> None:
    tape = early_close_tape()
    tape.quotes = None
    view = SessionView(tape)
    assert not view.has_quotes
    found = [view.quotes_grid(), view.last_quotes(), view.quotes_made(), view.quotes("S1")]
    assert found == [None] * 4


def test_the_frontier_of_a_view_is_limited_to_the_part_played() -> None:
    tape = early_close_tape()
    tape.frontier = 100
    assert SessionView(tape, 150).frontier == 100
    assert SessionView(tape, 99).frontier == 99
    for before in (-1, -50, -1000):
        view = SessionView(tape, before)
        assert view.frontier == 0
        assert view.bars_grid(MINUTE).shape[2] == 0
        assert view.clock == view.session.regular_open


def test_a_view_keeps_its_frontier_while_the_tape_advances() -> None:
    tape = early_close_tape()
    tape.frontier = 60
    view = SessionView(tape)
    content = everything(view)
    tape.frontier = 120
    assert everything(view) == content
    assert SessionView(tape).frontier == 120


def test_a_view_leaves_out_values_not_computed_yet() -> None:
    tape = early_close_tape()
    tape.frontier, tape.processed, tape.scored = 100, 61, 40
    view = SessionView(tape)
    assert view.bars_grid(MINUTE).shape[2] == 100
    assert view.bars_grid(FIVE).shape[2] == 12
    assert view.bars_grid(HOUR).shape[2] == 1
    assert view.indicator_grid("sma").shape[1] == 61
    assert view.indicator_grid("rsi_5m").shape[1] == 12
    scores = view.quality_grid()
    assert scores is not None
    assert scores.shape == (3, 41)
    assert view.quality("S0") == scores[0, 40]


def test_totals_are_those_of_the_bars_so_far() -> None:
    for frontier in (1, 17, 210):
        view = SessionView(FULL, frontier)
        for row, symbol in enumerate(view.symbols):
            bars = FULL.base.values[:, row, :frontier]
            bars = bars[:, ~np.isnan(bars[CLOSE])]
            totals = view.totals(symbol)
            if not bars.shape[1]:
                assert totals is None
                continue
            assert totals is not None
            assert totals.volume == in_order(bars[VOLUME])
            assert (totals.high, totals.low) == (bars[HIGH].max(), bars[LOW].min())
            assert totals.last == bars[CLOSE, -1]


def test_before_the_first_bar_there_are_no_totals() -> None:
    assert SessionView(FULL, 0).totals("S0") is None


def test_an_indicator_has_its_last_value_and_none_during_warm_up() -> None:
    sma = FULL.indicators["sma"].values[0]
    warm = int(np.flatnonzero(~np.isnan(sma))[0])
    assert SessionView(FULL, warm).indicator("S0", "sma") is None
    assert SessionView(FULL, warm + 1).indicator("S0", "sma") == sma[warm]
    hole = next(k for k in range(warm + 1, LENGTH) if np.isnan(sma[k]))
    assert SessionView(FULL, hole + 1).indicator("S0", "sma") == sma[:hole][~np.isnan(sma[:hole])][-1]
    assert SessionView(FULL).indicator_interval("rsi_5m") == FIVE


def test_gaps_and_scores_of_a_view_are_those_of_its_slots() -> None:
    for frontier in (0, 1, 37, 210):
        view = SessionView(FULL, frontier)
        for row, symbol in enumerate(view.symbols):
            present = FULL.base.present[row, :frontier]
            found = [(gap.first, gap.last, gap.count) for gap in view.gaps(symbol)]
            assert found == gaps_by_walking(present.tolist())
            assert view.quality(symbol) == (100.0 if frontier == 0 else present.sum() * 100.0 / frontier)


def test_unmeasured_quality_is_100_without_gaps() -> None:
    view = SessionView(early_close_tape(measure_quality=False))
    assert not view.quality_measured
    assert view.quality("S0") == 100.0
    assert view.quality_grid() is None
    assert view.gaps("S0") == ()
    assert SessionView(FULL).quality_measured


def test_a_view_has_the_session_of_its_tape() -> None:
    view = SessionView(FULL, 3)
    assert view.symbols == ("S0", "S1", "S2")
    assert view.session.trading_day.isoformat() == "2013-11-29"
    assert view.slots == 210
    with pytest.raises(KeyError):
        view.bars("XYZ", MINUTE)


def test_a_view_has_the_data_known_before_the_open() -> None:
    tape = early_close_tape()
    values, used = np.array([1.5, np.nan, 2.5]), np.array([3, 0, 3])
    tape.set_historical_indicator(HistoricalValue("high_52w", TrailingKind.MAX, False, values, used, 3))
    tape.historical_quality = {("S0", MINUTE): HistoricalQuality(700, 780)}
    view = SessionView(tape, 0)
    assert (view.base_interval, view.intervals) == (MINUTE, (MINUTE, FIVE, HOUR, DAY))
    assert view.trading_day.isoformat() == "2013-11-29"
    assert view.slot_times.clock(LENGTH) == view.session.regular_close.timestamp()
    assert view.historical_names() == ("high_52w",)
    np.testing.assert_array_equal(view.historical_value("high_52w").values, values)
    for array in (view.historical_value("high_52w").values, view.historical_value("high_52w").used):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    assert dict(view.historical_quality) == {("S0", MINUTE): HistoricalQuality(700, 780)}


def test_gaps_of_all_symbols_equal_those_of_each_symbol() -> None:
    for frontier in (0, 1, 37, 210):
        view = SessionView(FULL, frontier)
        missing = [sum(gap.count for gap in view.gaps(symbol)) for symbol in view.symbols]
        assert view.missing_counts().tolist() == missing
        assert view.gap_slots() == sorted({gap.first for symbol in view.symbols for gap in view.gaps(symbol)})
        assert view.has_scores is (frontier > 0)
    unmeasured = SessionView(early_close_tape(measure_quality=False))
    assert (unmeasured.missing_counts().tolist(), unmeasured.gap_slots()) == ([0, 0, 0], [])
    assert not unmeasured.has_scores


def test_a_bucket_spans_the_slots_from_its_open_to_its_close() -> None:
    view = SessionView(FULL)
    assert [view.bucket_span(HOUR, at) for at in range(4)] == [(0, 60), (60, 120), (120, 180), (180, 210)]
    assert view.bucket_span(MINUTE, 7) == (7, 8)
    assert view.closed_at(HOUR).tolist() == FULL.slots.clock_times()[[60, 120, 180, 210]].tolist()


def test_a_played_session_gives_views_at_every_frontier_reached() -> None:
    tape, other = early_close_tape(), early_close_tape()
    tape.frontier = 60
    played = PlayedSession(tape)
    assert (played.frontier, played.trading_day, played.session) == (
        60,
        tape.session.trading_day,
        tape.session,
    )
    assert played.clock(60).timestamp() == played.slot_times.clock(60) == played.view().clock_seconds
    assert (played.view().frontier, played.view(7).frontier, played.view(99).frontier) == (60, 7, 60)
    now = played.view()
    assert now.is_latest
    tape.frontier = 61
    assert not now.is_latest
    assert played == PlayedSession(tape) != PlayedSession(other)
    assert len({played, PlayedSession(tape), PlayedSession(other)}) == 2
    assert now.is_of_same_session(played.view())
    assert not now.is_of_same_session(SessionView(other))
    assert not now.is_of_same_session(None)


def test_a_tape_has_the_open_and_the_close_of_each_column() -> None:
    clock = FULL.slots.clock_times()
    assert FULL.closed_at(MINUTE).tolist() == clock[1:].tolist()
    assert FULL.opened_at(HOUR).tolist() == clock[[0, 60, 120, 180]].tolist()
    assert FULL.closed_at(HOUR).tolist() == clock[[60, 120, 180, 210]].tolist()
    assert FULL.bucket_widths(HOUR).tolist() == [60, 60, 60, 30]
    assert FULL.bucket_widths(MINUTE).tolist() == [1] * 210
    assert FULL.intervals == (MINUTE, FIVE, HOUR, DAY)


def test_the_computed_frontier_is_the_smallest_of_all_parts() -> None:
    tape = early_close_tape()
    tape.frontier, tape.processed, tape.scored = 100, 90, 80
    assert tape.computed_frontier() == 80
    unscored = early_close_tape(measure_quality=False)
    unscored.frontier, unscored.processed = 100, 90
    assert unscored.computed_frontier() == 90


def test_a_computed_view_ends_where_all_of_its_values_are_known() -> None:
    tape = early_close_tape()
    tape.frontier, tape.processed, tape.scored = 100, 90, 80
    view = SessionView(tape)
    assert (view.computed().frontier, view.computed().computed_frontier) == (80, 80)
    tape.processed = tape.scored = 100
    assert view.computed().frontier == 80  # as at the time of the view
    whole = SessionView(tape)
    assert whole.computed() is whole

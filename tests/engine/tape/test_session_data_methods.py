"""Session data: results and errors of every method."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import numpy as np
import pytest

from tapedeck.engine.errors import EngineError
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.intervals import DAY, MINUTE, Interval
from tapedeck.engine.quality.gaps_and_scores import HistoricalQuality
from tapedeck.engine.tape.bar_grid import CLOSE, BarGrid
from tapedeck.engine.tape.historical_value import HistoricalValue, TrailingKind
from tapedeck.engine.tape.history import DailyHistory, History, HistoryDay, IntradayHistory
from tapedeck.engine.tape.quote_grid import QuoteGrid
from tapedeck.engine.tape.session_data import SessionData
from tapedeck.engine.tape.tape import IndicatorColumn, Tape
from tests.support.quotes import random_quotes
from tests.support.tapes import compute, random_values, sessions_of, slots_of, tape_over

SYMBOLS: Final = ("SPY", "AIG", "BAC")
FIVE: Final = Interval.parse("5m")
BAR: Final = (10.0, 12.0, 9.0, 11.0, 500.0)


def one_session(missing: float = 0.2) -> tuple[SessionData, Tape]:
    """Return the data of 2013-11-29, played to the close, with history and indicators of each kind."""
    slots = slots_of("2013-11-29")
    values = random_values(3, len(slots), seed=4, missing=missing)
    tape = tape_over(slots, values, derived=["5m", "1d"], symbols=SYMBOLS)
    compute(tape, [IndicatorSpec("sma", "SMA", MINUTE, {"timeperiod": 3})])
    data = SessionData()
    for symbol in SYMBOLS:
        data.register_symbol_data(symbol)
    data.load_tape(tape)
    daily = DailyHistory(3, sessions_of("2013-11-20", "2013-11-29"))
    daily.values[:] = random_values(3, len(daily.days), seed=5)
    minutes = IntradayHistory(MINUTE, np.array([2, 1, 0]))
    for number, session in enumerate(sessions_of("2013-11-26", "2013-11-27")):
        grid = BarGrid.loaded(random_values(3, 390, seed=6 + number))
        minutes.add(HistoryDay.of(session, np.arange(390), grid))
    data.history = History({MINUTE: minutes}, daily)
    data.requested_history = {MINUTE: np.array([2, 1, 0]), DAY: np.array([0, 3, 3])}
    value = HistoricalValue(
        "high_52w", TrailingKind.MAX, False, np.array([1.5, np.nan, 2.5]), np.array([3, 0, 3]), 3
    )
    data.set_historical_indicator(value)
    usual = np.arange(3 * 210, dtype=float).reshape(3, 210)
    data.set_historical_indicator(
        HistoricalValue("usual", TrailingKind.AVERAGE, True, usual, np.ones((3, 210), dtype=np.int64), 1)
    )
    tape.historical_quality = {("SPY", MINUTE): HistoricalQuality(700, 780)}
    return data, tape


def test_symbols_keep_the_order_in_which_they_were_registered() -> None:
    data = SessionData()
    assert [data.register_symbol_data(symbol) for symbol in ("B", "A", "B")] == [0, 1, 0]
    assert data.get_active_symbols() == ("B", "A")


def test_session_data_is_empty_before_a_session_is_loaded() -> None:
    data = SessionData()
    data.register_symbol_data("SPY")
    assert data.view() is None
    assert data.tape is None
    assert data.get_streamed_data() == data.get_generated_data() == ()
    assert data.get_loaded_symbols() == ()
    assert data.get_symbols_with_derived() == {"SPY": ()}
    assert not data.is_session_active()
    for call in (data.require_tape, data.activate_session, lambda: data.get_bars("SPY", MINUTE)):
        with pytest.raises(EngineError, match="no session is loaded"):
            call()


def test_streamed_and_derived_intervals_are_listed_separately() -> None:
    data, _ = one_session()
    assert data.get_streamed_data() == (MINUTE,)
    assert data.get_generated_data() == (FIVE, DAY)
    assert data.get_symbols_with_derived() == dict.fromkeys(SYMBOLS, (FIVE, DAY))


def test_a_tape_of_other_symbols_is_refused() -> None:
    data, tape = one_session()
    data.register_symbol_data("IBM")
    with pytest.raises(
        EngineError,
        match="symbols are SPY, AIG, BAC: they must be the registered ones: SPY, AIG, BAC, IBM",
    ):
        data.load_tape(tape)


def test_a_session_is_active_between_activation_and_deactivation() -> None:
    data, tape = one_session()
    data.activate_session()
    assert data.is_session_active()
    data.deactivate_session()
    assert not data.is_session_active()
    assert data.tape is tape


def test_loaded_symbols_have_a_bar_up_to_the_clock() -> None:
    data, tape = one_session(missing=0.0)
    tape.base.values[:, 1, :50] = np.nan
    tape.base.present[1, :50] = False
    tape.frontier = 50
    assert data.get_loaded_symbols() == ("SPY", "BAC")
    tape.frontier = 51
    assert data.get_loaded_symbols() == SYMBOLS
    tape.frontier = 0
    assert data.get_loaded_symbols() == ()


def test_a_bar_is_written_to_its_slot_and_a_correction_replaces_it() -> None:
    data, tape = one_session()
    data.append_bar("AIG", 7, BAR)
    data.append_bar("AIG", 7, BAR)
    assert data.get_bars("AIG", MINUTE).close[7] == 11.0
    assert tape.base.values[:, 1, 7].tolist() == list(BAR)
    data.append_bar("AIG", 7, (1.0, 1.0, 1.0, 1.0, 0.0))
    assert data.get_bars("AIG", MINUTE).volume[7] == 0.0


@pytest.mark.parametrize("slot", [-1, 210, 390])
def test_a_bar_outside_the_session_is_refused(slot: int) -> None:
    data, _ = one_session()
    with pytest.raises(EngineError, match=f"AIG: slot {slot} is outside the session's 210 slots"):
        data.append_bar("AIG", slot, BAR)


def test_bars_end_at_the_clock_and_cannot_be_written() -> None:
    data, tape = one_session()
    tape.frontier = 33
    bars = data.get_bars("BAC", MINUTE)
    assert len(bars) == 33
    assert len(data.get_bars("BAC", FIVE)) == 6
    assert np.shares_memory(bars.close, tape.base.values)
    with pytest.raises(ValueError, match="read-only"):
        bars.close[0] = 1.0
    view = data.view(10)
    assert view is not None
    assert view.frontier == 10


def test_the_score_covers_the_scored_slots() -> None:
    data, tape = one_session()
    data.set_quality_metric(100)
    assert data.get_quality_metric("SPY") == tape.base.present[0, :100].sum() * 100.0 / 100


def test_indicators_are_read_by_name_and_a_misspelling_suggests_the_nearest() -> None:
    data, tape = one_session()
    values = tape.indicators["sma"].values[0]
    assert data.get_indicator("SPY", "sma") == values[~np.isnan(values)][-1]
    data.set_indicator(IndicatorColumn("blank", MINUTE, np.full((3, 210), np.nan)))
    assert data.get_indicator("SPY", "blank") is None
    with pytest.raises(EngineError) as caught:
        data.get_indicator("SPY", "sma_")
    text = "unknown indicator 'sma_': this session has sma, blank. Did you mean 'sma'?"
    assert str(caught.value) == text


def test_historical_indicators_are_numbers_or_arrays_by_minute() -> None:
    data, _ = one_session()
    assert data.get_historical_indicator("BAC", "high_52w") == 2.5
    missing = data.get_historical_indicator("AIG", "high_52w")
    assert isinstance(missing, float)
    assert np.isnan(missing)
    usual = data.get_historical_indicator("AIG", "usual")
    assert isinstance(usual, np.ndarray)
    assert usual.tolist() == list(range(210, 420))
    with pytest.raises(ValueError, match="read-only"):
        usual[0] = 1.0
    with pytest.raises(
        EngineError, match=r"unknown historical indicator 'high_52': .*Did you mean 'high_52w'\?"
    ):
        data.get_historical_indicator("SPY", "high_52")


def test_historical_quality_is_kept_per_symbol_and_interval() -> None:
    data, _ = one_session()
    view = data.view()
    assert view is not None
    assert dict(view.historical_quality) == {("SPY", MINUTE): HistoricalQuality(700, 780)}
    assert data.get_symbol_data("SPY").historical.quality == {MINUTE: HistoricalQuality(700, 780)}
    assert data.get_symbol_data("AIG").historical.quality == {}


def test_symbol_data_has_bars_quality_totals_and_indicators() -> None:
    data, tape = one_session()
    tape.frontier = tape.processed = tape.scored = 102
    aig = data.get_symbol_data("AIG")
    assert (aig.symbol, aig.row, aig.base_interval) == ("AIG", 1, MINUTE)
    assert list(aig.bars) == [MINUTE, FIVE, DAY]
    base, five, day = aig.bars.values()
    assert (base.derived, base.base) == (False, None)
    assert (five.derived, five.base) == (True, MINUTE)
    assert (len(base.data), len(five.data), len(day.data)) == (102, 20, 0)
    present = tape.base.present[1, :102]
    assert base.quality == five.quality == present.sum() * 100.0 / 102
    assert base.gaps == five.gaps
    assert sum(gap.count for gap in base.gaps) == (~present).sum()
    last = int(np.flatnonzero(present)[-1])
    assert base.updated == datetime.fromtimestamp(int(tape.slots.closed_at[last]), UTC)
    assert five.updated == datetime(2013, 11, 29, 16, 10, tzinfo=UTC)
    assert day.updated is None
    assert aig.totals is not None
    assert aig.totals.last == tape.base.values[CLOSE, 1, last]
    assert set(aig.indicators) == {"sma"}
    assert aig.quotes is None
    tape.quotes = QuoteGrid(random_quotes(3, len(tape), seed=1, missing=0.5))
    tape.quotes.hold(tape.base, 0, len(tape))
    quotes = data.get_symbol_data("AIG").quotes
    assert quotes is not None
    assert (len(quotes), quotes.made, quotes.last_bid) == (102, False, tape.quotes.values[0, 1, 101])


def test_symbol_data_has_history_as_deep_as_requested() -> None:
    data, _ = one_session()
    spy, aig, bac = (data.get_symbol_data(symbol).historical for symbol in SYMBOLS)
    assert {interval: len(days) for interval, days in spy.bars.items()} == {MINUTE: 2}
    assert {interval: len(days) for interval, days in aig.bars.items()} == {MINUTE: 1, DAY: 1}
    assert {interval: len(days) for interval, days in bac.bars.items()} == {DAY: 1}
    assert spy.bars[MINUTE][1].close.tolist() == random_values(3, 390, seed=7)[CLOSE, 0].tolist()
    assert aig.bars[MINUTE][0].close.tolist() == random_values(3, 390, seed=7)[CLOSE, 1].tolist()
    # Three days before 2013-11-29: the 25th, 26th and 27th; the 28th was Thanksgiving.
    closes = random_values(3, 7, seed=5)[CLOSE, 1]
    assert aig.bars[DAY][0].close.tolist() == closes[3:6].tolist()
    assert spy.quality == {MINUTE: HistoricalQuality(700, 780)}
    assert aig.quality == {}
    assert spy.indicators["high_52w"] == 1.5
    for array in (spy.bars[MINUTE][0].close, spy.bars[MINUTE][0].opened_at, aig.bars[DAY][0].base_bars):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


@pytest.mark.parametrize(
    ("symbol", "hint"), [("SPYY", " Did you mean 'SPY'?"), ("aig", " Did you mean 'AIG'?"), ("XYZW", "")]
)
def test_an_unknown_symbol_is_an_error_that_suggests_the_nearest(symbol: str, hint: str) -> None:
    data, _ = one_session()
    text = f"unknown symbol '{symbol}': this session has SPY, AIG, BAC.{hint}"
    for call in (
        lambda: data.get_symbol_data(symbol),
        lambda: data.get_bars(symbol, MINUTE),
        lambda: data.append_bar(symbol, 0, BAR),
        lambda: data.get_quality_metric(symbol),
        lambda: data.get_indicator(symbol, "sma"),
        lambda: data.get_historical_indicator(symbol, "usual"),
        lambda: data.remove_symbol(symbol),
    ):
        with pytest.raises(EngineError) as caught:
            call()
        assert str(caught.value) == text


def test_without_symbols_the_error_says_none() -> None:
    with pytest.raises(EngineError, match=r"^unknown symbol 'SPY': this session has none\.$"):
        SessionData().get_symbol_data("SPY")


def test_a_removed_symbol_is_unknown_and_later_rows_move_up() -> None:
    data = SessionData()
    for symbol in SYMBOLS:
        data.register_symbol_data(symbol)
    data.remove_symbol("AIG")
    assert data.get_active_symbols() == ("SPY", "BAC")
    assert data.register_symbol_data("BAC") == 1
    assert data.register_symbol_data("AIG") == 2
    with pytest.raises(EngineError, match="unknown symbol 'XOM': this session has SPY, BAC"):
        data.remove_symbol("XOM")


def test_a_symbol_of_a_loaded_tape_cannot_be_removed() -> None:
    data, _ = one_session()
    with pytest.raises(EngineError, match="SPY cannot be removed while a tape or history holds it"):
        data.remove_symbol("SPY")


def test_clearing_the_bars_keeps_symbols_and_history() -> None:
    data, _ = one_session()
    data.activate_session()
    data.clear_session_bars()
    assert data.tape is None
    assert not data.is_session_active()
    assert data.get_active_symbols() == SYMBOLS
    assert data.history.daily is not None


def test_clearing_drops_all_data() -> None:
    data, _ = one_session()
    data.clear()
    assert data.get_active_symbols() == ()
    assert data.history.daily is None
    assert data.history.intraday == {}
    assert dict(data.requested_history) == {}
    assert data.register_symbol_data("IBM") == 0

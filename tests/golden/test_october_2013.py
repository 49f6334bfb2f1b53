"""Week of 7 October 2013 as played, against the raw files read by zipfile and pandas alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import talib

from tapedeck.engine.config import SessionConfig
from tapedeck.engine.intervals import Interval
from tapedeck.engine.session_file import load_session_config
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.bar_grid import FIELDS, Floats
from tapedeck.engine.tape.session_record import SessionRecord
from tapedeck.engine.tape.tape import Tape
from tests.golden import raw_bars
from tests.golden.raw_bars import DAYS, SYMBOLS
from tests.support import formulas
from tests.support.files import session_file
from tests.support.markets import open_new_store
from tests.support.naive import in_order
from tests.support.runs import play_recorded
from tests.support.tapes import sessions_of

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "october-2013.yaml"
MINUTE = Interval.parse("1m")


@pytest.fixture(scope="module")
def week(store_path: Path) -> Mapping[str, SessionRecord]:
    """The sessions of the example file, by day."""
    return play_days(load_session_config(EXAMPLE).config, store_path)


def play_days(config: SessionConfig, path: Path) -> Mapping[str, SessionRecord]:
    """Play a file, and return its sessions by day."""
    with open_new_store(path) as store:
        records = play_recorded(config, store).records
    return {record.tape.session.trading_day.isoformat(): record for record in records}


def bars_of(tape: Tape, symbol: str, interval: str) -> pd.DataFrame:
    """Return a symbol's bars of a tape by New York time of their open."""
    parsed = Interval.parse(interval)
    values = tape.grid(parsed).values[:, tape.symbols.index(symbol)]
    index = pd.to_datetime(tape.opened_at(parsed), unit="s", utc=True).tz_convert("America/New_York")
    return pd.DataFrame(values.T, columns=list(FIELDS), index=index).dropna()


def indicator(record: SessionRecord, symbol: str, name: str) -> np.ndarray:
    """Return an indicator's values at all columns of a day."""
    values: np.ndarray = record.tape.indicators[name].values[record.tape.symbols.index(symbol)]
    return values


def assert_equal_frames(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Compare times and numbers, to the last bit."""
    assert [str(time) for time in found.index] == [str(time) for time in expected.index]
    for name in FIELDS:
        assert found[name].tolist() == expected[name].tolist(), name


def test_spy_on_7_october_2013_closed_at_167_42(week: Mapping[str, SessionRecord]) -> None:
    tape = week["2013-10-07"].tape
    minutes = bars_of(tape, "SPY", "1m")
    assert len(minutes) == 390
    assert (minutes.high.max(), minutes.low.min(), minutes.close.iloc[-1]) == (168.45, 167.25, 167.42)
    assert minutes.volume.sum() == 81_489_219
    assert indicator(week["2013-10-07"], "SPY", "vwap")[-1] == pytest.approx(167.920886, abs=5e-7)
    last = bars_of(tape, "SPY", "5m").iloc[-1]
    assert last.tolist() == [167.64, 167.70, 167.41, 167.42, 6_490_278]
    [day] = bars_of(tape, "SPY", "1d").to_numpy().tolist()
    assert day == [minutes.open.iloc[0], 168.45, 167.25, 167.42, 81_489_219]


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_minutes_of_every_day_are_those_of_the_file_within_the_hours(
    lean_root: Path, week: Mapping[str, SessionRecord], symbol: str, day: str
) -> None:
    record = week[day]
    expected = raw_bars.regular(lean_root, symbol, day)
    assert record.complete
    assert_equal_frames(bars_of(record.tape, symbol, "1m"), expected)
    assert record.tape.scores is not None
    score = record.tape.scores[record.tape.symbols.index(symbol), -1]
    assert score == len(expected) * 100.0 / 390


@pytest.mark.parametrize(
    ("interval", "width"), [("5m", "5min"), ("15m", "15min"), ("1h", "60min"), ("1d", "1440min")]
)
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_derived_bars_of_every_day_are_those_of_pandas(
    lean_root: Path, week: Mapping[str, SessionRecord], symbol: str, interval: str, width: str
) -> None:
    for day in DAYS:
        expected = raw_bars.coarser(raw_bars.regular(lean_root, symbol, day), width)
        assert_equal_frames(bars_of(week[day].tape, symbol, interval), expected)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_vwap_and_relative_volume_of_every_minute(
    lean_root: Path, week: Mapping[str, SessionRecord], symbol: str
) -> None:
    for before, day in zip(("2013-10-04", *DAYS), DAYS, strict=False):
        frame = raw_bars.regular(lean_root, symbol, day)
        price = (frame.high + frame.low + frame.close) / 3
        expected = (price * frame.volume).cumsum() / frame.volume.cumsum()
        found = indicator(week[day], symbol, "vwap")
        slots = slots_in(frame)
        np.testing.assert_allclose(found[slots], expected, rtol=1e-12)
        assert np.isnan(np.delete(found, slots)).all()
        yesterday = raw_bars.regular(lean_root, symbol, before)
        usual = pd.Series(yesterday.volume.to_numpy(), index=slots_in(yesterday))
        volume = pd.Series(frame.volume.to_numpy(), index=slots)
        ratio = (volume / usual.where(usual > 0)).reindex(range(390))
        np.testing.assert_array_equal(indicator(week[day], symbol, "rel_volume"), ratio)


def slots_in(frame: pd.DataFrame) -> np.ndarray:
    """Return each bar's minute since 09:30."""
    index = pd.DatetimeIndex(frame.index)
    return (index.hour * 60 + index.minute - 570).to_numpy()


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_averages_and_extremes_before_each_session_are_those_of_the_daily_file(
    lean_root: Path, week: Mapping[str, SessionRecord], symbol: str, day: str
) -> None:
    today = pd.Timestamp(day)
    earlier = raw_bars.daily(lean_root, symbol).loc[: today - pd.Timedelta("1D")]
    year = earlier.loc[today - pd.Timedelta(weeks=52) :]
    historical = week[day].tape.historical
    row = week[day].tape.symbols.index(symbol)
    # The ten days before each of these sessions have no early close.
    assert historical["avg_volume"].values[row] == in_order(earlier.volume.tail(10)) / 10
    assert historical["high_52w"].values[row] == year.high.max()
    assert historical["low_52w"].values[row] == year.low.min()
    assert historical["avg_volume"].used[row] == historical["avg_volume"].requested == 10
    assert historical["high_52w"].used[row] == len(year)


def test_spy_traded_106_million_shares_a_day_before_7_october(
    lean_root: Path, week: Mapping[str, SessionRecord]
) -> None:
    value = week["2013-10-07"].tape.historical["avg_volume"].values[0]
    assert value == raw_bars.daily(lean_root, "SPY").loc["2013-09-23":"2013-10-04"].volume.mean()


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_the_average_minute_is_that_of_the_day_before(
    lean_root: Path, week: Mapping[str, SessionRecord], symbol: str
) -> None:
    for before, day in zip(("2013-10-04", *DAYS), DAYS, strict=False):
        frame = raw_bars.regular(lean_root, symbol, before)
        expected = pd.Series(frame.volume.to_numpy(), index=slots_in(frame)).reindex(range(390))
        value = week[day].tape.historical["avg_volume_minute"]
        np.testing.assert_array_equal(value.values[week[day].tape.symbols.index(symbol)], expected)


def test_history_is_scored_against_the_calendar(lean_root: Path, week: Mapping[str, SessionRecord]) -> None:
    for before, day in zip(("2013-10-04", *DAYS), DAYS, strict=False):
        for symbol in SYMBOLS:
            quality = week[day].historical_quality[symbol, MINUTE]
            assert (quality.actual, quality.expected) == (
                len(raw_bars.regular(lean_root, symbol, before)),
                390,
            )
            days = week[day].historical_quality[symbol, Interval.parse("1d")]
            assert (days.actual, days.expected) == (250, 250)


@cache
def input_bars(root: Path, symbol: str, day: str, width: str | None, earlier: int) -> tuple[Floats, int]:
    """Return the bars of a day and of `earlier` sessions before it (5, n), and the number of the day's bars.

    Of the sessions before the 7th of October only that of the 4th is among the files.
    """
    calendar = [session.trading_day.isoformat() for session in sessions_of("2013-09-23", "2013-10-11")]
    at = calendar.index(day)
    frames = [raw_bars.regular(root, symbol, one) for one in calendar[at - earlier : at + 1]]
    if width is not None:
        frames = [frame if frame.empty else raw_bars.coarser(frame, width) for frame in frames]
    joined = pd.concat([frame for frame in frames if not frame.empty])
    return joined[list(FIELDS)].to_numpy().T.copy(), len(frames[-1])


def talib_outputs(bars: Floats) -> dict[str, np.ndarray]:
    """Return TA-Lib's outputs for bars (5, n), by the names of the example file."""
    _, high, low, close, _ = bars
    macd = talib.MACD(close, 12, 26, 9)
    bands = talib.BBANDS(close, timeperiod=20, nbdevup=2.0, nbdevdn=2.0)
    return {
        "sma_20": talib.SMA(close, 20),
        "ema_20": talib.EMA(close, 20),
        "rsi_14": rsi_where_closes_change(talib.RSI(close, 14), close),
        "atr_14": talib.ATR(high, low, close, 14),
        **dict(zip(("macd_macd", "macd_macdsignal", "macd_macdhist"), macd, strict=True)),
        **dict(zip(("bbands_upperband", "bbands_middleband", "bbands_lowerband"), bands, strict=True)),
    }


def rsi_where_closes_change(rsi: np.ndarray, close: Floats) -> np.ndarray:
    """Return the RSI of 14 without its values where the last 15 closes are equal."""
    window = pd.Series(close).rolling(15)
    return np.where(window.max() == window.min(), np.nan, rsi)


def textbook_outputs(bars: Floats) -> dict[str, np.ndarray]:
    """Return the same outputs by textbook formulas."""
    _, high, low, close, _ = bars
    macd = formulas.macd(close, 12, 26, 9)
    bands = formulas.bbands(close, 20, 2, 2)
    return {
        "sma_20": formulas.sma(close, 20),
        "ema_20": formulas.ema(close, 20),
        "rsi_14": rsi_where_closes_change(formulas.rsi(close, 14), close),
        "atr_14": formulas.atr(high, low, close, 14),
        **dict(zip(("macd_macd", "macd_macdsignal", "macd_macdhist"), macd, strict=True)),
        **dict(zip(("bbands_upperband", "bbands_middleband", "bbands_lowerband"), bands, strict=True)),
    }


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_indicators_agree_with_talib_to_the_last_bit_and_with_the_textbook_to_a_billionth(
    lean_root: Path, week: Mapping[str, SessionRecord], symbol: str, day: str
) -> None:
    bars, own = input_bars(lean_root, symbol, day, None, earlier=2)
    slots = slots_in(raw_bars.regular(lean_root, symbol, day))
    textbook = textbook_outputs(bars)
    for name, expected in talib_outputs(bars).items():
        found = indicator(week[day], symbol, name)
        assert found[slots].tobytes() == expected[-own:].tobytes(), name
        np.testing.assert_allclose(found[slots], textbook[name][-own:], rtol=1e-9, atol=1e-9, err_msg=name)
        assert np.isnan(np.delete(found, slots)).all()
        assert not np.isnan(found[slots[:14]]).any(), "warm from the open on, thanks to the days before"


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_rsi_of_five_minute_bars_equals_talibs_of_resampled_bars(
    lean_root: Path, week: Mapping[str, SessionRecord], symbol: str
) -> None:
    for day in DAYS:
        bars, own = input_bars(lean_root, symbol, day, "5min", earlier=5)  # the 325 bars that it remembers
        found = indicator(week[day], symbol, "rsi_14_5m")
        found = found[
            ~np.isnan(
                week[day].tape.grid(Interval.parse("5m")).values[3, week[day].tape.symbols.index(symbol)]
            )
        ]
        assert found.tobytes() == talib.RSI(bars[3].copy(), 14)[-own:].tobytes()
        np.testing.assert_allclose(found, formulas.rsi(bars[3], 14)[-own:], rtol=1e-9)


def test_a_day_does_not_depend_on_the_first_day_of_the_run(
    week: Mapping[str, SessionRecord], store_path: Path
) -> None:
    config = load_session_config(EXAMPLE).config
    assert config.backtest_config is not None
    alone = config.model_copy(
        update={
            "backtest_config": config.backtest_config.model_copy(
                update={"start_date": pd.Timestamp(DAYS[3]).date()}
            )
        }
    )
    played = play_days(alone, store_path)
    assert list(played) == list(DAYS[3:])
    for day in DAYS[3:]:
        left, right = played[day].tape, week[day].tape
        assert left.base.values.tobytes() == right.base.values.tobytes()
        for name, column in left.indicators.items():
            assert column.values.tobytes() == right.indicators[name].values.tobytes(), name
        for name, value in left.historical.items():
            assert value.values.tobytes() == right.historical[name].values.tobytes(), name
        assert replace(played[day], tape=right).historical_quality == week[day].historical_quality


def test_seconds_of_bac_are_derived_to_their_own_minutes(lean_root: Path, store_path: Path) -> None:
    config = session_file(
        ["BAC"],
        ["1s", "1m"],
        "2013-10-07",
        "2013-10-08",
        historical={"data": [{"trailing_days": 1, "intervals": ["1m"]}]},
        indicators={"sma": {"type": "SMA", "interval": "1m", "timeperiod": 20}},
    )
    played = play_days(config, store_path)
    for day in ("2013-10-07", "2013-10-08"):
        seconds = raw_bars.regular(lean_root, "BAC", day, "second")
        assert_equal_frames(bars_of(played[day].tape, "BAC", "1s"), seconds)
        expected = raw_bars.coarser(seconds, "1min")
        expected["volume"] = [in_order(own) for _, own in seconds.volume.resample("1min") if len(own)]
        assert_equal_frames(bars_of(played[day].tape, "BAC", "1m"), expected)
    # History has the stored minutes of the vendor, not those derived from seconds.
    today = raw_bars.coarser(raw_bars.regular(lean_root, "BAC", "2013-10-08", "second"), "1min")
    earlier = [raw_bars.regular(lean_root, "BAC", day) for day in ("2013-10-04", "2013-10-07")]
    closes = pd.concat([*earlier, today]).close.to_numpy().copy()
    found = indicator(played["2013-10-08"], "BAC", "sma")
    found = found[~np.isnan(found)]
    assert found.tobytes() == talib.SMA(closes, 20)[-len(today) :].tobytes()


def test_daily_bars_of_1998_are_played_from_the_daily_files(lean_root: Path, store_path: Path) -> None:
    config = session_file(
        SYMBOLS,
        ["1d"],
        "1998-01-01",
        "1998-12-31",
        prefetch_days=50,
        indicators={"sma": {"type": "SMA", "interval": "1d", "timeperiod": 50}},
        historical={"indicators": {"high_52w": {"type": "trailing_max", "period": "52w", "field": "high"}}},
    )
    played = play_days(config, store_path)
    assert len(played) == 252  # trading days of 1998
    for row, symbol in enumerate(SYMBOLS):
        file = raw_bars.daily(lean_root, symbol).loc["1998-01-01":"1998-12-31"]
        closes = [record.tape.base.values[3, row, 0] for record in played.values()]
        own = pd.Series(closes, index=pd.to_datetime(list(played))).dropna()
        assert own.tolist() == file.close.tolist()
        averages = pd.Series(
            [indicator(record, symbol, "sma")[0] for record in played.values()], index=list(played)
        )
        expected = pd.Series(talib.SMA(file.close.to_numpy().copy(), 50), index=file.index)
        np.testing.assert_array_equal(averages.to_numpy(), expected.reindex(pd.to_datetime(list(played))))
        highs = [record.tape.historical["high_52w"].values[row] for record in played.values()]
        np.testing.assert_array_equal(
            highs, file.high.reindex(pd.to_datetime(list(played))).cummax().shift().ffill().to_numpy()
        )


@pytest.mark.parametrize("day", DAYS[:2])
def test_the_pre_market_is_the_one_of_the_raw_files(lean_root: Path, store_path: Path, day: str) -> None:
    with open_new_store(store_path) as store:
        found = SystemManager(load_session_config(EXAMPLE).config, store).opening_values(
            date.fromisoformat(day)
        )
    for row, symbol in enumerate(SYMBOLS):
        before_open = raw_bars.minutes(lean_root, symbol, day).between_time("00:00", "09:29")
        assert len(before_open) > 1
        figures = [found.pre_market.high[row], found.pre_market.low[row], found.pre_market.volume[row]]
        assert figures == [before_open.high.max(), before_open.low.min(), before_open.volume.sum()]

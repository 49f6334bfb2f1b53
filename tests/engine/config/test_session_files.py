"""Fields of session files, and their defaults."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path

import pytest

from tapedeck.engine.config import Period
from tapedeck.engine.config.documents import parse_text
from tapedeck.engine.intervals import Interval
from tapedeck.engine.session_file import load_session_config, parse_session_config

SPEC_EXAMPLE = """
session_name: October 2013
exchange_group: US_EQUITY
asset_class: EQUITY
mode: backtest
backtest_config: {start_date: 2013-10-07, end_date: 2013-10-11, speed_multiplier: 0, prefetch_days: 2}
session_data_config:
  symbols: [SPY, AIG, BAC, IBM]
  streams: [1m, 5m, 15m, 1h, 1d]
  historical:
    enable_quality: true
    data:
      - {trailing_days: 1, intervals: [1m], apply_to: all}
      - {trailing_days: 250, intervals: [1d], apply_to: [SPY, IBM]}
    indicators:
      avg_volume:
        {type: trailing_average, period: 10d, granularity: daily, field: volume, skip_early_close: true}
      avg_volume_minute: {type: trailing_average, period: 1d, granularity: minute, field: volume}
      high_52w: {type: trailing_max, period: 52w, field: high}
  indicators:
    sma_20: {type: SMA, interval: 1m, timeperiod: 20}
    rsi_14: {type: RSI, interval: 1m, timeperiod: 14}
    rsi_14_5m: {type: RSI, interval: 5m, timeperiod: 14}
    macd: {type: MACD, interval: 1m}                 # macd_macd, macd_macdsignal, macd_macdhist
    vwap: {type: VWAP, interval: 1m}                 # since the open, of the typical price
    rel_volume: {type: RELATIVE_VOLUME, interval: 1m, against: avg_volume_minute}
  gap_filler: {enable_session_quality: true, max_retries: 5, retry_interval_seconds: 60}
"""

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


@pytest.fixture(scope="module")
def spec():
    return parse_session_config(parse_text(SPEC_EXAMPLE, "spec", is_json=False), "spec").config


def test_the_specified_example_says_which_days_symbols_and_streams(spec):
    data = spec.session_data_config
    assert (spec.backtest_config.start_date, spec.backtest_config.end_date) == (
        date(2013, 10, 7),
        date(2013, 10, 11),
    )
    assert data.symbols == ("SPY", "AIG", "BAC", "IBM")
    assert [interval.seconds for interval in data.streams] == [60, 300, 900, 3600, 86400]
    assert not data.wants_quotes
    assert spec.exchange == "XNYS"


def test_the_specified_example_says_what_history_to_load(spec):
    minutes, days = spec.session_data_config.historical.data
    assert (minutes.trailing_days, minutes.intervals) == (1, (Interval(60),))
    assert minutes.applies_to("BAC")
    assert (days.trailing_days, days.intervals, days.apply_to) == (250, (Interval(86400),), ("SPY", "IBM"))
    assert days.applies_to("IBM")
    assert not days.applies_to("BAC")


def test_the_specified_example_says_which_trailing_values_to_make(spec):
    trailing = spec.session_data_config.historical.indicators
    assert trailing["avg_volume"].period == Period(10, "d")
    assert trailing["avg_volume"].period.is_in_trading_days
    assert trailing["avg_volume"].skip_early_close
    assert trailing["avg_volume_minute"].granularity == "minute"
    assert not trailing["avg_volume_minute"].skip_early_close
    assert (trailing["high_52w"].period, trailing["high_52w"].granularity) == (Period(52, "w"), "daily")
    assert not trailing["high_52w"].period.is_in_trading_days


def test_the_specified_example_says_which_indicators_to_show(spec):
    indicators = spec.session_data_config.indicators
    assert indicators["macd"].type == "MACD"
    assert indicators["macd"].parameters == {"fastperiod": 12, "slowperiod": 26, "signalperiod": 9}
    assert indicators["rsi_14_5m"].interval == Interval(300)
    assert indicators["rel_volume"].against == "avg_volume_minute"


def test_the_example_that_comes_with_tapedeck_can_be_played():
    loaded = load_session_config(EXAMPLES / "october-2013.yaml")
    data = loaded.config.session_data_config
    assert loaded.warnings == ()
    assert loaded.source.endswith("october-2013.yaml")
    assert set(data.historical.indicators) == {"avg_volume", "avg_volume_minute", "high_52w", "low_52w"}
    names = "sma_20 ema_20 rsi_14 macd bbands atr_14 rsi_14_5m vwap rel_volume"
    assert list(data.indicators) == names.split()
    assert [entry.trailing_days for entry in data.historical.data] == [1, 250]
    assert all(entry.applies_to("AIG") for entry in data.historical.data)


def test_the_live_example_computes_what_the_other_one_does():
    loaded = load_session_config(EXAMPLES / "october-2013-live.yaml")
    played = load_session_config(EXAMPLES / "october-2013.yaml").config
    assert loaded.warnings == ()
    assert (loaded.config.mode, loaded.config.backtest_config) == ("live", None)
    assert loaded.config.api_config.data_api == "replay"
    assert loaded.config.session_data_config == played.session_data_config
    # Its comments give the defaults.
    assert loaded.config.live_config == type(loaded.config.live_config)()


def test_what_a_file_leaves_out_has_a_sensible_value(document, read):
    config = read(document).config
    data = config.session_data_config
    assert (config.mode, config.asset_class) == ("backtest", "EQUITY")
    assert config.backtest_config.speed_multiplier == 0
    assert (config.backtest_config.prefetch_days, config.backtest_config.start_time) == (5, None)
    assert data.historical.enable_quality
    assert (data.historical.data, dict(data.historical.indicators), dict(data.indicators)) == ((), {}, {})
    filler = data.gap_filler
    assert (filler.enable_session_quality, filler.max_retries, filler.retry_interval_seconds) == (True, 5, 60)
    assert (data.min_completeness, data.scanners) == (0, ())
    assert config.trading_config.initial_cash > 0
    assert (config.api_config.data_api, dict(config.metadata)) == (None, {})


def test_a_session_may_start_in_the_middle_of_a_day(document, read):
    document["backtest_config"]["start_time"] = "10:30"
    assert read(document).config.backtest_config.start_time == time(10, 30)


def test_values_that_have_their_type_already_are_taken_as_they_are(document, read):
    document["backtest_config"] = {
        "start_date": date(2013, 10, 7),
        "end_date": date(2013, 10, 11),
        "start_time": time(10, 30, 15),
    }
    document["session_data_config"]["streams"] = (Interval(60), "quotes")
    document["session_data_config"]["historical"] = {
        "indicators": {"high_1y": {"type": "trailing_max", "period": Period(1, "y"), "field": "high"}}
    }
    config = read(document).config
    assert config.backtest_config.start_time == time(10, 30, 15)
    assert config.session_data_config.streams == (Interval(60),)
    assert config.session_data_config.historical.indicators["high_1y"].period == Period(1, "y")


def test_quotes_are_a_stream_but_not_an_interval(document, read):
    document["session_data_config"]["streams"] = ["quotes", "1m"]
    data = read(document).config.session_data_config
    assert data.wants_quotes
    assert data.streams == (Interval(60),)


def test_a_live_session_needs_no_dates(document, read):
    del document["backtest_config"]
    document |= {"mode": "live", "api_config": {"data_api": "alpaca", "trade_api": "alpaca"}}
    config = read(document).config
    assert config.backtest_config is None
    assert config.api_config.data_api == "alpaca"


def test_intraday_is_the_older_word_for_minute(document, read):
    average = {"type": "trailing_average", "period": "5d", "granularity": "intraday", "field": "volume"}
    document["session_data_config"]["historical"] = {"indicators": {"usual_volume": average}}
    trailing = read(document).config.session_data_config.historical.indicators
    assert trailing["usual_volume"].granularity == "minute"


def test_a_week_may_be_loaded_as_history(document, read):
    document["session_data_config"]["historical"] = {"data": [{"trailing_days": 20, "intervals": ["1w"]}]}
    (entry,) = read(document).config.session_data_config.historical.data
    assert entry.intervals == (Interval(604800),)
    assert entry.apply_to == "all"


def test_a_field_left_empty_counts_as_left_out(document, read):
    document["session_data_config"] |= {"indicators": None, "historical": {"data": None}}
    document["metadata"] = {"reviewed": None}
    config = read(document).config
    assert config.session_data_config.historical.data == ()
    assert config.metadata == {"reviewed": None}


def test_the_schema_key_of_editors_is_ignored(document, read):
    document["$schema"] = "session.schema.json"
    assert read(document).config.session_name == "October 2013"


def test_nothing_of_a_configuration_can_be_changed_afterwards(document, read):
    config = read(document).config
    with pytest.raises(ValueError, match="frozen"):
        config.session_name = "another"


@pytest.mark.parametrize("text", ["10d", "52w", "6m", "1y", "25000d"])
def test_a_period_is_written_as_it_is_read(text):
    assert str(Period.parse(text)) == text

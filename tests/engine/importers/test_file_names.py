"""Symbols in the names of files, beside intervals, dates and words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.importers.symbols import shared_symbols, symbol_of


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("BTCUSDT-1m-2024-01.csv", "BTCUSDT"),
        ("ETHUSDT-1m-2025-01-01.zip", "ETHUSDT"),
        ("EURUSD_M1_201310070000_201310072359.csv", "EURUSD"),
        ("SPY_1min.txt", "SPY"),
        ("spy.1min.csv.gz", "SPY"),
        ("AAPL_2013-10-07.csv", "AAPL"),
        ("AAPL.2013-10-07.csv", "AAPL"),
        ("20131007_spy_minute_trade.csv", "SPY"),
        ("QQQ_2020-01-01_to_2024-01-01.csv", "QQQ"),
        ("btcusd-m1-bid-2019-01-13-2019-01-14.csv", "BTCUSD"),
        ("DAT_ASCII_EURUSD_M1_2013.csv", "EURUSD"),
        ("EURUSD_Candlestick_1_M_BID_01.01.2024-31.01.2024.csv", "EURUSD"),
        ("IBM_full_1min_adjsplitdiv.txt", "IBM"),
        ("EURUSD_H4.csv", "EURUSD"),
        ("7203_2024.csv", "7203"),
        ("XBTUSD_1.csv", "XBTUSD"),
        ("BTCUSDT_1_2024-03-04.csv", "BTCUSDT"),
        ("EURUSD1.csv", "EURUSD"),
        ("HISTDATA_COM_ASCII_EURUSD_M1202403.zip", "EURUSD"),
        ("intraday_1min_IBM.csv", "IBM"),
        ("daily_adjusted_IBM.csv", "IBM"),
        ("AAPL_1min_sample.csv", "AAPL"),
        ("spy_intraday-1min_historical-data-03-05-2024.csv", "SPY"),
        ("ABC_31-12-2024.csv", "ABC"),
        ("STOCK_US_XNAS_AAPL.csv", "AAPL"),
        ("aapl_us_d.csv", "AAPL_US"),
        ("Quote-Equity-INFY-EQ-01-03-2024-to-31-03-2024.csv", "INFY-EQ"),
        # No part of these is an interval or a date.
        ("ES1.csv", "ES1"),
        ("DATA-USD.csv", "DATA-USD"),
        ("AAPL.US.txt", "AAPL.US"),
        ("BRK-B.csv", "BRK-B"),
        ("BRK.B.csv", "BRK.B"),
        ("BTC-USD.csv", "BTC-USD"),
        ("BTCUSDT_240329.csv", "BTCUSDT_240329"),
        ("CL_1.csv", "CL_1"),
        ("ESH4.csv", "ESH4"),
        ("0700.csv", "0700"),
        ("600000.csv", "600000"),
        ("^GSPC.csv", "^GSPC"),
        # Compression.
        ("SPY.csv.xz", "SPY"),
        ("SPY.csv.bz2", "SPY"),
        ("SPY.csv.zst", "SPY"),
        ("SPY.csv.zip", "SPY"),
        ("SPY.zst.parquet", "SPY"),
        # Folders of partitions, with the characters that a path cannot hold.
        ("symbol=BTC%2FUSD/part-0.parquet", "BTC/USD"),
        ("Ticker=brk.b/2024.csv", "BRK.B"),
    ],
)
def test_the_symbol_is_found(name, symbol):
    assert symbol_of(Path(name)).symbol == symbol


@pytest.mark.parametrize(
    ("name", "guesses"),
    [
        ("ES_H4.csv", ("ES", "ES_H4")),  # four hours of ES, or its contract of March 2014
        ("NQ_M15.csv", ("NQ", "NQ_M15")),
        ("BATS_SPY, 1.csv", ("SPY", "BATS")),
        ("AAPL Historical Data.csv", ("AAPL",)),
        ("ABC_1min_XYZ.csv", ("XYZ", "ABC")),
        ("ES 03-24.Last.txt", ("ES",)),
        ("HistoricalData_1709568000.csv", ()),
        ("HistoricalPrices.csv", ()),
        ("2024.csv", ("2024",)),
        ("2023-03-27.csv.gz", ("2023-03-27",)),
        ("1m.csv", ("1M",)),
        ("DAY.csv", ("DAY",)),
        ("2006-min-005.csv", ("MIN",)),
    ],
)
def test_a_symbol_in_doubt_is_asked_for(name, guesses):
    found = symbol_of(Path(name))
    assert (found.symbol, found.guesses) == ("", guesses)


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
words = st.text(LETTERS, min_size=2, max_size=6)
suffixes = st.sampled_from(["", ".A", ".US"])


@settings(max_examples=60)
@given(
    st.builds(str.__add__, words, suffixes), st.sampled_from(["csv", "csv.gz", "txt", "parquet", "csv.zst"])
)
def test_a_plain_name_is_kept_or_asked_for(word, suffix):
    found = symbol_of(Path(f"{word}.{suffix}"))
    assert found.symbol == word or (not found.symbol and found.guesses == (word,))


@settings(max_examples=60)
@given(
    st.text(LETTERS, min_size=4, max_size=8),
    st.sampled_from(["-", "_"]),
    st.dates(),
    st.sampled_from(["1m", "1min", "M1", "minute", "1d", "1h"]),
)
def test_intervals_and_dates_go(word, mark, day, interval):
    names = [f"{word}{mark}{interval}", f"{word}{mark}{interval}{mark}{day:%Y%m%d}"]
    names += [f"{word}{mark}{interval}{mark}{day:%Y-%m}", f"{word}{mark}{day:%Y-%m-%d}"]
    for name in names if 1900 <= day.year < 2200 else names[:1]:
        found = symbol_of(Path(f"{name}.csv"))
        assert found.symbol == word or (not found.symbol and word in found.guesses)


def test_files_that_share_a_symbol_by_left_out_parts_are_told():
    files = [Path(name) for name in ("ABCD-1m-2024-01.csv", "ABCD-1m-2024-02.csv", "XYZ.csv")]
    assert shared_symbols(files) == ["2 files are ABCD by their names (left out: 1m, 202401, 202402)"]

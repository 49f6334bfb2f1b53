"""Files in the layouts of vendors and tools, from bytes to stored bars: right at once, or asked about."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

from tapedeck.engine.errors import BarImportError
from tapedeck.engine.importers.file_rows import UnclearFileError
from tapedeck.engine.intervals import DAY, MINUTE, Interval
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.locations import open_store
from tests.support.imports import import_csv, import_parquet

EVER = (-(1 << 40), 1 << 40)
MINUTES = (1381152600, 1381152660)  # 2013-10-07 09:30 and 09:31 in New York, 13:30 and 13:31 UTC
DAYS = (1381104000, 1381190400)  # 2013-10-07 and 2013-10-08, 00:00 UTC
VALUES = ((10.0, 12.0, 9.0, 11.0, 100.0), (11.0, 13.0, 10.0, 12.0, 90.0))
NO_VOLUME = ((10.0, 12.0, 9.0, 11.0, 0.0), (11.0, 13.0, 10.0, 12.0, 0.0))
NEW_YORK = {"zone": "America/New_York"}
Stored = Mapping[str, tuple[tuple[int, tuple[float, ...]], ...]]


def zipped(name: str, text: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(name, text)
    return data.getvalue()


def bring(
    folder: Path, files: Mapping[str, str | bytes], interval: Interval, **options: str | None
) -> Stored:
    """Write files, import them, and return the stored bars by symbol: time, then prices and volume."""
    source = folder / "files"
    for name, content in files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    run = import_parquet if next(iter(files)).endswith(".parquet") else import_csv
    with open_store(folder / "bars.db", create=True) as store:
        run(source, store, interval=interval, **options)
        return stored_bars(store, interval)


def stored_bars(store: BarStore, interval: Interval) -> Stored:
    found = {}
    for symbol in store.series():
        bars = store.read(symbol, interval, *EVER)
        values = zip(bars.open, bars.high, bars.low, bars.close, bars.volume, strict=True)
        times = map(int, bars.opened_at)
        found[symbol] = tuple(zip(times, (tuple(map(float, row)) for row in values), strict=True))
    return found


def two(symbol: str, times: tuple[int, int] = MINUTES, values=VALUES) -> Stored:
    return {symbol: tuple(zip(times, values, strict=True))}


PLAIN = (
    "time,open,high,low,close,volume\n2013-10-07T13:30Z,10,12,9,11,100\n2013-10-07T13:31Z,11,13,10,12,90\n"
)
BINANCE = (
    "1381152600000000,10,12,9,11,100,1381152659999999,1100,5,1,1,0\n"
    "1381152660000000,11,13,10,12,90,1381152719999999,1080,5,1,1,0\n"
)
# Name: interval, files, options, stored bars. Several layouts of one kind stand side by side.
RIGHT: Mapping[str, tuple[Interval, Mapping[str, str | bytes], dict[str, str], Stored]] = {
    "yfinance, names in three lines": (
        DAY,
        {
            "A.csv": "Price,Close,High,Low,Open,Volume\nTicker,AAPL,AAPL,AAPL,AAPL,AAPL\nDate,,,,,\n"
            "2013-10-07,11,12,9,10,100\n2013-10-08,12,13,10,11,90\n"
        },
        {},
        two("AAPL", DAYS),
    ),
    "binance, zip without names": (
        MINUTE,
        {"BTCUSDT-1m-2013-10-07.zip": zipped("BTCUSDT-1m-2013-10-07.csv", BINANCE)},
        {"exchange": "CRYPTO"},
        two("BTCUSDT"),
    ),
    "binance, files by month with names": (
        MINUTE,
        {
            "k/ETHUSDT-1m-2013-10.csv": "open_time,open,high,low,close,volume,close_time\n"
            "1381152600000,10,12,9,11,100,1381152659999\n1381152660000,11,13,10,12,90,1381152719999\n",
        },
        {"exchange": "CRYPTO"},
        two("ETHUSDT"),
    ),
    "dukascopy, gmt time": (
        MINUTE,
        {
            "EURUSD.csv": "Gmt time,Open,High,Low,Close,Volume\n"
            "07.10.2013 13:30:00.000,10,12,9,11,100\n07.10.2013 13:31:00.000,11,13,10,12,90\n"
        },
        {},
        two("EURUSD"),
    ),
    "dukascopy-node, no volume": (
        MINUTE,
        {
            "eurusd-m1-bid-2013-10-07.csv": "timestamp,open,high,low,close\n"
            "1381152600000,10,12,9,11\n1381152660000,11,13,10,12\n"
        },
        {},
        two("EURUSD", values=NO_VOLUME),
    ),
    "metatrader 5": (
        MINUTE,
        {
            "EURUSD_M1_201310070000_201310072359.csv": "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>"
            "\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
            "2013.10.07\t16:30:00\t10\t12\t9\t11\t100\t0\t8\n2013.10.07\t16:31:00\t11\t13\t10\t12\t90\t0\t8\n"
        },
        {"zone": "EET"},
        two("EURUSD"),
    ),
    "metatrader 4": (
        MINUTE,
        {"EURUSD1.csv": "2013.10.07,13:30,10,12,9,11,100\n2013.10.07,13:31,11,13,10,12,90\n"},
        {"zone": "UTC"},
        two("EURUSD"),
    ),
    "stooq, finam, metastock": (
        DAY,
        {
            "data/x.txt": "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
            "A.US,D,20131007,000000,10,12,9,11,100,0\nA.US,D,20131008,000000,11,13,10,12,90,0\n"
        },
        {},
        two("A.US", DAYS),
    ),
    "interactive brokers, zone in the text, runs of blanks": (
        MINUTE,
        {
            "SPY.csv": "date,open,high,low,close,volume\n"
            "20131007  09:30:00 US/Eastern,10,12,9,11,100\n20131007  09:31:00 US/Eastern,11,13,10,12,90\n"
        },
        {},
        two("SPY"),
    ),
    "interactive brokers, no volume as -1": (
        MINUTE,
        {
            "SPY.csv": "date,open,high,low,close,volume,average,barCount\n"
            "2013-10-07 09:30:00-04:00,10,12,9,11,-1,-1,-1\n2013-10-07 09:31:00-04:00,11,13,10,12,-1,-1,-1\n"
        },
        {},
        two("SPY", values=NO_VOLUME),
    ),
    "cryptodatadownload, line of advertising, newest first": (
        MINUTE,
        {
            "x.csv": "https://example.com\nunix,date,symbol,open,high,low,close,Volume BTC,Volume USD\n"
            "1381152660,2013-10-07 13:31:00,BTC/USD,11,13,10,12,90,1060\n"
            "1381152600,2013-10-07 13:30:00,BTC/USD,10,12,9,11,100,1080\n"
        },
        {},
        two("BTC/USD"),
    ),
    "finnhub, s is a status": (
        MINUTE,
        {"AAPL.csv": "c,h,l,o,s,t,v\n11,12,9,10,ok,1381152600,100\n12,13,10,11,ok,1381152660,90\n"},
        {},
        two("AAPL"),
    ),
    "alpaca, daily at midnight in New York": (
        DAY,
        {
            "x.csv": "symbol,timestamp,open,high,low,close,volume,trade_count,vwap\n"
            "SPY,2013-10-07 04:00:00+00:00,10,12,9,11,100,5,10.5\n"
            "SPY,2013-10-08 04:00:00+00:00,11,13,10,12,90,5,11.5\n"
        },
        {},
        two("SPY", DAYS),
    ),
    "finnhub, daily at the open": (
        DAY,
        {"SPY.csv": "t,o,h,l,c,v\n1381152600,10,12,9,11,100\n1381239000,11,13,10,12,90\n"},
        {},
        two("SPY", DAYS),
    ),
    "pandas, index without a name": (
        MINUTE,
        {
            "SPY.csv": ",open,high,low,close,volume\n"
            "2013-10-07 09:30:00-04:00,10,12,9,11,100\n2013-10-07 09:31:00-04:00,11,13,10,12,90\n"
        },
        {},
        two("SPY"),
    ),
    "jforex, decimal commas": (
        MINUTE,
        {
            "EURUSD.csv": "Time (UTC);Open;High;Low;Close;Volume\n"
            "2013.10.07 13:30:00;10,0;12,0;9,0;11,0;100,0\n2013.10.07 13:31:00;11,0;13,0;10,0;12,0;90,0\n"
        },
        {},
        two("EURUSD"),
    ),
    "investing.com": (
        DAY,
        {
            "A.csv": '\ufeff"Date","Price","Open","High","Low","Vol.","Change %"\n'
            '"10/08/2013","12.00","11.00","13.00","10.00","0.09K","1.00%"\n'
            '"10/07/2013","11.00","10.00","12.00","9.00","0.10K","0.00%"\n'
        },
        {"time_format": "mdy"},
        two("A", DAYS),
    ),
    "massive, day file": (
        DAY,
        {
            "2013-10-07.csv.gz": gzip.compress(
                b"ticker,volume,open,close,high,low,window_start,transactions\n"
                b"BRK.B,100,10,11,12,9,1381118400000000000,5\nBRK.B,90,11,12,13,10,1381204800000000000,5\n"
            )
        },
        {},
        two("BRK.B", DAYS),
    ),
    "kaggle, symbols in a column called Name": (
        DAY,
        {
            "all.csv": "date,open,high,low,close,volume,Name\n"
            "2013-10-07,10,12,9,11,100,A\n"
            "2013-10-08,11,13,10,12,90,A\n"
            "2013-10-07,10,12,9,11,100,B\n2013-10-08,11,13,10,12,90,B\n"
        },
        {},
        {**two("A", DAYS), **two("B", DAYS)},
    ),
    "tradestation, up and down": (
        MINUTE,
        {
            "ES.txt": '"Date","Time","Open","High","Low","Close","Up","Down"\r\n'
            "10/07/2013,09:31,10,12,9,11,60,40\r\n10/07/2013,09:32,11,13,10,12,50,40\r\n"
        },
        {**NEW_YORK, "label": "close", "time_format": "%m/%d/%Y %H:%M"},
        two("ES"),
    ),
    "zero prices are left out": (
        DAY,
        {
            "A.csv": "Date,Open,High,Low,Close,Volume\n2013-10-07,10,12,9,11,100\n2013-10-08,11,13,10,12,90\n"
            "2013-10-09,0,12,9,11,5\n2013-10-10,0,0,0,0,0\n"
        },
        {},
        two("A", DAYS),
    ),
    "rounding beyond high and low": (
        DAY,
        {
            "A.csv": "Date,Open,High,Low,Close,Volume\n"
            "2013-10-07,10,28.7,9,28.700000000000003,100\n2013-10-08,11,13,10,12,90\n"
        },
        {},
        two("A", DAYS, ((10.0, 28.700000000000003, 9.0, 28.700000000000003, 100.0), VALUES[1])),
    ),
    "milliseconds and microseconds in one file": (
        MINUTE,
        {
            "BTCUSDT.csv": "timestamp,open,high,low,close,volume\n"
            "1381152600000,10,12,9,11,100\n1381152660000000,11,13,10,12,90\n"
        },
        {"exchange": "CRYPTO"},
        two("BTCUSDT"),
    ),
    "symbols with signs": (
        MINUTE,
        {
            "all.csv": "symbol,time,open,high,low,close,volume\n"
            + "".join(
                f"{symbol},2013-10-07T13:30Z,10,12,9,11,100\n{symbol},2013-10-07T13:31Z,11,13,10,12,90\n"
                for symbol in ("BTC/USD", "EURUSD=X", "^GSPC", "A B")
            )
        },
        {},
        {**two("BTC/USD"), **two("EURUSD=X"), **two("^GSPC")},
    ),
    "xz": (MINUTE, {"SPY.csv.xz": lzma.compress(PLAIN.encode())}, {}, two("SPY")),
    "bz2, misnamed": (MINUTE, {"SPY.csv": bz2.compress(PLAIN.encode())}, {}, two("SPY")),
    "gz that is none": (MINUTE, {"SPY.csv.gz": PLAIN}, {}, two("SPY")),
    "utc in the text": (
        MINUTE,
        {"SPY.csv": PLAIN.replace("T13", " 13").replace("Z,", ":00 UTC,")},
        {},
        two("SPY"),
    ),
    "edt in the text": (
        MINUTE,
        {"SPY.csv": PLAIN.replace("T13", " 09").replace("Z,", ":00 EDT,")},
        NEW_YORK,
        two("SPY"),
    ),
    "twelve digits": (
        MINUTE,
        {"SPY.csv": PLAIN.replace("2013-10-07T13:", "2013100709").replace("Z,", ",")},
        NEW_YORK,
        two("SPY"),
    ),
    "clock without a leading zero": (
        MINUTE,
        {
            "SPY.csv": "date,time,open,high,low,close,volume\n"
            "20131007,930,10,12,9,11,100\n"
            "20131007,931,11,13,10,12,90\n"
        },
        NEW_YORK,
        two("SPY"),
    ),
    "trailing commas": (
        MINUTE,
        {
            "SPY.csv": "Date,Time,Open,High,Low,Close,Volume\n"
            "2013-10-07,09:30,10,12,9,11,100,\n"
            "2013-10-07,09:31,11,13,10,12,90,\n"
        },
        NEW_YORK,
        two("SPY"),
    ),
    "names of rows": (
        DAY,
        {
            "SPY.csv": '"Date" "Open" "High" "Low" "Close" "Volume"\n'
            '"1" "2013-10-07" 10 12 9 11 100\n'
            '"2" "2013-10-08" 11 13 10 12 90\n'
        },
        {},
        two("SPY", DAYS),
    ),
    "tradingview": (
        MINUTE,
        {
            "x.csv": "time,open,high,low,close,Volume,Volume MA,Plot,Plot\n"
            "1381152600,10,12,9,11,100,NaN,1,2\n"
            "1381152660,11,13,10,12,90,NaN,1,2\n"
        },
        {"symbol": "SPY"},
        two("SPY"),
    ),
    "rows without prices are gaps": (
        DAY,
        {
            "SPY.csv": "Date,Open,High,Low,Close,Adj Close,Volume\n"
            "2013-10-07,10,12,9,11,8,100\n"
            "2013-10-08,11,13,10,12,8,90\n"
            "2013-10-09,null,null,null,null,null,null\n"
        },
        {},
        two("SPY", DAYS),
    ),
    # Found in public code and documents, beside those above.
    "kraken": (
        MINUTE,
        {"XBTUSD_1.csv": "1381152600,10,12,9,11,100,7\n1381152660,11,13,10,12,90,7\n"},
        {},
        two("XBTUSD"),
    ),
    "huobi, the volume in money is called vol": (
        MINUTE,
        {
            "btcusdt.csv": "ts,open,close,low,high,amount,vol,count\n"
            "1381152660,11,12,10,13,90,1070,5\n"
            "1381152600,10,11,9,12,100,1090,5\n"
        },
        {"exchange": "CRYPTO"},
        two("BTCUSDT"),
    ),
    "iqfeed, the volume of the day comes first": (
        MINUTE,
        {
            "SPY.csv": "Timestamp,High,Low,Open,Close,Total Volume,Period Volume,Number of Trades\n"
            "2013-10-07 09:30:00,12,9,10,11,1100,100,5\n"
            "2013-10-07 09:31:00,13,10,11,12,1190,90,5\n"
        },
        NEW_YORK,
        two("SPY"),
    ),
    "euronext": (
        DAY,
        {
            "HistoricalPrices.csv": '"Historical Data"\n'
            '"From 2013-10-07 to 2013-10-14"\n'
            "FR0000000001\n"
            "Date;Open;High;Low;Last;Close;Number of Shares;Number of Trades;Turnover;vwap\n"
            "14/10/2013;11;13;10;12;12;90;5;1080;11.5\n"
            "07/10/2013;10;12;9;11;11;100;5;1100;10.5\n"
        },
        {"symbol": "TTE", "exchange": "XPAR"},
        two("TTE", (DAYS[0], DAYS[0] + 7 * 86400)),
    ),
    "german spreadsheet": (
        DAY,
        {
            "SAP.csv": "Datum;Eröffnung;Hoch;Tief;Schluss;Volumen\r\n"
            "07.10.2013;10,00;12,00;9,00;11,00;100\r\n"
            "08.10.2013;11,00;13,00;10,00;12,00;90\r\n".encode("cp1252")
        },
        {"exchange": "XFRA"},
        two("SAP", DAYS),
    ),
    "ariva, pieces and money": (
        DAY,
        {
            "x.csv": "Datum;Erster;Hoch;Tief;Schlusskurs;Stuecke;Volumen\n"
            "2013-10-08;11,0;13,0;10,0;12,0;90;1070\n"
            "2013-10-07;10,0;12,0;9,0;11,0;100;1090\n"
        },
        {"symbol": "SAP", "exchange": "XFRA"},
        two("SAP", DAYS),
    ),
    "stooq, polish": (
        DAY,
        {
            "aapl_us_d.csv": "Data,Otwarcie,Najwyzszy,Najnizszy,Zamkniecie,Wolumen\n"
            "2013-10-07,10,12,9,11,100\n"
            "2013-10-08,11,13,10,12,90\n"
        },
        {},
        two("AAPL_US", DAYS),
    ),
    "akshare, chinese": (
        DAY,
        {
            "x.csv": "日期,股票代码,开盘,收盘,最高,最低,成交量,成交额\n"
            "2013-10-07,600519,10,11,12,9,100,1100\n"
            "2013-10-08,600519,11,12,13,10,90,1080\n"
        },
        {},
        two("600519", DAYS),
    ),
    "nse, names of ISO 20022": (
        DAY,
        {
            "BhavCopy.csv": "TradDt,ISIN,TckrSymb,SctySrs,OpnPric,HghPric,"
            "LwPric,ClsPric,LastPric,PrvsClsgPric,TtlTradgVol,TtlTrfVal\n"
            "2013-10-07,X,INFY,EQ,10,12,9,11,11,8,100,1100\n"
            "2013-10-08,X,INFY,EQ,11,13,10,12,12,11,90,1080\n"
        },
        {"exchange": "XBOM"},
        two("INFY", DAYS),
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_the_layout_is_stored_as_it_is(tmp_path, name):
    interval, files, options, expected = RIGHT[name]
    assert bring(tmp_path, files, interval, **options) == expected


def test_parquet_frames_of_yfinance_and_partitions_with_signs_are_stored(tmp_path):
    frame = pd.DataFrame(
        [(11.0, 12.0, 9.0, 10.0, 100), (12.0, 13.0, 10.0, 11.0, 90)],
        index=pd.DatetimeIndex(["2013-10-07", "2013-10-08"], name="Date"),
        columns=pd.MultiIndex.from_product([["Close", "High", "Low", "Open", "Volume"], ["AAPL"]]),
    )
    frame.to_parquet(data := io.BytesIO())
    (tmp_path / "one").mkdir()
    assert bring(tmp_path / "one", {"x.parquet": data.getvalue()}, DAY) == two("AAPL", DAYS)
    minutes = pd.DataFrame(VALUES, columns=["open", "high", "low", "close", "volume"])
    minutes.insert(0, "time", pd.to_datetime(MINUTES, unit="s", utc=True))
    minutes.to_parquet(data := io.BytesIO(), index=False)
    (tmp_path / "two").mkdir()
    files = {"ds/symbol=BTC%2FUSD/part-0.parquet": data.getvalue()}
    assert bring(tmp_path / "two", files, MINUTE) == two("BTC/USD")


DATES = (
    "Date,Open,High,Low,Close,Volume\n"
    "2013-10-07,10,12,9,11,100\n"
    "2013-10-08,11,13,10,12,90\n"
    "2013-10-09,11,13,10,12,90\n"
)
LEAN = "".join(f"201310{day:02} 00:00,100000,120000,90000,110000,100\n" for day in (7, 8, 9))
TOTALS = "".join(
    f"2013-10-07T13:{30 + i}Z,{12 + i},{9 + i},{10 + i},{11 + i},{1000 + 100 * i},100\n" for i in range(10)
)
BOTH_SIDES = (
    "2013-10-07T13:30Z,10.5,12.5,9.5,11.5,10.6,12.6,9.6,11.6\n"
    "2013-10-07T13:31Z,11.5,13.5,10.5,12.5,11.6,13.6,10.6,12.6\n"
)
# Interval, file name, text, options, words of the question, the first way.
ASKED: Mapping[str, tuple[Interval, str, str, dict[str, str], str, dict[str, str | None]]] = {
    "five minutes as one": (
        MINUTE,
        "A.csv",
        "Date,Time,Open,High,Low,Close,Volume,OpenInterest\n"
        + "".join(f"2013-10-07,09:{minute:02}:00,10,12,9,11,5,0\n" for minute in (30, 35, 40, 45)),
        NEW_YORK,
        "5m apart, not bars of 1m",
        {"--as-is": ""},
    ),
    "days as minutes": (MINUTE, "A.csv", DATES, NEW_YORK, "daily, not bars of 1m", {"--interval": "1d"}),
    "labels at the close": (
        MINUTE,
        "A.csv",
        "DateTime,Open,High,Low,Close,Volume\n"
        + "".join(f"20131007 {clock}00,10,12,9,11,5\n" for clock in ("0931", "0932", "1559", "1600")),
        NEW_YORK,
        "look like closes",
        {"--label": "close"},
    ),
    "order of day and month": (
        DAY,
        "A.csv",
        "Date,Open,High,Low,Close,Volume\n03/04/2013,10,12,9,11,100\n",
        {},
        "name the order",
        {"--time-format": "mdy"},
    ),
    "name with blanks": (MINUTE, "BATS_SPY, 1.csv", PLAIN, {}, "no clear symbol", {"--symbol": "SPY"}),
    "ninjatrader": (
        MINUTE,
        "ES 12-13.Last.txt",
        "20131007 133000;10;12;9;11;100\n20131007 133100;11;13;10;12;90\n",
        {"zone": "UTC"},
        "no clear symbol",
        {"--symbol": "ES"},
    ),
    "vwap before the volume": (
        MINUTE,
        "A.csv",
        "1381152600,10,12,9,11,10.4,100,5\n1381152660,11,13,10,12,11.4,90,5\n",
        {},
        "no column is surely the volume",
        {"--columns": "time,open,high,low,close,-,volume"},
    ),
    "bid and ask without names": (
        MINUTE,
        "A.csv",
        BOTH_SIDES,
        {},
        "no column is surely the volume",
        {"--columns": "time,open,high,low,close"},
    ),
    "iqfeed without names": (
        MINUTE,
        "A.csv",
        TOTALS,
        {},
        "no column is surely the volume",
        {"--columns": "time,high,low,open,close,-,volume"},
    ),
    "volumes in thousands": (
        DAY,
        "A.csv",
        DATES.replace("Volume", "Volume (000s)"),
        {},
        "counted in thousands",
        {"--column": "volume=Volume (000s)"},
    ),
    "lean outside its folders": (
        DAY,
        "spy.csv",
        LEAN,
        {},
        "tapedeck import lean",
        {"--columns": "time,open,high,low,close,volume"},
    ),
    "numbers of instruments": (
        MINUTE,
        "A.csv",
        "ts_event,instrument_id,open,high,low,close,volume\n"
        + "".join(f"{t},{n},1{n},2{n},{n},1{n},5\n" for t in MINUTES for n in (3, 4)),
        {},
        "several symbols",
        {"--column": "symbol=instrument_id"},
    ),
}


@pytest.mark.parametrize("name", ASKED)
def test_the_layout_is_asked_about_with_a_way_that_is_taken(tmp_path, name):
    interval, file, text, options, said, way = ASKED[name]
    with pytest.raises(UnclearFileError, match=said) as asked:
        bring(tmp_path, {file: text}, interval, **options)
    given = {flag: value for flag, value in asked.value.ways[0].items() if value is not None}
    assert given == way
    with open_store(tmp_path / "bars.db") as store:
        assert stored_bars(store, interval) == {}


REFUSED: Mapping[str, tuple[str, str]] = {
    "a column per symbol": (
        "Date,AAPL,MSFT,GOOG,AMZN\n2013-10-07,10,9,12,11\n2013-10-08,11,10,13,12\n",
        "one column per symbol",
    ),
    "no date": (
        "SC_CODE,OPEN,HIGH,LOW,CLOSE,NO_OF_SHRS\n500325,10,12,9,11,100\n",
        "no column found for time",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_layout_is_refused_in_words_and_no_command_is_offered(tmp_path, name):
    text, said = REFUSED[name]
    with pytest.raises(BarImportError, match=said):
        bring(tmp_path, {"x.csv": text}, DAY)


def test_a_column_beside_that_of_the_symbols_is_not_offered_for_them(tmp_path):
    text = "SYMBOL,SERIES,OPEN,HIGH,LOW,CLOSE,TOTTRDQTY,TIMESTAMP\n" + "".join(
        f"INFY,{series},1{n},2{n},{n},1{n},5,{day}-OCT-2013\n"
        for day in ("07", "08")
        for n, series in ((3, "EQ"), (4, "BE"))
    )
    with pytest.raises(UnclearFileError, match="'SERIES' tells the rows apart: keep the rows") as asked:
        bring(tmp_path, {"x.csv": text}, DAY)
    assert asked.value.ways == ()

"""Layouts of tables as vendors and tools write them: the right columns at first try, or asked with a way."""

from __future__ import annotations

from pathlib import Path

import pytest

from tapedeck.engine.errors import BarImportError
from tapedeck.engine.importers.file_rows import UnclearFileError, UnreadableFileError
from tapedeck.engine.importers.registry import IMPORTERS
from tapedeck.engine.intervals import DAY, MINUTE
from tests.support.tables import options_of, read_columns

BAR = {"open": "10", "high": "12", "low": "9", "close": "11", "volume": "100"}
T = "2013-10-07T13:30Z"
TIME, DATE = {"time": T}, {"date": "2013-10-07"}


def write(folder: Path, text: str) -> Path:
    file = folder / "XYZ.csv"
    file.write_text(text, encoding="utf-8", newline="")
    return file


def first_row(file: Path, **options: object) -> dict[str, object]:
    [columns] = read_columns(file, **options).values()
    return {role: values[0] for role, values in columns.items()}


# Names


NAMED = {
    "angle brackets": (
        "<TICKER>,<DATE>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>",
        "A,2013-10-07,10,12,9,11,100",
        DATE | {"symbol": "A"},
    ),
    "angle brackets and tabs": (
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>",
        "2013.10.07\t16:30:00\t10\t12\t9\t11\t100\t0\t8",
        {"date": "2013.10.07", "time": "16:30:00"},
    ),
    "numbered": ("timestamp,1. open,2. high,3. low,4. close,5. volume", f"{T},10,12,9,11,100", TIME),
    "quoted": ('"Time","Open","High","Low","Close","Volume"', f'"{T}","10","12","9","11","100"', TIME),
    "unix beside a date": (
        "unix,date,symbol,open,high,low,close,Volume BTC,Volume USD",
        "1381152600,2013-10-07 13:30:00,BTC/USD,10,12,9,11,100,1080",
        {"time": "1381152600", "symbol": "BTC/USD"},
    ),
    "currency volumes in the other order": (
        "Timestamp,Open,High,Low,Close,Volume_(Currency),Volume_(BTC),Weighted_Price",
        "1381152600,10,12,9,11,1090,100,10.9",
        {"time": "1381152600"},
    ),
    "window start": (
        "ticker,volume,open,close,high,low,window_start,transactions",
        "A,100,10,11,12,9,1381152600000000000,3",
        {"time": "1381152600000000000", "symbol": "A"},
    ),
    "databento": (
        "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol",
        "1381152600000000000,33,1,5482,10,12,9,11,100,ESZ3",
        {"time": "1381152600000000000", "symbol": "ESZ3"},
    ),
    "gmt time": (
        "Gmt time,Open,High,Low,Close,Volume",
        "07.10.2013 13:30:00.000,10,12,9,11,100",
        {"time": "07.10.2013 13:30:00.000"},
    ),
    "local time": (
        "Local time,Open,High,Low,Close,Volume",
        "07.10.2013 13:30:00.000 GMT+0200,10,12,9,11,100",
        {"time": "07.10.2013 13:30:00.000 GMT+0200"},
    ),
    "close/last": ("Date,Close/Last,Volume,Open,High,Low", "2013-10-07,11,100,10,12,9", DATE),
    "price for close": (
        '"Date","Price","Open","High","Low","Vol.","Change %"',
        '"2013-10-07","11","10","12","9","100","1.00%"',
        DATE,
    ),
    "adjusted close": ("Date,Open,High,Low,Close,Adj Close,Volume", "2013-10-07,10,12,9,11,8,100", DATE),
    "adjusted close first": (
        "Date,Adj Close,Close,High,Low,Open,Volume",
        "2013-10-07,8,11,12,9,10,100",
        DATE,
    ),
    "one letter each, s a status": ("c,h,l,o,s,t,v", "11,12,9,10,ok,1381152600,100", {"time": "1381152600"}),
    "one letter each, s a symbol": ("s,t,o,h,l,c,v", f"A,{T},10,12,9,11,100", TIME | {"symbol": "A"}),
    "bloomberg": (
        "Dates,PX_OPEN,PX_HIGH,PX_LOW,PX_LAST,PX_VOLUME",
        "2013-10-07,10,12,9,11,100",
        {"date": "2013-10-07"},
    ),
    "moex": (
        "open;close;high;low;value;volume;begin;end",
        f"10;11;12;9;1100;100;{T};2013-10-07T13:31Z",
        TIME,
    ),
    "tushare": (
        "ts_code,trade_date,open,high,low,close,pre_close,change,pct_chg,vol,amount",
        "1.SZ,20131007,10,12,9,11,10,1,10,100,1100",
        {"date": "20131007", "symbol": "1.SZ"},
    ),
    "name": (
        "date,open,high,low,close,volume,Name",
        "2013-10-07,10,12,9,11,100,AAPL",
        DATE | {"symbol": "AAPL"},
    ),
    "tic": (
        ",date,close,open,high,low,volume,tic,day",
        "0,2013-10-07,11,10,12,9,100,AAPL,0",
        DATE | {"symbol": "AAPL"},
    ),
    "name of a company beside a ticker": (
        "Name,Ticker,Date,Open,High,Low,Close,Volume",
        "Apple Inc,AAPL,2013-10-07,10,12,9,11,100",
        DATE | {"symbol": "AAPL"},
    ),
    "name of a company": (
        "Name,Date,Open,High,Low,Close,Volume",
        "Apple Inc,2013-10-07,10,12,9,11,100",
        DATE,
    ),
    "index without a name": (",open,high,low,close,volume", f"{T},10,12,9,11,100", TIME),
    "index of pandas": ("Unnamed: 0,open,high,low,close,volume", f"{T},10,12,9,11,100", TIME),
    "row numbers": (
        ",date,open,high,low,close,volume,average,barCount",
        f"0,{T},10,12,9,11,100,10.5,7",
        {"date": T},
    ),
    "row names of R": (
        '"Date" "Open" "High" "Low" "Close" "Volume"',
        '"1" "2013-10-07" 10 12 9 11 100',
        DATE,
    ),
    "symbol in the names": (
        '"Index","A.Open","A.High","A.Low","A.Close","A.Volume","A.Adjusted"',
        "2013-10-07,10,12,9,11,100,8",
        {"time": "2013-10-07"},
    ),
    "symbol behind the names": (
        "Date,Close_A,High_A,Low_A,Open_A,Volume_A",
        "2013-10-07,11,12,9,10,100",
        DATE,
    ),
    "pairs as text": (
        ",".join(
            f"\"('{name}', '{symbol}')\""
            for name, symbol in (
                ("Date", ""),
                ("Close", "A"),
                ("High", "A"),
                ("Low", "A"),
                ("Open", "A"),
                ("Volume", "A"),
            )
        ),
        "2013-10-07,11,12,9,10,100",
        DATE,
    ),
    "sum of two": (
        '"Date","Time","Open","High","Low","Close","Up","Down"',
        "2013-10-07,09:31,10,12,9,11,100,50",
        DATE | {"time": "09:31"},
    ),
    "metatrader from python": (
        "time,open,high,low,close,tick_volume,spread,real_volume",
        "1381152600,10,12,9,11,100,1,0",
        {"time": "1381152600"},
    ),
    "period and first trade": (
        "time_period_start;time_period_end;time_open;px_open;px_high;px_low;px_close;sx_sum;sx_cnt",
        f"{T};2013-10-07T13:31Z;2013-10-07T13:30:07Z;10;12;9;11;100;5",
        TIME,
    ),
    "opening time before a closing one": (
        "timeOpen;timeClose;name;open;high;low;close;volume;marketCap;timestamp",
        f"{T};2013-10-07T13:30:59Z;2781;10;12;9;11;100;9000;2013-10-07T13:30:59Z",
        TIME,
    ),
    "middle prices": ("time,volume,complete,mid.o,mid.h,mid.l,mid.c", f"{T},100,True,10,12,9,11", TIME),
    "columns aligned by blanks": (
        "Date        Time   Open   High   Low   Close  Volume",
        "2013-10-07  09:30  10     12     9     11     100   ",
        DATE | {"time": "09:30"},
    ),
    "indicators beside": (
        "time,open,high,low,close,Volume,Volume MA,Plot,Plot",
        "1381152600,10,12,9,11,100,NaN,1,2",
        {"time": "1381152600"},
    ),
    "klines": (
        "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore",
        "1381152600000,10,12,9,11,100,1381152659999,1,1,1,1,0",
        {"time": "1381152600000"},
    ),
    "bid only": ("DateTime,BidOpen,BidHigh,BidLow,BidClose,Volume", f"{T},10,12,9,11,100", TIME),
    "blanks around": (
        "Date , Open , High , Low , Close , Volume",
        "2013-10-07 , 10 , 12 , 9 , 11 , 100",
        None,
    ),
    "trailing comma in rows": ("Date,Open,High,Low,Close,Volume", "2013-10-07,10,12,9,11,100,", DATE),
    "trailing comma in the names": ("Date,Open,High,Low,Close,Volume,", "2013-10-07,10,12,9,11,100", DATE),
    "trailing commas in both": ("Date,Open,High,Low,Close,Volume,,", "2013-10-07,10,12,9,11,100,,", DATE),
    "semicolon, decimal commas": (
        "Time (UTC);Open;High;Low;Close;Volume",
        f"{T};10,5;12,5;9,5;11,5;18,25",
        TIME | {"open": "10,5", "high": "12,5", "low": "9,5", "close": "11,5", "volume": "18,25"},
    ),
    "quoted thousands": (
        "Date,Open,High,Low,Close,Volume",
        '2013-10-07,"1,010.5","1,012","1,009","1,011","2,678,490,000"',
        DATE
        | {"open": "1,010.5", "high": "1,012", "low": "1,009", "close": "1,011", "volume": "2,678,490,000"},
    ),
}


@pytest.mark.parametrize("name", NAMED)
def test_the_columns_of_a_usual_header_are_found(tmp_path, name):
    head, row, expected = NAMED[name]
    found = first_row(write(tmp_path, f"{head}\n{row}\n"), interval=MINUTE)
    found = {role: str(value).strip() for role, value in found.items()}
    assert found == BAR | (DATE if expected is None else expected)


def test_without_a_volume_it_is_zero_and_told(tmp_path):
    file = write(tmp_path, f"timestamp,open,high,low,close\n{T},10,12,9,11\n")
    [rows] = IMPORTERS["csv"].find(file, interval=MINUTE).read(file)
    assert rows.series[0].bars.volume.tolist() == [0.0]
    assert rows.reading.notes == ("no volume column: volume is stored as 0",)


def test_without_a_volume_other_columns_of_numbers_are_told(tmp_path):
    file = write(tmp_path, f"timestamp,open,high,low,close,trades,note\n{T},10,12,9,11,7,x\n")
    [rows] = IMPORTERS["csv"].find(file, interval=MINUTE).read(file)
    note = "no volume column: volume is stored as 0 (not read: 'trades'; --column volume=NAME takes one)"
    assert rows.reading.notes == (note,)


@pytest.mark.parametrize("columns", [None, {"volume": "Up+Down"}, {"volume": "up + down"}])
def test_volumes_are_added_up(tmp_path, columns):
    file = write(tmp_path, f"time,open,high,low,close,Up,Down\n{T},10,12,9,11,2566,854\n")
    [rows] = IMPORTERS["csv"].find(file, interval=MINUTE, columns=columns).read(file)
    assert rows.series[0].bars.volume.tolist() == [3420.0]


def test_of_daily_bars_a_date_comes_before_an_instant(tmp_path):
    file = write(tmp_path, "unix,date,open,high,low,close,volume\n1381104000,2013-10-07,10,12,9,11,100\n")
    assert first_row(file, interval=DAY) == DATE | BAR
    assert first_row(file, interval=MINUTE) == {"time": "1381104000"} | BAR


def test_a_date_that_does_not_tell_the_rows_apart_is_not_enough(tmp_path):
    file = write(
        tmp_path, "Date,Time,Open,High,Low,Close\n20131007,930,10,12,9,11\n20131007,931,10,12,9,11\n"
    )
    assert first_row(file, interval=DAY)["time"] == "930"


# Lines around the table


AROUND = {
    "banner": ("https://www.example.com\n", ""),
    "disclaimer": ("Prices as they are, no warranty\nExport of 2013-10-08\n\n", ""),
    "many lines": ("".join(f"comment {i}\n" for i in range(40)), ""),
    "separator of a spreadsheet": ("sep=,\n", ""),
    "units": ("", ",USD,USD,USD,USD,shares\n"),
    "units with a zone": ("", "UTC,USD,USD,USD,USD,lots\n"),
}


@pytest.mark.parametrize("name", AROUND)
def test_lines_around_the_names_are_left_out_and_told(tmp_path, name):
    before, behind = AROUND[name]
    row = "2013-10-07,10,12,9,11,x"
    file = write(
        tmp_path, f"{before}Date,Open,High,Low,Close,Volume\n{behind}2013-10-04,10,12,9,11,100\n{row}\n"
    )
    [rows] = IMPORTERS["csv"].find(file, interval=DAY).read(file)
    assert len(rows) == 2
    assert rows.texts([1])[1] == (before.count("\n") + behind.count("\n") + 3, row)
    assert any("left out" in note or "names of the columns" in note for note in rows.reading.notes)


@pytest.mark.parametrize("level", ["Price", ""])
def test_the_two_lines_behind_the_names_of_yfinance_are_names(tmp_path, level):
    head = f"{level},Close,High,Low,Open,Volume\n{'Ticker' if level else ''},A,A,A,A,A\nDate,,,,,\n"
    file = write(tmp_path, f"{head}2013-10-07,11,12,9,10,100\n2013-10-08,11,12,9,10,100\n")
    [rows] = IMPORTERS["csv"].find(file, interval=DAY).read(file)
    assert (len(rows), rows.faults, [series.symbol for series in rows.series]) == (2, {}, ["A"])
    assert rows.reading.columns["symbol"] == "the names of the columns"
    assert first_row(file, interval=DAY) == DATE | BAR


LEVEL = "Close,Close,High,High,Low,Low,Open,Open,Volume,Volume"
TWO = {
    "price first": f"Price,{LEVEL}\nTicker,A,B,A,B,A,B,A,B,A,B\nDate,,,,,,,,,,\n",
    "ticker first": f"Ticker,A,B,A,B,A,B,A,B,A,B\nPrice,{LEVEL}\nDate,,,,,,,,,,\n",
    "no labels": f",{LEVEL}\n,A,B,A,B,A,B,A,B,A,B\n",
    "flat": "Date,Close_A,Close_B,High_A,High_B,Low_A,Low_B,Open_A,Open_B,Volume_A,Volume_B\n",
}


@pytest.mark.parametrize("name", TWO)
def test_columns_of_several_symbols_are_split(tmp_path, name):
    file = write(
        tmp_path,
        f"{TWO[name]}2013-10-07,11,21,12,22,9,19,10,20,100,200\n2013-10-08,x,21,12,22,9,19,10,20,100,200\n",
    )
    [rows] = IMPORTERS["csv"].find(file, interval=DAY).read(file)
    opens = {series.symbol: series.bars.open.tolist() for series in rows.series}
    assert opens == {"A": [10.0], "B": [20.0, 20.0]}
    assert [series.bars.volume[0] for series in rows.series] == [100.0, 200.0]
    assert len(rows) == 4
    [(row, fault)] = rows.faults.items()
    assert fault == "invalid close 'x': expected a number"
    assert rows.texts([row])[row][1].startswith("2013-10-08,x,21")
    with pytest.raises(UnreadableFileError, match="columns of A, B: leave the symbol out"):
        next(IMPORTERS["csv"].find(file, interval=DAY, symbol="A").read(file))


def test_names_that_are_repeated_among_the_rows_are_no_rows(tmp_path):
    part = "Date,Open,High,Low,Close,Volume\n2013-10-0{},10,12,9,11,100\n"
    file = write(
        tmp_path, part.format(7) + part.format(8) + "\ufeff" + part.format(9) + "2013-10-10,x,1,1,1,1\n"
    )
    [rows] = IMPORTERS["csv"].find(file, interval=DAY).read(file)
    assert (len(rows.series[0].rows), len(rows)) == (3, 4)
    assert rows.texts(rows.faults) == {3: (7, "2013-10-10,x,1,1,1,1")}


def test_names_in_another_order_among_the_rows_are_refused(tmp_path):
    text = "Date,Open,High,Low,Close,Volume\n2013-10-07,10,12,9,11,100\n"
    text += "Date,Close,High,Low,Open,Volume\n2013-10-08,11,12,9,10,100\n"
    with pytest.raises(UnclearFileError, match="line 3 names the columns in another order"):
        list(IMPORTERS["csv"].find(write(tmp_path, text), interval=DAY).read(tmp_path / "XYZ.csv"))


def test_a_footer_is_rejected_with_its_text(tmp_path):
    file = write(tmp_path, "Date,Open,High,Low,Close,Volume\n2013-10-07,10,12,9,11,100\nTotal rows: 1\n")
    [rows] = IMPORTERS["csv"].find(file, interval=DAY).read(file)
    assert rows.faults == {1: "1 fields instead of 6: Date, Open, High, Low, Close, Volume"}
    assert rows.texts([1]) == {1: (3, "Total rows: 1")}


def test_lines_can_be_left_out_by_number(tmp_path):
    file = write(
        tmp_path, "Open High Low of everything\nDate,Open,High,Low,Close,Volume\n2013-10-07,10,12,9,11,100\n"
    )
    assert first_row(file, interval=DAY, skip_lines="1") == DATE | BAR
    with pytest.raises(BarImportError, match="invalid number of lines 'two'"):
        first_row(file, skip_lines="two")
    with pytest.raises(UnreadableFileError, match="no lines behind the first 9"):
        first_row(file, skip_lines="9")


# No names


PLAIN = {
    "time first": ([f"{T},10,12,9,11,100", "2013-10-07T13:31Z,11,13,10,12,90"], TIME),
    "binance": (
        ["1381152600000000,10,12,9,11,100,1381152659999999,1090,3,5,50,0"] * 2,
        {"time": "1381152600000000"},
    ),
    "kraken": (["1381152600,10,12,9,11,100,33"], {"time": "1381152600"}),
    "coinbase": (["1381152600,9,12,10,11,100"], {"time": "1381152600"}),
    "bitfinex": (["1381152600000,10,11,12,9,100"], {"time": "1381152600000"}),
    "date and clock": (
        ["20131007,930,10,12,9,11,100", "20131007,931,11,13,10,12,90"],
        {"date": "20131007", "time": "930"},
    ),
    "american date and clock": (["10/07/2013,09:30,10,12,9,11,100"], {"date": "10/07/2013", "time": "09:30"}),
    "metatrader": (["2013.10.07,00:00,10,12,9,11,100"], {"date": "2013.10.07", "time": "00:00"}),
    "histdata": (["20131007 000000;10;12;9;11;100"], {"time": "20131007 000000"}),
    "stooq": (
        ["A.US,D,20131007,000000,10,12,9,11,100,0"],
        {"date": "20131007", "time": "000000", "symbol": "A.US"},
    ),
    "symbol first": (
        ["EURUSD,20131007,000100,10,12,9,11,100"],
        {"date": "20131007", "time": "000100", "symbol": "EURUSD"},
    ),
    "days with whole prices": (
        ["20131007,1000,1020,990,1010,100"],
        {"date": "20131007", "open": "1000", "high": "1020", "low": "990", "close": "1010"},
    ),
    "trailing comma": ([f"{T},10,12,9,11,100,"], TIME),
    "banner before": (["bars by example", f"{T},10,12,9,11,100"], TIME),
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_table_without_names_is_read_by_its_values(tmp_path, name):
    lines, expected = PLAIN[name]
    file = write(tmp_path, "\n".join(lines))
    columns = read_columns(file)[None]
    assert {role: values[0] for role, values in columns.items()} == BAR | expected
    assert len(columns["open"]) == len(lines) - (name == "banner before")


def test_the_first_bar_of_a_table_without_names_is_never_lost(tmp_path):
    faulty = ["2013-10-07T13:29Z,10", f"{T},10,12,9,11,100", "2013-10-07T13:31Z,11,13,10,12,90"]
    file = write(tmp_path, "\n".join(faulty))
    [rows] = IMPORTERS["csv"].find(file, interval=MINUTE).read(file)
    assert rows.faults == {0: "2 fields instead of 6"}
    assert rows.series[0].rows.tolist() == [1, 2]


def test_names_of_columns_are_never_taken_from_data(tmp_path):
    file = write(tmp_path, f"{T},10,12,9,11,100\n2013-10-07T13:31Z,11,13,10,12,90\n")
    names = dict(
        zip(
            ("time", "open", "high", "low", "close", "volume"), [T, "10", "12", "9", "11", "100"], strict=True
        )
    )
    with pytest.raises(
        UnclearFileError, match="the first line holds no names, so --column cannot name any"
    ) as caught:
        read_columns(file, columns=names)
    assert caught.value.ways == ({"--column": None, "--columns": "time,open,high,low,close,volume"},)


@pytest.mark.parametrize(
    "text",
    [
        f"{T},10,12,9,11,100\n2013-10-07T13:31Z,11,13,10,12,90\n",
        f"a,b,c,d,e,f\n{T},10,12,9,11,100\n2013-10-07T13:31Z,11,13,10,12,90\n",
        f"time,open,high,low,close,volume\n{T},10,12,9,11,100\n2013-10-07T13:31Z,11,13,10,12,90\n",
    ],
)
def test_columns_by_position_need_no_names_and_replace_them(tmp_path, text):
    file = write(tmp_path, text)
    [columns] = read_columns(file, positions="time,close,high,low,open,-").values()
    assert columns["close"] == ["10", "11"]
    assert columns["open"] == ["11", "12"]
    assert "volume" not in columns


@pytest.mark.parametrize(
    ("positions", "said"),
    [
        ("time,open,high,low", "lacks close"),
        ("open,high,low,close", "lacks time"),
        ("time,open,high,low,close,close", "duplicate 'close'"),
        ("time,open,high,low,clsoe", "unknown role 'clsoe' .* Did you mean 'close'"),
    ],
)
def test_positions_that_make_no_bar_are_told(tmp_path, positions, said):
    with pytest.raises(BarImportError, match=said):
        read_columns(write(tmp_path, "x"), positions=positions)


def test_names_and_positions_exclude_each_other(tmp_path):
    with pytest.raises(BarImportError, match="--column and --columns exclude each other"):
        read_columns(write(tmp_path, "x"), positions="time,open,high,low,close", columns={"volume": "x"})


def test_more_positions_than_columns_are_told(tmp_path):
    with pytest.raises(BarImportError, match="it has 6 columns, but --columns names 7"):
        read_columns(write(tmp_path, f"{T},10,12,9,11,100"), positions="-,time,open,high,low,close,volume")


# Questions


QUESTIONS = {
    "close, high, low, open without names": (
        "2013-10-07,11,12,9,10,100\n2013-10-08,13,14,10.5,11,100\n2013-10-09,12,13.5,11,13,100\n2013-10-10,15,16,12,12,100\n",
        "several orders fit",
        1,
    ),
    "adjusted close without names": (
        "2013-10-07,10,12,9,11,8.5,100\n2013-10-08,11,13,10,12,9.1,90\n",
        "no column is surely the volume",
        0,
    ),
    "vwap without names": (f"{T},10,12,9,11,10.4,100,33\n", "no column is surely the volume", 0),
    "unknown names": (
        f"when,top price,bottom price,final price,size\n{T},12,9,11,100\n",
        "no column found for time, open, high, low, close",
        None,
    ),
    "names of another kind": (
        f"when,a,b,c,d,size\n{T},10,12,9,11,100\n",
        "no column found for time, open, high, low, close",
        0,
    ),
    "only an adjusted close": (
        "Date,Open,High,Low,Adj Close,Volume\n2013-10-07,10,12,9,11,100\n",
        "no column found for close",
        0,
    ),
    "another name for close": (
        "Date,Open,High,Low,Settle,Prev,Volume\n2013-10-07,10,12,9,11,8,100\n",
        "no column found for close",
        0,
    ),
    "two that may be close": (
        "Date,Open,High,Low,Settle,Mark,Volume\n2013-10-07,10,12,9,11,10.5,100\n",
        "no column found for close",
        0,
    ),
    "another name for time": (
        f"When,Open,High,Low,Close,Volume\n{T},10,12,9,11,100\n",
        "no column found for time",
        0,
    ),
    "bid and ask": (
        "DateTime,BidOpen,BidHigh,BidLow,BidClose,AskOpen,AskHigh,AskLow,AskClose,Volume\n"
        f"{T},10,12,9,11,10.1,12.1,9.1,11.1,100\n",
        "prices of bid and of ask",
        0,
    ),
    "two currencies": (
        "time,open (USD),open (CNY),high (USD),high (CNY),low (USD),low (CNY),close (USD),close (CNY),vol\n"
        f"{T},10,70,12,84,9,63,11,77,100\n",
        "prices of USD and of CNY",
        0,
    ),
    "two volumes, neither the product of price and the other": (
        f"time,open,high,low,close,Volume AAA,Volume BBB\n{T},10,12,9,11,100,7\n",
        "several columns may be the volume",
        0,
    ),
    "a likely volume": (
        f"time,open,high,low,close,Traded Contracts\n{T},10,12,9,11,100\n",
        "no column is known as the volume",
        0,
    ),
    "a quote volume alone": (
        f"time,open,high,low,close,quote_volume\n{T},10,12,9,11,100\n",
        "no column is known as the volume",
        0,
    ),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_has_several_readings_is_asked_and_one_of_the_ways_is_right(tmp_path, name):
    text, said, right = QUESTIONS[name]
    file = write(tmp_path, text)
    with pytest.raises((UnclearFileError, UnreadableFileError), match=said) as caught:
        read_columns(file)
    if right is None:
        assert isinstance(caught.value, UnreadableFileError)
        return
    found = first_row(file, **options_of(caught.value.ways[right]))
    assert {role: found[role] for role in BAR} == BAR


def test_a_hint_names_no_column_whose_values_do_not_fit(tmp_path):
    file = write(tmp_path, f"time,open,high,low,Note,Prev,volume\n{T},10,12,9,x,8,100\n")
    with pytest.raises(UnreadableFileError, match=r"no column found for close; .*the values of none fit"):
        read_columns(file)


def test_a_table_without_names_that_fits_no_order_shows_its_first_rows(tmp_path):
    file = write(tmp_path, f"{T},10,9,12,11,100\n2013-10-07T13:31Z,11,10,13,12,90\n")
    with pytest.raises(
        UnclearFileError, match=r"The first rows:\n  2013-10-07T13:30Z, 10, 9, 12, 11, 100\n"
    ) as caught:
        read_columns(file)
    # An order that does not fit is an example, and no command to run.
    assert caught.value.ways == ()
    assert caught.value.reason.endswith("such as --columns time,open,high,low,close,volume; - leaves one out")

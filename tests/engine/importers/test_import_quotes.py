"""Quotes of LEAN, CSV and Parquet files: which tables are quotes, what is stored, and what is not."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tapedeck.engine.errors import BarImportError
from tapedeck.engine.importers import csv_table
from tapedeck.engine.importers.file_rows import UnclearFileError
from tapedeck.engine.importers.report import ImportOptions, RefusedFileError
from tapedeck.engine.intervals import DAY, MINUTE, SECOND, Interval
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.locations import open_store
from tests.support.imports import import_csv, import_lean, import_parquet
from tests.support.memory_store import MemoryStore

NEW_YORK = ZoneInfo("America/New_York")
ALWAYS = (-(1 << 40), 1 << 40)
OPEN = int(datetime(2013, 10, 7, 9, 30, tzinfo=NEW_YORK).timestamp())
NAMES = ("opened_at", "bid", "ask", "bid_size", "ask_size")
nan = float("nan")


@pytest.fixture
def store(tmp_path) -> Iterator[BarStore]:
    with MemoryStore(tmp_path / "none") as opened:
        yield opened


@pytest.fixture(params=["bars.db", "bars"])
def any_store(request, tmp_path) -> Iterator[BarStore]:
    (tmp_path / "any").mkdir()
    with open_store(tmp_path / "any" / request.param, create=True) as opened:
        yield opened


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(line + "\n" for line in lines))
    return path


def rows(store: BarStore, symbol: str = "SPY", interval: Interval = MINUTE) -> list[tuple[str, ...]]:
    """Quotes as tuples of texts; the time in seconds from the open of 2013-10-07."""
    found = store.quotes.read(symbol, interval, *ALWAYS)
    lines = zip(*(getattr(found, name).tolist() for name in NAMES), strict=True)
    return [
        (str(time - OPEN), *(repr(value).removesuffix(".0") for value in values)) for time, *values in lines
    ]


def counts(report) -> tuple[int, ...]:
    told = (report.written, report.unchanged, report.replaced, report.rejected_count)
    assert sum(told) + report.gaps + report.earlier + report.left_out == report.rows_read
    return told


def reasons(report) -> list[tuple[int, str]]:
    return [(row.line, row.reason) for row in report.rejected]


# LEAN


@pytest.mark.parametrize("day", ["20131007", "20131008"])
def test_the_closes_and_last_sizes_of_real_quote_files_are_stored(lean_root, any_store, day):
    """Against pandas over the raw file: every row, its first and its last."""
    file = lean_root / f"equity/usa/minute/spy/{day}_quote.zip"
    report = import_lean(file, any_store)
    columns = ["ms", "bo", "bh", "bl", "bid", "bid_size", "ao", "ah", "al", "ask", "ask_size"]
    raw = pd.read_csv(file, header=None, names=columns)
    opened_at = int(pd.Timestamp(day, tz="America/New_York").timestamp()) + raw.ms // 1000
    wanted = np.stack([opened_at, raw.bid / 10_000, raw.ask / 10_000, raw.bid_size, raw.ask_size])
    found = any_store.quotes.read("SPY", MINUTE, *ALWAYS)
    assert np.stack([getattr(found, name) for name in NAMES]).tolist() == wanted.tolist()
    assert counts(report) == (len(raw), 0, 0, 0)
    [series] = report.quotes
    assert (series.symbol, series.interval, series.bars) == ("SPY", MINUTE, len(raw))
    assert (series.first, series.last) == (int(opened_at.iloc[0]), int(opened_at.iloc[-1]))
    assert any_store.series() == {}, "no bars are made of them"
    first = {"20131007": (908, 167.25, 167.27, 300, 20000), "20131008": (910, 167.37, 167.41, 20000, 20000)}
    facts = (len(found), found.bid[0], found.ask[0], found.bid_size[0], found.ask_size[0])
    assert facts == first[day], "as read by eye"


def lean_zip(root: Path, place: str, *lines: str) -> Path:
    path = root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{path.stem}.csv", "\n".join(lines))
    return path


def test_blank_fields_and_prices_of_0_are_a_missing_side(tmp_path, store):
    lean_zip(
        tmp_path,
        "equity/usa/second/spy/20131007_quote.zip",
        "34200000,1,1,1,1671000,3,,,,,",
        "34201000,,,,,,1,1,1,1672000,4",
        "34202000,1,1,1,0,3,1,1,1,1672000,4",
        "34203000,,,,,,,,,,",
        "34204000,1,1,1,1671000,-3,1,1,1,1672000,4",
        "34205500,1,1,1,1671000,3,1,1,1,1672000,4",
        "34206000,1,1,1,x,3,1,1,1,1672000,4",
        "34207000,1,1,1,1673000,3,1,1,1,1672000,4",
    )
    report = import_lean(tmp_path, store)
    assert rows(store, interval=SECOND) == [
        ("0", "167.1", "nan", "3", "nan"),
        ("1", "nan", "167.2", "nan", "4"),
        ("2", "nan", "167.2", "nan", "4"),
        ("7", "167.3", "167.2", "3", "4"),
    ]
    assert sorted(reasons(report)) == [
        (4, "the row has neither bid nor ask"),
        (5, "bid size -3 is negative"),
        (6, "time 34205500 is not on a whole second: expected milliseconds that end in 000"),
        (7, "invalid bid close 'x': expected a number"),
    ]


def test_crypto_is_not_scaled_and_its_times_are_utc(tmp_path, store):
    line = "60000,1,1,1,6800.25,0.5,1,1,1,6801,1.25"
    lean_zip(tmp_path, "crypto/coinbase/minute/btcusd/20131007_quote.zip", line)
    import_lean(tmp_path, store)
    midnight = int(datetime(2013, 10, 7, tzinfo=UTC).timestamp())
    assert rows(store, "BTCUSD") == [(str(midnight + 60 - OPEN), "6800.25", "6801", "0.5", "1.25")]


def test_trades_and_quotes_of_one_folder_go_each_to_its_own(tmp_path, store):
    lean_zip(tmp_path, "equity/usa/minute/spy/20131007_quote.zip", "34200000,1,1,1,1671000,3,1,1,1,1672000,4")
    lean_zip(
        tmp_path, "equity/usa/minute/spy/20131007_trade.zip", "34200000,1671000,1672000,1671000,1671500,9"
    )
    report = import_lean(tmp_path, store)
    assert (report.files, report.written, len(report.series), len(report.quotes)) == (2, 2, 1, 1)
    assert len(store.read("SPY", MINUTE, *ALWAYS)) == len(store.quotes.read("SPY", MINUTE, *ALWAYS)) == 1
    again = import_lean(tmp_path, store)
    assert counts(again) == (0, 2, 0, 0)


# Tables

T = "2013-10-07T09:30:00-04:00"
LAYOUTS = {
    "plain": ("symbol,timestamp,bid,ask,bid_size,ask_size", f"SPY,{T},167.1,167.2,3,4"),
    "prices": ("ticker;time;bid_price;ask_price;bid_qty;ask_qty", f"SPY;{T};167.1;167.2;3;4"),
    "decimal commas": ("ticker;time;Bid;Ask;BidVolume;AskVolume", f"SPY;{T};167,1;167,2;3;4"),
    "camel case": ("sym,t,bidPrice,bidSize,askPrice,askSize", f"SPY,{T},167.1,3,167.2,4"),
    "wire": ("S,bp,bs,ap,as,c,z,t", f"SPY,167.1,3,167.2,4,R,B,{T}"),
    "exchange's": (
        "SYMBOL,DATE,TIME,BID,OFR,BIDSIZ,OFRSIZ,MODE,EX",
        "SPY,20131007,09:30:00,167.1,167.2,3,4,12,T",
    ),
    "with a last price": (
        "symbol,timestamp,bid,ask,last,volume,bidsize,asksize",
        f"SPY,{T},167.1,167.2,1,2,3,4",
    ),
    "epochs": ("symbol,timestamp,ask,bid,asksize,bidsize", "SPY,1381152600123,167.2,167.1,4,3"),
    "tabs, angles": (
        "<SYMBOL>\t<DATE>\t<TIME>\t<BID>\t<ASK>\t<BIDSIZE>\t<ASKSIZE>",
        "SPY\t2013.10.07\t09:30:00.123\t167.1\t167.2\t3\t4",
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_tables_of_quotes_are_recognised_by_their_columns(tmp_path, store, layout):
    file = write(tmp_path / "some.csv", *LAYOUTS[layout])
    report = import_csv(file, store, interval=MINUTE, zone="America/New_York")
    assert rows(store) == [("0", "167.1", "167.2", "3", "4")]
    assert counts(report) == (1, 0, 0, 0)
    assert store.series() == {}
    assert "the file holds quotes, by its columns of bid and ask" in report.notes


def test_a_parquet_frame_of_quotes_is_read_with_its_index_and_its_fractions(tmp_path, store):
    times = pd.to_datetime([OPEN * 10**9 + 5, OPEN * 10**9 + 10**9, OPEN * 10**9 + 61 * 10**9], utc=True)
    frame = pd.DataFrame({"bid": [1.0, 2.0, nan], "ask": [1.5, nan, 2.5]}, index=times)
    frame.to_parquet(tmp_path / "SPY.parquet")
    report = import_parquet(tmp_path / "SPY.parquet", store, interval=MINUTE)
    assert rows(store) == [("0", "2", "1.5", "nan", "nan"), ("60", "nan", "2.5", "nan", "nan")]
    assert (counts(report), report.earlier) == ((2, 0, 0, 0), 1)
    assert "no column of the bid size: it is missing" in report.notes


@pytest.mark.parametrize(
    ("names", "values"),
    [
        ("time,open,high,low,close,volume,bid,ask", f"{T},10,12,9,11,100,10.9,11.1"),
        ("time,bid,ask,bidsize,asksize,Open,High,Low,Last,Volume", f"{T},10.9,11.1,3,4,10,12,9,11,100"),
        ("time,bidopen,bidhigh,bidlow,bidclose,volume", f"{T},10,12,9,11,100"),
    ],
)
def test_tables_of_bars_are_not_taken_for_quotes(tmp_path, store, names, values):
    import_csv(write(tmp_path / "SPY.csv", names, values), store, interval=MINUTE)
    assert store.quotes.series() == {}
    assert store.read("SPY", MINUTE, *ALWAYS).close.tolist() == [11]


@pytest.mark.parametrize(
    "names",
    [
        "time,bid,high,low",
        "time,bid,size",
        "time,bidopen,bidhigh,bidlow,bidclose,askopen,askhigh,asklow,askclose",
    ],
)
def test_tables_that_are_neither_are_asked_about_or_refused(tmp_path, store, names):
    values = ",".join([T, *["10"] * names.count(",")])
    with pytest.raises(BarImportError):
        import_csv(write(tmp_path / "SPY.csv", names, values), store, interval=MINUTE)
    assert (store.series(), store.quotes.series()) == ({}, {})


def test_columns_of_quotes_can_be_named_by_role_and_by_position(tmp_path, store):
    file = write(tmp_path / "SPY.csv", "time,b,a,high,low", f"{T},167.1,167.2,170,160")
    import_csv(file, store, interval=MINUTE, columns={"bid": "b", "ask": "a"})
    assert rows(store) == [("0", "167.1", "167.2", "nan", "nan")]
    file = write(tmp_path / "AIG.csv", f"{T},167.1,9,167.2,3")
    import_csv(file, store, interval=MINUTE, positions="time,bid,-,ask,ask_size")
    assert rows(store, "AIG") == [("0", "167.1", "167.2", "nan", "3")]
    with pytest.raises(BarImportError, match="lacks ask: name the columns"):
        import_csv(file, store, interval=MINUTE, positions="time,bid")
    with pytest.raises(BarImportError, match="columns of bars and of quotes"):
        import_csv(file.with_name("SPY.csv"), store, interval=MINUTE, columns={"bid": "b", "close": "a"})
    with pytest.raises(BarImportError, match="no column of quotes found for ask"):
        import_csv(file.with_name("SPY.csv"), store, interval=MINUTE, columns={"bid": "b"})


def test_bad_rows_are_rejected_and_listed_and_crossed_ones_are_facts(tmp_path, store):
    file = write(
        tmp_path / "SPY.csv",
        "time,bid,ask,bid_size,ask_size",
        f"{T},167.3,167.2,3,4",
        "2013-10-07T09:31:00-04:00,-1,167.2,3,4",
        "2013-10-07T09:32:00-04:00,167.1,167.2,-3,4",
        "2013-10-07T09:33:00-04:00,inf,167.2,3,4",
        "2013-10-07T09:34:00-04:00,,,3,4",
        "2013-10-07T09:35:00-04:00,0,0,0,0",
        "2013-10-07T09:36:00-04:00,abc,167.2,3,4",
        "soon,167.1,167.2,3,4",
        "2013-10-07T09:37:00-04:00,NaN,167.2,3,4",
    )
    report = import_csv(file, store, interval=MINUTE)
    assert rows(store) == [("0", "167.3", "167.2", "3", "4"), ("420", "nan", "167.2", "nan", "4")]
    assert counts(report) == (2, 0, 0, 7)
    assert [line for line, _ in sorted(reasons(report))] == [3, 4, 5, 6, 7, 8, 9]
    words = " ".join(reason for _, reason in reasons(report))
    for said in (
        "bid -1 is negative",
        "bid size -3 is negative",
        "inf",
        "neither bid nor ask",
        "'abc'",
        "'soon'",
    ):
        assert said in words
    with pytest.raises(RefusedFileError, match="7 bad rows; nothing was stored"):
        import_csv(file, store, interval=MINUTE, options=ImportOptions(strict=True))


def test_an_export_of_quotes_is_read_without_those_that_were_made(tmp_path, store):
    file = write(
        tmp_path / "quotes.csv",
        "symbol,timestamp,bid,ask,bid_size,ask_size,made",
        f"SPY,{T},167.1,167.2,3,4,false",
        "SPY,2013-10-07T09:31:00-04:00,167.1,,3,,false",
        f"AIG,{T},50,50,,,true",
        "AIG,2013-10-07T09:31:00-04:00,50,50,,,true",
    )
    report = import_csv(file, store, interval=MINUTE)
    assert rows(store) == [("0", "167.1", "167.2", "3", "4"), ("60", "167.1", "nan", "3", "nan")]
    assert store.quotes.series() == {"SPY": {MINUTE}}
    assert (counts(report), report.left_out) == ((2, 0, 0, 0), 2)
    assert "2 rows of quotes marked as made: left out" in report.notes


def test_stored_quotes_with_other_values_are_conflicts_unless_replaced(tmp_path, store):
    lines = [f"2013-10-07T09:3{n}:00-04:00,{n + 1},9" for n in range(5)]
    import_csv(write(tmp_path / "SPY.csv", "time,bid,ask", *lines), store, interval=MINUTE)
    others = [line.replace(",9", ",8") if n in (0, 2) else line for n, line in enumerate(lines)]
    file = write(tmp_path / "SPY.csv", "time,bid,ask", *others)
    report = import_csv(file, store, interval=MINUTE)
    assert counts(report) == (0, 3, 0, 2)
    assert [(line, "--replace overwrites" in reason) for line, reason in sorted(reasons(report))] == [
        (2, True),
        (4, True),
    ]
    assert counts(import_csv(file, store, interval=MINUTE, options=ImportOptions(replace=True))) == (
        0,
        3,
        2,
        0,
    )
    assert [ask for _, _, ask, _, _ in rows(store)] == ["8", "9", "8", "9", "9"]


def test_a_dry_run_tells_the_same_and_stores_nothing(tmp_path):
    lines = [f"2013-10-07T09:3{n}:00-04:00,{n + 1},9" for n in range(5)]
    file = write(tmp_path / "SPY.csv", "time,bid,ask", *lines)
    report = import_csv(file, None, interval=MINUTE)
    assert counts(report) == (5, 0, 0, 0)
    assert [series.bars for series in report.quotes] == [5]
    assert [(quote.opened_at - OPEN, quote.bid, quote.ask) for quote in report.first_quotes] == [
        (0, 1, 9),
        (60, 2, 9),
        (120, 3, 9),
    ]
    assert report.columns["bid"] == "bid"


def test_steps_and_labels_are_held_against_the_options(tmp_path, store):
    start = datetime(2013, 10, 7, 9, 30, tzinfo=NEW_YORK)

    def file_of(step, count, first):
        moments = [(start + timedelta(minutes=first + step * n)).isoformat() for n in range(count)]
        return write(tmp_path / "SPY.csv", "time,bid,ask", *(f"{moment},1,2" for moment in moments))

    with pytest.raises(UnclearFileError, match="5m"):
        import_csv(file_of(5, 60, 0), store, interval=MINUTE)
    with pytest.raises(UnclearFileError, match="look like closes"):
        import_csv(file_of(1, 390, 1), store, interval=MINUTE)
    import_csv(file_of(1, 390, 1), store, interval=MINUTE, label="close")
    found = rows(store)
    assert (found[0][0], found[-1][0], len(found)) == ("0", str(389 * 60), 390)
    file = write(tmp_path / "AIG.csv", "time,bid,ask", "2013-10-07T09:31:30-04:00,1,2")
    report = import_csv(file, store, interval=MINUTE, label="close")
    assert "is not on a boundary of 1m slots" in reasons(report)[0][1]


def test_daily_quotes_are_those_of_their_trading_day(tmp_path, store):
    import_csv(
        write(tmp_path / "SPY.csv", "date,bid,ask", "2013-10-07,1,2", "2013-10-08,3,4"), store, interval=DAY
    )
    assert store.quotes.read("SPY", DAY, *ALWAYS).opened_at.tolist() == [1381104000, 1381190400]


def test_quotes_of_several_symbols_without_their_column_are_asked_about(tmp_path, store):
    lines = [f"{OPEN + n},{w},{p},{p + 1}" for n in range(30) for w, p in (("A", 20), ("B", 90))]
    file = write(tmp_path / "SPY.csv", "time,what,bid,ask", *lines)
    with pytest.raises(UnclearFileError, match="several symbols"):
        import_csv(file, store, interval=SECOND)
    import_csv(file, store, interval=SECOND, columns={"symbol": "what"})
    assert store.quotes.series() == {"A": {SECOND}, "B": {SECOND}}
    assert counts(import_csv(file, store, interval=SECOND, options=ImportOptions(as_is=True))) == (
        30,
        0,
        0,
        0,
    )
    calm = [f"{OPEN + n},{p},{p + 1}" for n, p in enumerate([20] * 50 + [90] * 50)]
    import_csv(write(tmp_path / "CALM.csv", "time,bid,ask", *calm), store, interval=SECOND)
    assert len(rows(store, "CALM", SECOND)) == 100


# The last quote of each slot, by a second way: row by row.

moments = st.integers(0, 400)  # seconds from the open; rows of the same second are in the file's order
prices = st.sampled_from(["", "0", "1", "2.5", "3"])
ticks = st.lists(st.tuples(moments, st.sampled_from(["SPY", "AIG"]), prices, prices, prices), max_size=30)


def plainly_reduced(lines, symbol, seconds):
    """Quotes by slot: the last price of each side, with the size beside it."""
    slots = {}
    for moment, owner, bid, ask, size in lines:
        sides = [(side, float(price)) for side, price in ((0, bid), (1, ask)) if float(price or 0)]
        if owner != symbol or not sides:
            continue
        slot = slots.setdefault(moment // seconds * seconds, [nan, nan, nan, nan])
        for side, price in sides:
            slot[side], slot[side + 2] = price, float(size or "nan")
    return [
        (str(time), *(repr(value).removesuffix(".0") for value in values))
        for time, values in sorted(slots.items())
    ]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ticks, st.booleans(), st.sampled_from([SECOND, MINUTE]), st.integers(20, 200))
@example([(0, "SPY", "", "", ""), (0, "SPY", "", "1", ""), (0, "SPY", "", "1", "0")], True, SECOND, 20)
@example([(5, "SPY", "1", "", "1"), (5, "SPY", "2", "", "2"), (9, "SPY", "3", "", "3")], True, SECOND, 20)
@example([(5, "SPY", "1", "", "1"), (5, "SPY", "2", "", "2"), (9, "SPY", "", "3", "3")], True, MINUTE, 20)
def test_any_rows_are_reduced_to_the_last_price_of_each_side_and_again_change_nothing(
    tmp_path_factory, lines, descends, interval, piece
):
    ascending = sorted(lines, key=lambda line: line[0])
    file = tmp_path_factory.mktemp("quotes") / "quotes.csv"
    # The first row has all values, so that a file of blanks is one of quotes, too. With the last one it shows
    # the order of the file, if all other times are equal.
    ends = [(0, "ZZZ", "1", "1", "1"), (400, "ZZZ", "1", "1", "1")]
    written = [ends[0], *ascending, ends[1]]
    written = written[::-1] if descends else written
    texts = [f"{OPEN + at},{symbol},{bid},{ask},{size},{size}" for at, symbol, bid, ask, size in written]
    write(file, "time,symbol,bid,ask,bid_size,ask_size", *texts)
    with pytest.MonkeyPatch.context() as patch, MemoryStore(file.parent / "none") as store:
        # Parts of a few rows, so that slots lie across them.
        patch.setattr(csv_table, "text_blocks", in_small_blocks(csv_table.text_blocks, piece))
        options = ImportOptions(as_is=True)
        report = import_csv(file, store, interval=interval, options=options)
        for symbol in ("SPY", "AIG"):
            assert rows(store, symbol, interval) == plainly_reduced(ascending, symbol, interval.seconds)
        empty = sum(1 for _, _, bid, ask, _ in lines if not float(bid or 0) and not float(ask or 0))
        slots = sum(series.bars for series in report.quotes)
        assert counts(report) == (slots, 0, 0, empty)
        again = import_csv(file, store, interval=interval, options=options)
        assert counts(again) == (0, slots, 0, empty)


def in_small_blocks(blocks, size):
    """`text_blocks`, cut into blocks of about `size` bytes; the sample is whole."""

    def small(content, *sample):
        for block in blocks(content, *sample):
            lines, line = block.data.splitlines(keepends=True), block.line
            while lines:
                sizes = np.cumsum([len(text) for text in lines])
                count = len(lines) if sample else min(int(np.searchsorted(sizes, size)) + 1, len(lines))
                yield type(block)(b"".join(lines[:count]), line)
                lines, line = lines[count:], line + count

    return small

"""CSV and Parquet files as others write them: found columns, read times, bad rows by line."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.errors import BarImportError, CalendarError
from tapedeck.engine.importers.file_rows import UnclearFileError
from tapedeck.engine.importers.registry import IMPORTERS
from tapedeck.engine.importers.report import ImportOptions, RefusedFileError
from tapedeck.engine.intervals import DAY, MINUTE, SECOND, Interval
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.locations import open_store
from tests.support.imports import import_csv, import_lean, import_parquet

NEW_YORK = ZoneInfo("America/New_York")
VALUE_NAMES = ("open", "high", "low", "close", "volume")
ALWAYS = (-(1 << 40), 1 << 40)
OPEN = int(datetime(2013, 10, 7, 9, 30, tzinfo=NEW_YORK).timestamp())
VALUES = "10,12,9,11,100"
UNEVEN = "time is not on a whole second"
HEAD = "timestamp,open,high,low,close,volume"


@pytest.fixture
def store(tmp_path) -> Iterator[BarStore]:
    (tmp_path / "store").mkdir()
    with open_store(tmp_path / "store" / "bars.db", create=True) as opened:
        yield opened


@pytest.fixture(params=["bars.db", "bars"])
def any_store(request, tmp_path) -> Iterator[BarStore]:
    (tmp_path / "any").mkdir()
    with open_store(tmp_path / "any" / request.param, create=True) as opened:
        yield opened


def _naive(*parts: int) -> datetime:
    return datetime(*parts)  # noqa: DTZ001 - what a clock shows, or a type that has its own zone


def write(path: Path, *lines: str, end: str = "\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(line + end for line in lines).encode())
    return path


def times(store: BarStore, symbol: str = "XYZ", interval: Interval = MINUTE) -> list[int]:
    return [int(time) for time in store.read(symbol, interval, *ALWAYS).opened_at]


def frame(**columns: object) -> pd.DataFrame:
    count = len(next(iter(columns.values())))
    values = {"open": [10.0], "high": [12.0], "low": [9.0], "close": [11.0], "volume": [100]}
    return pd.DataFrame(columns | {name: value * count for name, value in values.items()})


# Times


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("2013-10-07T13:30:00Z", None),
        ("2013-10-07 09:30:00-04:00", None),
        ("2013-10-07T09:30:00.000-0400", None),
        ("2013-10-07 09:30", "America/New_York"),
        ("2013-10-07T09:30:00", "America/New_York"),
        ("2013-10-07T13:30:00.000000", "UTC"),
        ("20131007T133000", "UTC"),
        ("2013-10-07T09:30:00.000-04:00", None),
        ("2013-10-07 09:30-04", None),
        (str(OPEN), None),
        (f"{OPEN}.0", None),
        (f"{OPEN}000", None),
        (f"{OPEN}000000", None),
        (f"{OPEN}000000000", None),
        (f" {OPEN} ", None),
        (f"{OPEN}", "America/New_York"),
    ],
)
def test_a_minute_is_the_same_instant_however_it_is_written(tmp_path, store, text, zone):
    import_csv(write(tmp_path / "XYZ.csv", HEAD, f"{text},{VALUES}"), store, interval=MINUTE, zone=zone)
    assert times(store) == [OPEN]
    bars = store.read("XYZ", MINUTE, *ALWAYS)
    assert [column[0] for column in (bars.open, bars.high, bars.low, bars.close, bars.volume)] == [
        10,
        12,
        9,
        11,
        100,
    ]


@pytest.mark.parametrize(
    ("text", "time_format", "zone"),
    [
        ("10/07/2013 09:30", "%m/%d/%Y %H:%M", "America/New_York"),
        ("07.10.2013 15:30 +0200", "%d.%m.%Y %H:%M %z", None),
        (str(OPEN), "s", None),
        (f"{OPEN}000", "ms", None),
        (f"{OPEN}000000", "us", None),
        (f"{OPEN}000000000", "ns", None),
    ],
)
def test_a_time_format_says_what_cannot_be_guessed(tmp_path, store, text, time_format, zone):
    file = write(tmp_path / "XYZ.csv", HEAD, f"{text},{VALUES}")
    import_csv(file, store, interval=MINUTE, zone=zone, time_format=time_format)
    assert times(store) == [OPEN]


@pytest.mark.parametrize(
    ("text", "zone", "time_format"),
    [
        ("2013-10-07", None, None),
        ("20131007", None, None),
        ("2013-10-07 00:00:00-04:00", None, None),
        ("2013-10-07T04:00:00Z", "America/New_York", None),
        ("1381118400", "America/New_York", None),
        ("1381104000", None, None),
        ("10/07/2013", "America/New_York", "%m/%d/%Y"),
    ],
)
def test_a_daily_bar_belongs_to_the_date_as_written_or_as_the_zone_has_it(
    tmp_path, store, text, zone, time_format
):
    file = write(tmp_path / "XYZ.csv", HEAD, f"{text},{VALUES}")
    import_csv(file, store, interval=DAY, zone=zone, time_format=time_format)
    assert times(store, interval=DAY) == [int(datetime(2013, 10, 7, tzinfo=ZoneInfo("UTC")).timestamp())]


def test_label_close_shifts_a_bar_to_its_open(tmp_path, store):
    file = write(tmp_path / "XYZ.csv", HEAD, f"2013-10-07T13:31:00Z,{VALUES}")
    import_csv(file, store, interval=MINUTE, label="close")
    assert times(store) == [OPEN]


def test_date_and_time_may_stand_in_two_columns(tmp_path, store):
    file = write(
        tmp_path / "XYZ.csv", "Date,Time,O,H,L,C,V", f"2013-10-07,09:30,{VALUES}", f"20131007,093100,{VALUES}"
    )
    import_csv(file, store, interval=MINUTE, zone="America/New_York")
    assert times(store) == [OPEN, OPEN + 60]


def test_a_date_beside_a_whole_timestamp_is_left_aside(tmp_path, store):
    file = write(tmp_path / "XYZ.csv", f"date,{HEAD}", f"2013-10-07,2013-10-07T13:30Z,{VALUES}")
    import_csv(file, store, interval=MINUTE)
    assert times(store) == [OPEN]


def test_doubtful_and_unreadable_times_are_rejected_row_by_row(tmp_path, store):
    rows = {
        "2013-11-03 01:30": "ambiguous local time 2013-11-03 01:30:00 in America/New_York: "
        "the clock was set back; add the UTC offset",
        "2013-03-10 02:30": "nonexistent local time 2013-03-10 02:30:00 in America/New_York: "
        "the clock was set forward",
        "2013-10-07 09:30:30.5": "time is not on a whole second",
        "2013-10-07 09:30:30": "time 2013-10-07 13:30:30 UTC is not on a 1-minute boundary",
        "7 October": "invalid time '7 October': expected a date such as 2013-10-07 09:30, or an epoch",
        "": "time is missing",
        "1813-10-07 09:30": "time '1813-10-07 09:30' is outside the years 1900 to 2199",
    }
    lines = [f"{time},{VALUES}" for time in (*rows, "2013-10-07 09:30", "2013-11-03 01:30-05:00")]
    file = write(tmp_path / "XYZ.csv", HEAD, *lines)
    report = import_csv(file, store, interval=MINUTE, zone="America/New_York")
    assert [(entry.line, entry.reason) for entry in report.rejected] == list(
        enumerate(rows.values(), start=2)
    )
    assert times(store) == [OPEN, int(datetime(2013, 11, 3, 6, 30, tzinfo=ZoneInfo("UTC")).timestamp())]


@pytest.mark.parametrize(
    ("lines", "time_format", "reasons"),
    [
        (
            [f"{OPEN}", "x", ""],
            "s",
            ["invalid time 'x': expected a whole number", "time is missing"],
        ),
        ([f"{OPEN}", "99999999999999"], "s", ["time is outside the years 1900 to 2199"]),
        ([f"{OPEN}000", f"{OPEN}500"], None, [UNEVEN]),
        (
            ["07.10.2013 13:30", "7-10", ""],
            "%d.%m.%Y %H:%M",
            ["invalid time '7-10': expected the format '%d.%m.%Y %H:%M'", "time is missing"],
        ),
        (["10/07/2013 13:30:00.0", "10/07/2013 13:30:00.5"], "%m/%d/%Y %H:%M:%S.%f", [UNEVEN]),
        (["2013-10-07T13:30Z", "1813-10-07T13:30Z"], None, ["time is outside the years 1900 to 2199"]),
        (["20131007", "20131399"], None, ["invalid time '20131399': expected a date of 8 digits"]),
    ],
)
def test_an_odd_time_among_good_ones_is_rejected(tmp_path, store, lines, time_format, reasons):
    file = write(tmp_path / "XYZ.csv", HEAD, *(f"{time},{VALUES}" for time in lines))
    report = import_csv(file, store, interval=MINUTE, zone="UTC", time_format=time_format)
    assert report.written == 1
    assert [entry.reason for entry in report.rejected] == reasons


@given(
    instant=st.datetimes(_naive(2000, 1, 1), _naive(2030, 1, 1)),
    zone=st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe", "Asia/Tokyo"]),
)
@settings(max_examples=60, deadline=None)
def test_local_times_mean_what_the_zone_database_says(tmp_path_factory, instant, zone):
    wall = instant.replace(second=0, microsecond=0)
    first, second = (wall.replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp() for fold in (0, 1))
    folder = tmp_path_factory.mktemp("zones")
    with open_store(folder / "bars.db", create=True) as store:
        report = import_csv(
            write(folder / "XYZ.csv", HEAD, f"{wall},{VALUES}"), store, interval=MINUTE, zone=zone
        )
        assert times(store) == ([int(first)] if first == second else [])
        assert len(report.rejected) == int(first != second)


def test_rows_without_any_price_are_gaps_and_no_faults(tmp_path, store):
    rows = [
        f"{OPEN},10,12,9,11,100",
        f"{OPEN + 60},NaN,NaN,NaN,NaN,NaN",
        f"{OPEN + 120},null,null,null,null,null",
        f"{OPEN + 180},,,,,",
        f"{OPEN + 240},10,12,9,11,5",
    ]
    file = write(tmp_path / "XYZ.csv", HEAD, *rows)
    report = import_csv(file, store, interval=MINUTE, options=ImportOptions(strict=True))
    assert (report.written, report.rejected) == (2, ())
    assert times(store) == [OPEN, OPEN + 240]
    [part] = IMPORTERS["csv"].find(file, interval=MINUTE).read(file)
    assert (part.gaps, len(part)) == (3, 5)


def test_a_row_with_some_prices_only_is_a_fault(tmp_path, store):
    file = write(tmp_path / "XYZ.csv", HEAD, f"{OPEN},10,N/A,9,11,100", f"{OPEN + 60},10,12,9,11,-")
    report = import_csv(file, store, interval=MINUTE)
    assert [entry.reason for entry in report.rejected] == ["high is missing", "volume is missing"]


@pytest.mark.parametrize(
    ("rows", "way"),
    [
        (["03/04/2024 09:31,10,12,9,11,100"], {"--time-format": "mdy"}),
        (["2013-10-07 09:30,10,12,9,11,100"], {"--zone": "America/New_York"}),
        (['2013-10-07T13:30Z,"1,100","1,200","1,000","1,100",5'], {"--decimal": "."}),
        (["930,10,12,9,11,100"], {"--time-format": "s"}),
    ],
)
def test_a_file_with_two_readings_stores_nothing_and_names_a_way(tmp_path, store, rows, way):
    file = write(tmp_path / "XYZ.csv", HEAD, *rows)
    with pytest.raises(UnclearFileError) as asked:
        import_csv(file, store, interval=MINUTE)
    assert asked.value.ways[0] == way
    assert not store.series()


def test_a_file_of_a_german_spreadsheet_is_read_at_first_try(tmp_path, store):
    rows = ["07.10.2013 15:30:00;1.676,10;1.690,25;1.674,70;1.676,12;1.234,5"]
    file = write(tmp_path / "XYZ.csv", HEAD.replace(",", ";"), *rows)
    import_csv(file, store, interval=MINUTE, zone="Europe/Berlin")
    bars = store.read("XYZ", MINUTE, *ALWAYS)
    assert [
        column[0] for column in (bars.opened_at, bars.open, bars.high, bars.low, bars.close, bars.volume)
    ] == [
        OPEN,
        1676.1,
        1690.25,
        1674.7,
        1676.12,
        1234.5,
    ]


def test_a_daily_bar_of_an_unknown_exchange_is_told(tmp_path, store):
    file = write(tmp_path / "XYZ.csv", HEAD, f"2013-10-07T21:00Z,{VALUES}")
    with pytest.raises(CalendarError, match="unknown exchange 'NYSEE'"):
        import_csv(file, store, interval=DAY, exchange="NYSEE")


# Columns and files


@pytest.mark.parametrize(
    ("head", "columns"),
    [
        ("Datetime,Open,High,Low,Close,Volume", None),
        ("T,O,H,L,C,V", None),
        ("ts;o;h;l;c;vol", None),
        ("Date\tOPEN\tHIGH\tLOW\tLast\tVolume", None),
        (
            "when|first|top|bottom|final|size",
            {
                "time": "when",
                "open": "first",
                "high": "Top",
                "low": "bottom",
                "close": "final",
                "volume": "size",
            },
        ),
    ],
)
def test_usual_names_are_found_and_others_named_by_a_map(tmp_path, store, head, columns):
    delimiter = next(sign for sign in ",;\t|" if sign in head)
    row = f"2013-10-07T13:30Z,{VALUES}".replace(",", delimiter)
    import_csv(write(tmp_path / "XYZ.csv", head, row), store, interval=MINUTE, columns=columns)
    assert times(store) == [OPEN]


def test_columns_may_be_in_any_order_quoted_and_among_others(tmp_path, store):
    file = write(
        tmp_path / "XYZ.csv",
        'note,volume,close,low,high,open,"timestamp"',
        '"a, b",100,11,9,12,10,"2013-10-07T13:30Z"',
    )
    assert import_csv(file, store, interval=MINUTE).written == 1


def test_a_symbol_column_sends_each_row_to_its_symbol(tmp_path, any_store):
    rows = [f"{symbol},2013-10-07T13:30Z,{VALUES}" for symbol in ("spy", "IBM ", "", "a b", "Spy")]
    report = import_csv(write(tmp_path / "all.csv", f"Ticker,{HEAD}", *rows), any_store, interval=MINUTE)
    assert list(any_store.series()) == ["IBM", "SPY"]
    assert (report.rows_read, report.written, report.unchanged) == (5, 2, 1)
    assert [(entry.line, entry.reason) for entry in report.rejected] == [
        (4, "symbol is missing"),
        (5, "invalid symbol 'A B': use up to 64 printable characters, no spaces"),
    ]


def test_a_strict_import_stores_none_of_the_symbols_of_a_file_with_a_bad_row(tmp_path, any_store):
    rows = [f"A,2013-10-07T13:30Z,{VALUES}", "B,2013-10-07T13:30Z,10,9,12,11,100"]
    file = write(tmp_path / "all.csv", f"symbol,{HEAD}", *rows)
    with pytest.raises(RefusedFileError, match="high 9 is below low 12"):
        import_csv(file, any_store, interval=MINUTE, options=ImportOptions(strict=True))
    assert all(not times(any_store, symbol) for symbol in any_store.series())


def test_a_given_symbol_names_the_rows_of_a_column_with_one_symbol(tmp_path, store):
    one, other = (f"{symbol},2013-10-07T13:30Z,{VALUES}" for symbol in ("IBM", "AIG"))
    file = write(tmp_path / "all.csv", f"symbol,{HEAD}", one, one)
    import_csv(file, store, interval=MINUTE, symbol="spy")
    assert list(store.series()) == ["SPY"]
    write(file, f"symbol,{HEAD}", one, other)
    for symbol in ("spy", "ibm"):
        with pytest.raises(UnclearFileError, match=r"several symbols \(AIG, IBM\), and --symbol names one"):
            import_csv(file, store, interval=MINUTE, symbol=symbol)
    assert list(store.series()) == ["SPY"]


def test_in_a_folder_each_file_names_its_symbol_and_other_files_are_skipped(tmp_path, store):
    row = f"2013-10-07T13:30Z,{VALUES}"
    write(tmp_path / "csv/aaa.csv", HEAD, row)
    write(tmp_path / "csv/sub/BBB.TXT", HEAD, row)
    packed = write(tmp_path / "csv/ccc.csv.gz", HEAD, row)
    packed.write_bytes(gzip.compress(packed.read_bytes()))
    write(tmp_path / "csv/symbol=ddd/part.csv", HEAD, row)
    write(tmp_path / "csv/readme.md", "x")
    report = import_csv(tmp_path / "csv", store, interval=MINUTE)
    assert list(store.series()) == ["AAA", "BBB", "CCC", "DDD"]
    assert [str(entry) for entry in report.skipped] == [
        f"{tmp_path}/csv/readme.md: not a CSV file by its name"
    ]


def test_rows_of_wrong_length_are_rejected_with_their_line(tmp_path, store):
    good = f"2013-10-07T13:30Z,{VALUES}"
    file = write(
        tmp_path / "XYZ.csv", HEAD, "", good, "2013-10-07T13:31Z,10,12", " ", f"{good},7", end="\r\n"
    )
    report = import_csv(file, store, interval=MINUTE)
    assert (report.rows_read, report.written) == (3, 1)
    assert [(entry.line, entry.reason, entry.text) for entry in report.rejected] == [
        (4, f"3 fields instead of 6: {HEAD.replace(',', ', ')}", "2013-10-07T13:31Z,10,12"),
        (6, f"7 fields instead of 6: {HEAD.replace(',', ', ')}", f"{good},7"),
    ]


def test_a_row_of_a_table_with_many_columns_is_rejected_in_few_words(tmp_path, store):
    more = ",".join(f"c{number}" for number in range(1500))
    good = f"2013-10-07T13:30Z,{VALUES}"
    file = write(tmp_path / "XYZ.csv", f"{HEAD},{more}", good)
    [rejected] = import_csv(file, store, interval=MINUTE).rejected
    named = ", ".join([*HEAD.split(","), *(f"c{number}" for number in range(14))])
    assert rejected.reason == f"6 fields instead of 1506: {named} and 1486 more"


def test_lines_are_counted_over_quoted_line_ends(tmp_path, store):
    file = write(
        tmp_path / "XYZ.csv",
        f"{HEAD},note",
        f'2013-10-07T13:30Z,{VALUES},"two\nlines"',
        "2013-10-07T13:31Z,x,1,1,1,,z",
    )
    [rejected] = import_csv(file, store, interval=MINUTE).rejected
    assert (rejected.line, rejected.reason) == (4, "invalid open 'x': expected a number")


def test_values_that_are_no_numbers_are_rejected(tmp_path, store):
    rows = ["1,1,1,1,", "1,x,1,1,1", "1,1,nan,1,1", "1,inf,1,1,1", "1,1,1,1,1e3", " 1,1,1,1,1"]
    lines = [f"2013-10-07T13:3{i}Z,{row}" for i, row in enumerate(rows)]
    report = import_csv(write(tmp_path / "XYZ.csv", HEAD, *lines), store, interval=MINUTE)
    assert [entry.reason for entry in report.rejected] == [
        "volume is missing",
        "invalid high 'x': expected a number",
        "low is missing",
        "invalid high 'inf': expected a number",
    ]
    assert times(store) == [OPEN + 240, OPEN + 300]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path, store):
    file = tmp_path / "XYZ.csv"
    file.write_bytes(b"\xef\xbb\xbf" + f"{HEAD}\n2013-10-07T13:30Z,{VALUES}".encode())
    assert import_csv(file, store, interval=MINUTE).written == 1


# What cannot be imported


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "empty file"),
        ("\n\n", "empty file"),
        (HEAD, "no rows"),
        (
            f"time,open,high,low\n{OPEN},1,1,1",
            "no column found for close; the columns are 'time', .*the values of none fit",
        ),
        (
            f"{HEAD}\n2013-10-07 09:30,{VALUES}",
            r"the time 2013-10-07 09:30:00 has no UTC offset\. Give the time zone",
        ),
        (
            f"{HEAD}\nOctober 9:30,{VALUES}",
            "no row has a readable time; the first: invalid time 'October 9:30': expected a date such as",
        ),
        ("\xff\xfeT\x00", "no column found for time, open, high, low, close; the columns are 'T'"),
        ("\x00\x00", "not a text file"),
    ],
)
def test_a_file_that_is_no_table_of_bars_is_told_what_is_wrong(tmp_path, store, content, said):
    file = tmp_path / "XYZ.csv"
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(BarImportError, match=rf"XYZ\.csv: {said}"):
        import_csv(file, store, interval=MINUTE)


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        (
            {"interval": Interval.parse("5m")},
            "5m bars are not stored: tapedeck derives them. Import 1m bars instead",
        ),
        ({"interval": Interval.parse("5s")}, "Import 1s bars instead; bars of 1s, 1m, 1d can be imported"),
        ({"interval": Interval.parse("1w")}, "Import 1d bars instead"),
        (
            {"zone": "America/NewYork"},
            "unknown time zone 'America/NewYork'; did you mean 'America/New_York'",
        ),
        ({"zone": "???"}, "unknown time zone '\\?\\?\\?'; use an IANA name"),
        (
            {"columns": {"hihg": "x"}},
            "unknown role 'hihg' in the column map: use time, .* Did you mean 'high'",
        ),
        ({"columns": {"XXXX": "x"}}, "volume, symbol, bid, ask, bid_size, ask_size.$"),
        (
            {"columns": {"close": "clsoe"}},
            "column 'clsoe' for close not found; the columns are 'timestamp', .* Did you mean 'close'",
        ),
        ({"columns": {"close": "@@"}}, "column '@@' for close not found; the columns are .*'volume'.$"),
        ({"label": "end"}, "invalid label 'end': use open or close"),
        (
            {"time_format": "mss"},
            "invalid time format 'mss': use s, ms, us, ns for epochs, ymd, dmy, mdy .* Did you mean 'ms'",
        ),
        ({"time_format": "iso8601"}, "the usual layouts are recognised without one.$"),
        ({"symbol": "a b"}, "invalid symbol 'A B': use up to 64 printable characters, no spaces"),
        ({"symbol": " "}, "symbol is missing"),
    ],
)
def test_a_choice_that_cannot_be_is_told_with_what_can(tmp_path, store, choices, said):
    file = write(tmp_path / "XYZ.csv", HEAD, f"2013-10-07T13:30Z,{VALUES}")
    with pytest.raises(BarImportError, match=said):
        import_csv(file, store, **({"interval": MINUTE} | choices))


def test_places_without_such_files_are_told(tmp_path, store):
    with pytest.raises(
        BarImportError, match=r"nowhere does not exist: name a CSV file, or a folder of such files"
    ):
        import_csv(tmp_path / "nowhere", store, interval=MINUTE)
    write(tmp_path / "other/notes.md", "x")
    with pytest.raises(
        BarImportError,
        match=r"no Parquet files in .*other \(other files: 1\)\. Names should end in \.parquet",
    ):
        import_parquet(tmp_path / "other", store, interval=MINUTE)


def test_a_file_name_that_is_no_symbol_asks_for_one(tmp_path, store):
    file = write(tmp_path / "my bars.csv", HEAD, f"2013-10-07T13:30Z,{VALUES}")
    with pytest.raises(UnclearFileError, match=r"no clear symbol .* 'my bars.csv'") as caught:
        import_csv(file, store, interval=MINUTE)
    assert caught.value.ways == ({"--symbol": "MY"},)
    assert import_csv(file, store, interval=MINUTE, symbol="xyz").written == 1


def test_damaged_and_unreadable_files_are_told(tmp_path, store):
    row = f"2013-10-07T13:30Z,{VALUES}"
    packed = write(tmp_path / "in/aaa.csv.gz", HEAD, row)
    packed.write_bytes(gzip.compress(packed.read_bytes())[:-12])
    write(tmp_path / "in/bbb.csv", HEAD, row)
    report = import_csv(tmp_path / "in", store, interval=MINUTE)
    assert report.written == 1
    assert report.skipped[0].reason.startswith("gzip file damaged or cut short")
    (tmp_path / "in/ddd.parquet").write_text("no such thing")
    with pytest.raises(BarImportError, match="not a Parquet file, or damaged"):
        import_parquet(tmp_path / "in", store, interval=MINUTE)


def test_a_file_that_is_gone_when_its_turn_comes_is_skipped(tmp_path, store):
    write(tmp_path / "in/aaa.csv", HEAD, f"2013-10-07T13:30Z,{VALUES}")
    gone = write(tmp_path / "in/bbb.csv", HEAD, f"2013-10-07T13:30Z,{VALUES}")
    report = import_csv(
        tmp_path / "in", store, interval=MINUTE, progress=lambda _: gone.unlink(missing_ok=True)
    )
    assert report.written == 1
    assert [str(entry) for entry in report.skipped] == [f"{gone}: cannot be read (No such file or directory)"]
    gone = tmp_path / "in/ccc.parquet"
    frame(time=[OPEN]).to_parquet(gone)
    with pytest.raises(BarImportError, match="cannot be read"):
        import_parquet(
            tmp_path / "in", store, interval=MINUTE, progress=lambda _: gone.unlink(missing_ok=True)
        )


def test_a_row_that_is_no_csv_is_rejected(tmp_path, store):
    file = write(
        tmp_path / "XYZ.csv",
        HEAD,
        f"2013-10-07T13:30Z,{VALUES}",
        "x" * 200_000,
        f"2013-10-07T13:31Z,{VALUES}",
    )
    report = import_csv(file, store, interval=MINUTE)
    assert (report.written, [entry.line for entry in report.rejected]) == (2, [3])


# Parquet


def test_lean_minutes_come_back_the_same_through_csv_and_parquet(lean_root, tmp_path, any_store):
    with open_store(tmp_path / "source.db", create=True) as source:
        import_lean(lean_root / "equity/usa/minute/ibm", source)
        bars = source.read("IBM", MINUTE, *ALWAYS)
    moments = pd.to_datetime(bars.opened_at, unit="s", utc=True).tz_convert("America/New_York")
    table = pd.DataFrame(
        {"Open": bars.open, "High": bars.high, "Low": bars.low, "Close": bars.close, "Volume": bars.volume},
        index=moments,
    )
    table.to_parquet(tmp_path / "IBM.parquet")
    table.tz_localize(None).to_csv(tmp_path / "IBM.csv", index_label="time")
    first = import_parquet(tmp_path / "IBM.parquet", any_store, interval=MINUTE)
    assert first.written == first.rows_read == len(bars)
    second = import_csv(tmp_path / "IBM.csv", any_store, interval=MINUTE, zone="America/New_York")
    assert second.unchanged == len(bars)
    stored = any_store.read("IBM", MINUTE, *ALWAYS)
    for name in ("opened_at", "open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(getattr(stored, name), getattr(bars, name))


@pytest.mark.parametrize(
    ("column", "zone"),
    [
        (pa.array([OPEN], pa.timestamp("s", "UTC")), None),
        (pa.array([OPEN * 10**9], pa.timestamp("ns", "America/New_York")), None),
        (pa.array([OPEN * 1000], pa.timestamp("ms", "-05:30")), None),
        (pa.array([(OPEN - 4 * 3600) * 10**6], pa.timestamp("us")), "America/New_York"),
        (pa.array([OPEN], pa.int64()), None),
        (pa.array([OPEN], pa.int32()), None),
        (pa.array([OPEN], pa.float64()), None),
        (pa.array([Decimal(OPEN)], pa.decimal128(12, 0)), None),
        (pa.array(["2013-10-07T13:30Z"], pa.large_string()), None),
        (pa.array(["2013-10-07T13:30Z"]).dictionary_encode(), None),
    ],
)
def test_parquet_times_may_have_any_type(tmp_path, store, column, zone):
    table = pa.table(
        {"time": column} | {name: [1.0] for name in ("open", "high", "low", "close")} | {"volume": [5]}
    )
    pq.write_table(table, tmp_path / "XYZ.parquet")
    import_parquet(tmp_path / "XYZ.parquet", store, interval=MINUTE, zone=zone)
    assert times(store) == [OPEN]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([date(2013, 10, 7)], pa.date32()),
        pa.array([date(2013, 10, 7)], pa.date64()),
        pa.array([20131007], pa.int64()),
        pa.array([_naive(2013, 10, 7, 4)], pa.timestamp("us", "America/New_York")),
        pa.array([_naive(2013, 10, 7, 5)], pa.timestamp("us", "-05:00")),
        pa.array([_naive(2013, 10, 6, 15)], pa.timestamp("us", "+09:00")),
    ],
)
def test_parquet_days_may_be_dates_or_local_midnights(tmp_path, store, column):
    table = pa.table(
        {"date": column} | {name: [1.0] for name in ("open", "high", "low", "close")} | {"volume": [5]}
    )
    pq.write_table(table, tmp_path / "XYZ.pq")
    import_parquet(tmp_path / "XYZ.pq", store, interval=DAY)
    assert times(store, interval=DAY) == [int(datetime(2013, 10, 7, tzinfo=ZoneInfo("UTC")).timestamp())]


def test_local_midnight_is_found_on_the_day_the_clocks_change(tmp_path, store):
    # 04:00 UTC is midnight in New York before the clocks go back that night, as it is the day before.
    moments = pa.array(
        [_naive(2013, 11, 2, 4), _naive(2013, 11, 3, 4)], pa.timestamp("us", "America/New_York")
    )
    table = pa.table({"date": moments} | {name: [1.0, 1.0] for name in VALUE_NAMES})
    pq.write_table(table, tmp_path / "XYZ.parquet")
    assert import_parquet(tmp_path / "XYZ.parquet", store, interval=DAY).written == 2
    assert np.diff(times(store, interval=DAY)).tolist() == [86400]


def test_bad_rows_of_a_parquet_file_are_listed_by_row(tmp_path, store):
    table = frame(
        time=pd.to_datetime([OPEN, OPEN + 60, OPEN + 120, OPEN + 180, None, OPEN + 300], unit="s", utc=True)
    )
    table.loc[1, "high"] = np.nan
    table.loc[2, "high"] = 1.0
    table["time"] = table["time"].where(table.index != 3, table["time"] + pd.Timedelta("500ms"))
    table.to_parquet(tmp_path / "XYZ.parquet")
    report = import_parquet(tmp_path / "XYZ.parquet", store, interval=MINUTE)
    assert [(entry.line, entry.reason) for entry in report.rejected] == [
        (2, "high is missing"),
        (3, "high 1 is below low 9"),
        (4, "time is not on a whole second"),
        (5, "time is missing"),
    ]
    assert report.rejected[1].text.endswith("open=10.0, high=1.0, low=9.0, close=11.0, volume=100")
    assert times(store) == [OPEN, OPEN + 300]


def test_epochs_that_are_no_whole_numbers_are_rejected(tmp_path, store):
    frame(time=[float(OPEN), OPEN + 0.5, float("inf"), None]).to_parquet(tmp_path / "XYZ.parquet")
    report = import_parquet(tmp_path / "XYZ.parquet", store, interval=SECOND)
    assert (report.written, [entry.line for entry in report.rejected]) == (1, [2, 3, 4])


def test_a_named_index_or_a_symbol_folder_is_understood(tmp_path, store):
    folder = tmp_path / "bars/symbol=xyz"
    folder.mkdir(parents=True)
    frame(opened_at=[OPEN]).set_index("opened_at").to_parquet(folder / "part-0.parquet")
    assert import_parquet(tmp_path / "bars", store, interval=MINUTE).written == 1
    assert list(store.series()) == ["XYZ"]


def test_a_column_of_a_type_that_holds_no_numbers_is_told(tmp_path, store):
    table = pa.table(
        {"time": [OPEN], "open": [[1]], "high": [1.0], "low": [1.0], "close": [1.0], "volume": [1]}
    )
    pq.write_table(table, tmp_path / "XYZ.parquet")
    with pytest.raises(
        BarImportError, match=r"a column has the wrong type .*name the right columns in a column map"
    ):
        import_parquet(tmp_path / "XYZ.parquet", store, interval=MINUTE)


def test_parquet_files_that_cannot_be_opened_are_skipped(tmp_path, store):
    frame(time=[OPEN]).to_parquet(tmp_path / "XYZ.parquet")
    closed = tmp_path / "closed.parquet"
    closed.mkdir()
    report = import_parquet(tmp_path, store, interval=MINUTE)
    assert (report.files, report.written) == (1, 1)

"""LEAN folders, real and made for the purpose: every row arrives, or is listed with line and reason."""

from __future__ import annotations

import csv
import io
import shutil
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import exchange_calendars
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.errors import BarImportError
from tapedeck.engine.importers.lean_layout import LeanFile, describe
from tapedeck.engine.importers.lean_rows import parse_exactly, parse_fast
from tapedeck.engine.importers.report import ImportOptions, ImportProgress, RefusedFileError
from tapedeck.engine.intervals import DAY, MINUTE, SECOND, Interval
from tapedeck.engine.store.bar_store import BarColumns, BarStore
from tapedeck.engine.store.locations import open_store
from tests.support.imports import import_lean

NEW_YORK = ZoneInfo("America/New_York")
FOLDERS = {"second": SECOND, "minute": MINUTE, "daily": DAY}
GOOD = "34200000,1000000,1010000,990000,1005000,700"
ALWAYS = (-(1 << 40), 1 << 40)


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


def zipped(path: Path, text: str | bytes, member: str | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member or f"{path.stem}.csv", text)
    return path


def minute_file(
    tmp_path: Path, *rows: str, day: str = "20131007", below: str = "equity/usa/minute/xyz"
) -> Path:
    return zipped(tmp_path / "lean" / below / f"{day}_trade.zip", "\n".join(rows) + "\n")


def plainly_read(file: Path) -> dict[int, tuple[float, ...]]:
    """Bars of a LEAN file by its documentation alone: zipfile, csv, datetime."""
    bars = {}
    with zipfile.ZipFile(file) as archive:
        [name] = archive.namelist()
        rows = list(csv.reader(io.TextIOWrapper(archive.open(name))))
    for time, *prices, volume in rows:
        if " " in time:
            moment = datetime.strptime(time, "%Y%m%d %H:%M").replace(tzinfo=ZoneInfo("UTC"))
        else:
            midnight = datetime.strptime(file.name[:8], "%Y%m%d").replace(tzinfo=NEW_YORK)
            moment = midnight + timedelta(milliseconds=int(time))
        bars[int(moment.timestamp())] = (*(int(price) / 10000 for price in prices), float(volume))
    return bars


def as_dict(bars: BarColumns) -> dict[int, tuple[float, ...]]:
    columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
    return {int(time): tuple(map(float, row)) for time, *row in zip(bars.opened_at, *columns, strict=True)}


def content(store: BarStore) -> dict[tuple[str, str], dict[int, tuple[float, ...]]]:
    return {
        (symbol, str(interval)): as_dict(store.read(symbol, interval, *ALWAYS))
        for symbol, intervals in store.series().items()
        for interval in intervals
    }


# Real bars


def test_every_row_of_every_real_trade_file_is_stored_as_written(lean_root, any_store):
    report = import_lean(lean_root, any_store)
    expected: dict[tuple[str, str], dict[int, tuple[float, ...]]] = {}
    files = [file for file in lean_root.rglob("*.zip") if not file.name.endswith("_quote.zip")]
    for file in files:
        resolution = file.parent.name if file.parent.name == "daily" else file.parent.parent.name
        symbol = file.stem if resolution == "daily" else file.parent.name
        expected.setdefault((symbol.upper(), str(FOLDERS[resolution])), {}).update(plainly_read(file))
    assert content(any_store) == expected
    rows = sum(map(len, expected.values()))
    quotes = sum(series.bars for series in report.quotes)
    assert (report.files, report.rows_read, report.written) == (len(files) + 2, rows + quotes, rows + quotes)
    assert (report.unchanged, report.replaced, report.rejected, report.skipped) == (0, 0, (), ())


def test_spy_on_7_october_2013_has_390_regular_minutes_and_its_known_extremes(lean_root, store):
    import_lean(lean_root / "equity/usa/minute/spy", store)
    calendar = exchange_calendars.get_calendar("XNYS")
    first, last = (
        int(bound.timestamp())
        for bound in (calendar.session_open("2013-10-07"), calendar.session_close("2013-10-07"))
    )
    bars = store.read("SPY", MINUTE, first, last)
    assert len(bars) == 390
    assert (bars.high.max(), bars.low.min(), bars.close[-1]) == (168.45, 167.25, 167.42)
    assert bars.volume.sum() == 81489219


def test_importing_again_changes_nothing(lean_root, any_store):
    first = import_lean(lean_root / "equity/usa/minute", any_store)
    before = content(any_store)
    again = import_lean(lean_root / "equity/usa/minute", any_store)
    assert (again.written, again.replaced, again.rejected) == (0, 0, ())
    assert again.unchanged == again.rows_read == first.written
    assert content(any_store) == before


@pytest.mark.parametrize(
    ("below", "files"),
    [
        ("", 32),
        ("equity", 32),
        ("equity/usa", 32),
        ("equity/usa/minute", 26),
        ("equity/usa/minute/spy", 8),
        ("equity/usa/minute/spy/20131007_quote.zip", 1),
        ("equity/usa/minute/spy/20131007_trade.zip", 1),
        ("equity/usa/daily/ibm.zip", 1),
    ],
)
def test_any_folder_or_file_of_the_layout_can_be_named(lean_root, store, below, files):
    assert import_lean(lean_root / below, store).files == files


def test_progress_tells_files_bytes_and_rows(lean_root, store):
    seen: list[ImportProgress] = []
    folder = lean_root / "equity/usa/minute/aig"
    report = import_lean(folder, store, progress=seen.append)
    size = sum(file.stat().st_size for file in folder.iterdir())
    assert [entry.files_done for entry in seen] == [0, 1, 2, 3, 4, 5, 6]
    assert {(entry.files_total, entry.bytes_total) for entry in seen} == {(6, size)}
    assert seen[0].current == folder / "20131004_trade.zip"
    assert (seen[-1].bytes_done, seen[-1].rows, seen[-1].current) == (size, report.rows_read, None)


def test_a_cancelled_import_ends_between_files_and_can_be_taken_up_again(lean_root, any_store):
    asked: list[bool] = []

    def after_two() -> bool:
        asked.append(len(asked) >= 2)
        return asked[-1]

    folder = lean_root / "equity/usa/minute/aig"
    report = import_lean(folder, any_store, cancelled=after_two)
    assert (report.interrupted, report.files) == (True, 2)
    assert "; interrupted" in report.summary()
    rest = import_lean(folder, any_store)
    assert (rest.unchanged, rest.interrupted) == (report.written, False)


def test_a_file_cut_short_is_skipped_and_the_others_go_in(lean_root, tmp_path, store):
    folder = tmp_path / "equity/usa/minute/spy"
    shutil.copytree(lean_root / "equity/usa/minute/spy", folder)
    cut = folder / "20131008_trade.zip"
    cut.write_bytes(cut.read_bytes()[:-300])
    report = import_lean(folder, store)
    assert report.files == 7
    [entry] = [entry for entry in report.skipped if entry.file == cut]
    assert entry.reason.startswith("zip file damaged or cut short")
    with pytest.raises(
        BarImportError, match=r"20131008_trade\.zip: zip file damaged or cut short .*download it again"
    ):
        import_lean(cut, store)
    with pytest.raises(BarImportError, match="damaged"):
        import_lean(folder, store, options=ImportOptions(strict=True))


def test_a_zip_whose_bytes_are_damaged_inside_is_told(lean_root, tmp_path, store):
    damaged = tmp_path / "equity/usa/daily/spy.zip"
    damaged.parent.mkdir(parents=True)
    data = bytearray((lean_root / "equity/usa/daily/spy.zip").read_bytes())
    data[5000:5100] = bytes(100)
    damaged.write_bytes(data)
    with pytest.raises(BarImportError, match="damaged or cut short"):
        import_lean(damaged, store)


# Other markets


def test_crypto_is_in_utc_unscaled_and_of_fractional_volume(tmp_path, store):
    minute_file(
        tmp_path, "60000,6800.5,6801.25,6799,6800.01,0.12345678", below="crypto/coinbase/minute/btcusd"
    )
    zipped(tmp_path / "lean/crypto/coinbase/daily/btcusd_trade.zip", "20131007 00:00,120,130,110,125,900.5\n")
    report = import_lean(tmp_path / "lean", store)
    assert report.written == 2
    midnight = int(datetime(2013, 10, 7, tzinfo=ZoneInfo("UTC")).timestamp())
    assert content(store) == {
        ("BTCUSD", "1m"): {midnight + 60: (6800.5, 6801.25, 6799.0, 6800.01, 0.12345678)},
        ("BTCUSD", "1d"): {midnight: (120.0, 130.0, 110.0, 125.0, 900.5)},
    }


def test_an_index_is_unscaled_in_local_time(tmp_path, store):
    minute_file(tmp_path, "34200000,1690.5,1691,1690,1690.75,0", below="index/usa/minute/spx")
    import_lean(tmp_path / "lean", store)
    opened = int(datetime(2013, 10, 7, 9, 30, tzinfo=NEW_YORK).timestamp())
    assert content(store) == {("SPX", "1m"): {opened: (1690.5, 1691.0, 1690.0, 1690.75, 0.0)}}


def test_path_names_may_be_in_any_case(tmp_path, store):
    zipped(tmp_path / "Equity/USA/Minute/Spy/20131007_Trade.ZIP", GOOD, "20131007_SPY_Minute_Trade.CSV")
    assert import_lean(tmp_path / "Equity", store).written == 1
    assert list(store.series()) == ["SPY"]


def test_a_link_to_a_folder_is_followed_but_not_round_in_a_ring(tmp_path, store):
    minute_file(tmp_path, GOOD)
    (tmp_path / "lean/equity/usa/minute/again").symlink_to(tmp_path / "lean/equity", target_is_directory=True)
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "equity").symlink_to(tmp_path / "lean/equity", target_is_directory=True)
    assert import_lean(linked, store).rows_read == 1


def test_one_symbol_of_two_markets_is_refused_before_anything_is_written(tmp_path, store):
    minute_file(tmp_path, "0,1,1,1,1,1", below="crypto/coinbase/minute/btcusd")
    minute_file(tmp_path, "0,2,2,2,2,1", below="crypto/bitfinex/minute/btcusd")
    with pytest.raises(BarImportError, match="BTCUSD is in both crypto/bitfinex and crypto/coinbase"):
        import_lean(tmp_path / "lean", store)
    assert dict(store.series()) == {}


# What a path says


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (
            "/x/equity/usa/hour/spy.zip",
            "hour bars are derived from finer ones, not stored: import minute bars",
        ),
        ("/x/equity/usa/tick/spy/20131007_trade.zip", "ticks are not stored: import second or minute bars"),
        (
            "/x/equity/usa/minute/spy/20131007_openinterest.zip",
            "openinterest bars are not stored, only those of trades and quotes",
        ),
        ("/x/equity/usa/minute/spy/20131345_trade.zip", "the name should begin with a date like 20131007"),
        ("/x/equity/usa/minute/spy/00131007_trade.zip", "the name should begin with a date like 20131007"),
        ("/x/equity/usa/minute/spy/notes.zip", "the name should be like 20131007_trade.zip"),
        (
            "/x/equity/usa/minute/20131007_trade.zip",
            "minute bars are expected in a folder named after their symbol",
        ),
        (
            "/x/equity/usa/daily/spy/20131007_trade.zip",
            "daily bars are expected directly in the folder 'daily'",
        ),
        ("/x/equity/usa/factor_files/spy.csv", "not a zip file of bars"),
        (
            "/x/equity/usa/map_files/map_files_20131007.zip",
            "not in a folder of second, minute or daily bars",
        ),
        (
            "/x/option/usa/minute/aapl/20140606_trade_american.zip",
            "asset class 'option' is not supported, only equity, crypto, index",
        ),
        (
            "/x/equity/mars/daily/abc.zip",
            "market 'mars' is not supported, only usa, india, hkfe, eurex, ose: its time zone is unknown",
        ),
        ("/x/equity/usa/daily/a b.zip", "invalid symbol 'a b': use up to 64 printable characters, no spaces"),
        ("spy.zip", "not in a folder of second, minute or daily bars"),
    ],
)
def test_a_file_that_is_no_trade_bar_of_a_known_market_is_named_with_the_reason(path, reason):
    assert describe(Path(path)) == reason


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (
            lambda root: root / "nowhere",
            r"nowhere does not exist: name a folder .* equity/usa/minute/spy",
        ),
        (lambda root: root, r"no files in .*: name a folder"),
        (
            lambda root: zipped(root / "notes.zip", "x").parent,
            r"no LEAN bars in .* \(1 of 1 files skipped: not in a folder",
        ),
        (
            lambda root: zipped(root / "notes.zip", "x"),
            r"notes\.zip cannot be imported \(not in a folder of second",
        ),
    ],
)
def test_a_place_without_lean_bars_is_told_what_was_expected(tmp_path, store, prepare, said):
    root = tmp_path / "lean"
    root.mkdir()
    with pytest.raises(BarImportError, match=said):
        import_lean(prepare(root), store)


# What is inside


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({}, "zip file with 0 CSV files of trade bars: expected one"),
        ({"a.csv": GOOD, "b.csv": GOOD}, "zip file with 2 CSV files of trade bars: expected one"),
        ({"20131007_xyz_minute_trade.csv": "\n\r\n"}, "no rows"),
        ({"20131007_xyz_minute_trade.csv": ""}, "no rows"),
    ],
)
def test_a_zip_without_one_table_of_trades_is_told(tmp_path, store, members, said):
    file = tmp_path / "lean/equity/usa/minute/xyz/20131007_trade.zip"
    file.parent.mkdir(parents=True)
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    with pytest.raises(BarImportError, match=said):
        import_lean(file, store)


def test_of_several_tables_in_a_zip_the_one_named_after_the_trades_counts(tmp_path, store):
    file = minute_file(tmp_path, GOOD)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("__MACOSX/20131007_xyz_minute_trade.csv", "noise")
        archive.writestr("20131007_xyz_minute_openinterest.csv", "1,2")
        archive.writestr("20131007_xyz_minute_trade.csv", GOOD)
    assert import_lean(file, store).written == 1


def test_an_encrypted_or_unreadable_file_is_told(tmp_path, store):
    file = minute_file(tmp_path, GOOD)
    data = bytearray(file.read_bytes())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flags] |= 1
    file.write_bytes(data)
    with pytest.raises(BarImportError, match=r"zip file cannot be unpacked \(.*encrypted"):
        import_lean(file, store)
    file.unlink()
    file.symlink_to(file)
    good = minute_file(tmp_path, GOOD, day="20131008")
    report = import_lean(good.parent, store)
    assert (report.written, report.skipped[0].reason) == (
        1,
        "cannot be read (Too many levels of symbolic links)",
    )


def test_where_no_file_can_be_read_the_first_ones_are_named(tmp_path, store):
    for day in ("20131007", "20131008"):
        minute_file(tmp_path, GOOD, day=day).write_bytes(b"no zip at all")
    with pytest.raises(BarImportError, match="none of 2 files can be read; nothing was stored"):
        import_lean(tmp_path / "lean", store)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("34260000,1,2,3", "4 fields instead of 6: time, open, high, low, close, volume"),
        ("34260000,1,1,1,1,1,9", "7 fields instead of 6: time, open, high, low, close, volume"),
        ("34260000,100,abc,100,100,5", "invalid high 'abc': expected a number"),
        ("34260000,100,100,100,,5", "close is missing"),
        ("34260000,nan,100,100,100,5", "invalid open 'nan': expected a number"),
        ("34260000,1e400,1e400,1,1,5", "open inf is not finite"),
        ("9:31,1,1,1,1,5", "invalid time '9:31': expected a whole number of milliseconds"),
        ("86400000,1,1,1,1,5", "time 86400000 is outside the day: expected 0 to 86399999 milliseconds"),
        ("-1000,1,1,1,1,5", "time -1000 is outside the day: expected 0 to 86399999 milliseconds"),
        (
            "34260500,1,1,1,1,5",
            "time 34260500 is not on a whole second: expected milliseconds that end in 000",
        ),
        (
            "34261000,10000,10000,10000,10000,5",
            "time 2013-10-07 13:31:01 UTC is not on a 1-minute boundary",
        ),
        ("34260000,10000,10000,20000,10000,5", "high 1 is below low 2"),
        ("34260000,10000,20000,10000,30000,5", "close 3 is outside low 1 to high 2"),
        ("34260000,5000,20000,10000,10000,5", "open 0.5 is outside low 1 to high 2"),
        (
            "34260000,-10000,20000,-10000,10000,5",
            "open -1 is negative: --allow-negative-prices stores such bars",
        ),
        ("34260000,10000,20000,10000,10000,-5", "volume -5 is negative"),
        (
            "34200000,1000000,1010000,990000,1005001,700",
            "duplicate timestamp 2013-10-07 13:30:00 UTC with other values; the first row is kept",
        ),
    ],
)
def test_a_bad_row_is_listed_with_line_reason_and_text_and_the_good_ones_go_in(tmp_path, store, row, reason):
    file = minute_file(tmp_path, GOOD, "", row, GOOD.replace("34200000", "34320000"))
    report = import_lean(file, store)
    assert (report.rows_read, report.written) == (3, 2)
    [rejected] = report.rejected
    assert (rejected.file, rejected.line, rejected.reason, rejected.text) == (file, 3, reason, row)
    assert str(rejected) == f"{file}:3: {reason} ({row})"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2013-10-08 00:00,1,1,1,1,5", "invalid time '2013-10-08 00:00': expected the format 20131007 00:00"),
        ("20131008,1,1,1,1,5", "invalid time '20131008': expected the format 20131007 00:00"),
        ("20131308 00:00,1,1,1,1,5", "invalid time '20131308 00:00': month must be in 1..12"),
        ("20130231 00:00,1,1,1,1,5", "invalid time '20130231 00:00': day is out of range for month"),
        ("18131008 00:00,1,1,1,1,5", "time '18131008 00:00' is outside the years 1900 to 2199"),
        (
            "20131008 16:00,1,1,1,1,5",
            "time '20131008 16:00' of a daily bar is not 00:00",
        ),
    ],
)
def test_a_daily_bar_without_a_proper_date_is_rejected(tmp_path, store, row, reason):
    rows = ["20131007 00:00,10000,10000,10000,10000,5", row]
    report = import_lean(zipped(tmp_path / "lean/equity/usa/daily/xyz.zip", "\n".join(rows)), store)
    assert report.written == 1
    assert [(entry.line, entry.reason) for entry in report.rejected] == [(2, reason)]


def test_line_numbers_are_right_far_down_a_file(tmp_path, store):
    rows = [f"{1000 * i},1,1,1,1,1" for i in range(86400)]
    rows[80000] += "x"
    file = minute_file(tmp_path, *rows, below="equity/usa/second/xyz")
    report = import_lean(file, store)
    assert (report.written, report.rejected[0].line) == (86399, 80001)
    assert report.rejected[0].reason == "invalid volume '1x': expected a number"


def test_a_repeated_row_counts_as_unchanged(tmp_path, store):
    report = import_lean(minute_file(tmp_path, GOOD, GOOD, GOOD), store)
    assert (report.rows_read, report.written, report.unchanged, report.rejected) == (3, 1, 2, ())


def test_rows_may_stand_in_any_order(tmp_path, store):
    times = (34320000, 34200000, 34260000)
    report = import_lean(
        minute_file(tmp_path, *(GOOD.replace("34200000", str(time)) for time in times)), store
    )
    assert report.written == 3
    assert np.diff(store.read("XYZ", MINUTE, *ALWAYS).opened_at).tolist() == [60, 60]


def test_a_bar_stored_with_other_values_is_rejected_unless_replacing_is_asked_for(tmp_path, any_store):
    import_lean(minute_file(tmp_path, GOOD), any_store)
    corrected = GOOD.replace("1005000", "1005500")
    file = minute_file(tmp_path, corrected, corrected)
    report = import_lean(file, any_store)
    assert (report.rows_read, report.written, report.unchanged, report.replaced) == (2, 0, 0, 0)
    assert [(entry.line, entry.reason) for entry in report.rejected] == [
        (line, "XYZ 2013-10-07 13:30:00 UTC is stored with other values; --replace overwrites them")
        for line in (1, 2)
    ]
    assert any_store.read("XYZ", MINUTE, *ALWAYS).close.tolist() == [100.5]
    report = import_lean(file, any_store, options=ImportOptions(replace=True))
    assert (report.replaced, report.unchanged, report.rejected) == (1, 1, ())
    assert any_store.read("XYZ", MINUTE, *ALWAYS).close.tolist() == [100.55]


def test_a_strict_import_stores_nothing_of_a_file_with_a_bad_row(tmp_path, any_store):
    rows = [GOOD, *(f"{34260000 + 60000 * i},1,2,3,4,5" for i in range(7))]
    file = minute_file(tmp_path, *rows)
    with pytest.raises(RefusedFileError) as caught:
        import_lean(file, any_store, options=ImportOptions(strict=True))
    text = str(caught.value)
    assert f"{file}: 7 bad rows; nothing of this file was stored (strict import)." in text
    assert f"{file}:2: high 0.0002 is below low 0.0003 (34260000,1,2,3,4,5)" in text
    assert "… and 2 more" in text
    assert text.endswith("or import without strict to store the good rows and list the bad ones.")
    assert (caught.value.file, len(caught.value.rejected)) == (file, 7)
    assert content(any_store).get(("XYZ", "1m"), {}) == {}


def test_a_strict_import_takes_back_what_conflicts_with_the_store(tmp_path, any_store):
    import_lean(minute_file(tmp_path, GOOD), any_store)
    before = content(any_store)
    file = minute_file(tmp_path, GOOD.replace("700", "701"), GOOD.replace("34200000", "34260000"))
    with pytest.raises(RefusedFileError, match="is stored with other values"):
        import_lean(file, any_store, options=ImportOptions(strict=True))
    assert content(any_store) == before


def test_a_summary_counts_and_shows_the_first_rows(tmp_path, store):
    file = minute_file(tmp_path, GOOD, "1,2", "x" * 200)
    zipped(tmp_path / "lean/equity/usa/hour/xyz.zip", "")
    lines = import_lean(tmp_path / "lean", store).summary(1).splitlines()
    assert lines[0] == "1 file read, 3 rows: 1 written, 0 unchanged, 0 replaced, 2 rejected"
    assert lines[1].startswith(f"  {file}:2: 2 fields instead of 6")
    assert lines[2] == "  … and 1 more"
    assert lines[3].startswith("skipped 1 file (such as ")
    assert lines[3].endswith("hour bars are derived from finer ones, not stored: import minute bars")


def test_a_long_row_is_shown_in_part(tmp_path, store):
    [rejected] = import_lean(minute_file(tmp_path, GOOD, "x" * 200), store).rejected
    assert len(rejected.text) == 200
    assert str(rejected).endswith("x…)")


# Changes of the clocks: LEAN writes the time of day that clocks show


def test_on_the_day_the_clocks_go_back_half_past_nine_is_still_half_past_nine(tmp_path, store):
    report = import_lean(minute_file(tmp_path, GOOD, "5400000,1,1,1,1,1", day="20131103"), store)
    opened = int(datetime(2013, 11, 3, 9, 30, tzinfo=NEW_YORK).timestamp())
    assert store.read("XYZ", MINUTE, *ALWAYS).opened_at.tolist() == [opened]
    assert report.rejected[0].reason == (
        "ambiguous local time 2013-11-03 01:30:00 in America/New_York: "
        "the clock was set back; add the UTC offset"
    )


def test_a_time_that_the_clocks_skipped_is_rejected(tmp_path, store):
    report = import_lean(minute_file(tmp_path, GOOD, "9000000,1,1,1,1,1", day="20130310"), store)
    assert report.written == 1
    assert report.rejected[0].reason == (
        "nonexistent local time 2013-03-10 02:30:00 in America/New_York: the clock was set forward"
    )


# The fast way and the exact way agree


def lean_file(interval: Interval) -> LeanFile:
    day = None if interval == DAY else date(2013, 10, 7)
    return LeanFile(Path("x.zip"), "equity", "usa", "XYZ", interval, day, NEW_YORK, 10000.0)


ODD = st.sampled_from(
    ["", " ", "-", "1.5", "-0", "007", "nan", "1e3", "+4", ".5", "5.", "1 2", "9" * 30, "x", '"1"']
)
PART = st.one_of(st.integers(0, 90_000_000).map(str), ODD)
CLOCK = st.one_of(st.integers(0, 90_000).map(lambda s: f"{s}000"), ODD)
DAYS = st.dates(date(1890, 1, 1), date(2210, 1, 1)).map(lambda d: f"{d:%Y%m%d} 00:00")
DATE = st.one_of(DAYS, DAYS, PART, st.just("20130230 00:00"))
BREAK = st.sampled_from(["\n", "\r\n", "\r", "\n\n", "\n \n"])


@pytest.mark.parametrize(("interval", "times"), [(MINUTE, CLOCK), (DAY, DATE)])
def test_the_fast_parser_gives_what_the_exact_one_gives_or_steps_aside(interval, times):
    file = lean_file(interval)

    @settings(max_examples=100, deadline=None)
    @given(st.data())
    def check(data):
        usual = st.integers(1, 10**7).map(str)
        rows = data.draw(st.lists(st.tuples(times, *[st.one_of(usual, usual, usual, PART)] * 5), max_size=6))
        text = "".join(",".join(row) + data.draw(BREAK) for row in rows).encode()
        fast = parse_fast(text, file)
        exact, faults = parse_exactly(text, file)
        if fast is not None:
            assert faults == {}
            np.testing.assert_array_equal(fast[0], exact[0])
            np.testing.assert_array_equal(fast[1], exact[1])

    check()


@pytest.mark.parametrize("interval", [MINUTE, DAY])
def test_regular_files_take_the_fast_way(interval):
    row = b"20131007 00:00" if interval == DAY else b"34200000"
    parsed = parse_fast(row + b",1674100,1674100,1672500,1672700,3197\r\n", lean_file(interval))
    assert parsed is not None
    assert [column[0] for column in parsed[1]] == [1674100, 1674100, 1672500, 1672700, 3197]

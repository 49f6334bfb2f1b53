"""Kind of a file's content, by its first bytes and not its name; limits of size and lines."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import threading
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from tapedeck.engine.errors import BarImportError
from tapedeck.engine.importers import file_content, lean_rows
from tapedeck.engine.importers.csv_table import open_csv_tables
from tapedeck.engine.importers.file_rows import UnreadableFileError
from tapedeck.engine.importers.registry import IMPORTERS
from tapedeck.engine.importers.table_format import make_format
from tapedeck.engine.intervals import MINUTE
from tests.support.tables import read_columns

FORM = make_format(MINUTE)
HEAD = "time,open,high,low,close,volume"
ROW = "2013-10-07T13:30Z,10,12,9,11,100"
TEXT = f"{HEAD}\n{ROW}\n".encode()


def zst(data: bytes) -> bytes:
    return pa.Codec("zstd").compress(data, asbytes=True)


def zipped(members: dict[str, bytes]) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return memory.getvalue()


PACKERS = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zst,
    "zip": lambda data: zipped({"bars.csv": data}),
}


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", ["SPY.csv", "SPY.csv.gz", "SPY.zip", "SPY.txt.xz", "SPY"])
@pytest.mark.parametrize("kind", [*PACKERS, "plain"])
def test_the_first_bytes_tell_the_compression_whatever_the_name(tmp_path, kind, name):
    data = PACKERS[kind](TEXT) if kind in PACKERS else TEXT
    assert read_columns(write(tmp_path / name, data)) == {
        None: {
            "time": ["2013-10-07T13:30Z"],
            "open": ["10"],
            "high": ["12"],
            "low": ["9"],
            "close": ["11"],
            "volume": ["100"],
        }
    }


@pytest.mark.parametrize("kind", PACKERS)
def test_a_compressed_file_that_is_cut_short_or_altered_is_told(tmp_path, kind):
    rows = "".join(f"{ROW[:-3]}{i * 7919 % 1000}\n" for i in range(5000))
    data = PACKERS[kind](f"{HEAD}\n{rows}".encode())
    middle = len(data) // 2
    for damaged in (
        data[:-20],
        data[:middle] + bytes(255 - byte for byte in data[middle : middle + 9]) + data[middle + 9 :],
    ):
        file = write(tmp_path / "SPY.csv", damaged)
        with pytest.raises(
            UnreadableFileError, match=f"{kind.replace('gz', 'gzip')} file damaged or cut short"
        ):
            read_columns(file)


def test_each_table_of_a_zip_file_is_read_under_its_own_name(tmp_path):
    members = {
        "data/AAA.csv": TEXT,
        "data/bbb.CSV": TEXT,
        "readme.txt": b"about these files",
        "__MACOSX/data/._AAA.csv": b"\x00\x05",
        "data/.hidden.csv": b"x",
    }
    file = write(tmp_path / "all.zip", zipped(members))
    sources = open_csv_tables(file, FORM)
    assert [source.file.relative_to(file).as_posix() for source in sources] == [
        "data/AAA.csv",
        "data/bbb.CSV",
    ]
    found = list(IMPORTERS["csv"].find(file, interval=MINUTE).read(file))
    assert [series.symbol for rows in found for series in rows.series] == ["AAA", "BBB"]


def test_a_member_cannot_climb_out_of_its_zip_file(tmp_path):
    file = write(tmp_path / "all.zip", zipped({"../../AAA.csv": TEXT, "/etc/BBB.csv": TEXT}))
    assert [source.file for source in open_csv_tables(file, FORM)] == [
        file / "AAA.csv",
        file / "etc" / "BBB.csv",
    ]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (zipped({}), "zip file without tables"),
        (zipped({"a.pdf": b"x", "b.pdf": b"x"}), "zip file without tables"),
        (zipped({"xl/workbook.xml": b"x", "xl/a.csv": TEXT}), "an Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an Excel workbook"),
        (b"PAR1" + bytes(600), "a Parquet file; import it with `tapedeck import parquet`"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b'{"t": [1], "o": [2]}', "JSON, not a CSV file"),
        (b'[{"t": 1}]', "JSON, not a CSV file"),
        (b"%PDF-1.7", "a PDF document"),
        (b"SPY.csv" + bytes(250) + b"ustar" + bytes(300), "a tar archive; unpack it first"),
        (gzip.compress(gzip.compress(TEXT)), "compressed twice"),
        (gzip.compress(b"PAR1"), "a Parquet file"),
        (bytes(100), "not a text file"),
        (b"", "empty file"),
        (gzip.compress(b""), "empty file"),
        (b"\xef\xbb\xbf\n \n", "empty file"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_table_of_text_is_named(tmp_path, data, said):
    with pytest.raises(UnreadableFileError, match=said):
        open_csv_tables(write(tmp_path / "SPY.csv", data), FORM)


@pytest.mark.parametrize("kind", PACKERS)
def test_a_file_that_expands_without_measure_is_refused(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(file_content, "FREE_BYTES", 1 << 20)
    monkeypatch.setattr(file_content, "MOST_EXPANSION", 20)
    file = write(tmp_path / "SPY.csv", PACKERS[kind](TEXT + f"{ROW}\n".encode() * 40_000))
    with pytest.raises(UnreadableFileError, match="expands to more than 1 MB, 20 times its size"):
        read_columns(file)


def test_a_lean_file_that_expands_without_measure_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(lean_rows, "_LARGEST", 1 << 20)
    row = b"34200000,1000000,1000000,1000000,1000000,100\n"
    file = write(tmp_path / "equity/usa/minute/spy/20131007_trade.zip", zipped({"a_trade.csv": row * 30_000}))
    found = IMPORTERS["lean"].find(file)
    with pytest.raises(UnreadableFileError, match="expands to more than 1 MB"):
        next(found.read(file))


def test_a_byte_order_mark_in_a_lean_file_is_no_part_of_the_first_time(tmp_path):
    row = b"\xef\xbb\xbf34200000,1000000,1200000,900000,1100000,100\n"
    file = write(tmp_path / "equity/usa/minute/spy/20131007_trade.zip", zipped({"a_trade.csv": row}))
    [rows] = IMPORTERS["lean"].find(file).read(file)
    assert not rows.faults
    assert rows.series[0].bars.open.tolist() == [100.0]


@pytest.mark.parametrize("kind", ["csv", "parquet", "lean"])
def test_a_named_pipe_is_not_waited_for(tmp_path, kind):
    pipe = tmp_path / "equity/usa/minute/spy/20131007_trade.zip"
    pipe.parent.mkdir(parents=True)
    os.mkfifo(pipe)

    def read() -> None:
        with pytest.raises(BarImportError):
            list(IMPORTERS[kind].find(pipe, **({} if kind == "lean" else {"interval": MINUTE})).read(pipe))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(20)
    assert not reader.is_alive()


def test_pipes_hidden_folders_and_checkpoints_are_skipped_and_told(tmp_path):
    for name in (
        "SPY.csv",
        ".ipynb_checkpoints/SPY-checkpoint.csv",
        "__MACOSX/._SPY.csv",
        "._QQQ.csv",
        "old/.x/A.csv",
    ):
        write(tmp_path / "in" / name, TEXT)
    os.mkfifo(tmp_path / "in" / "pipe.csv")
    found = IMPORTERS["csv"].find(tmp_path / "in", interval=MINUTE)
    assert [file.name for file in found.files] == ["SPY.csv"]
    assert {entry.file.relative_to(tmp_path / "in").as_posix(): entry.reason for entry in found.skipped} == {
        ".ipynb_checkpoints/SPY-checkpoint.csv": "hidden file, or in a hidden folder",
        "__MACOSX/._SPY.csv": "hidden file, or in a hidden folder",
        "._QQQ.csv": "hidden file, or in a hidden folder",
        "old/.x/A.csv": "hidden file, or in a hidden folder",
        "pipe.csv": "not a regular file",
    }


# Encodings


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "ascii", "cp1252"]
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends_read_the_same(tmp_path, encoding, end):
    text = end.join([HEAD, ROW, "", f"{ROW[:12]}4{ROW[13:]}", ""])
    [columns] = read_columns(write(tmp_path / "SPY.csv", text.encode(encoding))).values()
    assert columns["time"] == ["2013-10-07T13:30Z", "2013-10-07T14:30Z"]
    assert columns["volume"] == ["100", "100"]


def test_bytes_that_are_not_utf_8_hold_signs_but_no_letters(tmp_path):
    row = "2013-10-07T13:30Z;1\xa0676,10;1\xa0690,2;1\xa0670;€1\xa0680;100;Äö"
    text = f"time;open;high;low;close;volume;Käufer\n{row}"
    file = write(tmp_path / "SPY.csv", text.encode("cp1252"))
    [columns] = read_columns(file, columns={"symbol": "K\ufffdufer"}).values()
    assert columns["open"] == ["1\xa0676,10"]
    assert columns["close"] == ["€1\xa0680"]
    assert columns["symbol"] == ["\ufffd\ufffd"]


def test_a_symbol_in_an_unknown_encoding_is_rejected(tmp_path):
    text = f"symbol,{HEAD}\nSPY,{ROW}\nÄÖ,{ROW}\n"
    file = write(tmp_path / "all.csv", text.encode("latin-1"))
    [rows] = IMPORTERS["csv"].find(file, interval=MINUTE).read(file)
    assert [series.symbol for series in rows.series] == ["SPY"]
    assert "invalid symbol" in rows.faults[1]


# Measures


def test_a_line_without_end_is_refused(tmp_path):
    file = write(tmp_path / "SPY.csv", TEXT + b"9" * (2 << 20))
    with pytest.raises(UnreadableFileError, match="line 3 is longer than 1,048,576 bytes"):
        read_columns(file)


def test_a_table_of_very_many_columns_is_refused(tmp_path):
    head = HEAD + "".join(f",c{i}" for i in range(20_000))
    file = write(tmp_path / "SPY.csv", f"{head}\n{ROW}{',1' * 20_000}\n".encode())
    with pytest.raises(UnreadableFileError, match="more than 20,000 columns"):
        read_columns(file)


def test_a_quote_that_is_never_closed_costs_its_own_line_alone(tmp_path):
    lines = [HEAD, ROW, '"2013-10-07T13:31Z,10,12,9,11,100', *[ROW] * 50]
    file = write(tmp_path / "SPY.csv", "\n".join(lines).encode())
    volumes, places, faults = _joined(_rows(file))
    assert len(volumes) == 51
    assert places == [0, *range(2, 52)]
    assert {row: text for row, (_, text) in faults.items()} == {1: (3, lines[2])}


@pytest.mark.parametrize("size", [600, 4096])
def test_the_size_of_blocks_changes_nothing(tmp_path, monkeypatch, size):
    rows = [
        f'{ROW[:-3]}{i},"note ""{i}""\nsecond line"' if i % 7 == 0 else f"{ROW[:-3]}{i},x" for i in range(300)
    ]
    rows[100] = "2013-10-07T13:30Z,10"
    file = write(tmp_path / "SPY.csv", "\n".join([f"{HEAD},note", *rows]).encode())
    whole = _rows(file)
    monkeypatch.setattr("tapedeck.engine.importers.text_stream._CHUNK", 512)
    monkeypatch.setattr("tapedeck.engine.importers.text_stream.text_blocks.__defaults__", (size,))
    parts = _rows(file)
    assert len(parts) > len(whole) == 1
    assert _joined(parts) == _joined(whole)


def _rows(file: Path) -> list:
    return list(IMPORTERS["csv"].find(file, interval=MINUTE).read(file))


def _joined(parts: list) -> tuple:
    volumes = [value for part in parts for series in part.series for value in series.bars.volume]
    places = [int(row) for part in parts for series in part.series for row in series.rows]
    faults = {row: (reason, part.texts([row])[row]) for part in parts for row, reason in part.faults.items()}
    return volumes, places, faults

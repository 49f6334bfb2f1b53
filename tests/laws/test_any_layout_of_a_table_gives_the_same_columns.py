"""A table of true bars, in any layout that the importers read, gives its columns, or a question."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tapedeck.engine.importers.file_rows import UnclearFileError
from tests.support.tables import read_columns

PRICES = ("open", "high", "low", "close")
START = 1381152600

HEADERS = {
    "plain": ("time", *PRICES, "volume"),
    "capitals": ("Datetime", "Open", "High", "Low", "Close", "Volume"),
    "brackets": ("<DATE>", "<OPEN>", "<HIGH>", "<LOW>", "<CLOSE>", "<VOL>"),
    "numbered": ("timestamp", "1. open", "2. high", "3. low", "4. close", "5. volume"),
    "letters": ("t", "o", "h", "l", "c", "v"),
    "clock": ("Gmt time", "Open", "High", "Low", "Close/Last", "Volume"),
    "index": ("", *PRICES, "volume"),
    "event": ("ts_event", "PX_OPEN", "PX_HIGH", "PX_LOW", "PX_LAST", "PX_VOLUME"),
}
ORDERS = ("ohlc", "ochl", "lhoc", "chlo", "hloc")
CLAIMED = ORDERS[:3]
"""Orders that are told without names; of others, only names tell."""
PACKERS = {
    "plain": bytes,
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda data: pa.Codec("zstd").compress(data, asbytes=True),
}


def zipped(data: bytes) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr("bars.csv", data)
    return memory.getvalue()


PACKERS["zip"] = zipped


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table is written."""

    delimiter: str
    comma: bool
    quoting: int
    encoding: str
    end: str
    packer: str
    header: str | None
    order: str
    times: str
    banner: int
    trailing: bool
    with_volume: bool
    repeated: bool


@st.composite
def bars(draw: st.DrawFn) -> list[dict[str, str]]:
    """Return rows of true bars as texts, times rising by a minute."""
    count = draw(st.integers(1, 7))
    digits = draw(st.sampled_from([0, 2, 5]))
    scale = draw(st.sampled_from([3, 170, 40_000]))
    rows = []
    for _ in range(count):
        ends = [draw(st.integers(scale * 9, scale * 11)) for _ in range(4)]
        low, *middle, high = sorted(ends)
        first, last = draw(st.permutations(middle))
        numbers = dict(zip(PRICES, (first, high, low, last), strict=True))
        row = {role: f"{value / 10**digits:.{digits}f}" for role, value in numbers.items()}
        rows.append(row | {"volume": str(draw(st.integers(0, 10**7)))})
    return rows


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    """Return a layout; decimal commas need another delimiter."""
    delimiter = draw(st.sampled_from(",;\t|"))
    return Layout(
        delimiter,
        draw(st.booleans()) and delimiter != ",",
        draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])),
        draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])),
        draw(st.sampled_from(["\n", "\r\n", "\r"])),
        draw(st.sampled_from(list(PACKERS))),
        header := draw(st.sampled_from([None, *HEADERS])),
        draw(st.sampled_from(CLAIMED if header is None else ORDERS)),
        draw(st.sampled_from(["s", "ms", "ns", "iso", "local", "dotted", "compact"])),
        draw(st.integers(0, 3)),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(st.booleans()),
    )


def time_texts(count: int, form: str) -> list[str]:
    seconds = [START + 60 * i for i in range(count)]
    powers = {"s": 0, "ms": 3, "ns": 9}
    if form in powers:
        return [str(second * 10 ** powers[form]) for second in seconds]
    pattern = {
        "iso": "%Y-%m-%dT%H:%M:%SZ",
        "local": "%Y-%m-%d %H:%M:%S",
        "dotted": "%d.%m.%Y %H:%M:%S.000",
        "compact": "%Y%m%d %H%M%S",
    }[form]
    return [datetime.fromtimestamp(second, UTC).strftime(pattern) for second in seconds]


def written(rows: list[dict[str, str]], times: list[str], layout: Layout) -> bytes:
    letters = {"o": "open", "h": "high", "l": "low", "c": "close"}
    roles = ["time", *(letters[letter] for letter in layout.order), *["volume"] * layout.with_volume]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=layout.delimiter, quoting=layout.quoting, lineterminator=layout.end)
    tail = [""] * layout.trailing
    text.write("".join(f"a line of words, number {i}{layout.end}" for i in range(layout.banner)))
    head = None
    if layout.header is not None:
        names = dict(zip(("time", *PRICES, "volume"), HEADERS[layout.header], strict=True))
        head = [names[role] for role in roles]
        writer.writerow(head + tail)
    for place, (time, row) in enumerate(zip(times, rows, strict=True)):
        if head is not None and layout.repeated and place == 2:
            writer.writerow(head + tail)
        texts = {"time": time} | row
        fields = [
            texts[role].replace(".", ",") if layout.comma and role != "time" else texts[role]
            for role in roles
        ]
        writer.writerow(fields + tail)
    return PACKERS[layout.packer](text.getvalue().encode(layout.encoding))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=bars(), layout=layouts())
def test_any_layout_gives_the_same_columns_or_a_question(tmp_path, rows, layout):
    times = time_texts(len(rows), layout.times)
    file = tmp_path / "XYZ.csv"
    file.write_bytes(written(rows, times, layout))
    try:
        [found] = read_columns(file).values()
    except UnclearFileError:
        assert layout.header is None  # names leave nothing to ask
        return
    comma = layout.comma
    expected = {
        role: [row[role].replace(".", ",") if comma else row[role] for row in rows] for role in rows[0]
    }
    if not layout.with_volume:
        del expected["volume"]
    time = found.pop("time", None) or found.pop("date")
    assert time == times
    assert found == expected

"""Layouts of files of bars: the same true bars as vendors, tools and spreadsheets write them."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

NEW_YORK: Final = ZoneInfo("America/New_York")
ROLES: Final = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class TrueBar:
    """A bar as it was traded; prices and volume are exact."""

    opened_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int


@dataclass(frozen=True)
class TimeLayout:
    """A way to write an instant in one or two fields.

    `zone`: the time zone that must be given for it, or None where the text holds it. `names`: usual headers.
    """

    fields: Callable[[datetime], tuple[str, ...]]
    names: tuple[str, ...]
    zone: str | None = None


@dataclass(frozen=True)
class FileLayout:
    """Everything about a file but its bars."""

    times: TimeLayout
    numbers: str
    delimiter: str
    header: str
    newline: str
    encoding: str
    compression: str
    extra: str
    first_lines: int
    descending: bool


def _local(pattern: str, zone: ZoneInfo | None = NEW_YORK) -> Callable[[datetime], tuple[str, ...]]:
    def write(moment: datetime) -> tuple[str, ...]:
        text = moment.astimezone(zone or UTC).strftime(pattern)
        return tuple(text.split("~"))

    return write


def _epoch(per_second: int) -> Callable[[datetime], tuple[str, ...]]:
    return lambda moment: (str(int(moment.timestamp()) * per_second),)


def _month_name(moment: datetime) -> tuple[str, ...]:
    return (moment.astimezone(NEW_YORK).strftime("%d-%b-%Y %H:%M:%S"),)


NY: Final = "America/New_York"
MINUTE_TIMES: Final[Mapping[str, TimeLayout]] = {
    "iso T": TimeLayout(_local("%Y-%m-%dT%H:%M:%S"), ("timestamp",), NY),
    "iso blank": TimeLayout(_local("%Y-%m-%d %H:%M:%S"), ("Datetime",), NY),
    "iso minutes": TimeLayout(_local("%Y-%m-%d %H:%M"), ("date",), NY),
    "iso Z": TimeLayout(_local("%Y-%m-%dT%H:%M:%SZ", None), ("t",)),
    "iso offset": TimeLayout(lambda moment: (moment.astimezone(NEW_YORK).isoformat(" "),), ("Datetime",)),
    "millis": TimeLayout(_local("%Y-%m-%d %H:%M:%S.000"), ("time",), NY),
    "seconds": TimeLayout(_epoch(1), ("unix",)),
    "seconds.0": TimeLayout(lambda moment: (f"{moment.timestamp():.1f}",), ("timestamp",)),
    "milliseconds": TimeLayout(_epoch(10**3), ("open_time",)),
    "microseconds": TimeLayout(_epoch(10**6), ("timestamp",)),
    "nanoseconds": TimeLayout(_epoch(10**9), ("window_start",)),
    "dots": TimeLayout(_local("%d.%m.%Y %H:%M:%S.000", None), ("Gmt time",)),
    "mt5": TimeLayout(_local("%Y.%m.%d~%H:%M:%S"), ("<DATE>", "<TIME>"), NY),
    "slashes": TimeLayout(_local("%Y/%m/%d %H:%M"), ("Date",), NY),
    "american": TimeLayout(_local("%m/%d/%Y %H:%M"), ("Date",), NY),
    "american two": TimeLayout(_local("%m/%d/%Y~%H:%M"), ("Date", "Time"), NY),
    "am pm": TimeLayout(_local("%m/%d/%Y %I:%M %p"), ("Date",), NY),
    "european": TimeLayout(_local("%d/%m/%Y %H:%M"), ("Date",), NY),
    "compact": TimeLayout(_local("%Y%m%d%H%M%S"), ("time",), NY),
    "compact minutes": TimeLayout(_local("%Y%m%d%H%M"), ("time",), NY),
    "compact two": TimeLayout(_local("%Y%m%d~%H%M%S"), ("<DTYYYYMMDD>", "<TIME>"), NY),
    "ib": TimeLayout(_local("%Y%m%d  %H:%M:%S US/Eastern"), ("date",)),
    "utc word": TimeLayout(_local("%Y-%m-%d %H:%M:%S UTC", None), ("timestamp",)),
    "month name": TimeLayout(_month_name, ("Date",), NY),
}
DAILY_TIMES: Final[Mapping[str, TimeLayout]] = {
    "iso": TimeLayout(_local("%Y-%m-%d", None), ("Date",)),
    "iso midnight": TimeLayout(_local("%Y-%m-%d 00:00:00", None), ("Date",)),
    "compact": TimeLayout(_local("%Y%m%d", None), ("<DATE>",)),
    "american": TimeLayout(_local("%m/%d/%Y", None), ("Date",)),
    "dots": TimeLayout(_local("%d.%m.%Y", None), ("Date",)),
    "slashes": TimeLayout(_local("%Y/%m/%d", None), ("date",)),
    "words": TimeLayout(_local("%b %d, %Y", None), ("Date",)),
    "milliseconds": TimeLayout(_epoch(10**3), ("open_time",)),
    "midnight in New York": TimeLayout(
        lambda moment: (datetime(moment.year, moment.month, moment.day, tzinfo=NEW_YORK).isoformat(),), ("t",)
    ),
}
HEADERS: Final[Mapping[str, tuple[str, ...] | None]] = {
    "plain": ("open", "high", "low", "close", "volume"),
    "capitals": ("Open", "High", "Low", "Close", "Volume"),
    "angles": ("<OPEN>", "<HIGH>", "<LOW>", "<CLOSE>", "<VOL>"),
    "numbered": ("1. open", "2. high", "3. low", "4. close", "5. volume"),
    "letters": ("o", "h", "l", "c", "v"),
    "none": None,
}
EXTRAS: Final = ("nothing", "row number", "trailing delimiter", "trades", "adjusted")
COMPRESSIONS: Final = ("plain", "gz", "bz2", "xz", "zip", "misnamed gz")


def _number(value: Decimal | int, style: str, *, is_volume: bool) -> str:
    if style == "thousands":
        return f"{value:,}"
    if style == "decimal comma":
        return str(value).replace(".", ",")
    if style == "dollars" and not is_volume:
        return f"${value:,}"
    if style == "suffix" and is_volume and value and value % 1000 == 0:
        return f"{Decimal(value) / 1000:f}K"
    return f"{value}"


def write_bars(bars: Sequence[TrueBar], layout: FileLayout) -> bytes:
    """Return the content of a file with these bars, before compression."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=layout.delimiter, lineterminator=layout.newline)
    for number in range(layout.first_lines):
        text.write(f"# bars as exported, line {number}{layout.newline}")
    names = HEADERS[layout.header]
    if names is not None:
        writer.writerow(_with_extra([*layout.times.names, *names], layout.extra, None))
    for number, bar in enumerate(reversed(bars) if layout.descending else bars):
        values = [getattr(bar, role) for role in ROLES]
        fields = [
            *layout.times.fields(bar.opened_at),
            *(
                _number(value, layout.numbers, is_volume=role == "volume")
                for role, value in zip(ROLES, values, strict=True)
            ),
        ]
        writer.writerow(_with_extra(fields, layout.extra, (number, bar)))
    return text.getvalue().encode(layout.encoding)


def _with_extra(fields: list[str], extra: str, row: tuple[int, TrueBar] | None) -> list[str]:
    if extra == "row number":
        return ["" if row is None else str(row[0]), *fields]
    if extra == "trailing delimiter":
        return [*fields, ""]
    if extra == "trades":
        return [*fields, "trades" if row is None else str(row[1].volume // 7)]
    if extra == "adjusted":
        return [*fields, "Adj Close" if row is None else str(row[1].close - 1)]
    return fields


def compress(content: bytes, compression: str) -> tuple[bytes, str]:
    """Return the compressed content, and the ending of the file's name."""
    if compression in ("gz", "misnamed gz"):
        return gzip.compress(content), ".csv.gz" if compression == "gz" else ".csv"
    if compression == "bz2":
        return bz2.compress(content), ".csv.bz2"
    if compression == "xz":
        return lzma.compress(content), ".csv.xz"
    if compression == "zip":
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("bars.csv", content)
        return packed.getvalue(), ".csv.zip"
    return content, ".csv"


@st.composite
def layouts(draw: st.DrawFn, times: Mapping[str, TimeLayout]) -> FileLayout:
    """Draw a layout that is unambiguous in itself."""
    numbers = draw(st.sampled_from(("plain", "plain", "thousands", "decimal comma", "dollars", "suffix")))
    delimiter = draw(st.sampled_from(",;\t|" if numbers != "decimal comma" else ";\t"))
    header = draw(st.sampled_from(sorted(HEADERS)))
    return FileLayout(
        times=times[draw(st.sampled_from(sorted(times)))],
        numbers=numbers,
        delimiter=delimiter,
        header=header,
        newline=draw(st.sampled_from(("\n", "\r\n"))),
        encoding=draw(st.sampled_from(("utf-8", "utf-8-sig", "utf-16"))),
        compression=draw(st.sampled_from(COMPRESSIONS)),
        extra=draw(st.sampled_from(EXTRAS)),
        first_lines=draw(st.sampled_from((0, 0, 1, 2))) if header != "none" else 0,
        descending=draw(st.booleans()),
    )


@st.composite
def true_bars(draw: st.DrawFn, moments: Sequence[datetime]) -> list[TrueBar]:
    """Draw bars of one symbol at some of the given moments, oldest first."""
    kept = sorted(draw(st.lists(st.sampled_from(moments), min_size=12, max_size=40, unique=True)))
    digits = draw(st.integers(0, 5))
    unit = Decimal(1).scaleb(-digits)
    bars = []
    for moment in kept:
        ticks = draw(st.lists(st.integers(1, 5_000_000), min_size=4, max_size=4))
        low, one, other, high = sorted(ticks)
        first, last = (one, other) if draw(st.booleans()) else (other, one)
        prices = [tick * unit for tick in (first, high, low, last)]
        bars.append(TrueBar(moment, *prices, draw(st.integers(0, 10**7)) * draw(st.sampled_from((1, 1000)))))
    return bars


def minutes_of(sessions: Sequence[tuple[datetime, datetime]]) -> list[datetime]:
    """Return the minutes of the sessions, each from its open to before its close."""
    found = []
    for opened, closed in sessions:
        count = int((closed - opened).total_seconds()) // 60
        found += [opened + timedelta(minutes=minute) for minute in range(count)]
    return found

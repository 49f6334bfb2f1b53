"""Law of imports: true bars, in any layout, are stored exactly, or refused with nothing stored."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import exchange_calendars
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tapedeck.engine.errors import BarImportError
from tapedeck.engine.intervals import DAY, MINUTE, Interval
from tapedeck.engine.store.locations import open_store
from tests.support.imports import import_csv
from tests.support.layouts import (
    DAILY_TIMES,
    MINUTE_TIMES,
    FileLayout,
    TimeLayout,
    TrueBar,
    compress,
    layouts,
    minutes_of,
    true_bars,
    write_bars,
)

FIRST, LAST = "2013-10-21", "2013-11-08"
"""Three weeks of XNYS, with a clock change in New York and in Europe; no early close."""

Row = tuple[int, float, float, float, float, float]


def _sessions() -> list[tuple[datetime, datetime]]:
    schedule = exchange_calendars.get_calendar("XNYS").schedule.loc[FIRST:LAST]
    return [
        (opened.to_pydatetime(), closed.to_pydatetime())
        for opened, closed in zip(schedule["open"], schedule["close"], strict=True)
    ]


SESSIONS = _sessions()
MINUTES = minutes_of(SESSIONS)
DAYS = [datetime(opened.year, opened.month, opened.day, tzinfo=UTC) for opened, _ in SESSIONS]


def stored_or_refused(
    bars: list[TrueBar], layout: FileLayout, interval: Interval, **options: str
) -> tuple[list[Row], BarImportError | None]:
    """Import the bars in a layout into a new store; return what is stored, and the error."""
    content, ending = compress(write_bars(bars, layout), layout.compression)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"SPY{ending}"
        file.write_bytes(content)
        error = None
        with open_store(Path(folder) / "bars.db", create=True) as store:
            try:
                report = import_csv(file, store, interval=interval, **options)
            except BarImportError as refused:
                error = refused
            else:
                assert not report.rejected, report.summary()
            assert set(store.series()) <= {"SPY"}
            kept = store.read("SPY", interval, 0, 2**40)
            columns = (kept.opened_at, kept.open, kept.high, kept.low, kept.close, kept.volume)
            return list(zip(*(column.tolist() for column in columns), strict=True)), error


def expected(bars: list[TrueBar]) -> list[Row]:
    return [
        (int(bar.opened_at.timestamp()), *map(float, (bar.open, bar.high, bar.low, bar.close, bar.volume)))
        for bar in bars
    ]


def check(
    bars: list[TrueBar], layout: FileLayout, interval: Interval, options: Mapping[str, str]
) -> str | None:
    """Assert the law for one file; return the reason of a refusal, None if it was stored."""
    stored, error = stored_or_refused(bars, layout, interval, **options)
    if error is None:
        assert stored == expected(bars)
        return None
    assert stored == []
    return str(error)


def zone_of(times: TimeLayout) -> dict[str, str]:
    return {"zone": times.zone} if times.zone is not None else {}


LAW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@LAW
@given(data=st.data(), layout=layouts(MINUTE_TIMES))
def test_minutes_in_any_layout_are_stored_exactly_or_refused(data: st.DataObject, layout: FileLayout) -> None:
    start = data.draw(st.integers(0, len(MINUTES) - 2000))
    bars = data.draw(true_bars(MINUTES[start : start + data.draw(st.sampled_from((60, 400, 2000)))]))
    event(check(bars, layout, MINUTE, zone_of(layout.times)) or "stored")


@LAW
@given(data=st.data(), layout=layouts(DAILY_TIMES))
def test_days_in_any_layout_are_stored_exactly_or_refused(data: st.DataObject, layout: FileLayout) -> None:
    event(check(data.draw(true_bars(DAYS)), layout, DAY, {}) or "stored")


# A refusal is allowed by the law, and must stay rare: each way to write a time goes in at first try where
# its rows decide it.
PLAIN = FileLayout(MINUTE_TIMES["iso Z"], "plain", ",", "plain", "\n", "utf-8", "plain", "nothing", 0, False)


def some_bars(moments: list[datetime]) -> list[TrueBar]:
    prices = [Decimal(number) for number in ("101.25", "101.5", "100.75", "101")]
    volumes = [1000 + number * 7919 % 5003 for number in range(len(moments))]
    return [TrueBar(moment, *prices, volume) for moment, volume in zip(moments, volumes, strict=True)]


@pytest.mark.parametrize("name", MINUTE_TIMES)
@pytest.mark.parametrize("header", ["plain", "none"])
def test_each_format_of_minutes_goes_in_at_first_try(name: str, header: str) -> None:
    times = MINUTE_TIMES[name]
    bars = some_bars(MINUTES[:60] + MINUTES[-60:])
    needs_header = times.names == ("Gmt time",) and header == "none"  # which holds the zone
    options = {"zone": "UTC"} if needs_header else zone_of(times)
    assert check(bars, replace(PLAIN, times=times, header=header), MINUTE, options) is None


@pytest.mark.parametrize("name", DAILY_TIMES)
@pytest.mark.parametrize("header", ["plain", "none"])
def test_each_format_of_days_goes_in_at_first_try(name: str, header: str) -> None:
    assert check(some_bars(DAYS), replace(PLAIN, times=DAILY_TIMES[name], header=header), DAY, {}) is None


@pytest.mark.parametrize("part", ["numbers", "delimiter", "encoding", "compression", "extra", "first_lines"])
def test_each_other_part_of_a_layout_goes_in_at_first_try(part: str) -> None:
    values = {
        "numbers": ("thousands", "dollars", "suffix"),
        "delimiter": (";", "\t", "|"),
        "encoding": ("utf-8-sig", "utf-16"),
        "compression": ("gz", "bz2", "xz", "zip", "misnamed gz"),
        "extra": ("row number", "trailing delimiter", "trades", "adjusted"),
        "first_lines": (1, 2),
    }
    for value in values[part]:
        assert check(some_bars(MINUTES[:200]), replace(PLAIN, **{part: value}), MINUTE, {}) is None

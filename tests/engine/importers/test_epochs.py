"""Times that are numbers: every unit, mixed units, compact dates, and numbers that have lost digits."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from itertools import accumulate

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tapedeck.engine.importers.file_rows import UnclearFileError
from tapedeck.engine.intervals import DAY, MINUTE, SECOND
from tests.engine.importers.test_time_layouts import OPEN, read

UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
FROM_1981 = int(datetime(1981, 1, 1, tzinfo=UTC).timestamp())
TO_2199 = int(datetime(2199, 12, 31, tzinfo=UTC).timestamp())
WRITERS = {
    "int64": lambda values: pa.array(values, pa.int64()),
    "uint64": lambda values: pa.array(values, pa.uint64()),
    "decimal": lambda values: pa.array([Decimal(value) for value in values], pa.decimal128(24, 3)),
    "text": lambda values: pa.array([str(value) for value in values]),
    "text with a fraction": lambda values: pa.array([f"{value}.000" for value in values]),
    "text with blanks": lambda values: pa.array([f" {value} " for value in values]),
    "full scientific text": lambda values: pa.array([_scientific(value) for value in values]),
}


def _scientific(value: int) -> str:
    return f"{str(value)[0]}.{str(value)[1:]}e+{len(str(value)) - 1:02}"


@given(
    instants=st.lists(st.integers(FROM_1981, TO_2199), min_size=1, max_size=6),
    units=st.lists(st.sampled_from(list(UNITS)), min_size=6, max_size=6),
    writer=st.sampled_from(list(WRITERS)),
    cut=st.integers(1, 6),
)
@settings(max_examples=150, deadline=None)
def test_epochs_are_read_in_their_own_unit_row_by_row(instants, units, writer, cut):
    values = [instant * UNITS[unit] for instant, unit in zip(instants, units, strict=False)]
    assert read(WRITERS[writer](values), interval=SECOND, cut=min(cut, len(values))) == instants


@given(
    start=st.integers(-25_000, 18_000),
    steps=st.lists(st.integers(1, 300), min_size=1, max_size=60),
    unit=st.sampled_from(list(UNITS)),
    is_reversed=st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_days_around_1970_are_exact_or_refused(start, steps, unit, is_reversed):
    days = list(accumulate(steps, initial=start))
    # With all of them within 90 days of 1970 the reading in a coarser unit is likelier.
    assume(max(map(abs, days)) > 90)
    instants = [day * 86400 for day in (reversed(days) if is_reversed else days)]
    try:
        found = read(pa.array([instant * UNITS[unit] for instant in instants]), interval=DAY)
    except UnclearFileError:
        return
    assert found == instants


@pytest.mark.parametrize("unit", UNITS)
def test_a_history_that_crosses_1970_is_exact(unit):
    instants = [day * 86400 for day in range(-3000, 16000)]
    assert read(pa.array([instant * UNITS[unit] for instant in instants]), interval=DAY, cut=9000) == instants


def test_rows_without_a_time_decide_no_unit():
    found = read([f"{OPEN}", "", f"{OPEN + 60}000000", f"{OPEN + 120}000000", "x"])
    assert found[0:1] + found[2:4] == [OPEN, OPEN + 60, OPEN + 120]
    assert (found[1], found[4]) == ("time is missing", "invalid time 'x': expected a whole number")


def test_half_a_second_is_not_rounded():
    found = read(pa.array([OPEN * 1000, OPEN * 1000 + 500]))
    assert found == [OPEN, "time is not on a whole second"]
    assert read(pa.array([float(OPEN), OPEN + 0.5])) == [OPEN, "time is not on a whole second"]
    assert read([f"{OPEN}.0", f"{OPEN}.5"]) == [OPEN, "time is not on a whole second"]


@pytest.mark.parametrize(
    "odd",
    [OPEN // 100, OPEN * 10, 20131007, 0, 41554],
    ids=["digits lost", "one more", "date", "zero", "sheet"],
)
def test_a_time_decades_from_the_others_is_refused_and_with_a_unit_rejected(odd):
    column = pa.array([OPEN, OPEN + 60, odd, OPEN + 120])
    with pytest.raises(
        UnclearFileError, match=r"decades from the other rows|would be before 1980"
    ) as refused:
        read(column)
    assert refused.value.ways[0] == {"--time-format": "s"}
    found = read(column, time_format="s")
    assert [found[0], found[1], found[3]] == [OPEN, OPEN + 60, OPEN + 120]
    assert isinstance(found[2], str) or odd == OPEN * 10


@pytest.mark.parametrize("numbers", [[41554, 41555], [930, 931], [34200000, 34260000], [131007, 131008]])
def test_a_column_of_times_in_1970_is_asked_about(numbers):
    with pytest.raises(UnclearFileError, match=r"would be in 197[01], as s since 1970") as asked:
        read(pa.array(numbers))
    # Day numbers of a spreadsheet are 20,000 to 60,000: no command is offered that stores them in 1970.
    assert asked.value.ways == (() if numbers[0] == 41554 else ({"--time-format": "s"},))
    assert read(pa.array(numbers), time_format="s") == numbers


@pytest.mark.parametrize(
    ("texts", "interval"),
    [
        (["1.38115e+09", "1.38116e+09"], MINUTE),
        (["1.3811526e+09", "1.3811532e+09"], MINUTE),
        (["1.381e+12"], DAY),
        (["1.38115266e+09"], SECOND),
    ],
)
def test_scientific_epochs_that_lost_digits_are_refused(texts, interval):
    with pytest.raises(UnclearFileError, match="has lost digits"):
        read(texts, interval=interval)


@given(minutes=st.lists(st.integers(20_000_000, 30_000_000), min_size=20, max_size=40))
@settings(max_examples=40, deadline=None)
def test_scientific_epochs_are_exact_or_refused(minutes):
    instants = [minute * 60 for minute in minutes]
    shortest = [f"{instant:.12g}" if i % 2 else _shortest(instant) for i, instant in enumerate(instants)]
    six_digits = [f"{instant:g}" for instant in instants]
    for texts in (shortest, six_digits):
        try:
            assert read(texts) == instants
        except UnclearFileError:
            continue


def _shortest(value: int) -> str:
    text = f"{value:.15e}"
    digits, _, exponent = text.partition("e")
    return f"{digits.rstrip('0').rstrip('.')}e{exponent}"


def test_short_floats_cannot_hold_a_time():
    with pytest.raises(UnclearFileError, match="type float have lost digits: save them as int64"):
        read(pa.array(np.array([OPEN], np.float32)))


def test_12_digits_are_a_date_not_milliseconds_of_1976():
    midnights = [f"201310{day:02}0000" for day in range(1, 29)]
    expected = [int(datetime(2013, 10, day, tzinfo=UTC).timestamp()) for day in range(1, 29)]
    for column in (
        pa.array(midnights),
        pa.array(list(map(int, midnights))),
        pa.array(np.array(midnights, float)),
    ):
        assert read(column, zone="UTC", cut=5) == expected
        assert read(column, interval=DAY) == expected


def test_a_date_of_8_digits_that_is_none_is_rejected_among_others():
    assert (
        read(["20131007", "20131399"], interval=DAY)[1]
        == "invalid time '20131399': expected a date of 8 digits"
    )


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York", "-05:00"])
def test_typed_timestamps_of_every_unit_are_the_instants_they_hold(unit, zone):
    column = pa.array([OPEN * UNITS[unit]], pa.timestamp(unit, zone))
    assert read(column, **({} if zone else {"zone": "UTC"})) == [OPEN]

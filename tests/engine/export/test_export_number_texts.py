"""Number and time texts of the CSV files."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tapedeck.engine.export.text_columns import csv_field, number_text, number_texts, time_text, time_texts

NEW_YORK = ZoneInfo("America/New_York")
finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(finite))
@example([81489219.0, 1e10, 1e-7, 1e22, 5e-324, 0.1, -0.0, 2.0**53 + 2, 1e15 + 0.5])
def test_a_number_reads_back_to_the_same_bits(values):
    texts = number_texts(np.array(values, dtype=np.float64)).to_pylist()
    assert [float(text) for text in texts] == values


@given(finite)
def test_a_number_never_ends_in_point_zero_and_is_no_longer_than_pythons(value):
    text = number_text(value)
    assert not text.endswith(".0")
    assert float(text) == value
    digits = [sum(sign.isdigit() for sign in form.split("e")[0].strip("-0.")) for form in (text, repr(value))]
    assert digits[0] <= digits[1]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (81489219.0, "81489219"),
        (100.0, "100"),
        (168.45, "168.45"),
        (99.74358974358974, "99.74358974358974"),
        (12345678901.0, "12345678901"),
        (12345678901.25, "12345678901.25"),
        (1e15, "1000000000000000"),
        (0.00000812, "0.00000812"),
        (1e-8, "0.00000001"),
        (-0.5, "-0.5"),
        (-0.0, "0"),
        (1e300, "1e+300"),
    ],
)
def test_usual_sizes_have_no_exponent(value, text):
    assert number_text(value) == text
    assert number_texts(np.array([value, 0.5])).to_pylist() == [text, "0.5"]
    whole = number_texts(np.array([value])).to_pylist()[0]
    assert float(whole) == value


def test_time_has_the_exchanges_offset():
    summer, winter = datetime(2013, 10, 7, 13, 30, tzinfo=UTC), datetime(2013, 12, 2, 14, 30, tzinfo=UTC)
    assert time_text(int(summer.timestamp()), NEW_YORK) == "2013-10-07T09:30:00-04:00"
    assert time_text(int(winter.timestamp()), NEW_YORK) == "2013-12-02T09:30:00-05:00"


def test_times_across_the_change_of_clocks_have_each_its_own_offset():
    # In New York the clocks went back on 3 November 2013, at 06:00 UTC.
    start = int(datetime(2013, 11, 3, 5, 59, tzinfo=UTC).timestamp())
    texts = time_texts(np.array([start, start + 60], dtype=np.int64), NEW_YORK).to_pylist()
    assert texts == ["2013-11-03T01:59:00-04:00", "2013-11-03T01:00:00-05:00"]


@given(st.integers(0, 2**32), st.integers(1, 200))
def test_many_times_are_written_as_each_alone(start, count):
    seconds = start + 60 * np.arange(count, dtype=np.int64)
    assert time_texts(seconds, NEW_YORK).to_pylist() == [time_text(s, NEW_YORK) for s in seconds.tolist()]


def test_no_times_give_no_texts():
    assert len(time_texts(np.array([], dtype=np.int64), NEW_YORK)) == 0


@given(st.text(alphabet=st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"])))
def test_a_field_reads_back_as_it_was(text):
    assert next(csv.reader(io.StringIO(f"a,{csv_field(text)},b\n"))) == ["a", text, "b"]


def test_a_field_is_quoted_only_where_it_must_be_and_stays_on_its_line():
    assert csv_field("BRK.B") == "BRK.B"
    assert csv_field("A,B") == '"A,B"'
    assert csv_field('the "last" bar') == '"the ""last"" bar"'
    assert csv_field("first line\r\nsecond") == "first line second"

"""Numbers in the layouts that files have: read exactly, by one format for the whole file, or asked about."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.importers.file_rows import UnclearFileError
from tapedeck.engine.importers.table_format import make_format
from tapedeck.engine.importers.value_survey import ValueFormats, ValueSurvey
from tapedeck.engine.intervals import MINUTE

FILE = Path("bars.csv")
TIMES = {"time": "time"}


def survey(columns: Mapping[str, pa.Array], names: Mapping[str, str] = TIMES, **options: str) -> ValueFormats:
    found = ValueSurvey(FILE, make_format(MINUTE, **options), names)
    count = len(next(iter(columns.values())))
    found.add(pa.array([1381152600 + 60 * i for i in range(count)]), columns)
    return found.formats()


def read(columns: Mapping[str, object], **options: str) -> dict[str, list[float | str]]:
    """Return each column as numbers, NaN where missing, or the reasons of rows without one."""
    arrays = {
        role: value if isinstance(value, pa.Array) else pa.array(value) for role, value in columns.items()
    }
    formats = survey(arrays, **options)
    found = {}
    for role, column in arrays.items():
        numbers, faults = formats.read_numbers(role, column)
        found[role] = [faults.get(i, float(number)) for i, number in enumerate(numbers)]
    return found


def _swapped(text: str) -> str:
    return text.translate(str.maketrans(".,", ",."))


LAYOUTS: Mapping[str, Callable[[Decimal], str]] = {
    "plain": lambda n: f"{n:f}",
    "scientific": lambda n: f"{n:e}",
    "thousands": lambda n: f"{n:,f}",
    "dollars": lambda n: f"${n:,f}",
    "euros behind": lambda n: f"{n:f} €",
    "apostrophes": lambda n: f"{n:,f}".replace(",", "'"),
    "thin blanks": lambda n: f"{n:,f}".replace(",", "\u202f"),
    "blanks around": lambda n: f" {n:f} ",
    "signed": lambda n: f"+{n:f}",
    "decimal comma": lambda n: _swapped(f"{n:f}"),
    "decimal comma, thousands": lambda n: _swapped(f"{n:,f}"),
}
DECIMALS = st.decimals(Decimal("0.0001"), Decimal(10**9), places=4)


@pytest.mark.parametrize("layout", LAYOUTS)
@given(values=st.lists(DECIMALS, min_size=1, max_size=8))
@settings(max_examples=25, deadline=None)
def test_a_price_in_any_layout_is_the_nearest_float_of_its_digits(layout, values):
    texts = [LAYOUTS[layout](value) for value in values]
    assert read({"close": texts})["close"] == [float(value) for value in values]


@pytest.mark.parametrize("layout", LAYOUTS)
@given(values=st.lists(st.decimals(Decimal(1), Decimal(10**9), places=3), min_size=1, max_size=5))
@settings(max_examples=25, deadline=None)
def test_three_decimals_are_exact_or_asked_about(layout, values):
    texts = [LAYOUTS[layout](value) for value in values]
    expected = [float(value) for value in values]
    for options in ({}, {"decimal": "," if "comma" in layout else "."}):
        try:
            assert read({"close": texts}, **options)["close"] == expected
        except UnclearFileError:
            assert not options  # with the mark given there is one reading


def test_one_column_decides_for_all():
    found = read({"close": ["1,676", "1,677"], "volume": ["2,678,490,000", "900"]})
    assert found == {"close": [1676, 1677], "volume": [2678490000, 900]}
    found = read({"close": ["1,676", "1,677"], "open": ["1,67", "1,68"]})
    assert found["close"] == [1.676, 1.677]
    found = read({"close": ["15.676", "15.677"], "volume": ["1.234.567", "5"]})
    assert found == {"close": [15676, 15677], "volume": [1234567, 5]}


def test_a_number_with_two_readings_everywhere_is_asked_about():
    with pytest.raises(
        UnclearFileError, match="the comma of '1,676' can be the decimal mark or that of thousands"
    ) as asked:
        read({"close": ["1,676", "1,677"]})
    assert asked.value.ways == ({"--decimal": "."}, {"--decimal": ","})
    assert read({"close": ["1,676"]}, decimal=",")["close"] == [1.676]
    assert read({"close": ["1,676"]}, decimal=".")["close"] == [1676]
    assert read({"close": ["1.676"]})["close"] == [1.676]


def test_numbers_of_two_formats_are_refused():
    with pytest.raises(UnclearFileError, match=r"'1\.25' has a decimal point, '1,5' a decimal comma"):
        read({"close": ["1.25", "1,5"]})
    assert read({"close": ["1.25", "1,5"]}, decimal=".")["close"] == [
        1.25,
        "invalid close '1,5': expected a number",
    ]


def test_a_comma_after_rows_without_marks_is_asked_about_if_it_has_two_readings():
    formats = survey({"close": pa.array(["100", "101"])})
    with pytest.raises(UnclearFileError, match="the comma of '1,676'"):
        formats.read_numbers("close", pa.array(["1,676"]))
    assert formats.read_numbers("close", pa.array(["1,676.5"]))[0].tolist() == [1676.5]


@pytest.mark.parametrize(
    ("text", "volume"),
    [
        ("1.25M", 1_250_000), ("1.00K", 1000), ("2.1B", 2_100_000_000), ("0.07M", 70_000), ("3k", 3000),
        ("1.5 M", 1_500_000), ("-1", -1), ("1e3", 1000), ("100", 100),
    ],
)  # fmt: skip
def test_volumes_have_multiples(text, volume):
    assert read({"volume": [text, "0.5"]})["volume"] == [volume, 0.5]


def test_a_multiple_behind_a_decimal_comma():
    assert read({"close": ["1,5"], "volume": ["1,25M"]})["volume"] == [1_250_000]


@pytest.mark.parametrize(
    "text", ["1.25M", "1%", "(5)", "5-", "1,23,4", "0x1F", "1 2", "12..5", "--5", "١٢", "1e"]
)
def test_other_texts_are_no_price(text):
    assert read({"close": [text, "1.5"]})["close"] == [f"invalid close {text!r}: expected a number", 1.5]


@pytest.mark.parametrize(
    "word", ["", "N/A", "null", "NULL", "NaN", "nan", "-", "--", "None", "#N/A", " ", "NA"]
)
def test_words_for_a_missing_number_are_missing_not_wrong(word):
    found = read({"close": [word, "1.5"]})["close"]
    assert math.isnan(found[0])
    assert found[1] == 1.5


def test_volumes_that_are_missing_everywhere_are_0_and_told():
    columns = {"close": pa.array(["1.5", "1.6"]), "volume": pa.array(["-", "-"])}
    formats = survey(columns)
    assert formats.read_numbers("volume", columns["volume"])[0].tolist() == [0, 0]
    assert formats.notes == ("no row has a volume: rows without one are stored with 0",)
    assert math.isnan(read({"volume": ["-", "5"]})["volume"][0])


@given(counts=st.lists(st.integers(-(2**62), 2**62), min_size=4, max_size=4), as_text=st.booleans())
@settings(max_examples=60, deadline=None)
def test_fixed_point_prices_are_divided_exactly(counts, as_text):
    counts = [*counts, 487_750_000_000]
    prices = pa.array([str(count) for count in counts] if as_text else counts)
    columns = dict.fromkeys(("open", "high", "low", "close"), prices)
    formats = survey(columns, {"time": "ts_event"})
    numbers, faults = formats.read_numbers("close", prices)
    assert faults == {}
    assert numbers.tolist() == [float(Decimal(count) / 10**9) for count in counts]
    assert "fixed point" in formats.notes[0]
    assert survey(columns).read_numbers("close", prices)[0].tolist() == list(map(float, counts))


def test_the_undefined_price_is_missing_and_small_fixed_prices_are_asked_about():
    prices = pa.array([487_750_000_000, 2**63 - 1])
    columns = dict.fromkeys(("open", "high", "low", "close"), prices)
    numbers, _ = survey(columns, {"time": "ts_event"}).read_numbers("open", prices)
    assert numbers[0] == 487.75
    assert math.isnan(numbers[1])
    plain = dict.fromkeys(("open", "high", "low", "close"), pa.array([487.75, 488.0]))
    assert survey(plain, {"time": "ts_event"}).read_numbers("open", plain["open"])[0].tolist() == [
        487.75,
        488.0,
    ]
    small = dict.fromkeys(("open", "high", "low", "close"), pa.array([85_000_000, 86_000_000]))
    with pytest.raises(UnclearFileError, match="can be whole numbers of 1e-9"):
        survey(small, {"time": "ts_event"})


@given(values=st.lists(DECIMALS, min_size=1, max_size=8))
@settings(max_examples=25, deadline=None)
def test_decimals_of_a_typed_column_are_the_nearest_floats(values):
    for kind in (pa.decimal128(38, 10), pa.decimal256(50, 12)):
        assert read({"close": pa.array(values, kind)})["close"] == [float(value) for value in values]

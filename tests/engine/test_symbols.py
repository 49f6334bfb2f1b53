"""One rule for symbols: session files and importers accept the same."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tapedeck.engine.errors import ConfigError
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.symbols import symbol_fault, symbol_pattern
from tests.support.imports import import_csv
from tests.support.markets import open_new_store

# Spreadsheets take a field for a formula if it begins so; tabs and line ends are taken off before.
_FORMULA = ("=", "\t", "\r", "\n")


@given(
    st.text(max_size=70) | st.sampled_from(["=", "@", "^", "\t", "\r", "-", ""]).map(lambda sign: f"{sign}ES")
)
@example("=1+1")
@example("\t=1+1")
@example("\ud800")
def test_a_valid_symbol_begins_no_formula_and_stays_itself_in_a_csv_file(symbol):
    if symbol_fault(symbol) is not None:
        return
    assert 0 < len(symbol) <= 64
    assert not symbol.startswith(_FORMULA)
    text = io.StringIO()
    csv.writer(text).writerow([symbol])
    assert next(csv.reader(io.StringIO(text.getvalue()))) == [symbol]
    assert symbol.encode().decode() == symbol


@pytest.mark.parametrize(
    "symbol", ["@ES", "^GSPC", "-X", "+X", "BRK.B", "BTC/USD", "A=B", "7203", "\u5927\u548c"]
)
def test_symbols_that_vendors_use_stay(symbol):
    assert symbol_fault(symbol) is None
    assert accepts(symbol)


@given(st.text(min_size=1, max_size=66) | st.from_regex("[=@^A-Z][A-Z]{0,5}", fullmatch=True))
def test_session_files_accept_what_importers_accept(symbol):
    assert accepts(symbol) == (symbol_fault(symbol) is None)


def accepts(symbol: str) -> bool:
    document = {
        "session_name": "Symbols",
        "exchange_group": "XNYS",
        "backtest_config": {"start_date": "2013-10-07", "end_date": "2013-10-07"},
        "session_data_config": {"symbols": [symbol], "streams": ["1m"]},
    }
    try:
        parse_session_config(document, "test")
    except ConfigError:
        return False
    return True


def test_rows_of_a_formula_are_rejected_at_import(tmp_path):
    rows = [f"{symbol},2013-10-07 09:30:00,1,1,1,1,1" for symbol in ("SPY", "=SPY", "@ES")]
    file = tmp_path / "bars.csv"
    file.write_text("\n".join(["symbol,time,open,high,low,close,volume", *rows]) + "\n")
    with open_new_store(tmp_path / "bars.db") as store:
        report = import_csv(file, store, interval=MINUTE, zone="UTC")
        assert list(store.series()) == ["@ES", "SPY"]
    assert [(row.line, row.reason) for row in report.rejected] == [
        (3, "invalid symbol '=SPY': begin it with another character than =, a formula's sign")
    ]


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("A*", ["A", "AIG", "A*"], ["BA", "aig"]),
        ("B?C", ["BAC", "B.C"], ["BC", "BAAC"]),
        ("[AB].*", ["[AB].X"], ["A.X", "[AB]"]),
        ("*" + "a*" * 30, ["a" * 64], ["a" * 29, "b" * 64]),
    ],
)
def test_in_a_pattern_of_symbols_only_star_and_question_mark_are_special(pattern, matching, others):
    matches = symbol_pattern(pattern).fullmatch
    assert [bool(matches(symbol)) for symbol in (*matching, *others)] == [True] * len(matching) + [
        False
    ] * len(others)

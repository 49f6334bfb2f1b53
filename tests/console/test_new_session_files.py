"""`tapedeck config new`: session files from options, and from what a store holds."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.console.cli.session_file_text import session_file_text
from tapedeck.console.cli.session_of_options import checked_config, read_options
from tapedeck.console.cli.session_options import SessionOptions
from tapedeck.engine.config.documents import parse_text
from tapedeck.engine.session_file import load_session_config, parse_session_config
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.symbols import symbol_fault
from tests.support.markets import fill_store

Writer = Callable[..., Path]

WEEK = ("--from", "2013-10-07", "--to", "2013-10-11")
INDICATORS = ("--indicator", "rsi_14=RSI:14@1m", "--indicator", "VWAP", "--indicator", "RELATIVE_VOLUME")
OPTIONS = ("--symbols", "SPY,AIG", *WEEK, "--interval", "1m,5m", *INDICATORS, "--exchange", "US_EQUITY")


@pytest.mark.parametrize("name", ["october.yaml", "october.json"])
def test_the_file_of_options_plays_as_the_options_do(
    tapedeck: Any, lean_store: Path, tmp_path: Path, name: str
) -> None:
    file = tmp_path / name
    done = tapedeck("config", "new", file, *OPTIONS)
    assert (done.exit_code, done.stderr) == (0, "")
    last = done.stdout.splitlines()[-1]
    assert last == f"play it: tapedeck run {file}"
    words = shlex.split(last.partition(": tapedeck ")[2])
    of_file = tapedeck(*words, "--store", lean_store, "--json").document
    of_options = tapedeck("run", *OPTIONS, "--store", lean_store, "--json").document
    assert of_file["stamp"] == of_options["stamp"]
    assert tapedeck("config", "check", file).exit_code == 0


def test_without_options_the_file_has_what_the_store_holds(
    tapedeck: Any, lean_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = tapedeck("config", "new", "--store", lean_store)
    assert done.stdout.splitlines()[-1] == f"play it: tapedeck run session.yaml --store {lean_store}"
    config = load_session_config(Path("session.yaml")).config
    data, backtest = config.session_data_config, config.backtest_config
    assert backtest is not None
    assert (data.symbols, [str(one) for one in data.streams]) == (("AIG", "SPY"), ["1m"])
    assert (backtest.start_date, backtest.end_date) == (date(2013, 10, 4), date(2013, 10, 11))
    text = Path("session.yaml").read_text()
    assert f"# Run it:    tapedeck run session.yaml --store {lean_store}" in text
    assert tapedeck(*shlex.split(done.stdout.partition(": tapedeck ")[2]), "--json").exit_code == 0


def test_of_a_large_store_the_first_symbols_are_written(tapedeck: Any, tmp_path: Path) -> None:
    with open_store(tmp_path / "many.db", create=True) as store:
        fill_store(store, [f"S{n:02}" for n in range(25)], "2013-10-07", "2013-10-07")
    done = tapedeck("config", "new", tmp_path / "many.yaml", "--store", tmp_path / "many.db")
    assert done.stderr == "symbols: the first of 25 that are stored\n"
    symbols = load_session_config(tmp_path / "many.yaml").config.session_data_config.symbols
    assert symbols == tuple(f"S{n:02}" for n in range(20))


def test_a_file_is_replaced_only_by_force(tapedeck: Any, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text("mine")
    refused = tapedeck("config", "new", file, *OPTIONS)
    assert (refused.exit_code, file.read_text()) == (2, "mine")
    assert "exists: choose another name, or replace it with --force" in refused.stderr
    assert tapedeck("config", "new", file, *OPTIONS, "--force").exit_code == 0
    assert load_session_config(file).config.session_data_config.symbols == ("SPY", "AIG")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("own.txt", ["own.txt': end it in .yaml, .yml, .json"]),
        ("folder.yaml", ["is a folder"]),
        ("missing/own.yaml", ["own.yaml cannot be written: No such file or directory"]),
    ],
)
def test_a_file_that_cannot_be_written_is_an_error(
    tapedeck: Any, tmp_path: Path, name: str, words: list[str]
) -> None:
    (tmp_path / "folder.yaml").mkdir()
    done = tapedeck("config", "new", tmp_path / name, *OPTIONS)
    assert done.exit_code == 2
    assert all(word in done.stderr for word in words), done.stderr


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--symbols", "SPYY"), 3, "did you mean SPY?"),
        (("--symbols", "SPY", "--from", "2013-10-12", "--to", "2013-10-13"), 2, "no trading day"),
        (("--interval", "10s"), 2, "holds no bars for a session"),
        (("--indicator", "RSJ"), 2, "Did you mean 'RSI'?"),
    ],
)
def test_nothing_is_written_for_a_session_that_cannot_be_played(
    tapedeck: Any, lean_store: Path, tmp_path: Path, options: tuple[str, ...], code: int, words: str
) -> None:
    done = tapedeck("config", "new", tmp_path / "a.yaml", *options, "--store", lean_store)
    assert (done.exit_code, list(tmp_path.glob("*.yaml"))) == (code, [])
    assert words in done.stderr


def test_the_document_names_the_file_and_the_commands(tapedeck: Any, tmp_path: Path) -> None:
    file = tmp_path / "a b.yaml"
    document = json.loads(tapedeck("config", "new", file, *OPTIONS, "--json").stdout)
    assert document == {
        "file": str(file),
        "run": f"tapedeck run '{file}'",
        "check": f"tapedeck config check '{file}'",
    }


ODD_SYMBOLS = ["BRK.B", "ON", "NO", "null", "true", "7203", "1e3", "10:30", "-", "#A", "'", '"', "{a}", "&x"]
SYMBOL = st.one_of(
    st.sampled_from(ODD_SYMBOLS),
    st.text(st.characters(exclude_categories=["Z", "C"], exclude_characters=","), min_size=1, max_size=12),
).filter(lambda text: symbol_fault(text) is None)
KINDS = ["RSI", "RSI:9", "BBANDS:20,,2.5,EMA", "VWAP", "RELATIVE_VOLUME", "SAR:0.02,0.2", "CDLDOJI"]
INDICATOR = st.tuples(st.sampled_from(["", "", "own=", "größe="]), st.sampled_from(KINDS))
DAY = st.dates(date(2000, 1, 1), date(2024, 1, 1)).map(date.isoformat)


@settings(max_examples=30, deadline=None)
@given(
    symbols=st.lists(SYMBOL, min_size=1, max_size=40, unique=True),
    days=st.tuples(DAY, DAY).map(sorted),
    intervals=st.permutations(["1m", "5m", "15m", "1h", "1d"]),
    indicators=st.lists(INDICATOR, max_size=5, unique_by=lambda one: one[0] or one),
    exchange=st.sampled_from(["US_EQUITY", "CRYPTO", "XNYS", "24/7", "jp_equity"]),
    is_json=st.booleans(),
)
def test_any_options_are_those_of_the_file_written_for_them(
    symbols: list[str],
    days: list[str],
    intervals: list[str],
    indicators: list[tuple[str, str]],
    exchange: str,
    is_json: bool,
) -> None:
    written = tuple("".join(one) for one in indicators)
    options = SessionOptions(tuple(symbols), *days, tuple(intervals), written, exchange)
    parts, _ = read_options(options).parts(None)
    text = session_file_text(parts.document(), run="tapedeck run a\nb", check="c", is_json=is_json)
    document = parse_text(text, "file", is_json=is_json)
    assert parse_session_config(document, "file").config == checked_config(parts).config


@pytest.mark.parametrize(
    ("feed", "symbols", "exchange", "api"),
    [
        ("ccxt", "BTC/USDT,ETH/USDT", "24/7", {"data_api": "ccxt", "exchange": "binance"}),
        ("ccxt:kraken", "BTC/USD", "24/7", {"data_api": "ccxt", "exchange": "kraken"}),
        ("Alpaca:sip", "SPY,AIG", "XNYS", {"data_api": "alpaca", "alpaca_feed": "sip"}),
        ("alpaca", "BTC/USD", "24/7", {"data_api": "alpaca", "alpaca_feed": "iex"}),
        ("replay", "SPY", "XNYS", {"data_api": "replay", "alpaca_feed": "iex"}),
    ],
)
@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_with_a_feed_the_file_is_one_for_live_sessions(
    tapedeck: Any, tmp_path: Path, feed: str, symbols: str, exchange: str, api: dict[str, str], suffix: str
) -> None:
    file = tmp_path / f"live.{suffix}"
    done = tapedeck("config", "new", file, "--feed", feed, "--symbols", symbols, "--interval", "1m,5m")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1:] == [
        f"check its feed: tapedeck live {file} --check",
        f"record it: tapedeck live {file}",
    ]
    config = load_session_config(file).config
    assert (config.mode, config.exchange, config.backtest_config) == ("live", exchange, None)
    assert config.session_data_config.symbols == tuple(symbols.split(","))
    assert config.api_config.model_dump(exclude_none=True) == {"alpaca_feed": "iex"} | api


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (("--feed", "alpacca", "--symbols", "SPY"), "Did you mean 'alpaca'?"),
        (("--feed", "alpaca:spi", "--symbols", "SPY"), "api_config.alpaca_feed"),
        (("--feed", "replay:fast", "--symbols", "SPY"), "has no detail"),
        (("--feed", "alpaca"), "--symbols: is needed with --feed"),
        (("--feed", "alpaca", "--symbols", "SPY", *WEEK), "--from: a live session has no days"),
    ],
)
def test_options_that_no_live_session_can_have_write_nothing(
    tapedeck: Any, tmp_path: Path, options: tuple[str, ...], fault: str
) -> None:
    file = tmp_path / "live.yaml"
    done = tapedeck("config", "new", file, *options)
    assert done.exit_code == 2
    assert fault in done.stderr
    assert not file.exists()

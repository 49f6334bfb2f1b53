"""`tapedeck run --symbols …`: a session of options, completed from the store."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tapedeck.console.cli.session_options import complete_indicator, complete_intervals
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.bar_store import BarColumns
from tapedeck.engine.store.locations import open_store
from tests.support.pseudo_terminal import terminal

Writer = Callable[..., Path]

WEEK = ("--from", "2013-10-07", "--to", "2013-10-11")
INDICATORS = {
    "rsi_14": {"type": "RSI", "interval": "1m", "timeperiod": 14},
    "vwap": {"type": "VWAP", "interval": "1m"},
}
DATA = {"symbols": ["SPY", "AIG"], "streams": ["1m", "5m"], "indicators": INDICATORS}
OPTIONS = (
    *("--symbols", "SPY,AIG", *WEEK, "--interval", "1m,5m"),
    *("--indicator", "rsi_14=RSI:14@1m", "--indicator", "VWAP"),
)


@pytest.fixture(scope="module")
def weekend_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hourly minutes of BTCUSD over nine days, weekend included, and of FXX on its weekdays only."""
    location = tmp_path_factory.mktemp("weekend") / "bars.db"
    hours = np.arange(9 * 24) * 3600 + int(datetime(2024, 7, 3, tzinfo=UTC).timestamp())
    weekdays = hours[[datetime.fromtimestamp(hour, UTC).weekday() < 5 for hour in hours.tolist()]]
    with open_store(location, create=True) as store:
        for symbol, times in (("BTCUSD", hours), ("FXX", weekdays)):
            prices = np.full(len(times), 100.0)
            store.write(symbol, MINUTE, BarColumns(times, prices, prices, prices, prices, prices))
    return location


def test_options_have_the_stamp_of_the_equivalent_file(
    tapedeck: Any, session_file: Writer, lean_store: Path
) -> None:
    of_file = tapedeck("run", session_file(session_data_config=DATA), "--store", lean_store, "--json")
    of_options = tapedeck("run", *OPTIONS, "--store", lean_store, "--json")
    assert (of_options.exit_code, of_options.stderr.count("exchange: US_EQUITY")) == (0, 1)
    assert of_options.document["stamp"] == of_file.document["stamp"]
    assert of_options.document["session_name"] == "SPY, AIG, 2013-10-07 to 2013-10-11"


def test_options_go_with_all_forms_of_a_batch_job(tapedeck: Any, lean_store: Path, tmp_path: Path) -> None:
    script, out = tmp_path / "steps.txt", tmp_path / "out"
    script.write_text("break SPY.rsi_14 > 50\nresume\nview symbols json\n")
    batch = ("run", *OPTIONS, "--exchange", "XNYS", "--store", lean_store, "--no-ui")
    done = tapedeck(*batch, "--export", out, "--break", "SPY.close > 168.5")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "stopped at 2013-10-10 15:04:00 EDT" in done.stdout
    assert json.loads((out / "manifest.json").read_text())["status"] == "partial"
    rows = json.loads(tapedeck(*batch, "--script", script).stdout.partition("]")[0] + "]")
    assert [row["symbol"] for row in rows] == ["SPY", "AIG"]
    view = tapedeck(*batch, "--view", "indicators", "--format", "json").document
    assert {(row["name"], row["interval"]) for row in view} == {("rsi_14", "1m"), ("vwap", "1m")}


def test_parts_that_are_not_given_come_from_the_store(tapedeck: Any, lean_store: Path) -> None:
    done = tapedeck("run", "--symbols", "SPY", "--symbols", "AIG", "--store", lean_store, "--json")
    assert done.stderr.splitlines() == [
        "interval: 1m, as stored",
        "exchange: US_EQUITY, the default (--exchange sets another)",
        "days: 2013-10-04 to 2013-10-11, as stored",
    ]
    assert (done.document["first_day"], done.document["last_day"]) == ("2013-10-04", "2013-10-11")


def test_days_are_those_of_the_interval_that_is_streamed(tapedeck: Any, lean_store: Path) -> None:
    options = ("--symbols", "SPY", "--interval", "1d", "--from", "2021-03-01", "--store", lean_store)
    done = tapedeck("run", *options, "--json")
    assert "days: 2021-03-01 to 2021-03-31, as stored" in done.stderr
    assert (done.document["base"], done.document["sessions_planned"]) == ("1d", 23)


def test_a_symbol_with_bars_of_weekends_is_played_around_the_clock(
    tapedeck: Any, weekend_store: Path
) -> None:
    done = tapedeck("run", "--symbols", "BTCUSD", "--store", weekend_store, "--json")
    assert "exchange: CRYPTO, as there are bars of weekends" in done.stderr
    assert "days: 2024-07-03 to 2024-07-11" in done.stderr
    assert (done.document["exchange"], done.document["sessions_planned"]) == ("24/7", 9)
    both = tapedeck("run", "--symbols", "BTCUSD,FXX", "--store", weekend_store, "--json")
    assert "exchange: US_EQUITY, the default" in both.stderr
    assert "days: 2024-07-03 to 2024-07-11" in both.stderr


@pytest.mark.parametrize("spelling", ["2013-10-08", "8 Oct 2013", "oct 8, 2013", "2013/10/8", "20131008"])
def test_dates_may_be_written_as_usual(tapedeck: Any, lean_store: Path, spelling: str) -> None:
    options = ("--symbols", "SPY", "--from", spelling, "--to", spelling, "--store", lean_store)
    document = tapedeck("run", *options, "--json").document
    assert (document["first_day"], document["last_day"]) == ("2013-10-08", "2013-10-08")


def test_all_faults_of_the_options_are_told_at_once(tapedeck: Any) -> None:
    done = tapedeck(
        *("run", "--symbols", "SPY,SPY", "--from", "7 oct", "--to", "2013-02-30", "--interval", "5min,1w"),
        *("--indicator", "RSJ", "--indicator", "RSI:1", "--indicator", "RSI:3,4", "--indicator", "a=b=c"),
        *("--indicator", "close=RSI", "--indicator", "x=SMA", "--indicator", "BBANDS:20@7x"),
        *("--exchange", "US_EQUTY", "--store", "no.db"),
    )
    assert (done.exit_code, done.stdout) == (2, "")
    assert [line.strip() for line in done.stderr.splitlines()] == [
        "error: command line: 12 problems",
        "--from: invalid date '7 oct': use YYYY-MM-DD, such as 2024-07-03, or 3 July 2024.",
        "--to: invalid date '2013-02-30'.",
        "--indicator RSJ: unknown indicator type 'RSJ': use a TA-Lib function such as SMA, EMA, RSI, MACD, "
        "BBANDS, ATR, or VWAP, ROLLING_VWAP, SESSION_HIGH, SESSION_LOW, OPENING_RANGE_HIGH, "
        "OPENING_RANGE_LOW, RELATIVE_VOLUME. Did you mean 'RSI'?",
        "--indicator RSI:3,4: too many values for RSI: it takes timeperiod.",
        "--indicator a=b=c: invalid indicator 'a=b=c': write [NAME=]KIND[:V,V][@INTERVAL], such as RSI, "
        "RSI:14, RSI:14@5m or rsi=RSI:14@5m.",
        "--exchange: unknown exchange 'US_EQUTY': `tapedeck calendar --list` lists all exchanges. Did you "
        "mean 'US_EQUITY'?",
        "--symbols: duplicate entry 'SPY'.",
        "--interval: invalid interval '5min': use a whole number and s, m, h, d or w, such as 1m, 15m, 1h, "
        "1d. Did you mean '5m'?",
        "--interval: '1w' is for history and indicators only: the longest bar of a session is 1d. Did you "
        "mean '1d'?",
        "--indicator RSI:1: timeperiod: must be 2 to 100000 for RSI, not 1.",
        "--indicator BBANDS:20@7x: interval: invalid interval '7x': use a whole number and s, m, h, d or w, "
        "such as 1m, 15m, 1h, 1d.",
        "--indicator close=RSI: reserved name 'close', used by conditions and columns: choose another, such "
        "as 'my_close'.",
    ]


def test_days_the_wrong_way_round_name_the_options(tapedeck: Any) -> None:
    done = tapedeck("run", "--symbols", "SPY", "--from", "2013-10-11", "--to", "2013-10-07")
    assert done.exit_code == 2
    assert "--to: must be on or after --from 2013-10-11, not 2013-10-07" in done.stderr


def test_a_file_and_options_are_an_error_that_names_both(tapedeck: Any, session_file: Writer) -> None:
    done = tapedeck("run", session_file(), "--symbols", "SPY", "--from", "2013-10-07")
    assert done.exit_code == 2
    assert "october.json: cannot be combined with --symbols, --from" in done.stderr
    assert "to play the file, leave out --symbols, --from." in done.stderr


@pytest.mark.parametrize(
    "more", [(), (*WEEK, "--interval", "1m"), (*WEEK, "--interval", "1m", "--exchange", "XNYS")]
)
def test_symbols_that_are_not_stored_are_named_with_the_nearest(
    tapedeck: Any, lean_store: Path, more: tuple[str, ...]
) -> None:
    done = tapedeck("run", "--symbols", "SPYY,AIG", *more, "--store", lean_store, "--no-ui")
    assert done.exit_code == 3
    assert "SPYY: no bars stored; did you mean SPY?" in done.stderr


def test_the_shell_completes_the_last_interval_and_the_kind() -> None:
    assert complete_intervals("1m,15") == ["1m,15s", "1m,15m"]
    assert complete_indicator("rolling_v") == ["rolling_vwap"]
    assert complete_indicator("own=ROLLING_V") == ["own=ROLLING_VWAP"]


def test_without_symbols_the_stored_ones_are_offered_with_whole_commands(
    tapedeck: Any, lean_store: Path
) -> None:
    done = tapedeck("run", "--no-ui", "--from", "2013-10-10", "--indicator", "VWAP", "--store", lean_store)
    assert (done.exit_code, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert lines[:4] == [
        "error: nothing to play: give a session file, or --symbols.",
        f"{lean_store} holds:",
        "   1m  2013-10-04 to 2013-10-11  AIG, SPY",
        "   1d  1998-01-02 to 2021-03-31  SPY",
    ]
    commands = [line.strip() for line in lines[5:]]
    assert [command.count("--symbols") for command in commands] == [1, 1]
    words = shlex.split(commands[0])
    assert words[:3] == ["tapedeck", "run", "--no-ui"]
    played = tapedeck(*words[1:])
    assert played.exit_code == 0, played.stderr
    assert "XNYS, 2013-10-10 to 2013-10-11; 2 symbols; 1m streamed" in played.stdout
    document = tapedeck("run", "--json", "--store", lean_store, "--interval", "5m").document
    assert (document["error"]["exit_code"], len(document["error"]["commands"])) == (2, 1)


def test_faults_of_options_come_before_an_offer(tapedeck: Any, lean_store: Path) -> None:
    done = tapedeck("run", "--interval", "5min", "--store", lean_store)
    assert done.exit_code == 2
    assert done.stderr.startswith("error: command line: 1 problem\n  --interval: invalid interval '5min'")


@pytest.mark.parametrize(
    ("options", "words"), [((), "There is no store"), (("--interval", "1s"), "holds no bars for 1s")]
)
def test_without_stored_bars_a_run_without_a_file_names_the_import(
    tapedeck: Any, lean_store: Path, options: tuple[str, ...], words: str
) -> None:
    done = tapedeck("run", *options, *(("--store", lean_store) if options else ()))
    assert done.exit_code == 2
    for part in (words, "`tapedeck import", "`tapedeck` alone plays the built-in market"):
        assert part in done.stderr


def test_on_a_terminal_a_number_chooses_what_is_played(lean_store: Path, tmp_path: Path) -> None:
    arguments = ("run", "--from", "2013-10-11", "--to", "2013-10-11", "--store", str(lean_store))
    script = tmp_path / "steps.txt"
    script.write_text("step 5\nquit\n")
    with terminal(tmp_path / "home", *arguments, "--script", str(script)) as screen:
        screen.read_until_shown("1m  2013-10-04 to 2013-10-11  AIG, SPY", "Play which?")
        screen.press("3\r")
        screen.read_until_shown("invalid choice '3': type 1 to 2 and return, or only return for none.")
        screen.press("1\r")
        assert screen.exit_code() == 0
        assert b"partial: 5 of 390 slots" in screen.seen
        assert screen.left_changed() == set()
    with terminal(tmp_path / "home", *arguments) as screen:
        screen.read_until_shown("Play which?")
        screen.press("\r")
        assert screen.exit_code() == 2
        assert b"Run one of:" in screen.seen

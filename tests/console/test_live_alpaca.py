"""`tapedeck live` on the feed alpaca and its servers for tests: messages, exit codes, and no key."""

from __future__ import annotations

import importlib.metadata
import json
import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.alpaca_server import (
    BASIC,
    AlpacaServer,
    BarFault,
    Drop,
    Fault,
    Frame,
    HistoryFault,
    Mute,
    Reject,
)
from tests.support.alpaca_server.clock_at_rest import ClockAtRest
from tests.support.alpaca_server.made_market import made_market
from tests.support.alpaca_server.server import KEY, SECRET

OPENS: Final = int(datetime(2013, 10, 7, 13, 30, tzinfo=UTC).timestamp())
NAMES: Final = ["AIG", "SPY"]
MINUTES: Final = 8
SPEED: Final = 300.0
FOR_LONG: Final = 10_000.0


class Bench:
    """A session file of some minutes, the servers, and a clock that both follow."""

    def __init__(self, tapedeck: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._tapedeck, self._monkeypatch = tapedeck, monkeypatch
        self.folder, self.store = folder, folder / "bars.db"
        self.server: AlpacaServer | None = None

    @contextmanager
    def serving(
        self, *faults: Fault, symbols: list[str] | None = None, **options: Any
    ) -> Iterator[AlpacaServer]:
        market = made_market(symbols or NAMES, OPENS - 600, MINUTES + 20)
        market.opens = OPENS
        clock = ClockAtRest(speed=SPEED, start=OPENS - 60.0)
        for module in ("live_session", "live_check"):
            self._monkeypatch.setattr(f"tapedeck.console.cli.{module}.LiveClock", lambda: clock)
        with AlpacaServer(market, clock, faults=faults, on_connection=clock.go, **options) as server:
            self.server = server
            yield server

    def file(self, symbols: list[str] | None = None, **parts: Any) -> Path:
        document = {
            "session_name": "Alpaca",
            "exchange_group": "US_EQUITY",
            "mode": "live",
            "api_config": {"data_api": "alpaca"},
            "session_data_config": {
                "symbols": symbols or NAMES,
                "streams": ["1m", "5m"],
                "sessions": {"2013-10-07": {"close": f"09:{30 + MINUTES}"}},
            },
            "live_config": {"reconcile_within_seconds": 3000},
        } | parts
        path = self.folder / "alpaca.json"
        path.write_text(json.dumps(document))
        return path

    def live(self, *options: object, file: Path | None = None, **environment: str) -> Any:
        assert self.server is not None
        words = ["live", file or self.file(), "--days", 1, "--no-ui", "--store", self.store, *options]
        return self._tapedeck(*words, **{**self.server.environment, **environment})


@pytest.fixture
def bench(tapedeck: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    before = set(threading.enumerate())
    yield Bench(tapedeck, tmp_path, monkeypatch)
    left = [thread for thread in threading.enumerate() if thread not in before]
    for thread in left:
        thread.join(2.0)
    assert not [thread for thread in left if thread.is_alive()]


def error_of(done: Any, code: int) -> str:
    """Return the one line of an error."""
    assert done.exit_code == code, done
    lines = [line for line in done.stderr.splitlines() if line]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: ")
    return str(lines[0])


def test_a_day_is_recorded_with_the_files_and_stamp_of_its_backtest(
    bench: Bench, tapedeck: Any, tmp_path: Path
) -> None:
    faults = (BarFault("missing", 2), BarFault("updated", 3), Drop(4.5), BarFault("duplicate", 6))
    with bench.serving(*faults):
        done = bench.live("--json", "--export", tmp_path / "live")
    assert done.exit_code == 0, done.stderr
    *_, summary = (json.loads(line) for line in done.stdout.splitlines())
    assert (summary["bars"], summary["lacking"]) == (2 * MINUTES, {})
    document = json.loads(bench.file().read_text()) | {
        "mode": "backtest",
        "backtest_config": {"start_date": "2013-10-07", "end_date": "2013-10-07"},
    }
    file = tmp_path / "backtest.json"
    file.write_text(json.dumps(document))
    played = tapedeck("run", file, "--store", bench.store, "--json", "--export", tmp_path / "run")
    assert summary["stamp"] == played.document["stamp"]
    for name in ("bars.csv", "quality.csv"):
        assert (tmp_path / "live" / name).read_bytes() == (tmp_path / "run" / name).read_bytes()


def test_without_history_missing_bars_are_lacking_and_the_session_is_told_as_not_compared(
    bench: Bench,
) -> None:
    with bench.serving(HistoryFault(-0.5, FOR_LONG, "500"), BarFault("missing", 2, "SPY")) as server:
        done = bench.live(file=bench.file(live_config={"reconcile_within_seconds": 60}))
        assert server.counts.sent["b"] > 0
    assert done.exit_code == 1
    assert "lacking: SPY 1 bar" in done.stdout
    assert "not compared with the feed's history" in done.stdout
    assert "HTTP 500" in done.stdout


def test_a_wrong_key_has_exit_code_2_and_names_the_variables(bench: Bench) -> None:
    with bench.serving():
        for options in ((), ("--check",)):
            text = error_of(bench.live(*options, APCA_API_SECRET_KEY="wrong-secret"), 2)
            assert "Alpaca refuses the keys (HTTP 401" in text
            assert "Check APCA_API_KEY_ID and APCA_API_SECRET_KEY" in text
            assert "wrong-secret" not in text


def test_missing_keys_have_exit_code_2_and_name_both_ways_to_set_them(bench: Bench) -> None:
    with bench.serving():
        text = error_of(bench.live(APCA_API_SECRET_KEY="", APCA_API_KEY_ID=""), 2)
    assert "no keys of Alpaca" in text
    assert "APCA_API_KEY_ID" in text
    assert "keyring set tapedeck alpaca-key-id" in text


def test_an_unknown_symbol_has_exit_code_2_and_is_named(bench: Bench) -> None:
    with bench.serving():
        for options in ((), ("--check",)):
            text = error_of(bench.live(*options, file=bench.file(["AIG", "NOPE"])), 2)
            assert "unknown symbol NOPE" in text


def test_thirty_one_symbols_on_the_free_plan_have_exit_code_2_and_the_limit(bench: Bench) -> None:
    names = [f"S{chr(65 + n // 26)}{chr(65 + n % 26)}" for n in range(31)]
    with bench.serving(symbols=names, plan=BASIC):
        text = error_of(bench.live(file=bench.file(names)), 2)
    assert "more symbols than the plan streams (error 405: symbol limit exceeded)" in text
    assert "The free plan streams 30 symbols" in text


def test_a_plan_without_the_data_has_exit_code_2_and_the_remedy(bench: Bench) -> None:
    with bench.serving(plan=BASIC):
        file = bench.file(api_config={"data_api": "alpaca", "alpaca_feed": "sip"})
        for options in ((), ("--check",)):
            text = error_of(bench.live(*options, file=file), 2)
            assert "the account's plan does not have this data" in text
            assert "Use `alpaca_feed: iex`" in text


def test_no_network_has_exit_code_1_and_the_address(bench: Bench) -> None:
    with bench.serving(), closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))  # and does not listen
        port = bound.getsockname()[1]
        for options in ((), ("--check",)):
            text = error_of(bench.live(*options, TAPEDECK_ALPACA_DATA_URL=f"http://127.0.0.1:{port}"), 1)
            assert f"127.0.0.1 refused the connection (port {port})" in text


def test_a_connection_that_is_in_use_is_told_and_waited_for(bench: Bench) -> None:
    with bench.serving(Reject(-10, 10 + 2, "auth", 406)):
        done = bench.live()
    assert done.exit_code == 0, done
    assert "the account's connection is in use by another program" in done.stdout
    assert "406" in done.stdout


def test_the_extra_that_is_not_installed_has_exit_code_2_and_the_command_that_installs_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = importlib.metadata.version

    def without(name: str) -> str:
        if name == "alpaca-py":
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    with bench.serving():
        monkeypatch.setattr(importlib.metadata, "version", without)
        text = error_of(bench.live(), 2)
    assert "pip install 'tapedeck-console[alpaca]'" in text


def test_a_check_tells_account_data_symbols_and_history_and_connects_no_stream(bench: Bench) -> None:
    with bench.serving() as server:
        done = bench.live("--check")
        assert server.counts.connections == 0
    assert done.exit_code == 0, done.stderr
    assert "alpaca-iex: ready" in done.stdout
    assert "keys: from the environment, accepted" in done.stdout
    assert "symbols: AIG, SPY, known" in done.stdout
    assert not bench.store.exists()


def test_nonsense_of_the_provider_costs_no_bar_and_no_exit_code(bench: Bench) -> None:
    kinds = ("text", "garbage", "empty", "no map", "no type", "unknown type", "no list", "other day", "large")
    faults = [Frame(1.2 + number / 2, what) for number, what in enumerate(kinds)]  # type: ignore[arg-type]
    with bench.serving(*faults, BarFault("no close", 2, "SPY"), BarFault("other day", 3)):
        done = bench.live("--json")
    assert done.exit_code == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert (summary["bars"], summary["lacking"]) == (2 * MINUTES, {})


def test_a_mute_provider_is_told_as_stale(bench: Bench) -> None:
    with bench.serving(Mute(-10, 10 + 7.5)):  # a second of the machine is 5 minutes of the market
        done = bench.live()
    assert "alert: alpaca-iex: stale: no message for" in done.stdout
    assert done.exit_code == 0, done.stderr


def hidden(place: str, text: str) -> None:
    assert SECRET not in text, place
    assert KEY not in text, place


def test_the_keys_are_in_nothing_that_is_written(
    bench: Bench, caplog: pytest.LogCaptureFixture, tmp_path: Path, home: Path
) -> None:
    """Neither the log at its lowest level, nor output, nor, at any moment, store, journal, export or spool.

    What the files have at a moment is what is left when the process is killed then.
    """
    caplog.set_level(logging.DEBUG)
    for name in ("websockets", "websockets.client", "urllib3", "alpaca", "asyncio"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    faults = (
        Drop(1.5),
        Drop(3.5, 1011),
        Frame(4.5, "garbage"),
        Reject(3.4, 1, "auth", 402),
        HistoryFault(4, 1, "html"),
        HistoryFault(5, 1, "401"),
        BarFault("missing", 5),
    )
    with bench.serving(*faults) as server, files_watched(tmp_path, home) as watched:
        done = bench.live("--json", "--export", tmp_path / "out", TAPEDECK_LOG_LEVEL="debug")
        assert server.counts.authenticated >= 2
    hidden("output", done.stdout + done.stderr)
    for record in caplog.records:
        hidden(record.name, f"{record.getMessage()} {record.args} {record.exc_info} {record.exc_text}")
    assert watched.names >= {"bars.db", "bars.db.arrivals", "manifest.json", "bars.csv"}
    assert watched.looks > 10
    assert watched.with_keys == set()


class WatchedFiles:
    """Files while they were watched: their names, how often they were looked at, which had keys."""

    def __init__(self, *folders: Path) -> None:
        self._folders = folders
        self.names: set[str] = set()
        self.with_keys: set[Path] = set()
        self.looks = 0

    def look(self) -> None:
        """Read all files; those that go meanwhile have gone."""
        self.looks += 1
        walks = (
            entry for folder in self._folders for entry in os.walk(folder)
        )  # goes on where a folder has gone
        for path in (Path(folder, name) for folder, _, names in walks for name in names):
            with suppress(OSError):
                content = path.read_bytes()
                self.names.add(path.name)
                if SECRET.encode() in content or KEY.encode() in content:
                    self.with_keys.add(path)


@contextmanager
def files_watched(*folders: Path) -> Iterator[WatchedFiles]:
    """Look at all files of folders again and again, the last time at the end."""
    watched, over = WatchedFiles(*folders), threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            watched.look()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield watched
    finally:
        over.set()
        thread.join()
        watched.look()

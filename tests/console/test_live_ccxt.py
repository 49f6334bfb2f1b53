"""`tapedeck live` on a crypto exchange of this machine: sessions, and what ends them, with exit codes."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

import tapedeck.console.cli.live_batch
import tapedeck.engine.system  # noqa: F401
from tapedeck.engine.clock.live_clock import LiveClock
from tests.support.exchange_server.candles import DrawnCandles
from tests.support.exchange_server.faults import Fault, FaultKind
from tests.support.exchange_server.feeds import START, exchange
from tests.support.exchange_server.server import ExchangeServer
from tests.support.pseudo_terminal import terminal

pytestmark = pytest.mark.timeout(40)
Live = Callable[..., Any]
SLOTS: Final = 6
SPEED: Final = 200.0
LONG: Final = 10.0**6
_BUSY_S: Final = 2.0
"""What a busy machine may add to a limit."""


@pytest.fixture
def speed() -> float:
    """Market seconds per second."""
    return SPEED


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, speed: float) -> Iterator[ExchangeServer]:
    """An exchange some minutes before the open, by whose clock the command runs, too."""
    with exchange(begins=-4 * speed, speed=speed) as it:
        for module in ("live_session", "live_check"):
            monkeypatch.setattr(f"tapedeck.console.cli.{module}.LiveClock", lambda: it.clock)
        for name, value in it.environment.items():
            monkeypatch.setenv(name, value)
        yield it


@pytest.fixture
def session(session_file: Callable[..., Path]) -> Callable[..., Path]:
    """Writes a session file of a few minutes of BTC and ETH, with fields of `api_config` replaced."""

    def write(
        name: str = "crypto.json",
        /,
        symbols: tuple[str, ...] = ("BTC/USDT", "ETH/USDT"),
        slots: int = SLOTS,
        **api: Any,
    ) -> Path:
        hours = {"open": "12:00", "close": f"12:{slots:02}"}
        data = {"symbols": list(symbols), "streams": ["1m"], "sessions": {"2013-10-07": hours}}
        return session_file(
            name,
            exchange_group="CRYPTO",
            asset_class="CRYPTO",
            api_config={"data_api": "ccxt", "exchange": "binance"} | api,
            session_data_config=data,
            backtest_config={"start_date": "2013-10-07", "end_date": "2013-10-07"},
            live_config={"reconcile_within_seconds": 3000},
        )

    return write


@pytest.fixture
def live(tapedeck: Any, tmp_path: Path) -> Live:
    """Records one session without a screen, into a new store; tells how long it took."""

    def call(file: Path, *options: object) -> Any:
        words = ("live", file, "--store", tmp_path / "bars.db", "--json", "--days", "1", *options)
        return tapedeck(*words)

    return call


def documents(stdout: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stdout.splitlines()]


def error_of(done: Any) -> str:
    """Return the error that ended a command, from the last line of its output."""
    return str(documents(done.stdout)[-1]["error"]) if done.stdout else str(done.stderr)


# Sessions


def test_a_session_is_recorded_as_its_backtest_and_nothing_is_lacking(
    live: Live, tapedeck: Any, session: Callable[..., Path], server: ExchangeServer, tmp_path: Path
) -> None:
    done = live(session(), "--export", tmp_path / "live")
    assert done.exit_code == 0, done
    *_, summary = documents(done.stdout)
    assert (summary["bars"], summary["lacking"]) == (2 * SLOTS, {})
    played = tapedeck(
        "run", session(), "--store", tmp_path / "bars.db", "--json", "--export", tmp_path / "run"
    )
    assert summary["stamp"] == played.document["stamp"]
    assert (tmp_path / "live" / "bars.csv").read_bytes() == (tmp_path / "run" / "bars.csv").read_bytes()
    assert tapedeck("validate", tmp_path / "live").exit_code == 0


@pytest.mark.parametrize("speed", [120.0])  # no feed is stale before a second of the machine
def test_a_mute_exchange_is_told_as_stale_and_what_it_did_not_send_is_there_at_the_end(
    live: Live, session: Callable[..., Path], server: ExchangeServer
) -> None:
    server.faults.faults.append(Fault(FaultKind.MUTE, START - 1000, 1640))
    done = live(session(slots=2 * SLOTS))
    lines = documents(done.stdout)
    assert any("stale" in line.get("text", "") for line in lines)
    assert (done.exit_code, lines[-1]["bars"], lines[-1]["lacking"]) == (0, 4 * SLOTS, {})


def test_nonsense_candles_are_not_recorded_and_the_session_has_the_bars_of_history(
    live: Live, session: Callable[..., Path], server: ExchangeServer, tmp_path: Path
) -> None:
    kinds = (FaultKind.NONSENSE, FaultKind.OTHER_DAY, FaultKind.NO_CLOSE)
    server.faults.faults.extend(Fault(kind, START + 120 * n, 120) for n, kind in enumerate(kinds))
    done = live(session(), "--export", tmp_path / "live")
    assert (done.exit_code, documents(done.stdout)[-1]["lacking"]) == (0, {})
    rows = [line.split(",") for line in (tmp_path / "live" / "bars.csv").read_text().splitlines()[1:]]
    for symbol, bars in server.candles.bars.items():  # type: ignore[attr-defined]
        prices = [[float(value) for value in row[3:8]] for row in rows if row[0] == symbol]
        assert prices == [list(bars[START + 60 * minute]) for minute in range(SLOTS)]


# What ends it at the start


def ended_within_5_s(command: Callable[[], Any]) -> tuple[int, str]:
    """Return exit code and error of a command that ends soon."""
    began = time.monotonic()
    done = command()
    assert time.monotonic() - began < 5 + _BUSY_S
    error = error_of(done)
    assert "Traceback" not in done.stdout + done.stderr
    return done.exit_code, error


def test_an_unknown_exchange_ends_it_with_exit_code_2_and_the_exchange_that_may_be_meant(
    live: Live, session: Callable[..., Path], server: ExchangeServer
) -> None:
    code, error = ended_within_5_s(lambda: live(session(exchange="binanc")))
    assert (code, "unknown exchange 'binanc'" in error, "binance" in error) == (2, True, True), error


def test_without_an_exchange_it_ends_with_exit_code_2_and_the_field_to_set(
    live: Live, session: Callable[..., Path], server: ExchangeServer
) -> None:
    code, error = ended_within_5_s(lambda: live(session(exchange=None)))
    assert (code, "api_config.exchange" in error) == (2, True), error


def test_an_unknown_symbol_ends_it_with_exit_code_2_and_the_symbol_that_may_be_meant(
    live: Live, session: Callable[..., Path], server: ExchangeServer
) -> None:
    code, error = ended_within_5_s(lambda: live(session(symbols=("BTC/USDT", "ETHUSDT"))))
    assert (code, "ETHUSDT" in error, "ETH/USDT" in error) == (2, True, True), error


def test_without_a_network_it_ends_with_exit_code_1_and_the_host(
    live: Live, session: Callable[..., Path], server: ExchangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("TAPEDECK_CCXT_REST_URL", f"http://{host}")
    code, error = ended_within_5_s(lambda: live(session()))
    assert (code, "cannot reach binance" in error, host in error) == (1, True, True), error


@pytest.mark.parametrize("status", [403, 451])
def test_a_region_that_is_not_served_ends_it_with_exit_code_1_and_says_so(
    live: Live, session: Callable[..., Path], server: ExchangeServer, status: int
) -> None:
    server.fault(FaultKind.STATUS, LONG, status=status)
    code, error = ended_within_5_s(lambda: live(session()))
    assert (code, "does not serve this region" in error) == (1, True), error


def test_a_page_of_a_proxy_ends_it_with_exit_code_1_and_says_what_it_may_be(
    live: Live, session: Callable[..., Path], server: ExchangeServer
) -> None:
    server.fault(FaultKind.HTML, LONG)
    code, error = ended_within_5_s(lambda: live(session()))
    assert (code, "binance" in error, "<" in error) == (1, True, False), error


def test_an_exchange_that_does_not_answer_at_first_is_told_and_tried_again_until_it_does(
    live: Live, session: Callable[..., Path], server: ExchangeServer
) -> None:
    server.fault(FaultKind.STATUS, 4.5 * SPEED, status=503)
    done = live(session())
    lines = documents(done.stdout)
    told = [line["text"] for line in lines if line["kind"] == "alert"]
    assert any(
        "cannot connect, trying again: the server of binance failed (HTTP 503)" in text for text in told
    )
    assert (done.exit_code, lines[-1]["bars"], lines[-1]["lacking"]) == (0, 2 * SLOTS, {})


def test_without_the_extra_it_ends_with_exit_code_2_and_the_command_that_installs_it(
    live: Live, session: Callable[..., Path], server: ExchangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tapedeck.engine.feeds.ccxt.exchange_library.find_spec", lambda name: None)
    code, error = ended_within_5_s(lambda: live(session()))
    assert (code, "pip install 'tapedeck-console[ccxt]'" in error) == (2, True), error


# The check


def test_a_check_tells_what_there_is_and_records_nothing(
    tapedeck: Any, session: Callable[..., Path], server: ExchangeServer, tmp_path: Path
) -> None:
    done = tapedeck("live", session(), "--check", "--store", tmp_path / "bars.db")
    assert done.exit_code == 0, done
    assert "ready" in done.stdout
    assert "2 markets" in done.stdout
    assert not (tmp_path / "bars.db").exists()
    assert not server.received.subscribed


def test_a_check_of_a_wrong_symbol_ends_with_exit_code_2(
    tapedeck: Any, session: Callable[..., Path], server: ExchangeServer
) -> None:
    done = tapedeck("live", session(symbols=("BTC/USD",)), "--check")
    assert (done.exit_code, "BTC/USDT" in done.stderr) == (2, True), done


# The console


def test_the_console_opens_on_a_recording_with_the_bars_since_midnight_and_ends_with_q(
    session_file: Callable[..., Path], home: Path, tmp_path: Path
) -> None:
    api = {"data_api": "ccxt", "exchange": "binance"}
    data = {"symbols": ["BTC/USDT"], "streams": ["1m"]}
    file = session_file(exchange_group="CRYPTO", api_config=api, session_data_config=data, mode="live")
    market = DrawnCandles(("BTC/USDT",), (64_000.0,))
    words = ["live", str(file), "--store", str(tmp_path / "bars.db")]
    with ExchangeServer(market, LiveClock()) as real_time, pytest.MonkeyPatch.context() as patched:
        for name, value in real_time.environment.items():
            patched.setenv(name, value)
        _open_and_quit(home, words)
        assert real_time.received.subscribed == [["btcusdt@kline_1m"]]


def _open_and_quit(home: Path, words: list[str]) -> None:
    with terminal(home, *words, columns=200, rows=40) as screen:
        screen.read_until_shown("● live", "BTC/USDT")
        screen.press("q")
        screen.read_until_shown("Stop recording?")
        screen.press("y")
        assert screen.exit_code() == 0
        assert "the same command goes on" in screen.words

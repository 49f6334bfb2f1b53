"""Fixtures of the command line: a command to call, a home folder for each test, stores."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from tapedeck.console.app.opening_fetch import OpeningFetch
from tapedeck.console.cli.main import app
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.locations import open_store
from tests.support.console_runs import SYMBOLS
from tests.support.imports import import_lean
from tests.support.markets import fill_store, open_new_store
from tests.support.quick_pilot import quick_pilot
from tests.support.quick_styles import quick_styles

PROJECT = Path(__file__).resolve().parents[2]


class Result(NamedTuple):
    exit_code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        return json.loads(self.stdout)


CommandLine = Callable[..., Result]


@pytest.fixture
def no_opening_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read no opening values: on a slow machine they have earlier days in memory that a test wants absent."""
    monkeypatch.setattr(OpeningFetch, "follow", lambda self, shown: None)


@pytest.fixture(scope="session", autouse=True)
def _quick_consoles() -> Iterator[None]:
    with quick_styles(), quick_pilot():
        yield


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Parent folder of the test's data, settings and log."""
    for name in [
        name for name in os.environ if name.startswith("TAPEDECK_") and name != "TAPEDECK_LEAN_DATA"
    ]:
        monkeypatch.delenv(name)
    folder = tmp_path / "home"
    monkeypatch.setenv("TAPEDECK_HOME", str(folder))
    monkeypatch.setenv("COLUMNS", "80")
    return folder


@pytest.fixture
def tapedeck() -> CommandLine:
    """Calls a command in this process."""

    def call(*arguments: object, **environment: str) -> Result:
        done = CliRunner().invoke(
            app, [str(word) for word in arguments], env=environment, prog_name="tapedeck"
        )
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return Result(done.exit_code, done.stdout, done.stderr)

    return call


@pytest.fixture
def shell(home: Path) -> CommandLine:
    """Calls a command in a new process, as a shell does."""

    def call(*arguments: object, **environment: str) -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "tapedeck", *map(str, arguments)],
            cwd=PROJECT,
            env=os.environ | {"PYTHONPATH": str(PROJECT)} | environment,
            capture_output=True,
            timeout=60,
            check=False,
        )
        encoding = environment.get("PYTHONIOENCODING", "utf-8")
        return Result(done.returncode, done.stdout.decode(encoding), done.stderr.decode(encoding))

    return call


@pytest.fixture(scope="session")
def lean_store(lean_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A read-only database with minutes and days of SPY and AIG in October 2013."""
    location = tmp_path_factory.mktemp("lean") / "bars.db"
    with open_store(location, create=True) as store:
        for part in ("minute/spy", "minute/aig", "daily/spy.zip"):
            import_lean(lean_root / "equity" / "usa" / part, store)
    return location


@pytest.fixture
def session_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a session file of SPY and AIG in the week of 7 October 2013, with fields replaced."""

    def write(name: str = "october.json", /, **changes: Any) -> Path:
        backtest = {"start_date": "2013-10-07", "end_date": "2013-10-11"} | changes.pop("backtest_config", {})
        data = {"symbols": ["SPY", "AIG"], "streams": ["1m", "5m"]} | changes.pop("session_data_config", {})
        document = {
            "session_name": "October",
            "exchange_group": "US_EQUITY",
            "backtest_config": backtest,
            "session_data_config": data,
        } | changes
        path = tmp_path / name
        path.write_text(json.dumps(document), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def console_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    """Minute bars of three symbols over nine sessions of XNYS, 2013-11-20 to 2013-12-03, a tenth missing."""
    with open_new_store(tmp_path_factory.mktemp("console") / "bars.db") as store:
        fill_store(store, SYMBOLS, "2013-11-20", "2013-12-03", missing=0.1)
        yield store


@pytest.fixture
def session(console_store: BarStore, tmp_path: Path) -> Callable[..., list[str]]:
    """Return the arguments that play a session file at once, by default at ten times real time."""

    def arguments(*options: str, until: str = "2013-11-27") -> list[str]:
        path = tmp_path / "session.yaml"
        path.write_text(
            "session_name: Terminal\nexchange_group: US_EQUITY\n"
            f"backtest_config: {{start_date: 2013-11-26, end_date: {until}, speed_multiplier: 10}}\n"
            "session_data_config: {symbols: [AAA, BBB], streams: [1m, 5m]}\n"
        )
        return ["run", str(path), "--store", str(console_store.location), "--play", *options]

    return arguments

"""Symbols that join and leave a run: each odd request has its clear outcome."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tapedeck.engine.config import SessionConfig
from tapedeck.engine.errors import DataMissingError, EngineError
from tapedeck.engine.export.csv_export import CsvExport
from tapedeck.engine.intervals import MINUTE, Interval
from tapedeck.engine.read.events import EventKind
from tapedeck.engine.read.status import RunState
from tapedeck.engine.run.joining import JoiningSymbols
from tapedeck.engine.run.tape_cache import MEMORY_BYTES
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tests.support.markets import fill_store, open_new_store
from tests.support.runs import LIMIT_S, at_frontier


def config_of(symbols: list[str]) -> SessionConfig:
    """Return a session file over two sessions."""
    document: dict[str, Any] = {
        "session_name": "symbols",
        "exchange_group": "US_EQUITY",
        "backtest_config": {"start_date": "2013-11-26", "end_date": "2013-11-27", "prefetch_days": 1},
        "session_data_config": {
            "symbols": symbols,
            "streams": ["1m", "5m"],
            "indicators": {"ema_5": {"type": "EMA", "interval": "1m", "timeperiod": 5}},
        },
    }
    return parse_session_config(document, "symbols").config


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    """Two symbols of all days, one of the second day only, one without history, one of daily bars."""
    with open_new_store(tmp_path_factory.mktemp("symbols") / "bars.db") as made:
        fill_store(made, ["AAA", "BBB"], "2013-11-20", "2013-11-27")
        fill_store(made, ["LATER"], "2013-11-27", "2013-11-27")
        fill_store(made, ["NEW"], "2013-11-26", "2013-11-27")
        fill_store(made, ["DAILY"], "2013-11-20", "2013-11-27", interval=Interval.parse("1d"))
        yield made


@pytest.fixture
def system(store: BarStore) -> Iterator[SystemManager]:
    """A run that is paused at its first open."""
    made = SystemManager(config_of(["AAA"]), store, tape_cache_bytes=MEMORY_BYTES)
    made.start(paused=True)
    assert made.wait_for(at_frontier(made, 1, 0), LIMIT_S)
    yield made
    made.stop(LIMIT_S)
    assert not [t for t in threading.enumerate() if t.name.startswith("tapedeck")]


def step_to(system: SystemManager, session: int, frontier: int, slots: int) -> None:
    system.step(slots)
    assert system.wait_for(at_frontier(system, session, frontier), LIMIT_S)


def symbols_of(system: SystemManager) -> tuple[str, ...]:
    view = system.snapshot().view
    assert view is not None
    return view.symbols


def test_a_symbol_that_is_not_stored_is_an_error_with_the_nearest_one(system: SystemManager) -> None:
    with pytest.raises(DataMissingError, match=r"^BBX: no bars stored. Did you mean 'BBB'\?\nImport its 1m"):
        system.add_symbol("BBX")
    assert symbols_of(system) == ("AAA",)


def test_a_symbol_without_bars_of_the_base_interval_is_an_error_with_the_command(
    system: SystemManager,
) -> None:
    with pytest.raises(DataMissingError, match=r"DAILY: no 1m bars stored[\s\S]*`tapedeck import lean PATH"):
        system.add_symbol("DAILY")
    assert "DAILY" not in system.joinable_symbols()


def test_a_name_in_other_case_is_the_stored_one(system: SystemManager) -> None:
    assert system.add_symbol("bbb").symbol == "BBB"
    with pytest.raises(EngineError, match="BBB: in the session already"):
        system.add_symbol("Bbb")
    assert system.joinable_symbols() == ("LATER", "NEW")


def test_a_symbol_without_bars_on_the_day_joins_and_is_empty(system: SystemManager) -> None:
    system.add_symbol("LATER", keep=True)
    step_to(system, 1, 390, 390)
    view = system.snapshot().view
    assert view is not None
    assert view.totals("LATER") is None
    assert system.explain("LATER", "quality").value == 0.0  # scores of a view may lag behind
    step_to(system, 2, 1, 1)
    view = system.snapshot().view
    assert view is not None
    assert view.symbols == ("AAA", "LATER")
    assert view.totals("LATER") is not None
    assert view.changes == ()


def test_a_symbol_without_history_joins(system: SystemManager) -> None:
    step_to(system, 1, 10, 10)
    system.add_symbol("NEW")
    view = system.snapshot().view
    assert view is not None
    ema = view.indicator_grid("ema_5")[view.row("NEW")]
    assert np.isnan(ema[:4]).all()
    assert not np.isnan(ema[4:]).any()


@pytest.mark.parametrize("frontier", [0, 390])
def test_a_symbol_joins_at_the_open_and_at_the_close(system: SystemManager, frontier: int) -> None:
    if frontier:
        step_to(system, 1, frontier, frontier)
    change = system.add_symbol("BBB")
    assert change.frontier == frontier
    assert symbols_of(system) == ("AAA", "BBB")
    step_to(system, 2, 1, 391 - frontier)
    assert symbols_of(system) == ("AAA",)


def test_a_symbol_of_the_file_comes_back_in_the_next_session(system: SystemManager) -> None:
    system.add_symbol("BBB")
    step_to(system, 1, 60, 60)
    change = system.remove_symbol("AAA")
    assert (change.frontier, symbols_of(system)) == (60, ("BBB",))
    step_to(system, 2, 0 + 1, 331)
    assert symbols_of(system) == ("AAA",)
    kinds = [event.text for event in system.events() if event.kind is EventKind.SYMBOL]
    assert len(kinds) == 2


def test_the_last_symbol_cannot_leave(system: SystemManager) -> None:
    with pytest.raises(EngineError, match="AAA cannot leave: a session needs at least one symbol"):
        system.remove_symbol("AAA")
    with pytest.raises(EngineError, match="'BBX'"):
        system.remove_symbol("BBX")


def test_a_symbol_joins_while_the_run_plays(system: SystemManager) -> None:
    system.set_speed(3600)
    system.resume()
    change = system.add_symbol("BBB")
    system.pause()
    assert system.wait_for(lambda: system.state is RunState.PAUSED, LIMIT_S)
    view = system.snapshot().view
    assert view is not None
    assert (view.joined_at("BBB"), view.trading_day.isoformat()) == (change.frontier, "2013-11-26")


def test_twice_at_once_is_once(system: SystemManager) -> None:
    def add(_: int) -> bool:
        try:
            system.add_symbol("BBB")
        except EngineError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(add, range(4))) == 1
    assert symbols_of(system) == ("AAA", "BBB")


def test_a_symbol_joins_between_two_sessions(
    store: BarStore, system: SystemManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the next session is read, it joins the one that is shown, at its close."""
    release, feed = threading.Event(), system._coordinator.feed  # type: ignore[union-attr]
    monkeypatch.setattr(feed, "wait_for_next", lambda process: _until(release, process))
    system.step(390)
    assert system.wait_for(at_frontier(system, 1, 390), LIMIT_S)
    system.resume()
    with ThreadPoolExecutor(1) as pool:
        joining = pool.submit(system.add_symbol, "BBB")
        assert system.wait_for(lambda: system._coordinator.symbols._requests or joining.done(), LIMIT_S)  # type: ignore[union-attr]
        release.set()
        system.pause()
        change = joining.result(LIMIT_S)
    assert change.frontier == 390


def _until(release: threading.Event, process_messages: Any) -> None:
    while not release.is_set():
        process_messages(0.01)


def test_an_export_during_a_join_has_one_state_or_the_other(system: SystemManager, tmp_path: Path) -> None:
    step_to(system, 1, 60, 60)
    with ThreadPoolExecutor(2) as pool:
        joining = pool.submit(system.add_symbol, "BBB")
        export = pool.submit(system.export_csv, tmp_path / "out")
        joining.result(LIMIT_S)
        manifest = export.result(LIMIT_S)
    text = (tmp_path / "out" / "bars.csv").read_text()
    rows = text.count(",BBB,") + text.count("\nBBB,")
    assert rows in (0, 60 + 12)
    assert manifest.sessions[0].played == 60


def test_a_load_that_fails_leaves_the_run_as_it_was(
    system: SystemManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise DataMissingError("the disk is gone", symbols=["BBB"], interval="1m")

    monkeypatch.setattr(JoiningSymbols, "load", fails)
    with pytest.raises(DataMissingError, match="the disk is gone"):
        system.add_symbol("BBB")
    assert symbols_of(system) == ("AAA",)
    step_to(system, 1, 10, 10)


def test_a_stop_ends_a_join_that_loads(system: SystemManager, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, load = threading.Event(), JoiningSymbols.load
    ended = threading.Event()

    def slow(self: JoiningSymbols, *arguments: Any) -> object:
        begun.set()
        ended.wait(LIMIT_S)
        return load(self, *arguments)

    monkeypatch.setattr(JoiningSymbols, "load", slow)
    with ThreadPoolExecutor(1) as pool:
        joining = pool.submit(system.add_symbol, "BBB")
        assert begun.wait(LIMIT_S)
        system.stop(LIMIT_S)
        ended.set()
        with pytest.raises(EngineError, match="stopped"):
            joining.result(LIMIT_S)
    with pytest.raises(EngineError, match="the run is over"):
        system.add_symbol("BBB")
    with pytest.raises(EngineError, match="the run is over"):
        system.remove_symbol("AAA")


def test_session_data_is_where_symbols_join_and_leave(system: SystemManager) -> None:
    data = system.session_data
    assert data.register_symbol_data("BBB") == 1
    assert data.register_symbol_data("BBB") == 1
    step_to(system, 1, 30, 30)
    assert data.get_active_symbols() == ("AAA", "BBB")
    assert len(data.get_bars("BBB", MINUTE)) == 30
    data.remove_symbol("AAA")
    assert data.get_active_symbols() == ("BBB",)
    with pytest.raises(EngineError):
        data.get_bars("AAA", MINUTE)
    assert data.get_symbol_data("BBB").row == 0


def test_an_export_of_the_run_has_who_came_and_went(store: BarStore, tmp_path: Path) -> None:
    config = config_of(["AAA"])
    export = CsvExport(tmp_path / "out", config)
    system = SystemManager(config, store, sinks=[export])
    system.start(paused=True)
    try:
        step_to(system, 1, 5, 5)
        system.add_symbol("BBB")
        step_to(system, 1, 10, 5)
        system.remove_symbol("BBB")
        system.resume()
        assert system.wait(LIMIT_S)
    finally:
        system.stop(LIMIT_S)
    export.finish(system.summary(), system.metrics)
    bars = (tmp_path / "out" / "bars.csv").read_text()
    assert bars.count("BBB") == 10 + 2

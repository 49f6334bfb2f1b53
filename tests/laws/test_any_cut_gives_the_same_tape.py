"""Law of results: for any cut, speed or delay of a session, the tape is the same to the last bit."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tapedeck.engine.config import SessionConfig
from tapedeck.engine.errors import EngineError
from tapedeck.engine.indicators.registry import REGISTRY
from tapedeck.engine.intervals import SECOND
from tapedeck.engine.read.status import RunState
from tapedeck.engine.run.data_processor import DataProcessor
from tapedeck.engine.run.data_quality_manager import DataQualityManager
from tapedeck.engine.run.session_recorder import SessionRecorder
from tapedeck.engine.run.worker import Worker
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tests.support.files import TRAILING
from tests.support.markets import fill_store, open_new_store
from tests.support.quotes import fill_quotes
from tests.support.runs import LIMIT_S, play

SYMBOLS = ("AAA", "BBB", "CCC")


def own_indicators() -> dict[str, dict[str, str]]:
    """Return every own kind of indicator, on base bars."""
    return {
        f"own_{type_.lower()}": {"type": type_, "interval": "1m"}
        | ({} if REGISTRY.kind(type_).against is None else {"against": "usual"})
        for type_ in REGISTRY.own_types()
    }


def law_config(**backtest: object) -> SessionConfig:
    """Return a session file over four sessions, one of them an early close."""
    document = {
        "session_name": "law",
        "exchange_group": "US_EQUITY",
        "backtest_config": {
            "start_date": "2013-11-26",
            "end_date": "2013-12-02",
            "prefetch_days": 2,
            **backtest,
        },
        "session_data_config": {
            "symbols": list(SYMBOLS),
            "streams": ["1m", "5m", "7m", "1h", "1d", "quotes"],
            "historical": {
                "data": [{"trailing_days": 2, "intervals": ["1m", "5m", "1d"]}],
                "indicators": TRAILING,
            },
            "indicators": {
                "sma_5": {"type": "SMA", "interval": "1m", "timeperiod": 5},
                "ema_5": {"type": "EMA", "interval": "1m", "timeperiod": 5},
                "macd": {"type": "MACD", "interval": "1m"},
                "rsi_5m": {"type": "RSI", "interval": "5m", "timeperiod": 3},
                "doji": {"type": "CDLDOJI", "interval": "1m"},
                "obv": {"type": "OBV", "interval": "1m"},
                "adosc_5m": {"type": "ADOSC", "interval": "5m"},
                "ad_days": {"type": "AD", "interval": "1d"},
                "sma_weeks": {"type": "SMA", "interval": "1w", "timeperiod": 2},
                "sar_5m": {"type": "SAR", "interval": "5m"},
                "willr": {"type": "WILLR", "interval": "1m", "timeperiod": 2},
                "vwap": {"type": "VWAP", "interval": "1m"},
                "vwap_7m": {"type": "VWAP", "interval": "7m"},
                "high_so_far": {"type": "SESSION_HIGH", "interval": "1m"},
                "rel": {"type": "RELATIVE_VOLUME", "interval": "1m", "against": "usual"},
                **own_indicators(),
            },
        },
    }
    return parse_session_config(document, "law").config


def fill_law(store: BarStore) -> None:
    """Write the market of the laws: quotes of one symbol, of another one on two days by the second."""
    fill_store(store, SYMBOLS, "2013-11-18", "2013-12-03", missing=0.1)
    fill_quotes(store, "AAA", "2013-11-26", "2013-12-02")
    fill_quotes(store, "BBB", "2013-11-27", "2013-11-29", interval=SECOND, missing=0.99)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    folder: Path = tmp_path_factory.mktemp("law")
    with open_new_store(folder / "bars.db") as opened:
        fill_law(opened)
        yield opened


@pytest.fixture(scope="module")
def digests(store: BarStore) -> list[str]:
    """The expected digests: those of a run without commands, one block per session."""
    return [s.digest for s in play(law_config(), store).summary().sessions]


def digests_of(system: SystemManager) -> list[str]:
    return [session.digest for session in system.summary().sessions]


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(cuts=st.lists(st.integers(1, 200), max_size=30), prefetch=st.integers(1, 6))
def test_any_cut_into_blocks_gives_the_same_tape(store, digests, cuts, prefetch):
    def drive(system: SystemManager) -> None:
        for slots in cuts:
            system.step(slots)
        system.resume()

    assert digests_of(play(law_config(prefetch_days=prefetch), store, drive)) == digests


def test_bar_by_bar_gives_the_same_tape(store, digests):
    def drive(system: SystemManager) -> None:
        for _ in range(390):
            system.step()
            assert system.wait_for(lambda: system.snapshot().steps_left == 0, LIMIT_S)
        system.resume()

    assert digests_of(play(law_config(), store, drive)) == digests


@pytest.mark.parametrize("speed", [50_000.0, 400_000.0, 1e9])
def test_any_speed_gives_the_same_tape(store, digests, speed):
    assert digests_of(play(law_config(speed_multiplier=speed), store)) == digests


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), speed=st.sampled_from([0.0, 200_000.0]))
def test_random_commands_from_several_threads_give_the_same_tape(store, digests, seed, speed):
    """Every run ends without a deadlock, a leftover thread or a lost bar, with the same tape."""

    def command(system: SystemManager, rng: random.Random) -> None:
        kind = rng.choice(["pause", "resume", "step", "speed", "run_to", "snapshot"])
        now = system.snapshot()
        if kind == "pause":
            system.pause()
        elif kind == "resume":
            system.resume()
        elif kind == "step":
            system.step(rng.randint(1, 100))
        elif kind == "speed":
            system.set_speed(rng.choice([0.0, 60.0, 100_000.0, 1e6]))
        elif kind == "run_to" and now.clock is not None:
            # Refused if the clock has passed the instant by now.
            with contextlib.suppress(EngineError):
                system.run_to(now.clock + timedelta(minutes=rng.randint(1, 600)))

    def drive(system: SystemManager) -> None:
        def shoot(number: int) -> None:
            rng = random.Random(seed + number)
            for _ in range(40):
                command(system, rng)

        threads = [threading.Thread(target=shoot, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT_S)
        assert not any(thread.is_alive() for thread in threads)
        system.set_speed(0)
        system.resume()

    system = play(law_config(speed_multiplier=speed), store, drive)
    assert digests_of(system) == digests
    assert not [t for t in threading.enumerate() if t.name.startswith("tapedeck")]


@pytest.mark.parametrize("slow", [DataProcessor, DataQualityManager, SessionRecorder])
@pytest.mark.parametrize("speed", [0.0, 100_000.0])
def test_one_slow_thread_gives_the_same_tape(store, digests, monkeypatch, slow: type[Worker], speed):
    """One thread waits at random hand-overs until the coordinator has advanced."""
    process = slow.process
    rng = random.Random(7)
    wait: Callable[[float], bool] = threading.Event().wait

    def slowly(self, work):
        if rng.random() < 0.2:
            wait(0.005)
        process(self, work)

    monkeypatch.setattr(slow, "process", slowly)
    assert digests_of(play(law_config(speed_multiplier=speed), store)) == digests


def test_a_late_consumer_is_an_overrun_and_loses_nothing(store, digests, monkeypatch):
    process = DataProcessor.process
    gate = threading.Event()
    system = SystemManager(law_config(speed_multiplier=60_000.0), store)

    def held(self, work):
        if work.start == 0:
            gate.wait(LIMIT_S)
        process(self, work)

    monkeypatch.setattr(DataProcessor, "process", held)
    system.start()
    try:
        assert system.wait_for(lambda: system.snapshot().counts["overruns"] > 3, LIMIT_S)
        now = system.snapshot()
        assert now.frontier > 0
        assert now.view.indicator("AAA", "ema_5") is None, "what is not computed yet is not there yet"
        gate.set()
        system.set_speed(0)
        assert system.wait(LIMIT_S)
    finally:
        gate.set()
        system.stop(LIMIT_S)
    assert system.state is RunState.COMPLETED
    assert digests_of(system) == digests


def test_a_session_does_not_depend_on_the_day_the_run_began(store, digests):
    for position, day in enumerate(["2013-11-27", "2013-11-29", "2013-12-02"], start=1):
        assert digests_of(play(law_config(start_date=day), store)) == digests[position:]


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(minute=st.integers(0, 389))
def test_a_start_in_mid_session_gives_the_same_tape(store, digests, minute):
    start = f"{9 + (30 + minute) // 60:02}:{(30 + minute) % 60:02}"
    assert digests_of(play(law_config(start_time=start), store)) == digests

"""Law of breakpoints: they fire at the same slots for any cut and speed, and do not change the tape."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tapedeck.engine.read.events import EventKind
from tapedeck.engine.read.status import RunState
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tests.laws.test_any_cut_gives_the_same_tape import SYMBOLS, law_config
from tests.support.markets import fill_store, open_new_store
from tests.support.runs import LIMIT_S, play

CONDITIONS = (
    "any.rsi_5m < 20",
    "AAA.close > AAA.vwap and BBB.rel > 2",
    "all.quality < 91 or CCC.gaps > 30 and time >= 15:00",
    "BBB.7m.close < BBB.sma_5",
)
Stop = tuple[str, int, str]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    folder: Path = tmp_path_factory.mktemp("breaks")
    with open_new_store(folder / "bars.db") as opened:
        fill_store(opened, SYMBOLS, "2013-11-18", "2013-12-03", missing=0.1)
        yield opened


def resume_to_the_end(system: SystemManager, cuts: list[int]) -> None:
    """Play to the end, resuming at every pause: by the steps of the next cut, or without a limit."""
    left = list(cuts)
    while not system.state.is_over:
        taken = system.mark()

        def resting(taken: threading.Event = taken) -> bool:
            is_paused = system.state is RunState.PAUSED and system.snapshot().steps_left == 0
            return system.state.is_over or (taken.is_set() and is_paused)

        assert system.wait_for(resting, LIMIT_S)
        if left:
            system.step(left.pop(0))
        elif not system.state.is_over:
            system.resume()


def breaks_of(system: SystemManager) -> list[Stop]:
    return [
        (str(event.trading_day), event.frontier, event.text)
        for event in system.events()
        if event.kind is EventKind.BREAK
    ]


def broken_run(store: BarStore, cuts: list[int], speed: float) -> tuple[list[Stop], list[str]]:
    def drive(system: SystemManager) -> None:
        for text in CONDITIONS:
            system.add_breakpoint(text)
        resume_to_the_end(system, cuts)

    system = play(law_config(speed_multiplier=speed), store, drive)
    return breaks_of(system), [session.digest for session in system.summary().sessions]


@pytest.fixture(scope="module")
def plain(store: BarStore) -> tuple[list[Stop], list[str]]:
    """The stops of a run at maximum speed, and the digests of a run without breakpoints."""
    found, _ = broken_run(store, [], 0.0)
    assert len({text for _, _, text in found}) == len(CONDITIONS), (
        "a condition that never fires tests nothing"
    )
    return found, [session.digest for session in play(law_config(), store).summary().sessions]


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(cuts=st.lists(st.integers(1, 150), max_size=20), speed=st.sampled_from([0.0, 300_000.0, 1e9]))
def test_breakpoints_fire_at_the_same_slots_and_change_no_bit(
    store: BarStore, plain: tuple[list[Stop], list[str]], cuts: list[int], speed: float
) -> None:
    assert broken_run(store, cuts, speed) == plain

"""Moments where a condition became true, found in the played sessions of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tapedeck.engine.conditions import Condition, Vocabulary
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.errors import ConditionError, EngineError
from tapedeck.engine.read.moments import Moment
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.session_record import SessionRecord
from tests.support.runs import LIMIT_S, at_frontier, play_recorded

Config = Callable[..., SessionConfig]
Place = tuple[date, int]
CONDITIONS = (
    "any.rsi_5m < 20",
    "AAA.close > AAA.vwap",
    "all.quality < 91 or CCC.gaps > 30 and time >= 15:00",
    "time >= 9:30",
    "time >= 23:00",
    "BBB.5m.close < BBB.ema_5 and time < 11:00",
    "AAA.close crosses above AAA.ema_5 and BBB.close[2] > BBB.close",
)
SLOTS = (390, 390, 210, 390)
DAYS = (date(2013, 11, 26), date(2013, 11, 27), date(2013, 11, 29), date(2013, 12, 2))


@contextmanager
def stopped_after(
    config: SessionConfig, store: BarStore, slots: int, *, begun: int = 0
) -> Iterator[SystemManager]:
    """Yield a run that is paused after a number of slots, with memory for two recomputed days.

    `begun`: how many of them were over at its start.
    """
    session, left = 1, slots
    while left > SLOTS[session - 1]:
        left -= SLOTS[session - 1]
        session += 1
    system = SystemManager(config, store, tape_cache_bytes=0)
    try:
        system.start(paused=True)
        system.step(slots - begun)
        assert system.wait_for(at_frontier(system, session, left), LIMIT_S)
        yield system
    finally:
        system.stop(LIMIT_S)


@pytest.fixture
def records(gapped_store: BarStore, session_config: Config) -> list[SessionRecord]:
    return play_recorded(session_config(), gapped_store).records


@pytest.fixture
def rises() -> Callable[[str, list[SessionRecord]], list[Place]]:
    """Return where a condition became true over a whole run, looking at one frontier at a time."""
    known: dict[str, list[Place]] = {}

    def search(text: str, records: list[SessionRecord]) -> list[Place]:
        if text not in known:
            known[text] = []
            for record in records:
                tape, before = record.tape, False
                condition = Condition.parse(text, Vocabulary.of(tape))
                for frontier in range(len(tape) + 1):
                    holds = bool(condition.holds(tape, frontier, frontier)[0])
                    if holds and not before:
                        known[text].append((tape.session.trading_day, frontier))
                    before = holds
        return known[text]

    return search


def place_of(moment: Moment | None) -> Place | None:
    return None if moment is None else (moment.trading_day, moment.frontier)


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), text=st.sampled_from(CONDITIONS), slots=st.integers(1, sum(SLOTS) - 1))
def test_the_nearest_moments_are_those_of_a_search_slot_by_slot(
    gapped_store: BarStore,
    session_config: Config,
    records: list[SessionRecord],
    rises: Callable[[str, list[SessionRecord]], list[Place]],
    data: st.DataObject,
    text: str,
    slots: int,
) -> None:
    with stopped_after(session_config(), gapped_store, slots) as system:
        now = system.snapshot()
        assert now.trading_day is not None
        expected = [moment for moment in rises(text, records) if moment <= (now.trading_day, now.frontier)]
        for _ in range(3):
            place = (data.draw(st.sampled_from(DAYS)), data.draw(st.integers(0, 390)))
            later = next((moment for moment in expected if moment > place), None)
            assert place_of(system.find_moment(text, place)) == later
            earlier = next((moment for moment in reversed(expected) if moment < place), None)
            assert place_of(system.find_moment(text, place, backwards=True)) == earlier
        counted = system.count_moments(text)
    assert counted is not None
    assert counted.count == len(expected)
    assert [place_of(moment) for moment in counted.first] == expected[:3]
    assert place_of(counted.last) == (expected[-1] if expected else None)


def test_a_start_in_mid_session_is_the_first_frontier_that_is_searched(
    gapped_store: BarStore, session_config: Config
) -> None:
    with stopped_after(session_config(start_time="11:00"), gapped_store, 300, begun=90) as system:
        first = system.find_moment("time >= 10:30")
    assert first is not None
    assert place_of(first) == (DAYS[0], 90)
    assert first.local_clock.strftime("%H:%M %Z") == "11:00 EST"


def test_a_search_reports_each_day_and_can_be_cancelled(
    gapped_store: BarStore, session_config: Config
) -> None:
    seen: list[tuple[date, int, int]] = []
    with stopped_after(session_config(), gapped_store, 1000) as system:
        assert (
            system.find_moment("time >= 23:00", backwards=True, on_progress=lambda *step: seen.append(step))
            is None
        )
        assert seen == [(day, number, 4) for number, day in enumerate(DAYS[::-1])]
        seen.clear()
        counted = system.count_moments(
            "time >= 9:30",
            on_progress=lambda *step: seen.append(step),
            cancelled=lambda: len(seen) == 2,
        )
    assert counted is None
    assert [day for day, _, _ in seen] == list(DAYS[:2])


def test_a_search_needs_a_valid_condition_and_a_tape_cache(
    gapped_store: BarStore, session_config: Config
) -> None:
    with pytest.raises(EngineError, match="no tape cache"):
        SystemManager(session_config(), gapped_store).find_moment("time >= 10:00")
    kept = SystemManager(session_config(), gapped_store, tape_cache_bytes=0)
    with pytest.raises(ConditionError, match="unknown symbol 'DDD'"):
        kept.find_moment("DDD.close > 1")
    assert kept.find_moment("time >= 10:00") is None  # nothing was played

"""Breakpoints, searches and events of a run whose symbols join and leave."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tapedeck.engine.conditions import Condition, Vocabulary
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.errors import ConditionError
from tapedeck.engine.quality.gaps_and_scores import find_gaps
from tapedeck.engine.read.events import EventKind
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.tape import Tape
from tests.support.runs import LIMIT_S, at_frontier, play_recorded

JOINED = "BBB"
OVER_JOINED = "BBB.close > BBB.ema_5"


def config_of(symbols: list[str]) -> SessionConfig:
    """Return a session file over the first two sessions of the store's runs."""
    document: dict[str, Any] = {
        "session_name": "changing",
        "exchange_group": "US_EQUITY",
        "backtest_config": {"start_date": "2013-11-26", "end_date": "2013-11-27"},
        "session_data_config": {
            "symbols": symbols,
            "streams": ["1m"],
            "indicators": {
                "ema_5": {"type": "EMA", "interval": "1m", "timeperiod": 5},
                "vwap": {"type": "VWAP", "interval": "1m"},
            },
        },
    }
    return parse_session_config(document, "changing").config


@pytest.fixture
def whole(gapped_store: BarStore) -> list[Tape]:
    """Sessions of a run that has the joined symbol from the open."""
    return [record.tape for record in play_recorded(config_of(["AAA", JOINED]), gapped_store).records]


@pytest.fixture
def system(gapped_store: BarStore) -> Iterator[SystemManager]:
    made = SystemManager(config_of(["AAA"]), gapped_store, tape_cache_bytes=SystemManager.TAPE_CACHE_BYTES)
    try:
        made.start(paused=True)
        yield made
    finally:
        made.stop(LIMIT_S)


def step_to(system: SystemManager, session: int, frontier: int) -> None:
    """Step to a frontier, on past each breakpoint hit."""
    while not at_frontier(system, session, frontier)():
        now = system.snapshot()
        system.step(frontier - now.frontier if now.session == session else len_left(now.frontier))
        assert system.mark().wait(LIMIT_S)
        assert system.wait_for(lambda: system.snapshot().steps_left == 0, LIMIT_S)


def len_left(frontier: int) -> int:
    """Return the steps to the next session's open: those to the close, and one."""
    return 391 - frontier


def rises(tape: Tape, text: str, first: int, last: int) -> list[int]:
    """Return the frontiers of first … last at which a condition becomes true, found one by one."""
    condition = Condition.parse(text, Vocabulary.of(tape))
    holds = [bool(condition.holds(tape, at, at)[0]) for at in range(last + 1)]
    return [at for at in range(first, last + 1) if holds[at] and not (at and holds[at - 1])]


def hits(system: SystemManager, text: str) -> list[tuple[str, int]]:
    return [
        (f"{event.trading_day}", event.frontier)
        for event in system.events()
        if event.kind is EventKind.BREAK and event.text == text
    ]


def test_a_breakpoint_waits_for_its_symbol_and_outlives_it(system: SystemManager, whole: list[Tape]) -> None:
    with pytest.raises(ConditionError, match="unknown symbol 'BBB'"):
        system.add_breakpoint(OVER_JOINED)
    with pytest.raises(ConditionError, match="unknown symbol 'ZZZ'"):
        system.add_breakpoint("ZZZ.close > 0", may_wait=True)
    added = system.add_breakpoint(OVER_JOINED, may_wait=True)
    assert added.waits_for == (JOINED,)
    step_to(system, 1, 50)
    assert hits(system, OVER_JOINED) == []
    system.add_symbol(JOINED)
    assert system.breakpoints()[0].waits_for == ()
    assert system.vocabulary().symbols == ("AAA", JOINED)
    step_to(system, 1, 90)
    expected = [("2013-11-26", at) for at in rises(whole[0], OVER_JOINED, 51, 90)]
    assert len(expected) > 1
    assert hits(system, OVER_JOINED) == expected
    system.remove_symbol(JOINED)
    step_to(system, 2, 20)
    assert hits(system, OVER_JOINED) == expected
    [known] = system.breakpoints()
    assert (known.number, known.enabled, known.waits_for) == (added.number, True, (JOINED,))
    assert system.vocabulary().symbols == ("AAA", JOINED)
    system.add_symbol(JOINED)
    step_to(system, 2, 60)
    expected += [("2013-11-27", at) for at in rises(whole[1], OVER_JOINED, 21, 60)]
    assert hits(system, OVER_JOINED) == expected
    assert system.renewed().breakpoints()[0].waits_for == (JOINED,)


def test_events_tell_joins_leaves_and_the_gaps_of_each_stay(system: SystemManager, whole: list[Tape]) -> None:
    step_to(system, 1, 60)
    system.add_symbol(JOINED)
    covered = whole[0].base.covered[1]
    for frontier in (60, 100):
        step_to(system, 1, frontier)
        gaps = [event for event in system.events() if event.symbol == JOINED and event.kind is EventKind.GAP]
        assert [event.slot for event in gaps] == [gap.first for gap in find_gaps(covered[:frontier])]
    system.remove_symbol(JOINED)
    step_to(system, 1, 390)
    left = [event for event in system.events() if event.symbol == JOINED and event.kind is EventKind.GAP]
    assert [(event.number, event.slot) for event in left] == [(event.number, event.slot) for event in gaps]
    system.add_symbol(JOINED)  # the session that has ended is shown
    told = [event for event in system.events() if event.kind is EventKind.SYMBOL]
    assert [(event.text, event.frontier) for event in told] == [
        ("joins", 60),
        ("leaves", 100),
        ("joins", 390),
    ]
    gaps = [event for event in system.events() if event.symbol == JOINED and event.kind is EventKind.GAP]
    assert [event.slot for event in gaps] == [gap.first for gap in find_gaps(covered)]


def test_the_past_is_searched_with_all_symbols_that_were_there(
    system: SystemManager, whole: list[Tape]
) -> None:
    step_to(system, 1, 60)
    system.add_symbol(JOINED)
    step_to(system, 1, 100)
    system.remove_symbol(JOINED)
    step_to(system, 1, 200)
    expected = [at for at in rises(whole[0], OVER_JOINED, 0, 200) if at <= 100]
    counted = system.count_moments(OVER_JOINED)
    assert counted is not None
    assert counted.count == len(expected)
    assert [moment.frontier for moment in counted.first] == expected[: len(counted.first)]
    number = system.add_breakpoint(OVER_JOINED).number
    session = system.session_data.played()
    assert session is not None
    found = system.past_hits(session, system.conditions())
    assert [(hit.number, hit.frontier) for hit in found] == [(number, at) for at in expected]

"""Values of earlier sessions are computed once, before the first; then a run carries on what it needs."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from tapedeck.engine.conditions import Condition, Vocabulary
from tapedeck.engine.intervals import MINUTE, Interval
from tapedeck.engine.run import earlier_sessions, earlier_values
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tests.support.files import session_file
from tests.support.markets import fill_store, open_new_store
from tests.support.runs import at_frontier, play_recorded

CONFIG = session_file(
    ["AAA", "BBB"],
    ["1m", "5m"],
    "2024-03-04",
    "2024-03-12",
    indicators={
        "fast": {"type": "SMA", "interval": "1m", "timeperiod": 5},
        "slow": {"type": "SMA", "interval": "1m", "timeperiod": 20},
    },
)

WORDS = Vocabulary(("AAA", "BBB"), (MINUTE, Interval.parse("5m")), ("fast", "slow"), ())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
    with open_new_store(tmp_path_factory.mktemp("carried") / "bars.db") as store:
        fill_store(store, ["AAA", "BBB"], "2024-02-26", "2024-03-12", missing=0.1)
        yield store


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The days of the sessions that are computed in addition to those played."""
    days: list[str] = []
    original = earlier_sessions.recomputed_sessions

    def counting(*arguments: Any, **named: Any) -> Any:
        for session_data in original(*arguments, **named):
            days.append(str(session_data.require_tape().session.trading_day))
            yield session_data

    monkeypatch.setattr(earlier_sessions, "recomputed_sessions", counting)
    return days


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("AAA.close > 1e9", []),
        ("AAA.close[5] > 1e9 or AAA.5m.close crosses above 1e9", []),  # read from the store
        ("time < 00:00 and AAA.fast crosses above AAA.slow", ["2024-03-01"]),
        ("time < 00:00 and any.fast[3] crosses above any.change_pct[2]", ["2024-03-01"]),
        ("any.fast[500] > 1e9", ["2024-03-01", "2024-02-28", "2024-02-29"]),
    ],
)
def test_only_sessions_before_the_first_are_computed(
    store: BarStore, computed: list[str], condition: str, expected: list[str]
) -> None:
    system = SystemManager(CONFIG, store)
    system.add_breakpoint(condition)
    system.start()
    assert system.wait(60)
    system.stop(60)
    assert len(system.summary().sessions) == 7
    assert computed == expected


def test_a_breakpoint_that_is_set_on_a_later_day_finds_the_day_before(store: BarStore) -> None:
    plain = play_recorded(CONFIG, store).records[2].tape
    condition = Condition.parse("any.fast[400] > any.slow and any.fast crosses above any.slow", WORDS)
    expected = 11 + int(np.argmax(condition.becomes_true(plain, 11, 390, armed_at=10)))
    system = SystemManager(CONFIG, store)
    system.start(paused=True)
    try:
        system.step(2 * 390 + 10)
        assert system.wait_for(at_frontier(system, 3, 10), 60)
        system.add_breakpoint(condition.text)
        system.resume()
        assert system.wait_for(lambda: system.snapshot().stopped_at is not None, 60)
        assert system.snapshot().frontier == expected
    finally:
        system.stop(60)


def test_several_threads_may_evaluate_at_once(store: BarStore) -> None:
    tapes = [record.tape for record in play_recorded(CONFIG, store).records]
    texts = [
        "any.fast[400] > any.slow",
        "any.slow crosses above any.close[30]",
        "AAA.5m.low[200] < AAA.fast[3]",
    ]
    work = [(Condition.parse(text, WORDS), tape) for tape in tapes for text in texts]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda one: one[0].holds(one[1], 0, 60).tolist(), work))
    again = [record.tape for record in play_recorded(CONFIG, store).records]
    alone = [Condition.parse(text, WORDS).holds(tape, 0, 60).tolist() for tape in again for text in texts]
    assert found == alone
    assert any(map(any, found))


def test_all_values_of_one_day_are_kept_whatever_their_size(
    store: BarStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(earlier_values, "_KEPT_BYTES", 1)
    system = SystemManager(CONFIG, store)
    first, second = (session.trading_day for session in system.prepare().sessions[:2])
    condition = Condition.parse("any.fast crosses above any.slow and any.close[2] > any.slow[3]", WORDS)
    needs, values = condition.earlier_needs(("AAA", "BBB")), system.earlier_sessions.values
    for day, other in ((first, second), (second, first)):
        values.find(day, needs)
        assert values.has(day, needs)
        assert not values.has(other, needs)

"""Bars back over a base of days, indicators on weeks, and days of which only the 1d bar is stored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.conditions.known_values import KnownValues
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.intervals import DAY, MINUTE
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.bar_grid import CLOSE, Floats
from tapedeck.engine.tape.tape import Tape
from tests.support.files import session_file
from tests.support.markets import fill_store, open_new_store, random_bars
from tests.support.runs import KeepRecords, play_recorded
from tests.support.tapes import same_bits, sessions_of

ALL = slice(None)


def played_with(config: SessionConfig, store: BarStore, conditions: list[str]) -> list[Tape]:
    """Return the tapes of a run with breakpoints that never fire, whose needs it carries on."""
    kept = KeepRecords()
    system = SystemManager(config, store, sinks=[kept])
    for text in conditions:
        system.add_breakpoint(f"time < 00:00 and ({text})")
    system.start()
    try:
        assert system.wait(60)
    finally:
        system.stop(60)
    assert system.error is None, system.error
    return [record.tape for record in kept.records]


class TestDays:
    @staticmethod
    def config(start: str) -> SessionConfig:
        indicators = {
            "w": {"type": "SMA", "interval": "1w", "timeperiod": 2},
            "d": {"type": "SMA", "interval": "1d", "timeperiod": 3},
        }
        return session_file(["AAA", "BBB"], ["1d"], start, "2024-06-28", indicators=indicators)

    @pytest.fixture(scope="class")
    def store(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BarStore]:
        with open_new_store(tmp_path_factory.mktemp("days") / "bars.db") as store:
            fill_store(store, ["AAA", "BBB"], "2024-02-12", "2024-06-28", interval=DAY, missing=0.2)
            yield store

    @pytest.fixture(scope="class")
    def whole(self, store: BarStore) -> list[Tape]:
        """The tapes of a run over all stored days."""
        return [record.tape for record in play_recorded(self.config("2024-02-12"), store).records]

    @pytest.fixture(scope="class", params=["carried on", "found on request"])
    def tapes(self, store: BarStore, request: pytest.FixtureRequest) -> list[Tape]:
        """The tapes of a run over the last weeks, with and without the breakpoints that read these values."""
        carried = ["any.w[3] > 0", "any.w crosses above any.w[2]", "any.close[40] > 0", "any.d[2] > 0"]
        conditions = carried if request.param == "carried on" else []
        return played_with(self.config("2024-06-03"), store, conditions)

    @pytest.mark.parametrize("back", [1, 3, 40])
    def test_a_day_back_is_the_symbols_bar_before(
        self, whole: list[Tape], tapes: list[Tape], back: int
    ) -> None:
        for number, tape in enumerate(tapes):
            day = len(whole) - len(tapes) + number
            for row in range(2):
                closes = [t.base.values[CLOSE, row, 0] for t in whole[: day + 1]]
                known = [close for close in closes[:-1] if not np.isnan(close)]
                # Before the session's only bar is over, and without one, it is the bar from which is counted.
                found = KnownValues(tape, 0, 1).value("close", ALL, None, back)[row]
                assert found.tolist() == [known[-back], known[-back]]

    @pytest.mark.parametrize("back", [1, 2, 3])
    def test_a_week_back_is_the_value_of_the_week_before(
        self, whole: list[Tape], tapes: list[Tape], back: int
    ) -> None:
        weeks: dict[tuple[int, int], Floats] = {}
        for tape in whole:
            weeks[tape.session.trading_day.isocalendar()[:2]] = tape.indicators["w"].values
        order = sorted(weeks)
        before = None
        for tape in tapes:
            at = order.index(tape.session.trading_day.isocalendar()[:2])
            known = KnownValues(tape, 0, 1)
            found = known.value("w", ALL, None, back)
            assert same_bits(found, np.repeat(weeks[order[at - back]], 2, axis=1))
            if before is not None:
                ended = KnownValues(before, 1, 1).value("w", ALL, None, back)
                assert same_bits(known.value_before("w", ALL, None, back)[:, :1], ended)
            before = tape

    def test_an_indicator_on_days_counts_the_days_with_bars(
        self, whole: list[Tape], tapes: list[Tape]
    ) -> None:
        for number, tape in enumerate(tapes):
            earlier = whole[: len(whole) - len(tapes) + number]
            found = KnownValues(tape, 1, 1).value("d", ALL, None, 2)
            for row in range(2):
                values = [t.indicators["d"].values[row, 0] for t in earlier if t.base.present[row, 0]]
                assert found[row, 0] == values[-2]


HIDDEN = 3
"""Position of a session whose minutes are missing in the store."""


@pytest.fixture
def gapped(tmp_path: Path) -> Iterator[tuple[BarStore, list[float]]]:
    """A store with 1d bars, with minutes of all days but the first and one more; and the closes to expect."""
    sessions = sessions_of("2024-03-01", "2024-03-08")
    labels = np.array([(s.trading_day - date(1970, 1, 1)).days * 86_400 for s in sessions], dtype=np.int64)
    days = random_bars(labels, seed=3)
    with open_new_store(tmp_path / "bars.db") as store:
        store.write("AAA", DAY, days)
        closes = days.close.tolist()
        for at, session in enumerate(sessions):
            if at not in (0, HIDDEN):
                bars = random_bars(SessionSlots(session, MINUTE).opened_at, seed=at)
                store.write("AAA", MINUTE, bars)
                closes[at] = bars.close[-1]
        yield store, closes


@pytest.mark.parametrize("start", ["2024-03-05", "2024-03-07", "2024-03-08"])
@pytest.mark.parametrize("conditions", [[], ["AAA.1d.close[3] > 0", "AAA.1d.close crosses above 0"]])
def test_a_day_without_minutes_has_its_stored_bar_on_whichever_day_the_run_begins(
    gapped: tuple[BarStore, list[float]], start: str, conditions: list[str]
) -> None:
    store, closes = gapped
    config = session_file(["AAA"], ["1m", "1d"], start, "2024-03-08")
    tapes = played_with(config, store, conditions)
    for at, tape in zip(range(6 - len(tapes), 6), tapes, strict=True):
        known = KnownValues(tape, 0, 0)
        found = [known.value("close", slice(0, 1), DAY, back)[0, 0] for back in (1, 2, 3)]
        expected = [closes[at - back] if at >= back else np.nan for back in (1, 2, 3)]
        assert same_bits(np.array(found), np.array(expected))
        assert known.value_before("close", slice(0, 1), DAY)[0, 0] == closes[at - 1]

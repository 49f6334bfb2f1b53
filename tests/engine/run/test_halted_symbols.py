"""A symbol whose price does not move: its oscillators have no value, and no condition on them fires."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.read.events import EventKind
from tapedeck.engine.store.bar_store import BarColumns
from tapedeck.engine.system import SystemManager
from tests.support.files import session_file
from tests.support.markets import open_new_store
from tests.support.runs import play
from tests.support.tapes import sessions_of

CONDITIONS = (
    "AAA.rsi < 30",
    "AAA.rsi >= 30",
    "AAA.mfi < 20",
    "AAA.willr > -20",
    "AAA.cci > -100",
    "AAA.stoch_fastk < 20",
)


def test_no_condition_on_an_oscillator_of_a_halted_symbol_fires(tmp_path: Path) -> None:
    days = sessions_of("2013-11-18", "2013-11-20")
    opened_at = np.concatenate([SessionSlots(day, MINUTE).opened_at for day in days])
    price, volume = np.full(len(opened_at), 12.3), np.full(len(opened_at), 100.0)
    indicators = {
        **{name: {"type": name.upper(), "interval": "1m"} for name in ("rsi", "mfi", "willr", "cci")},
        "stoch": {"type": "STOCHF", "interval": "1m"},
    }

    def drive(system: SystemManager) -> None:
        for text in CONDITIONS:
            system.add_breakpoint(text)
        system.resume()

    with open_new_store(tmp_path / "bars.db") as store:
        store.write("AAA", MINUTE, BarColumns(opened_at, price, price, price, price, volume))
        system = play(
            session_file(["AAA"], ["1m"], "2013-11-20", "2013-11-20", indicators=indicators), store, drive
        )
    assert [event.text for event in system.events() if event.kind is EventKind.BREAK] == []

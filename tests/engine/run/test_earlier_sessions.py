"""Sessions before a day are those that a run over them plays, also before the run's first day."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tapedeck.engine.config import SessionConfig
from tapedeck.engine.run import earlier_sessions
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.stamp import session_digest
from tests.support.files import session_file
from tests.support.markets import fill_store, open_new_store
from tests.support.runs import play_recorded

INDICATORS = {
    "ema_9": {"type": "EMA", "interval": "5m", "timeperiod": 9},
    "vwap": {"type": "VWAP", "interval": "1m"},
}


def run_from(start: str) -> SessionConfig:
    """Return a file over 1m and 5m bars from a day on."""
    return session_file(["AAA", "BBB"], ["1m", "5m"], start, "2024-03-08", indicators=INDICATORS)


def test_the_session_before_a_day_is_the_same_on_whichever_day_the_run_begins(tmp_path: Path) -> None:
    with open_new_store(tmp_path / "bars.db") as store:
        fill_store(store, ["AAA", "BBB"], "2024-02-20", "2024-03-08", missing=0.05)
        records = play_recorded(run_from("2024-03-04"), store).records
        digests = {r.tape.session.trading_day: session_digest(r.tape, r.frontier) for r in records}
        system = SystemManager(run_from("2024-03-07"), store)
        for day, before in ((date(2024, 3, 8), date(2024, 3, 7)), (date(2024, 3, 6), date(2024, 3, 5))):
            tape = system.earlier_sessions.before(day)
            assert tape is not None
            assert tape.session.trading_day == before
            assert session_digest(tape, len(tape)) == digests[before]


def test_a_day_without_bars_of_a_symbol_has_an_empty_row(tmp_path: Path) -> None:
    with open_new_store(tmp_path / "bars.db") as store:
        fill_store(store, ["AAA"], "2024-03-01", "2024-03-08")
        fill_store(store, ["BBB"], "2024-03-07", "2024-03-08")
        system = SystemManager(run_from("2024-03-07"), store)
        tape = system.earlier_sessions.before(date(2024, 3, 7))
        assert tape is not None
        assert tape.base.present.all(axis=1).tolist() == [True, False]
        assert np.isnan(tape.base.values[:, 1]).all()


def test_of_large_sessions_only_the_last_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = date(2024, 3, 5), date(2024, 3, 6)
    with open_new_store(tmp_path / "bars.db") as store:
        fill_store(store, ["AAA", "BBB"], "2024-03-01", "2024-03-08")
        earlier = SystemManager(run_from("2024-03-07"), store).earlier_sessions
        tapes = earlier.before(first), earlier.before(second)
        assert (earlier.before(first), earlier.before(second)) == tapes, "two small ones"
        monkeypatch.setattr(earlier_sessions, "_KEPT_BYTES", 1)
        large = earlier.before(date(2024, 3, 7))
        assert earlier.before(date(2024, 3, 7)) is large
        assert earlier.before(second) is not tapes[1]

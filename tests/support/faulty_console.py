"""Console with a part that fails in mid-run: `python -m tests.support.faulty_console PART ARGUMENTS`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from datetime import date
from types import MappingProxyType
from typing import Any, Final

from textual._xterm_parser import XTermParser

from tapedeck.__main__ import main
from tapedeck.console.app.panels.session_bar import SessionBar
from tapedeck.console.app.playback import ViewState
from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.export.csv_export import CsvExport
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.run.data_processor import DataProcessor
from tapedeck.engine.run.data_quality_manager import DataQualityManager
from tapedeck.engine.run.session_recorder import SessionRecorder
from tapedeck.engine.store.sqlite_store import SqliteStore
from tapedeck.engine.tape.session_record import SessionRecord

FAULTY_DAY: Final = date(2013, 11, 29)
CAUSE: Final = "injected for a test, in [0, 390) of [/bars]"


class InjectedError(RuntimeError):
    """The injected error."""


def _scanned(_store: object, _symbols: object, _interval: object, start: int, end: int) -> bool:
    session = TimeManager("XNYS").trading_sessions(FAULTY_DAY, FAULTY_DAY)[0]
    return start <= int(SessionSlots(session, MINUTE).stored_labels[-1]) < end


def _played(worker: Any, _work: range) -> bool:
    return bool(worker._session_data.require_tape().session.trading_day == FAULTY_DAY)


def _recorded(_part: object, record: SessionRecord, *_digest: str) -> bool:
    return record.tape.session.trading_day == FAULTY_DAY


def _shown(_bar: object, view_state: ViewState, *_ticks: object) -> bool:
    return len(view_state.snapshot.finished) > 1


def _typed(_parser: object, text: str) -> bool:
    return "!" in text


def _continued(*_arguments: object) -> bool:
    """Send SIGCONT, as a shell does, and fail at nothing."""
    signal.raise_signal(signal.SIGCONT)
    return False


PARTS: Final = MappingProxyType[str, tuple[type, str, Callable[..., bool]]](
    {
        "store": (SqliteStore, "scan", _scanned),
        "processor": (DataProcessor, "process", _played),
        "quality": (DataQualityManager, "process", _played),
        "recorder": (SessionRecorder, "process", _recorded),
        "export": (CsvExport, "write_session", _recorded),
        "screen": (SessionBar, "update", _shown),
        "keyboard": (XTermParser, "feed", _typed),
        "nothing": (CsvExport, "finish", _continued),
    }
)
"""Parts by name: the class, its method that raises, and the condition, mostly the faulty day."""


def break_part(name: str, put: Callable[[type, str, object], None] = setattr) -> None:
    """Make a part fail once, on the faulty day; `put` sets an attribute of a class."""
    owner, method, is_time = PARTS[name]
    works = getattr(owner, method)

    def broken(self: object, *arguments: Any, **options: Any) -> Any:
        if is_time(self, *arguments):
            put(owner, method, works)
            raise InjectedError(CAUSE)
        return works(self, *arguments, **options)

    put(owner, method, broken)


if __name__ == "__main__":
    break_part(sys.argv.pop(1))
    main()

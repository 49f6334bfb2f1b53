"""Rows of session.csv: the clock of a session, one row for each frontier."""

from __future__ import annotations

from typing import Final

import numpy as np

from tapedeck.engine.export.text_columns import csv_field, time_texts
from tapedeck.engine.read.status import RunState
from tapedeck.engine.tape.symbol_changes import ChangeKind
from tapedeck.engine.tape.tape import Tape

SESSION_HEADER: Final = (
    "timestamp",
    "system_state",
    "system_mode",
    "session_date",
    "session_time",
    "session_active",
    "trading_hours_open",
    "trading_hours_close",
    "is_early_close",
    "active_symbols",
    "error",
)
_RUNNING: Final = RunState.RUNNING.value


def session_rows(tape: Tape, frontier: int, mode: str) -> tuple[str, ...]:
    """Return the rows for k = 0 … frontier; `end_row` completes the last row of a run.

    Each row begins with its line break. `active_symbols`: the symbols in the session at k.
    """
    session = tape.session
    hours = [
        moment.astimezone(session.zone).strftime("%H:%M")
        for moment in (session.regular_open, session.regular_close)
    ]
    early = str(session.is_early_close).lower()
    tail = f"{hours[0]},{hours[1]},{early}"
    symbols = _active_symbols(tape, frontier)
    times = time_texts(tape.slots.clock_times()[: frontier + 1], session.zone).to_pylist()
    active = ["true"] * len(tape) + ["false"]
    head = f"{_RUNNING},{mode},{session.trading_day}"
    return tuple(
        f"\n{time},{head},{time[11:19]},{active[k]},{tail},{symbols[k]}," for k, time in enumerate(times)
    )


def _active_symbols(tape: Tape, frontier: int) -> list[int]:
    """Return the number of symbols in the session at k = 0 … frontier."""
    counts = np.full(frontier + 1, len(tape.opening), dtype=np.int64)
    for change in tape.changes:
        counts[change.frontier :] += 1 if change.kind is ChangeKind.JOINED else -1
    return counts.tolist()


def end_row(row: str, state: str, error: str | None) -> str:
    """Return the last row of a run, with the run's final state and error."""
    head, _, rest = row.partition(f",{_RUNNING},")
    return f"{head},{state},{rest}{csv_field(error or '')}"

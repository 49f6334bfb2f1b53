"""A tape as one file: a JSON text about it, then its arrays cut at the frontier, each as numpy writes one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.lib import format as npy

from engine.clock.slots import SessionSlots, epoch_seconds, utc_from_epoch
from engine.clock.trading_session import TradingSession
from engine.errors import ExportError
from engine.intervals import Interval
from engine.tape.bar_grid import BarGrid
from engine.tape.historical_value import HistoricalValue, TrailingKind
from engine.tape.tape import IndicatorColumn, Tape

_FORMAT: Final = 2
Arrays = Mapping[str, np.ndarray]


def write_tape(file: BinaryIO, tape: Tape, frontier: int, digest: str) -> None:
    """Write what a tape held at `frontier`, and nothing beyond, to a file open for writing."""
    arrays: dict[str, np.ndarray] = {}
    for interval in tape.intervals:
        columns = tape.columns_over(interval, frontier)
        arrays[f"bars {interval}"] = tape.grid(interval).values[:, :, :columns]
        if interval in tape.derived:
            arrays[f"base_bars {interval}"] = tape.derived[interval].base_bars[:, :columns]
    for name, column in tape.indicators.items():
        arrays[f"indicator {name}"] = column.values[:, : tape.columns_over(column.interval, frontier)]
    for name, value in tape.historical.items():
        arrays[f"historical {name}"], arrays[f"used {name}"] = value.values, value.used
    if tape.scores is not None:
        arrays["scores"] = tape.scores[:, : frontier + 1]
    about = _about(tape, frontier, digest) | {"arrays": list(arrays)}
    file.write(json.dumps(about).encode() + b"\n")
    for array in arrays.values():
        npy.write_array(file, array, allow_pickle=False)


def read_tape(path: Path) -> tuple[Tape, str]:
    """Return the tape of a file, its counters at the frontier, and the digest it was written with.

    What lies beyond the frontier is missing. Raises ExportError where the file is none of ours.
    """
    try:
        with path.open("rb") as file:
            about = json.loads(file.readline())
            if about["format"] != _FORMAT:
                raise ExportError(
                    f"{path} has format {about['format']}, this tapedeck reads {_FORMAT}: "
                    "play the session again."
                )
            arrays = {name: npy.read_array(file, allow_pickle=False) for name in about["arrays"]}
        return _tape(about, arrays), str(about["digest"])
    except (OSError, ValueError, KeyError, TypeError, EOFError, MemoryError) as error:
        raise ExportError(
            f"{path} cannot be read as a tape: {error}. Play the session again to have it back."
        ) from error


def _about(tape: Tape, frontier: int, digest: str) -> dict[str, Any]:
    session = tape.session
    bounds = (session.regular_open, session.regular_close, session.break_start, session.break_end)
    return {
        "format": _FORMAT,
        "digest": digest,
        "frontier": frontier,
        "exchange": session.exchange,
        "zone": session.zone.key,
        "trading_day": session.trading_day.isoformat(),
        "bounds": [None if instant is None else epoch_seconds(instant) for instant in bounds],
        "is_early_close": session.is_early_close,
        "symbols": list(tape.symbols),
        "base": str(tape.base_interval),
        "derived": [str(interval) for interval in tape.derived],
        "indicators": {name: str(column.interval) for name, column in tape.indicators.items()},
        "historical": {
            name: {"kind": value.kind.value, "per_minute": value.per_minute, "asked": value.asked}
            for name, value in tape.historical.items()
        },
    }


def _session(about: Mapping[str, Any]) -> TradingSession:
    opened, closed, pause, resumption = about["bounds"]
    return TradingSession(
        exchange=about["exchange"],
        zone=ZoneInfo(about["zone"]),
        trading_day=date.fromisoformat(about["trading_day"]),
        regular_open=utc_from_epoch(opened),
        regular_close=utc_from_epoch(closed),
        is_early_close=about["is_early_close"],
        break_start=None if pause is None else utc_from_epoch(pause),
        break_end=None if resumption is None else utc_from_epoch(resumption),
    )


def _tape(about: Mapping[str, Any], arrays: Arrays) -> Tape:
    slots = SessionSlots(_session(about), Interval.parse(about["base"]))
    symbols, frontier = tuple(about["symbols"]), int(about["frontier"])
    base = np.full((5, len(symbols), len(slots)), np.nan)
    base[:, :, :frontier] = arrays[f"bars {slots.interval}"]
    derived = [Interval.parse(text) for text in about["derived"]]
    measured = "scores" in arrays
    tape = Tape.over(slots, symbols, BarGrid.loaded(base), derived=derived, measure_quality=measured)
    _fill(tape, about, arrays, frontier)
    tape.frontier = tape.processed = tape.scored = frontier
    return tape


def _fill(tape: Tape, about: Mapping[str, Any], arrays: Arrays, frontier: int) -> None:
    """Put the archive's derived bars, indicators, historical values and scores on the tape."""
    for interval, grid in tape.derived.items():
        columns = tape.columns_over(interval, frontier)
        grid.values[:, :, :columns] = arrays[f"bars {interval}"]
        grid.base_bars[:, :columns] = arrays[f"base_bars {interval}"]
        grid.present = ~np.isnan(grid.values[0])
    for name, text in about["indicators"].items():
        interval = Interval.parse(text)
        values = np.full(tape.grid(interval).shape, np.nan)
        values[:, : tape.columns_over(interval, frontier)] = arrays[f"indicator {name}"]
        tape.indicators[name] = IndicatorColumn(name, interval, values)
    for name, facts in about["historical"].items():
        tape.historical[name] = HistoricalValue(
            name,
            TrailingKind(facts["kind"]),
            facts["per_minute"],
            arrays[f"historical {name}"],
            arrays[f"used {name}"],
            facts["asked"],
        )
    if tape.scores is not None:
        tape.scores[:, : frontier + 1] = arrays["scores"]

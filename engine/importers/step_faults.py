"""Errors of files whose rows are not bars of the interval of the import, with the options that fit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tapedeck.engine.importers.file_rows import UnclearFileError
from tapedeck.engine.importers.report import length_text
from tapedeck.engine.intervals import BASE_INTERVALS, DAY, Interval

_PERIODS: Final = {7: "weekly", 30: "monthly", 91: "quarterly", 365: "yearly"}
_AS_IS: Final[Mapping[str, str | None]] = {"--as-is": ""}


def step_fault(file: Path, step: int, interval: Interval, symbol: str | None) -> UnclearFileError:
    """Return the error of rows that are `step` seconds apart; `symbol`: theirs, None for all rows."""
    whose = "the rows" if symbol is None else f"the rows of {symbol}"
    fit = next((base for base in BASE_INTERVALS if base.seconds == step), None)
    head = f"{whose} are {_step_words(step)}, not bars of {interval}"
    if fit is not None:
        # Several rows of one day can never be stored as daily bars.
        return UnclearFileError(
            file, head, [{"--interval": str(fit)}, *([_AS_IS] if interval != DAY else [])]
        )
    stored = ", ".join(map(str, BASE_INTERVALS))
    finer = "daily" if step > DAY.seconds else "1-minute" if step > 60 else "1-second"
    advice = f"tapedeck stores {stored}, and derives longer intervals: import the {finer} file"
    return UnclearFileError(file, f"{head}; {advice}", [_AS_IS] if step > interval.seconds else [])


def _step_words(step: int) -> str:
    if step == DAY.seconds:
        return "daily"
    if step > DAY.seconds and step // DAY.seconds in _PERIODS:
        return _PERIODS[step // DAY.seconds]
    return f"{length_text(step)} apart"

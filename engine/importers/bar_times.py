"""Opening times of bars, from the times of a table."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tapedeck.engine.default_exchange import DEFAULT_EXCHANGE
from tapedeck.engine.importers.bar_steps import StepCounts, contradicting_step
from tapedeck.engine.importers.daily_sessions import trading_days
from tapedeck.engine.importers.file_rows import UnclearFileError
from tapedeck.engine.importers.stamps import Mask, Stamps, moment_text
from tapedeck.engine.importers.step_faults import step_fault
from tapedeck.engine.importers.time_format import TimeFormat
from tapedeck.engine.importers.zones import DAY_SECONDS, localise, wall_of
from tapedeck.engine.intervals import DAY, Interval
from tapedeck.engine.store.bar_store import Ints

# Closes of several markets in one file are hours apart.
_LONGEST_STEP = 3600


def opening_times(
    stamps: Stamps, interval: Interval, form: TimeFormat, *, where: str
) -> tuple[Ints, dict[int, str]]:
    """Return the opening times to store, and the reasons of rows without one, by position.

    A daily bar written at midnight, in whatever zone, has that date; another one has the trading day of the
    session that holds its instant, or of the next one. Raises UnclearFileError where a time of day has
    neither an offset nor a zone, and where the sessions of daily bars are in doubt.
    """
    file = Path(where)
    if not interval.is_intraday:
        return _daily(stamps, form, file)
    times, faults = _instants(stamps, np.ones(len(stamps.known), bool), form, file)
    return times - (interval.seconds if form.label == "close" else 0), faults


def _daily(stamps: Stamps, form: TimeFormat, file: Path) -> tuple[Ints, dict[int, str]]:
    days = stamps.written.copy()
    if form.zone is not None:
        days[stamps.known] = wall_of(stamps.instants[stamps.known], form.zone)
    sound = np.ones(len(days), bool)
    sound[list(stamps.faults)] = False
    by_session = sound & (days % DAY_SECONDS != 0)
    if form.label == "close" and (sound & ~by_session).any():
        raise UnclearFileError(
            file,
            "label close is invalid for daily bars without a time of day: their time is the date of the "
            "trading day; leave it out",
        )
    if not by_session.any():
        return days, dict(stamps.faults)
    instants, faults = _instants(stamps, by_session, form, file)
    by_session[list(faults)] = False
    rows = np.flatnonzero(by_session)
    _check_steps(instants[rows], file)
    days[rows], without = trading_days(instants[rows], form, file)
    return days, faults | {int(rows[i]): reason for i, reason in without.items()}


def _check_steps(instants: Ints, file: Path) -> None:
    # Before sessions are sought: minutes lie in the midst of them.
    steps = StepCounts()
    steps.add(np.unique(instants))
    step = contradicting_step(steps.counts(), DAY)
    if step is not None and step <= _LONGEST_STEP:
        raise step_fault(file, step, DAY, None)


def _instants(stamps: Stamps, wanted: Mask, form: TimeFormat, file: Path) -> tuple[Ints, dict[int, str]]:
    # UTC of the wanted rows, those without an offset by the zone of the format.
    faults = dict(stamps.faults)
    naive = wanted & ~stamps.known
    naive[list(faults)] = False
    rows = np.flatnonzero(naive)
    if not len(rows):
        return stamps.instants, faults
    if form.zone is None and not (stamps.written[rows] % DAY_SECONDS).any():
        day = moment_text(int(stamps.written[rows[0]]))[:10]
        raise UnclearFileError(
            file,
            f"the date {day} has no time of day, which an intraday bar needs",
            [{"--interval": "1d"}],
        )
    if form.zone is None:
        raise _zone_missing(int(stamps.written[rows[0]]), form, file)
    times = stamps.instants.copy()
    times[rows], ambiguous = localise(stamps.written[rows], form.zone)
    return times, faults | {int(rows[i]): reason for i, reason in ambiguous.items()}


def _zone_missing(wall: int, form: TimeFormat, file: Path) -> UnclearFileError:
    from tapedeck.engine.clock.calendars import exchange_zone  # noqa: PLC0415 - slow, and for this text only

    local = exchange_zone(form.exchange or DEFAULT_EXCHANGE).key
    return UnclearFileError(
        file,
        f"the time {moment_text(wall)} has no UTC offset. Give the time zone of the times, such as "
        f"{local} or UTC",
        [{"--zone": zone} for zone in dict.fromkeys((local, "UTC"))],
    )

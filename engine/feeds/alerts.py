"""Alerts of a live session: a numbered list, with one entry for each time that a cause begins."""

from __future__ import annotations

import logging
import shutil
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.errors import listed
from tapedeck.engine.feeds.bar_cells import RowChange
from tapedeck.engine.feeds.live_status import Alert

log = logging.getLogger(__name__)

_KEPT: Final = 200
_LEAST_FREE_BYTES: Final = 500_000_000
_LEAST_FREE_SHARE: Final = 0.01
_OVERRUN_S: Final = 1.0
_RECOVERED: Final = 1.1  # times the least: files that are rotated move the free space up and down


class Alerts:
    """The session's last 200 alerts, numbered from 1. Any thread may use it.

    A cause alerts once when it begins, and again only after it was over. Each alert is a line of the log.
    """

    def __init__(self) -> None:
        self._lock = Lock()  # guards the next three
        self._alerts: deque[Alert] = deque(maxlen=_KEPT)
        self._number = 0
        self._causes: set[str] = set()

    def add(self, text: str, *, at: float, is_severe: bool = False) -> None:
        """Add an alert that has no duration; `at`: market time, seconds UTC."""
        with self._lock:
            self._number += 1
            self._alerts.append(Alert(self._number, utc_from_epoch(int(at)), text, is_severe))
        log.warning("%s", text)

    def begin(self, cause: str, text: str, *, at: float, is_severe: bool = False) -> bool:
        """Add an alert unless its cause has alerted and is not over; return whether it was added."""
        with self._lock:
            if cause in self._causes:
                return False
            self._causes.add(cause)
        self.add(text, at=at, is_severe=is_severe)
        return True

    def over(self, cause: str) -> bool:
        """Take note that a cause is over; return whether it had alerted."""
        with self._lock:
            was_on = cause in self._causes
            self._causes.discard(cause)
            return was_on

    def recent(self, limit: int = _KEPT) -> tuple[Alert, ...]:
        """Return the last alerts, oldest first."""
        with self._lock:
            return tuple(self._alerts)[-limit:]

    def after(self, number: int) -> tuple[Alert, ...]:
        """Return the kept alerts with a higher number, oldest first."""
        return tuple(alert for alert in self.recent() if alert.number > number)


class QualityAlerts:
    """Alerts for symbols whose quality falls below a percentage: once, until it is reached again."""

    def __init__(self, alerts: Alerts, symbols: Sequence[str], least: float | None) -> None:
        self._alerts, self._symbols, self._least = alerts, tuple(symbols), least
        self._below = np.zeros(len(self._symbols), dtype=np.bool_)

    def change_rows(self, change: RowChange) -> None:
        """Go on with other rows, as symbols joined and left."""
        self._symbols = change.symbols(self._symbols)
        self._below = np.pad(self._below[change.kept], (0, len(change.joined)))

    def check(self, scores: NDArray[np.float64], now: float) -> None:
        """Compare scores in percent (S,); symbols that fall at the same time make one alert."""
        if self._least is None:
            return
        below = scores < self._least
        fallen = np.flatnonzero(below & ~self._below).tolist()
        self._below = below
        if fallen:
            shown = listed([f"{self._symbols[row]} {scores[row]:.1f} %" for row in fallen], 5)
            self._alerts.add(f"quality below {self._least:g} %: {shown}", at=now)


class DiskUsage(Protocol):
    """Sizes of a file system in bytes, as `shutil.disk_usage` gives them."""

    @property
    def total(self) -> int:
        """Size of the file system."""
        ...

    @property
    def free(self) -> int:
        """Space that is left."""
        ...


class DiskAlerts:
    """Alert for a file system with less than 1 % or 500 MB of space left, until there is a tenth more."""

    def __init__(
        self, alerts: Alerts, folder: Path, *, usage: Callable[[Path], DiskUsage] = shutil.disk_usage
    ) -> None:
        self._alerts, self._folder, self._usage = alerts, folder, usage

    def check(self, now: float) -> None:
        """Look at the space that is left; a file system that cannot be asked gives no alert."""
        try:
            usage = self._usage(self._folder)
        except OSError as error:
            log.debug("%s: free space is not known: %s", self._folder, error)
            return
        least = max(_LEAST_FREE_BYTES, usage.total * _LEAST_FREE_SHARE)
        if usage.free >= least:
            if usage.free >= least * _RECOVERED:
                self._alerts.over("disk")
            return
        free = f"{usage.free / 1e6:,.0f} MB" if usage.free < 1e9 else f"{usage.free / 1e9:,.1f} GB"
        text = f"disk nearly full: {free} left for {self._folder}; without space bars cannot be saved"
        self._alerts.begin("disk", text, at=now, is_severe=True)


class OverrunAlerts:
    """Alert for a consumer of slots that falls behind for a second: once, until it has caught up.

    In a fast replay a slot is over at almost each look: what counts is how long it takes to reach slots that
    were over at an earlier look. `machine`: monotonic seconds.
    """

    def __init__(self, alerts: Alerts) -> None:
        self._alerts = alerts
        self._expected: dict[str, tuple[int, float]] = {}  # slots to reach, and since when (machine)

    def check(self, consumer: str, reached: int, frontier: int, now: float, machine: float) -> None:
        """Take note of the slots that a consumer has reached; `frontier`: the slots that are over."""
        cause = f"overrun of {consumer}"
        slots, since = self._expected.get(consumer, (0, machine))
        if reached >= slots or frontier < slots:  # they are reached, or it is another session
            since = machine
            self._expected[consumer] = (frontier, machine)
        behind = frontier - reached
        if behind <= 0:
            self._alerts.over(cause)
        elif machine - since >= _OVERRUN_S:
            plural = "" if behind == 1 else "s"
            text = f"overrun: {consumer} is {behind} slot{plural} behind; nothing is lost"
            self._alerts.begin(cause, text, at=now)

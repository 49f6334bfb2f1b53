"""Full disks: tells errors for lack of space from others, and when to try again."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tapedeck.engine.errors import TapedeckError

_NO_SPACE: Final = (errno.ENOSPC, errno.EDQUOT)
_LEAST_FREE_BYTES: Final = 1 << 20
_FIRST_WAIT_S: Final = 1.0
_LONGEST_WAIT_S: Final = 30.0


def is_for_lack_of_space(error: BaseException, folder: Path) -> bool:
    """Whether an error of a write, or its cause, tells that the disk of `folder` is full."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _NO_SPACE:
            return True
        if isinstance(cause, sqlite3.OperationalError) and _is_full(cause, folder):
            return True
        cause = cause.__cause__
    return False


def _is_full(error: sqlite3.OperationalError, folder: Path) -> bool:
    known = sqlite3.SQLITE_FULL if "is full" in str(error) else sqlite3.SQLITE_ERROR
    code = getattr(error, "sqlite_errorcode", known)
    # The second: the index of the log cannot grow.
    if code & 0xFF == sqlite3.SQLITE_FULL or code == sqlite3.SQLITE_IOERR_SHMSIZE:
        return True
    # For a quota, for example, SQLite tells of an error of the disk only.
    is_of_disk = code & 0xFF in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
    return is_of_disk and _free_bytes(folder) < _LEAST_FREE_BYTES


def _free_bytes(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return _LEAST_FREE_BYTES


def amount(bars: int, quotes: int) -> str:
    """Return numbers of bars and quotes in words, such as `1,200 bars and 3 quotes`."""
    counts = [(bars, "bars"), (quotes, "quotes")]
    return " and ".join(f"{number:,} {noun}" for number, noun in counts if number) or "0 bars"


class SpaceAlerts:
    """Alerts about the disk of `folder`: one when room is lacking, one when all writes succeed again."""

    def __init__(self, folder: Path, alert: Callable[[str], None]) -> None:
        self.folder = folder
        self._alert = alert
        self._lacking: set[Retries] = set()

    def lacks(self, part: Retries) -> None:
        """Take note that a part could not write."""
        if not self._lacking:
            self._alert(
                f"no space left on the disk of {self.folder}: bars are shown, but not saved. Free some "
                "space; until then they are kept in memory"
            )
        self._lacking.add(part)

    def has_written(self, part: Retries) -> None:
        """Take note that a part has written all it had."""
        if part in self._lacking:
            self._lacking.remove(part)
            if not self._lacking:
                self._alert(f"there is space again on the disk of {self.folder}: the bars are saved")


class Retries:
    """When one kind of write that failed for lack of space is tried again.

    After one second, then after twice the time, up to half a minute. Times are seconds of the machine's
    monotonic clock, given by the caller.
    """

    def __init__(self, alerts: SpaceAlerts) -> None:
        self._alerts = alerts
        self._wait_s = _FIRST_WAIT_S
        self.due: float | None = None
        """Time of the next try; None after a success."""

    def may_try(self, now: float) -> bool:
        """Whether a write may be tried."""
        return self.due is None or now >= self.due

    @contextmanager
    def watched(self, now: float) -> Iterator[None]:
        """Catch an error of the block if it is for lack of space; take note of its success."""
        try:
            yield
        except (OSError, TapedeckError) as error:
            if not is_for_lack_of_space(error, self._alerts.folder):
                raise
            self.due = now + self._wait_s
            self._wait_s = min(2 * self._wait_s, _LONGEST_WAIT_S)
            self._alerts.lacks(self)
            return
        self.due, self._wait_s = None, _FIRST_WAIT_S
        self._alerts.has_written(self)

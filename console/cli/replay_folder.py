"""Kept replays: the folder of a day that is replayed, with its recording and the anchor of its clock."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Final

from tapedeck.console.app.state_file import read_state, write_state
from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.clock.time_manager import wall_clock_now
from tapedeck.engine.errors import StoreError, cause_of
from tapedeck.engine.export.folder_claim import FolderClaim, FolderClaimedError
from tapedeck.engine.feeds.arrival_journal import journal_path
from tapedeck.engine.output_file import make_folders

KEPT_DAYS: Final = 30
"""Days that an unused replay is kept."""
MOST_KEPT: Final = 20
"""Most replays that are kept."""
_BARS: Final = "bars.db"
_STATE: Final = "replay.json"
_CLAIM: Final = ".claim"
_NAME_LENGTH: Final = 40


@dataclass(frozen=True, slots=True)
class ReplayKey:
    """What makes two replays the same: the session (a file, or the demo market), source, store and day.

    `source`: `replay` for stored bars, `journal` for bars as they arrived.
    """

    session: Path
    source: str
    store: Path
    day: date

    @property
    def folder_name(self) -> str:
        """Name of the folder: readable, and different for each key."""
        name = re.sub(r"[^A-Za-z0-9_-]+", "-", self.session.stem)[:_NAME_LENGTH]
        paths = [os.fsencode(os.path.realpath(path)) for path in (self.session, self.store)]
        digest = sha256(b"\0".join([*paths, self.source.encode()])).hexdigest()[:12]
        return f"{name}-{self.day.isoformat()}-{digest}"


@dataclass(frozen=True, slots=True)
class ReplayAnchor:
    """Clock of a replay: the market's time was `start` at wall time `anchor`, both in seconds UTC.

    `is_finished`: whether the day was recorded to its end.
    """

    speed: float
    start: float
    anchor: float
    is_finished: bool = False

    def clock(self) -> LiveClock:
        """Return the clock, which goes on while no program runs."""
        return LiveClock(speed=self.speed, start=self.start, anchor=self.anchor)

    def at_speed(self, speed: float) -> ReplayAnchor:
        """Return the anchor of a clock that shows the same time now, and goes on at another speed."""
        if speed == self.speed:
            return self
        return ReplayAnchor(speed, self.clock().now(), wall_clock_now().timestamp())


class KeptReplay:
    """The claimed folder of one replay; a context, which ends the claim.

    `note`: what became of an earlier replay of the same day, or "".
    """

    def __init__(self, root: Path, key: ReplayKey, *, anew: bool, past_until: float | None = None) -> None:
        """Claim the folder, and remove what is in it if the replay begins anew.

        It does if `anew` is set, or if the earlier one is finished or unusable; with `past_until` also if its
        clock is past that time. StoreError if another process plays it, or if it cannot be written.
        """
        self.folder = root / key.folder_name
        self.note = ""
        self._claim = _claimed(self.folder)
        try:
            self.anchor = self._earlier(anew=anew, past_until=past_until)
        except BaseException:
            self._claim.release()
            raise

    def __enter__(self) -> KeptReplay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and not journal_path(self.bars).exists():
            with suppress(OSError):  # nothing was recorded: the next one begins anew
                (self.folder / _STATE).unlink()
        self._claim.release()
        with suppress(OSError):  # it is not empty, unless nothing was recorded
            self.folder.rmdir()

    @staticmethod
    def bars_of(root: Path, key: ReplayKey) -> Path:
        """Return the store of the recorded bars of a replay, which need not exist."""
        return root / key.folder_name / _BARS

    @property
    def bars(self) -> Path:
        """The store of the recorded bars; the arrival journal is beside it."""
        return self.folder / _BARS

    def begin(self, start: float, speed: float | None, default_speed: float) -> LiveClock:
        """Return the clock: that of the earlier replay, or one that begins at `start`, the market's time.

        `speed`: None for that of the earlier replay, or `default_speed`. Kept before it is returned.
        """
        if self.anchor is None:
            self.anchor = ReplayAnchor(speed or default_speed, start, wall_clock_now().timestamp())
        elif speed is not None:
            self.anchor = self.anchor.at_speed(speed)
        self._keep()
        return self.anchor.clock()

    def finish(self) -> None:
        """Note that the day was recorded to its end: the next replay of it begins anew."""
        if self.anchor is not None:
            self.anchor = replace(self.anchor, is_finished=True)
            self._keep()

    def _earlier(self, *, anew: bool, past_until: float | None) -> ReplayAnchor | None:
        """Return the clock of an earlier replay that goes on; else remove that one, and return None."""
        found, reason = read_state(self.folder / _STATE, _read_anchor)
        if found is not None and not anew and not found.is_finished:
            if past_until is None or found.clock().now() < past_until:
                self.note = "goes on where its clock is now; --restart begins the day anew"
                return found
            self.note = "the day of the earlier one is over: it is replaced"
        elif found is not None and not anew:
            self.note = "the earlier one is finished: it is replaced"
        elif reason:
            self.note = f"the earlier one cannot be used ({reason}): it is replaced"
        self._clear()
        return None

    def _clear(self) -> None:
        for entry in self.folder.iterdir():
            if entry.name == _CLAIM:
                continue
            try:
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
            except OSError as error:
                raise StoreError(f"{entry} cannot be removed: {cause_of(error)}") from error

    def _keep(self) -> None:
        try:
            write_state(self.folder / _STATE, {"format": 1, **asdict(self.anchor)} if self.anchor else {})
        except OSError as error:
            raise StoreError(f"{self.folder} cannot be written: {cause_of(error)}") from error


def remove_old_replays(root: Path) -> None:
    """Remove replays that were not used for `KEPT_DAYS`, and all but the `MOST_KEPT` used last.

    One that is being played, or that cannot be removed, stays.
    """
    limit = wall_clock_now() - timedelta(days=KEPT_DAYS)
    used = sorted(_last_uses(root), reverse=True)
    for position, (at, folder) in enumerate(used):
        if position >= MOST_KEPT or at < limit.timestamp():
            _remove(folder)


def _last_uses(root: Path) -> list[tuple[float, Path]]:
    found = []
    with suppress(OSError):
        for folder in root.iterdir():
            with suppress(OSError):  # no replay, or removed meanwhile
                found.append(((folder / _STATE).stat().st_mtime, folder))
    return found


def _remove(folder: Path) -> None:
    try:
        claim = FolderClaim(folder / _CLAIM / "lock")
    except (FolderClaimedError, OSError):
        return
    try:
        # The state last: without it the folder would never be looked at again.
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name == _STATE):
            if entry.name != _CLAIM:
                entry.unlink()
    except OSError:
        return
    finally:
        claim.release()
    with suppress(OSError):
        folder.rmdir()


def _claimed(folder: Path) -> FolderClaim:
    try:
        make_folders(folder)
        return FolderClaim(folder / _CLAIM / "lock")
    except FolderClaimedError as error:
        raise StoreError(
            f"this day is being replayed already, in {folder}, by {error}. Wait for its end, or stop it"
        ) from error
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {cause_of(error)}") from error


def _read_anchor(document: object) -> ReplayAnchor:
    if not isinstance(document, dict) or document.get("format") != 1:
        raise TypeError("not the state of a replay")
    numbers = [document.get(name) for name in ("speed", "start", "anchor")]
    if not all(isinstance(number, int | float) and not isinstance(number, bool) for number in numbers):
        raise TypeError("speed, start and anchor must be numbers")
    speed, start, anchor = (float(number) for number in numbers if isinstance(number, int | float))
    if not 0 < speed < float("inf"):
        raise ValueError(f"invalid speed {speed:g}")
    return ReplayAnchor(speed, start, anchor, document.get("is_finished") is True)

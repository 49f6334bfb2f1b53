"""Campaign of killed recordings: `tapedeck live` on a replay, killed with -9 at random moments of a day.

`python -m tests.faults.live_kills --kills 100` kills 100 recordings, each once, and starts them
again. After a kill every bar that the journal has stays in it, and is stored at the end; the day
then ends with the digest of the undisturbed one. A second part kills one recording three times,
while its disk is full for a part of the day; it needs the right to mount a small disk. A third
part has strategies, whose orders, fills and equity are in the digest.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from threading import Timer
from typing import Any, Final

from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.locations import open_store
from tests.faults.live_sessions import scratch
from tests.support.markets import fill_store, open_new_store

_SYMBOLS: Final = ("AAA", "BBB", "CCC")
_DAY: Final = "2013-10-07"
_LIMIT_S: Final = 180.0
_SPEED: Final = 1800.0
_AT_START: Final = 0.2
"""Share of kills before the first minute is told."""
_DISK_BYTES: Final = 8_000_000
_ROOT: Final = Path(__file__).resolve().parents[2]
_FILLER: Final = "filler"
_MINUTES_UNTIL_FULL: Final = 3
_COLUMNS: Final = "symbol, opened_at, open, high, low, close, volume"
# Faults after which history has every bar as it is stored: the day ends the same, whenever it is killed.
_FAULTS: Final = {"random": {"seed": 5, "duplicate": 0.2, "reorder": 0.2, "late": 0.2, "missing": 0.2}}
_SESSION: Final = {
    "session_name": "kills",
    "exchange_group": "XNYS",
    "mode": "live",
    "session_data_config": {
        "symbols": list(_SYMBOLS),
        "streams": ["1m", "5m"],
        "sessions": {_DAY: {"close": "11:00"}},
        "indicators": {
            "sma_20": {"type": "SMA", "interval": "1m", "timeperiod": 20},
            "vwap": {"type": "VWAP", "interval": "1m"},
        },
    },
}
_TRADING: Final = {
    **_SESSION,
    # Each slot is shown with all its bars, also where they come late on a busy machine.
    "live_config": {"settle_seconds": 600},
    "trading_config": {"allow_short": True, "participation": "none", "commission": {"per_share": 0.01}},
    "strategies": [
        {"name": "dips", "enter": "close < sma_20", "exit": "close > sma_20", "size": {"shares": 10}},
        {
            "name": "falls",
            "side": "short",
            "enter": "close < vwap",
            "exit": "bars_held > 3",
            "size": {"cash": 900},
        },
    ],
}
_Row = tuple[Any, ...]


@dataclass(slots=True)
class Ended:
    """End of one process: its exit code, what it wrote, and how long it took."""

    code: int
    output: str
    errors: str
    seconds: float

    @property
    def digest(self) -> str:
        """The day's digest, "" if the process did not come so far."""
        for line in reversed(self.output.splitlines()):
            with suppress(ValueError):
                document = json.loads(line)
                if document.get("kind") == "summary":
                    return str(document["sessions"][-1]["digest"])
        return ""


@dataclass(frozen=True, slots=True)
class Kill:
    """When a process is killed: `seconds` after its start, or after it has told of so many minutes."""

    seconds: float
    minutes: int = 0


class Recording:
    """A replay that is recorded by the command; `home`: its folder. The store is beside the session file."""

    def __init__(
        self, place: Path, home: Path, speed: float, *, has_faults: bool, file: str = "live.json"
    ) -> None:
        self._place, self.home, self._file = place, home, file
        self._options = ["--faults", "faults.json"] if has_faults else []
        self._options += ["--speed", str(speed)]

    def start(self) -> subprocess.Popen[str]:
        """Start the command: it begins the day, or goes on."""
        self.home.mkdir(exist_ok=True)
        arguments = ["live", self._file, "--feed", "replay", "--date", _DAY, "--store", "bars.db"]
        return subprocess.Popen(
            [sys.executable, "-m", "tapedeck", *arguments, *self._options, "--no-ui", "--json"],
            cwd=self._place,
            env=os.environ | {"TAPEDECK_HOME": str(self.home), "PYTHONPATH": str(_ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, kill: Kill | None = None, fills: Callable[[], object] | None = None) -> Ended:
        """Run the command to its end, or kill it; `fills` is called when it has told of three minutes."""
        began = time.monotonic()
        process = self.start()
        assert process.stdout is not None
        killer = Timer(_LIMIT_S if kill is None or kill.minutes else kill.seconds, process.kill)
        killer.start()
        output: list[str] = []
        minutes = 0
        for line in process.stdout:
            output.append(line)
            is_minute = '"kind": "minute"' in line
            minutes += is_minute
            if is_minute and minutes == _MINUTES_UNTIL_FULL and fills is not None:
                fills()
            if is_minute and kill is not None and minutes == kill.minutes:
                killer.cancel()
                killer = Timer(kill.seconds, process.kill)
                killer.start()
        _, errors = process.communicate()
        killer.cancel()
        return Ended(process.returncode, "".join(output), errors, time.monotonic() - began)

    def journal(self) -> Counter[_Row]:
        """Return the bars of the journal and their kinds; none before it is made."""
        for path in self.home.glob("data/replays/*/*.arrivals"):
            with closing(sqlite3.connect(path)) as database, suppress(sqlite3.OperationalError):
                return Counter(database.execute(f"SELECT {_COLUMNS}, kind FROM arrivals").fetchall())
        return Counter()

    def stored(self) -> set[_Row]:
        """Return the recorded bars that are stored, as rows of the journal without their kind."""
        found: set[_Row] = set()
        for path in self.home.glob("data/replays/*/bars.db"):
            with open_store(path, read_only=True) as store:
                for symbol in _SYMBOLS:
                    bars = store.read(symbol, MINUTE, 0, 2**40)
                    columns = [bars.opened_at, bars.open, bars.high, bars.low, bars.close, bars.volume]
                    found.update(
                        (symbol, *row) for row in zip(*(one.tolist() for one in columns), strict=True)
                    )
        return found


def main() -> int:
    """Run the campaign; exit code 1 with the findings if there are any."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--trading", type=int, default=20, help="kills of recordings with strategies")
    parser.add_argument("--full-disks", type=int, default=3, help="days with three kills and a full disk")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    counts, findings = campaign(options.kills, options.full_disks, options.seed, trading=options.trading)
    for what, count in sorted(counts.items()):
        print(f"{what}: {count:,}", flush=True)  # noqa: T201
    return 1 if findings else 0


def campaign(
    kills: int, full_disks: int, seed: int = 1, *, trading: int = 0
) -> tuple[Counter[str], list[str]]:
    """Kill recordings, each once, and some on a full disk; return the counts, and the findings.

    `trading`: number of kills of recordings with strategies.
    """
    with scratch() as place:
        (place / "live.json").write_text(json.dumps(_SESSION), encoding="utf-8")
        (place / "trading.json").write_text(json.dumps(_TRADING), encoding="utf-8")
        (place / "faults.json").write_text(json.dumps(_FAULTS), encoding="utf-8")
        with open_new_store(place / "bars.db") as store:
            fill_store(store, _SYMBOLS, "2013-10-03", _DAY, missing=0.02)
        counts, findings = Counter[str](), list[str]()
        if kills or full_disks:
            work = Campaign(place, Random(seed))
            for number in range(kills):
                work.kill_once(number)
            for number in range(full_disks):
                work.fill_disk(number)
            counts, findings = work.counts, work.findings
        if trading:
            work = Campaign(place, Random(seed), "trading.json")
            for number in range(trading):
                work.kill_once(number)
            counts += Counter({f"{what}, with strategies": count for what, count in work.counts.items()})
            findings = findings + work.findings
        return counts, findings


class Campaign:
    """Kills recordings of one day, and compares each with the undisturbed one."""

    def __init__(self, place: Path, random: Random, file: str = "live.json") -> None:
        self.counts: Counter[str] = Counter()
        self.findings: list[str] = []
        self._place, self._random, self._file = place, random, file
        undisturbed = self._recording("undisturbed", _SPEED).run()
        self._digest, self._seconds = undisturbed.digest, undisturbed.seconds
        if not self._digest:
            self._find("undisturbed", undisturbed)

    def kill_once(self, number: int) -> None:
        """Kill a recording at a random moment, and start it again."""
        has_faults = number % 2 == 0 and self._file == "live.json"
        recording = self._recording(f"kill-{number}", _SPEED, has_faults=has_faults)
        if self._random.random() < _AT_START:
            kill = Kill(self._random.uniform(0.2, 0.7) * self._seconds)
        else:
            kill = Kill(self._random.uniform(0.0, 0.2), self._random.randint(1, 89))
        killed = recording.run(kill)
        if killed.digest:
            self.counts["ended before the kill"] += 1
            return
        journalled = recording.journal()
        self.counts["kills"] += 1
        self.counts["kills with bars in the journal"] += bool(journalled)
        self._check(f"kill {number}", recording, journalled, recording.run())

    def _recording(self, name: str, speed: float, *, has_faults: bool = False) -> Recording:
        home = self._place / f"{name}-{self._file}"
        return Recording(self._place, home, speed, has_faults=has_faults, file=self._file)

    def fill_disk(self, number: int) -> None:
        """Kill a recording three times; meanwhile its disk is full for a part of the day."""
        with small_disk(self._place / f"disk-{number}") as home:
            if home is None:
                self.counts["no small disk can be mounted here"] += 1
                return
            recording = Recording(self._place, home, _SPEED / 18, has_faults=False)
            journalled: Counter[_Row] = Counter()
            for turn in range(3):
                is_full = turn == 1
                fills = partial(fill, home) if is_full else None
                minutes = _MINUTES_UNTIL_FULL if is_full else self._random.randint(3, 15)
                ended = recording.run(Kill(3 * is_full + self._random.random(), minutes), fills)
                self.counts["kills around a full disk"] += ended.code < 0
                if is_full:
                    self.counts["told of the full disk"] += "no space left" in ended.output + ended.errors
                    refused = recording.run(Kill(2 * self._seconds))
                    self.counts["refused to start on a full disk"] += refused.code > 0
                    (home / _FILLER).unlink()
                journalled |= recording.journal()
            self._check(f"full disk {number}", recording, journalled, recording.run())

    def _check(self, name: str, recording: Recording, journalled: Counter[_Row], ended: Ended) -> None:
        """Every journalled bar is there, and the day ends as the undisturbed one."""
        if ended.digest != self._digest or ended.code:
            self._find(name, ended)
        missing = journalled - recording.journal()
        if missing:
            self._find(
                f"{name}: {missing.total()} bars of the journal are gone, {next(iter(missing))}", ended
            )
        unstored = {row[:-1] for row in journalled} - recording.stored()
        if unstored:
            self._find(
                f"{name}: {len(unstored)} bars of the journal are not stored, {next(iter(unstored))}", ended
            )

    def _find(self, text: str, ended: Ended) -> None:
        last = (ended.errors or ended.output)[-400:]
        finding = f"{text}: exit code {ended.code}, digest {ended.digest!r}, not {self._digest!r}; {last}"
        self.findings.append(finding)
        print(f"FINDING {finding}", file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """Give a folder on a disk of some megabytes, or None where none can be mounted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)


def fill(folder: Path) -> None:
    """Fill the disk of a folder, with one file."""
    path = folder / _FILLER
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass


if __name__ == "__main__":
    sys.exit(main())

"""The console in a pseudo-terminal: frame times, slow-down of the engine, key latency.

    python -m benchmarks.console_frames [--live | --charts] [SYMBOLS ...]

Each run is a separate process; its terminal's output is read as fast as it is written, and discarded. A frame
is the time from the start of an update until its changes are written. In the same process the engine is timed
with and without a console, in turns and with the same log file; the fastest run of each side counts, since
other load only adds time. A key is timed from the key press until its effect is read from the terminal, in
separate runs. Then the past plays, with the run paused: its frames, and a key that stops it. With
`--live` a live session of made-up bars is recorded instead, at real rhythm and faster. With `--charts` the
run is watched on two charts with three panes each. A shared machine is slow at times: keys of runs during
which it was not, by a measurement before and after, have a column of their own.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.market import market, session_file
from benchmarks.measure import MachineSpeed, row

if TYPE_CHECKING:
    from tapedeck.console.app.ui_state import UiState

# Number of symbols → sessions: enough bars for some seconds at maximum speed.
MARKETS = {4: 4000, 100: 504, 500: 126}
SIZES = ((120, 36), (200, 60))
SPEEDS = (0.0, 60.0)
PAST_SPEEDS = (60.0, 3600.0)
"""Speeds at which the past plays; the last is the highest of the ladder."""
PAST_SIZE = (200, 60)
CHARTS_SIZE = (200, 60)
OSCILLATORS = {"macd": "MACD", "rsi": "RSI", "atr": "ATR"}
"""The panes of each of two charts: name → kind."""
CHART_INTERVALS = ("1m", "5m")
LIVE_SPEEDS = (1.0, 60.0)
LIVE_S = 40.0
"""Seconds of a live session; at real rhythm most frames show that only the clock has moved on."""
PACED_S = 8.0
LIMIT_S = 120.0
KEY, EFFECT, UNDO = b",", b"PAST", b"\x1b[F "
"""Key for a step back, its effect on the session bar, and the keys that play on from the present."""
PAST_EFFECT, PAST_UNDO = b"paused", b" "
"""Effect of the same key on the past that plays, and the key that plays it on."""
OPENED, PAST_OPENED, LIVE_OPENED = b"running", b"playing", b"behind"
"""Text on the session bar once the run, or the past, plays; of a live session once it is open."""
LIVE_UNDO = b"\x1b[F"
STARTED_S = 2.0
"""Wait after that, until at 60x, too, the first bar has arrived and the panels are laid out."""
BETWEEN_KEYS_S = 0.35
ROUNDS = 3
"""Runs at maximum speed, each with and without a console."""
KEY_RUNS = 3
"""Minimum number of key runs at maximum speed, each of which is too short for many keys."""
STEADY_RUNS = 2
MOST_KEY_RUNS = 6
"""Runs are added until `STEADY_RUNS` have found the machine at full speed, up to `MOST_KEY_RUNS` in all."""
SLOW = 1.3
"""Factor above the best time of a fixed piece of work from which the machine counts as slow."""
HEADER = (
    "| console | frame p50 / p95 / max ms (target p95 50) | frames/s (10, 4 when saturated) "
    "| engine slower than headless (10 %) | key p50 / p95 / max ms (50) "
    "| keys with the machine at full speed |\n"
    "|---|---|---|---|---|---|"
)


class Kind(Enum):
    """What is watched: a run, on one chart or on two, its past, or a live session."""

    RUN = "run"
    CHARTS = "two charts"
    PAST = "past"
    LIVE = "live"


KEYS = {
    Kind.RUN: (OPENED, EFFECT, UNDO),
    Kind.CHARTS: (OPENED, EFFECT, UNDO),
    Kind.PAST: (PAST_OPENED, PAST_EFFECT, PAST_UNDO),
    Kind.LIVE: (LIVE_OPENED, EFFECT, LIVE_UNDO),
}
"""Text once it plays, effect of the key, and the keys that undo it."""


@dataclass(slots=True)
class Watched:
    """Measurements of one case: milliseconds per frame, seconds on screen, and seconds of the runs.

    `watched_s`: runs in the console; `alone_s`: runs without it, empty unless `with_alone`.
    """

    frames_ms: list[float]
    seconds: float
    watched_s: list[float]
    alone_s: list[float]


# The process that plays


def play(symbols: int, speed: float, report: Path, *, with_alone: bool, kind: Kind) -> None:
    """Play a market in the console on this terminal, and write the measurements to a file.

    `with_alone`: play it several times, in turns with runs without a console. `kind`: all but a live session.
    """
    from benchmarks.watched_app import play_alone, play_watched  # noqa: PLC0415 - only this process has a screen
    from tapedeck.console.app.ui_state import UiState  # noqa: PLC0415 - as above
    from tapedeck.engine.metrics.log import close_logging, configure_logging  # noqa: PLC0415 - as above

    sessions = MARKETS[symbols]
    panes, ui_state = two_charts() if kind is Kind.CHARTS else ({}, UiState())
    config = session_file(symbols, sessions, prefetch_days=5, indicators=panes)
    backtest = config.backtest_config
    assert backtest is not None
    config = config.model_copy(
        update={"backtest_config": backtest.model_copy(update={"speed_multiplier": speed})}
    )
    with market("parquet", symbols, sessions) as store, tempfile.TemporaryDirectory() as folder:
        configure_logging(Path(folder))
        measured = Watched([], 0.0, [], [])
        for _ in range(ROUNDS if with_alone else 1):
            measured.alone_s += [play_alone(config, store)] if with_alone else []
            frames_ms, seconds, watched_s = play_watched(
                config,
                store,
                Path(folder),
                PACED_S if speed else None,
                plays_past=kind is Kind.PAST,
                ui_state=ui_state,
            )
            measured.frames_ms += frames_ms
            measured.watched_s.append(watched_s)
            measured.seconds += seconds
        close_logging()
    report.write_text(json.dumps(asdict(measured)), encoding="utf-8")


def two_charts() -> tuple[dict[str, dict[str, str | int]], UiState]:
    """Return the indicators of three panes on each of two charts, and a screen on which these are open."""
    from tapedeck.console.app.ui_state import KeptChart, KeptLayout, UiState  # noqa: PLC0415 - as in `play`

    found: dict[str, dict[str, str | int]] = {}
    lines: list[dict[str, tuple[str, ...]]] = []
    for interval in CHART_INTERVALS:
        panes = {f"{name}_{interval}": kind for name, kind in OSCILLATORS.items()}
        found |= {name: {"type": kind, "interval": interval} for name, kind in panes.items()}
        lines.append({"benchmark": tuple(panes)})
    charts = tuple(KeptChart(interval) for interval in CHART_INTERVALS)
    return found, UiState(layout=KeptLayout(charts=charts), lines=lines[0], second_lines=lines[1])


def record(symbols: int, speed: float, report: Path) -> None:
    """Record a live session in the console on this terminal, and write the measurements to a file."""
    from benchmarks.live_session import Watch, prepared  # noqa: PLC0415 - as in `play`
    from benchmarks.watched_app import play_watched  # noqa: PLC0415
    from tapedeck.engine.metrics.log import close_logging, configure_logging  # noqa: PLC0415

    minutes = math.ceil(LIVE_S * speed / 60)
    with (
        prepared("sqlite", symbols, speed, minutes, Watch()) as session,
        tempfile.TemporaryDirectory() as folder,
    ):
        configure_logging(Path(folder))
        frames_ms, seconds, watched_s = play_watched(
            session.config, session.store, Path(folder), LIVE_S, live=session.options
        )
        close_logging()
    report.write_text(json.dumps(asdict(Watched(frames_ms, seconds, [watched_s], []))), encoding="utf-8")


# The process that reads the terminal


class Terminal:
    """The near end of a pseudo-terminal: reads and discards output, and searches it for a key's effect."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.near, self.far = pty.openpty()
        self.last = b""
        fcntl.ioctl(self.far, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))

    def read_until(self, effect: bytes | None, limit_s: float) -> float | None:
        """Read until an effect appears, and return the seconds; None after `limit_s` or at the end."""
        began, seen = time.perf_counter(), b""
        while (left := began + limit_s - time.perf_counter()) > 0:
            if not select.select([self.near], [], [], left)[0]:
                return None
            try:
                data = os.read(self.near, 1 << 16)
            except OSError:  # the process has ended
                return None
            seen, self.last = seen[-64:] + data, data
            if effect is not None and effect in seen:
                return time.perf_counter() - began
        return None

    def press(self, key: bytes) -> None:
        """Type a key."""
        os.write(self.near, key)

    def close(self) -> None:
        """Close both ends."""
        os.close(self.near)
        os.close(self.far)


def watch(
    symbols: int, speed: float, size: tuple[int, int], *, presses: bool, kind: Kind = Kind.RUN
) -> tuple[Watched, list[float]]:
    """Run one process on a terminal of a size; return its measurements, and the seconds of each key."""
    opened, effect, undo = KEYS[kind]
    terminal, keys = Terminal(size), list[float]()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        environment = os.environ | {
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "TAPEDECK_HOME": folder,
        }
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "benchmarks.console_frames",
                "--play",
                kind.value,
                str(symbols),
                str(speed),
                str(report),
                *([] if presses or speed else ["--alone"]),
            ],
            stdin=terminal.far,
            stdout=terminal.far,
            stderr=terminal.far,
            env=environment,
            start_new_session=True,
        )
        deadline = time.perf_counter() + LIMIT_S
        while process.poll() is None and terminal.read_until(opened, 0.2) is None:
            pass
        terminal.read_until(None, STARTED_S)
        while process.poll() is None and time.perf_counter() < deadline:
            if not presses:
                terminal.read_until(None, 0.2)
                continue
            terminal.press(KEY)
            took = terminal.read_until(effect, 1.0)
            if took is not None:
                keys.append(took)
                terminal.press(undo)
            terminal.read_until(None, BETWEEN_KEYS_S)
        if process.wait(timeout=LIMIT_S) != 0:
            raise RuntimeError(f"the console ended with exit code {process.returncode}: {terminal.last!r}")
        terminal.close()
        return Watched(**json.loads(report.read_text(encoding="utf-8"))), keys


def _percentiles(ordered: list[float], decimals: int) -> str:
    """Return median, 95th percentile and maximum of values in ascending order."""
    picked = ordered[len(ordered) // 2], ordered[int(0.95 * (len(ordered) - 1))], ordered[-1]
    return " / ".join(f"{value:.{decimals}f}" for value in picked)


def _latency(keys: list[float]) -> str:
    if not keys:
        return "–"
    return f"{_percentiles(sorted(1e3 * took for took in keys), 0)} ({len(keys)} keys)"


def press_keys(
    symbols: int, speed: float, size: tuple[int, int], machine: MachineSpeed, kind: Kind
) -> tuple[list[float], list[float]]:
    """Return the seconds of all keys, and of those in runs with the machine at full speed."""
    keys, steady = list[float](), list[float]()
    runs = steady_runs = 0
    slowness = machine.slowness()
    most = 1 if kind is Kind.LIVE else MOST_KEY_RUNS  # a live run is long enough
    while runs < (1 if speed else KEY_RUNS) or (runs < most and steady_runs < STEADY_RUNS):
        before = slowness
        pressed = watch(symbols, speed, size, presses=True, kind=kind)[1]
        slowness = machine.slowness()
        keys += pressed
        runs += 1
        if max(before, slowness) < SLOW:
            steady += pressed
            steady_runs += 1
    return keys, steady


def report(symbols: int, speed: float, size: tuple[int, int], machine: MachineSpeed, kind: Kind) -> None:
    """Measure one case, and print its line."""
    watched, _ = watch(symbols, speed, size, presses=False, kind=kind)
    keys, steady = press_keys(symbols, speed, size, machine, kind)
    frames = sorted(watched.frames_ms)
    shown = "no frames"
    rate = "–"
    if frames:
        shown = _percentiles(frames, 1)
        rate = f"{len(frames) / watched.seconds:.1f}"
    slower = "paced"
    if watched.alone_s:
        slower = f"{100 * (min(watched.watched_s) / min(watched.alone_s) - 1):+.0f} %"
    what = "" if kind is Kind.RUN else f"{kind.value} "
    name = f"{symbols} symbols, {what}{'max' if not speed else f'{speed:g}x'}, {size[0]}x{size[1]}"
    print(row(name, shown, f"{rate} | {slower}", f"{_latency(keys)} | {_latency(steady)}"), flush=True)


def main() -> None:
    if sys.argv[1:2] == ["--play"]:
        kind, symbols, speed, report_path = (
            Kind(sys.argv[2]),
            int(sys.argv[3]),
            float(sys.argv[4]),
            sys.argv[5],
        )
        if kind is Kind.LIVE:
            record(symbols, speed, Path(report_path))
            return
        play(
            symbols,
            speed,
            Path(report_path),
            with_alone="--alone" in sys.argv,
            kind=kind,
        )
        return
    print(HEADER)
    machine = MachineSpeed()
    chosen = [int(word) for word in sys.argv[1:] if word not in ("--live", "--charts")]
    if "--live" in sys.argv:
        for symbols in chosen or MARKETS:
            for speed in LIVE_SPEEDS:
                for size in SIZES:
                    report(symbols, speed, size, machine, Kind.LIVE)
        return
    for symbols in chosen or MARKETS:
        with market("parquet", symbols, MARKETS[symbols]):  # created here, outside the measurement
            pass
        if "--charts" in sys.argv:
            for speed in SPEEDS:
                report(symbols, speed, CHARTS_SIZE, machine, Kind.CHARTS)
            continue
        for speed in SPEEDS:
            for size in SIZES:
                report(symbols, speed, size, machine, Kind.RUN)
        for speed in PAST_SPEEDS:
            report(symbols, speed, PAST_SIZE, machine, Kind.PAST)


if __name__ == "__main__":
    main()

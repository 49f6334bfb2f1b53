"""The real console in a pseudo-terminal: frame times, the engine's slow-down for being watched, key latency.

    python -m benchmarks.console_frames [SYMBOLS ...]

Each run is a process of its own whose terminal is read and thrown away as fast as it writes. A frame is the
time from looking at the run to having written what changed. The engine is timed without a console in the
same process, too, before and after, and once more with its days kept on disk, as the console keeps them. A
key is timed from being pressed to its effect being read from the terminal, in a run of its own.
"""

from __future__ import annotations

import fcntl
import json
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
from pathlib import Path

from benchmarks.market import market, session_file
from benchmarks.measure import row

# Symbols and sessions: enough bars for some seconds at full speed.
MARKETS = {4: 2000, 100: 252, 500: 84}
SIZES = ((120, 36), (200, 60))
SPEEDS = (0.0, 60.0)
PACED_S = 8.0
LIMIT_S = 120.0
KEY, EFFECT, UNDO = b",", b"PAST", b"\x1b[F"
"""A step back, which the session bar shows as the past, and the key that returns."""
OPENED = b"\x1b[?1049h"
"""Switches to the alternate screen: the console opens."""
BETWEEN_KEYS_S = 0.35
HEADER = (
    "| console | frame p50 / p95 / max ms (target p95 50) | frames/s (10, 4 when saturated) "
    "| engine slower than headless (10 %), than headless with days kept | key p50 / max ms (50) |\n"
    "|---|---|---|---|---|"
)


@dataclass(frozen=True, slots=True)
class Watched:
    """What the process of one run reports: milliseconds per frame, and seconds of the run.

    `alone_s`: without a console; `kept_s`: without one, but with the days kept on disk as the console keeps
    them. Both are 0 where the speed is set, and not the engine's own.
    """

    frames_ms: list[float]
    seconds: float
    watched_s: float
    alone_s: float
    kept_s: float


# The process that plays


def play(symbols: int, speed: float, report: Path) -> None:
    """Play a market in the console on this terminal, and write what was measured to a file."""
    from benchmarks.watched_app import play_alone, play_watched  # noqa: PLC0415 - only here is a screen

    sessions = MARKETS[symbols]
    config = session_file(symbols, sessions, prefetch_days=5)
    backtest = config.backtest_config
    assert backtest is not None
    config = config.model_copy(
        update={"backtest_config": backtest.model_copy(update={"speed_multiplier": speed})}
    )
    with market("parquet", symbols, sessions) as store, tempfile.TemporaryDirectory() as folder:
        alone = [] if speed else [play_alone(config, store)]
        kept = [] if speed else [play_alone(config, store, Path(folder) / "kept")]
        frames_ms, seconds, watched_s = play_watched(config, store, Path(folder), PACED_S if speed else None)
        alone += [] if speed else [play_alone(config, store)]
    measured = Watched(frames_ms, seconds, watched_s, sum(alone) / len(alone) if alone else 0.0, sum(kept))
    report.write_text(json.dumps(asdict(measured)), encoding="utf-8")


# The terminal that reads


class Terminal:
    """The near end of a pseudo-terminal: reads and discards, and looks for what a key should show."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.near, self.far = pty.openpty()
        self.last = b""
        fcntl.ioctl(self.far, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))

    def read_until(self, effect: bytes | None, limit_s: float) -> float | None:
        """Read until an effect is seen, and return the seconds; None after `limit_s`, or at the end."""
        began, seen = time.perf_counter(), b""
        while (left := began + limit_s - time.perf_counter()) > 0:
            if not select.select([self.near], [], [], left)[0]:
                return None
            try:
                data = os.read(self.near, 1 << 16)
            except OSError:  # the other side has ended
                return None
            seen, self.last = seen[-64:] + data, data
            if effect is not None and effect in seen:
                return time.perf_counter() - began
        return None

    def press(self, key: bytes) -> None:
        """Type a key."""
        os.write(self.near, key)

    def close(self) -> None:
        """Give both ends back."""
        os.close(self.near)
        os.close(self.far)


def watch(symbols: int, speed: float, size: tuple[int, int], *, presses: bool) -> tuple[Watched, list[float]]:
    """Run one process on a terminal of a size; return what it measured, and the seconds of each key."""
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
                str(symbols),
                str(speed),
                str(report),
            ],
            stdin=terminal.far,
            stdout=terminal.far,
            stderr=terminal.far,
            env=environment,
            start_new_session=True,
        )
        deadline = time.perf_counter() + LIMIT_S
        while process.poll() is None and terminal.read_until(OPENED, 0.2) is None:
            pass
        terminal.read_until(None, 2 * BETWEEN_KEYS_S)
        while process.poll() is None and time.perf_counter() < deadline:
            if not presses:
                terminal.read_until(None, 0.2)
                continue
            terminal.press(KEY)
            took = terminal.read_until(EFFECT, 1.0)
            if took is not None:
                keys.append(took)
                terminal.press(UNDO)
            terminal.read_until(None, BETWEEN_KEYS_S)
        if process.wait(timeout=LIMIT_S) != 0:
            raise RuntimeError(f"the console ended with exit code {process.returncode}: {terminal.last!r}")
        terminal.close()
        return Watched(**json.loads(report.read_text(encoding="utf-8"))), keys


def report(symbols: int, speed: float, size: tuple[int, int]) -> None:
    """Measure one case, and print its line."""
    watched, _ = watch(symbols, speed, size, presses=False)
    _, keys = watch(symbols, speed, size, presses=True)
    frames = sorted(watched.frames_ms)
    shown = "too short to tell"
    rate = "–"
    if frames:
        p50, p95 = frames[len(frames) // 2], frames[int(0.95 * (len(frames) - 1))]
        shown = f"{p50:.1f} / {p95:.1f} / {frames[-1]:.1f}"
        rate = f"{len(frames) / watched.seconds:.1f}"
    slower = "paced"
    if watched.alone_s:
        ratios = (watched.watched_s / seconds for seconds in (watched.alone_s, watched.kept_s))
        slower = " / ".join(f"{100 * (ratio - 1):+.0f} %" for ratio in ratios)
    latency = "–"
    if keys:
        ordered = sorted(1e3 * took for took in keys)
        latency = f"{ordered[len(ordered) // 2]:.0f} / {ordered[-1]:.0f} ({len(keys)} keys)"
    name = f"{symbols} symbols, {'max' if not speed else f'{speed:g}x'}, {size[0]}x{size[1]}"
    print(row(name, shown, f"{rate} | {slower}", latency), flush=True)


def main() -> None:
    if sys.argv[1:2] == ["--play"]:
        play(int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
        return
    print(HEADER)
    for symbols in [int(word) for word in sys.argv[1:]] or MARKETS:
        with market("parquet", symbols, MARKETS[symbols]):  # made here, not on the console's time
            pass
        for speed in SPEEDS:
            for size in SIZES:
                report(symbols, speed, size)


if __name__ == "__main__":
    main()

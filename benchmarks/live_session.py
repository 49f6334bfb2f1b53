"""Live session with all threads: what is lost, late or overrun, and what it costs.

python -m benchmarks.live_session [--minutes 4] [--cases 500x1,500x60,5000x1] [--kinds sqlite,parquet]

A feed sends each minute's bars in ten messages within half a second, and corrects some bars of the minute
before in mid-minute. The session ends in order: reconciled with the feed's history, and stored.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import numpy as np

from benchmarks.market import make_bars, sessions_of, symbols_of
from benchmarks.measure import HEADER, row
from benchmarks.memory import resident_mb
from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.feeds.arrival_journal import journal_path
from tapedeck.engine.feeds.feed_bar import BarKind, FeedBar
from tapedeck.engine.feeds.live_feed import FeedAbilities, FeedHistory, FeedSink
from tapedeck.engine.feeds.live_options import LiveOptions
from tapedeck.engine.feeds.live_recorder import LiveRecorder
from tapedeck.engine.intervals import MINUTE, Interval
from tapedeck.engine.session_file import parse_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.system import SystemManager

MESSAGES = 10
SPREAD_S = 0.5
"""Seconds of the machine within which a minute's messages come; less if a minute is shorter."""
CORRECTED = 5
FAST = 60.0
CASES = ((500, 1.0), (500, FAST), (5000, 1.0))


@dataclass(slots=True)
class Figures:
    """What was measured; times in seconds of the machine."""

    saved: list[float] = field(default_factory=list)
    shown: list[float] = field(default_factory=list)
    overruns: int = 0
    lost: int = 0
    bars: int = 0
    processor: float = 0.0
    memory_mb: float = 0.0


class MadeFeed:
    """A feed of made-up bars: `bars` by slot; tells `corrected` when it has sent corrections."""

    name = "made"
    abilities = FeedAbilities((MINUTE,))

    def __init__(
        self, bars: Sequence[list[FeedBar]], slots: SessionSlots, clock: LiveClock, watch: Watch
    ) -> None:
        self._bars, self._slots, self._clock, self._watch = bars, slots, clock, watch
        self._ended = Event()
        self._sink: FeedSink | None = None
        self._thread: Thread | None = None

    def connect(self, sink: FeedSink, timeout: float) -> None:
        """Connect at once."""
        self._sink = sink

    def subscribe(self, symbols: Sequence[str], interval: Interval) -> None:
        """Begin to send."""
        self._thread = Thread(target=self._run, name="benchmark-feed")
        self._thread.start()

    def history(
        self, symbols: Sequence[str], interval: Interval, start: int, end: int, timeout: float
    ) -> FeedHistory:
        """Return the bars of slots that are over."""
        over = self._slots.slots_over_at(math.floor(self._clock.now()))
        asked = set(symbols)
        found = [
            bar
            for part in self._bars[:over]
            for bar in part
            if bar.symbol in asked and start <= bar.opened_at < end
        ]
        return FeedHistory(found, int(self._clock.now()))

    def close(self) -> None:
        """End the thread."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(5.0)

    def _run(self) -> None:
        sink, minute_s = self._sink, self._clock.real_seconds(60.0)
        assert sink is not None
        for slot, bars in enumerate(self._bars):
            if not self._wait_until(float(self._slots.closed_at[slot])):
                return
            step = math.ceil(len(bars) / MESSAGES)
            pause = min(SPREAD_S, minute_s / 10) / MESSAGES
            for first in range(0, len(bars), step):
                if first and self._ended.wait(pause):
                    return
                sink.bars(bars[first : first + step])
            self._watch.minute_sent()
            if slot and not self._wait_until(float(self._slots.closed_at[slot]) + 30.0):
                return
            if slot:
                before = self._bars[slot - 1]
                right = [
                    bar._replace(volume=bar.volume + 1, kind=BarKind.UPDATED) for bar in before[:CORRECTED]
                ]
                self._watch.correcting()
                sink.bars(right)
                before[:CORRECTED] = right

    def _wait_until(self, instant: float) -> bool:
        while (left := self._clock.wait_seconds(instant)) > 0:
            if self._ended.wait(left):
                return False
        return True


class Watch:
    """Measures a run, once it is set: called by the feed's thread, and in the main one after each change."""

    def __init__(self) -> None:
        self.figures = Figures()
        self.recorder: LiveRecorder | None = None
        self.system: SystemManager | None = None
        self._corrected: tuple[int, float] | None = None  # the edition before, and when they were sent

    def minute_sent(self) -> None:
        """Take note that a minute's last message was sent: it is saved when a command behind it is done."""
        if self.recorder is None:
            return
        sent, saved = time.monotonic(), self.figures.saved
        self.recorder.flush().add_done_callback(lambda _: saved.append(time.monotonic() - sent))

    def correcting(self) -> None:
        """Take note that corrections are sent now."""
        if self.system is not None:
            self._corrected = self._edition(), time.monotonic()

    def look(self) -> bool:
        """Take note of a new edition; return whether the run is over."""
        corrected = self._corrected
        if corrected is not None and self._edition() > corrected[0]:
            self.figures.shown.append(time.monotonic() - corrected[1])
            self._corrected = None
        assert self.system is not None
        return self.system.state.is_over

    def _edition(self) -> int:
        tape = None if self.system is None else self.system.session_data.tape
        return 0 if tape is None else tape.edition


@dataclass(slots=True)
class Prepared:
    """A live session that is ready to start: its feed begins to send 5 s before the open."""

    config: SessionConfig
    store: BarStore
    options: LiveOptions
    slots: SessionSlots
    bars: list[list[FeedBar]]


@contextmanager
def prepared(kind: str, symbols: int, speed: float, minutes: int, watch: Watch) -> Iterator[Prepared]:
    """Yield a session of some minutes over a new store with some days of history."""
    days = sessions_of(1)
    opens = days[-1].regular_open.astimezone(days[-1].zone)
    close = (opens + timedelta(minutes=minutes)).strftime("%H:%M")
    document = {
        "session_name": "benchmark",
        "exchange_group": "US_EQUITY",
        "mode": "live",
        "session_data_config": {
            "symbols": symbols_of(symbols),
            "streams": ["1m", "5m", "15m"],
            "sessions": {str(days[-1].trading_day): {"close": close}},
            "indicators": {
                "sma_20": {"type": "SMA", "interval": "1m", "timeperiod": 20},
                "ema_20": {"type": "EMA", "interval": "1m", "timeperiod": 20},
                "rsi_14": {"type": "RSI", "interval": "1m", "timeperiod": 14},
                "vwap": {"type": "VWAP", "interval": "1m"},
            },
        },
        "live_config": {"grace_seconds": 10},
    }
    config = parse_session_config(document, "benchmark").config
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / ("bars.db" if kind == "sqlite" else "bars")
        store = open_store(place, create=True)
        with store.batch():
            for seed, symbol in enumerate(symbols_of(symbols)):
                store.write(symbol, MINUTE, make_bars(days[:-1], 0.0, seed))
        calendar = TimeManager(config.exchange, changes=config.session_data_config.sessions)
        slots = SessionSlots(calendar.get_trading_session(days[-1].trading_day), MINUTE)
        bars = minute_bars(symbols, slots)
        clock = LiveClock(speed=speed, start=float(slots.opened_at[0]) - 5.0 * speed)
        options = LiveOptions(MadeFeed(bars, slots, clock, watch), clock, journal_path(place))
        yield Prepared(config, store, options, slots, bars)
        store.close()


def record(kind: str, symbols: int, speed: float, minutes: int) -> Figures:
    """Record a session of some minutes; return what was measured."""
    watch = Watch()
    with prepared(kind, symbols, speed, minutes, watch) as session:
        system = watch.system = SystemManager(session.config, session.store, live=session.options)
        began, processor = time.monotonic(), time.process_time()
        system.start()
        assert system._coordinator is not None
        assert system._coordinator.live is not None
        watch.recorder = system._coordinator.live._recorder
        system.wait_for(watch.look, 3600.0)
        system.stop()
        if system.error is not None:
            raise system.error
        figures, slots = watch.figures, session.slots
        figures.processor = (time.process_time() - processor) / (time.monotonic() - began)
        figures.memory_mb = resident_mb()
        figures.overruns = sum(worker.overruns for worker in system._coordinator.workers)
        figures.bars = sum(len(part) for part in session.bars)
        figures.lost = figures.bars - sum(
            len(session.store.read(symbol, MINUTE, int(slots.opened_at[0]), int(slots.closed_at[-1])))
            for symbol in symbols_of(symbols)
        )
    return figures


def minute_bars(symbols: int, slots: SessionSlots) -> list[list[FeedBar]]:
    """Return the bars of each slot, all symbols."""
    random = np.random.default_rng(1)
    volumes = random.integers(1, 100_000, (len(slots), symbols)).tolist()
    names = symbols_of(symbols)
    return [
        [
            FeedBar(name, opened_at, 100.0, 100.5, 99.5, 100.0 + slot % 7 / 100, float(volume))
            for name, volume in zip(names, volumes[slot], strict=True)
        ]
        for slot, opened_at in enumerate(slots.opened_at.tolist())
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--minutes", type=int, default=4, help="minutes at real rhythm; 15 times as many if fast"
    )
    parser.add_argument("--kinds", default="sqlite,parquet")
    parser.add_argument("--cases", default=",".join(f"{count}x{speed:g}" for count, speed in CASES))
    options = parser.parse_args()
    print(HEADER)
    for case in options.cases.split(","):
        symbols, speed = (float(part) for part in case.split("x"))
        for kind in options.kinds.split(","):
            minutes = options.minutes if speed == 1 else 15 * options.minutes
            found = record(kind, int(symbols), speed, minutes)
            print(_row(kind, int(symbols), speed, minutes, found), flush=True)


def _row(kind: str, symbols: int, speed: float, minutes: int, found: Figures) -> str:
    rhythm = "real rhythm" if speed == 1 else f"{speed:g} times faster"
    what = f"live, {symbols:,} symbols, {minutes} minutes at {rhythm}, {kind}"
    figure = (
        f"saved {_times(found.saved)}, corrections shown {_times(found.shown)}, {found.overruns} overruns, "
        f"{found.lost} of {found.bars:,} bars lost, {found.processor:.0%} of a core, {found.memory_mb:.0f} MB"
    )
    return row(what, figure, "≤ 200 ms, ≤ 100 ms, 0, 0")


def _times(seconds: Sequence[float]) -> str:
    """Return the median and the longest of some times."""
    if not seconds:
        return "never"
    return f"{1000 * np.median(seconds):.0f} ms (worst {1000 * max(seconds):.0f})"


if __name__ == "__main__":
    main()

"""Performance metrics: timers and counters of a run."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal

# Durations kept for p95, so that memory does not grow with the run.
_RECENT = 4096


class Step(Enum):
    """The steps that are timed."""

    ANALYSIS_ENGINE = "analysis_engine"
    DATA_PROCESSOR = "data_processor"
    QUALITY = "quality"
    FIRST_HISTORICAL_LOAD = "first_historical_load"
    LATER_HISTORICAL_LOAD = "later_historical_load"
    SESSION_GAP = "session_gap"
    SESSION_DURATION = "session_duration"
    ACTIVATION = "activation"
    DEACTIVATION = "deactivation"
    PREFETCH = "prefetch"
    UNIVERSE_LOAD = "universe_load"
    RECORDING = "recording"

    # Members are singletons, so identity suffices; Enum's own hash is a slow Python call on a hot path.
    __hash__ = object.__hash__


class Count(Enum):
    """The counters."""

    BARS = "bars"
    SESSIONS = "sessions"
    BACK_PRESSURE = "back_pressure"
    OVERRUNS = "overruns"
    CALENDAR_HITS = "calendar_hits"
    CALENDAR_MISSES = "calendar_misses"

    __hash__ = object.__hash__  # as above


@dataclass(frozen=True, slots=True)
class TimerSummary:
    """A step's durations in seconds; `p95` of the last few thousand."""

    count: int
    min_s: float
    mean_s: float
    p95_s: float
    max_s: float
    total_s: float


class _Timer:
    __slots__ = ("count", "highest", "lowest", "recent", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.lowest = float("inf")
        self.highest = 0.0
        self.recent: deque[float] = deque(maxlen=_RECENT)

    def add(self, seconds: float) -> None:
        self.total += seconds
        self.lowest = min(self.lowest, seconds)
        self.highest = max(self.highest, seconds)
        self.recent.append(seconds)
        self.count += 1  # last, as readers skip timers with count 0

    def summary(self) -> TimerSummary:
        recent = sorted(self.recent)
        # Linear interpolation, as numpy's percentile, but faster: it runs at every frame.
        below, share = divmod(0.95 * (len(recent) - 1), 1)
        low, high = recent[int(below)], recent[min(int(below) + 1, len(recent) - 1)]
        p95 = low + (high - low) * share
        return TimerSummary(self.count, self.lowest, self.total / self.count, p95, self.highest, self.total)


Scope = Literal["session", "backtest", "summary"]


class PerformanceMetrics:
    """Timers, counters and queue sizes of a run. Each step is recorded by one thread; any thread may read.

    `clock`: a monotonic clock in seconds, not the time of day.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._run: dict[Step | str, _Timer] = {}
        self._session: dict[Step | str, _Timer] = {}
        self._counts: Counter[Count] = Counter()
        self._session_counts: Counter[Count] = Counter()
        self._queues: dict[str, int] = {}

    def start_timer(self) -> float:
        """Return the start time of a step."""
        return self._clock()

    def record(self, step: Step, started: float) -> float:
        """Record the end of a step that began at `started`; return its seconds."""
        seconds = self._clock() - started
        self._add(step, seconds)
        return seconds

    def record_analysis_engine(self, started: float) -> float:
        """Record one block of the analysis engine."""
        return self.record(Step.ANALYSIS_ENGINE, started)

    def record_data_processor(self, started: float) -> float:
        """Record one block of the data processor."""
        return self.record(Step.DATA_PROCESSOR, started)

    def record_quality(self, started: float) -> float:
        """Record one block of the quality manager."""
        return self.record(Step.QUALITY, started)

    def record_historical_load(self, started: float, *, first: bool) -> float:
        """Record preparing a session's history; the first load, which reads it all, has a separate timer."""
        return self.record(Step.FIRST_HISTORICAL_LOAD if first else Step.LATER_HISTORICAL_LOAD, started)

    def record_session_gap(self, started: float) -> float:
        """Record the time between the end of a session and the start of the next."""
        return self.record(Step.SESSION_GAP, started)

    def record_session_duration(self, started: float) -> float:
        """Record the playing time of a session."""
        return self.record(Step.SESSION_DURATION, started)

    def record_activation(self, started: float) -> float:
        """Record activating a session."""
        return self.record(Step.ACTIVATION, started)

    def record_deactivation(self, started: float) -> float:
        """Record deactivating a session."""
        return self.record(Step.DEACTIVATION, started)

    def record_recording(self, started: float) -> float:
        """Record stamping, exporting and caching a session."""
        return self.record(Step.RECORDING, started)

    def record_scan(self, scanner: str, seconds: float) -> None:
        """Record one run of a scanner, in the timer `scan NAME`."""
        self._add(f"scan {scanner}", seconds)

    def record_queue_sizes(self, sizes: Mapping[str, int]) -> None:
        """Record the size of each queue at the end of the day."""
        self._queues = dict(sizes)

    def count(self, what: Count, number: int = 1) -> None:
        """Add to a counter."""
        self._counts[what] += number
        self._session_counts[what] += number

    def set_count(self, what: Count, number: int) -> None:
        """Set a counter that is counted elsewhere."""
        self._counts[what] = number

    def total(self, what: Count) -> int:
        """Return a counter of the whole run."""
        return self._counts[what]

    def begin_session(self) -> None:
        """Reset the session's timers and counters."""
        self._session = {}
        self._session_counts = Counter()

    def timers(self, scope: Scope = "backtest") -> dict[str, TimerSummary]:
        """Return the timers of the session or of the whole run, by step."""
        timers = self._session if scope == "session" else self._run
        return {
            step if isinstance(step, str) else step.value: timer.summary()
            for step, timer in list(timers.items())
            if timer.count
        }

    def counts(self, scope: Scope = "backtest") -> dict[str, int]:
        """Return the counters of the session or of the whole run."""
        counts = self._session_counts if scope == "session" else self._counts
        return {what.value: counts[what] for what in Count}

    def queues(self) -> dict[str, int]:
        """Return the queue sizes at the end of the last session."""
        return dict(self._queues)

    def format_report(self, scope: Scope = "summary") -> str:
        """Return the metrics as text: of the `session`, of the whole `backtest`, or a one-line `summary`."""
        counts = self.counts(scope)
        if scope == "summary":
            return ", ".join(f"{name} {number:,}" for name, number in counts.items())
        lines = [f"{'step':<24}{'count':>8}{'min ms':>10}{'mean ms':>10}{'p95 ms':>10}{'max ms':>10}"]
        for name, timer in self.timers(scope).items():
            figures = (timer.min_s, timer.mean_s, timer.p95_s, timer.max_s)
            lines.append(
                f"{name:<24}{timer.count:>8}" + "".join(f"{1e3 * value:>10.3f}" for value in figures)
            )
        lines += [f"{name:<24}{number:>8}" for name, number in counts.items()]
        lines += [f"{'queue ' + name:<24}{size:>8}" for name, size in self._queues.items()]
        return "\n".join(lines)

    def _add(self, step: Step | str, seconds: float) -> None:
        for timers in (self._run, self._session):
            timer = timers.get(step)
            if timer is None:
                timer = timers[step] = _Timer()
            timer.add(seconds)

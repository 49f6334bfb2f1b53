"""Timing in turns, so that drifts of the machine's speed affect both sides alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pair:
    """Median seconds of two sides timed in turns, and the median of the ratios first to second."""

    first_s: float
    second_s: float
    ratio: float


def seconds(work: Callable[[], object]) -> float:
    """Return the duration of some work."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def in_turns(first: Callable[[], object], second: Callable[[], object], rounds: int) -> Pair:
    """Time two sides in turns, after one round that is not counted."""
    first()
    second()
    times = [(seconds(first), seconds(second)) for _ in range(rounds)]
    return Pair(
        statistics.median(a for a, _ in times),
        statistics.median(b for _, b in times),
        statistics.median(a / b for a, b in times),
    )


class MachineSpeed:
    """Current speed of the machine, compared with the fastest measured; call it while no benchmark runs.

    A shared machine is at half its speed at times, for seconds or minutes; times of single events can only be
    judged together with that.
    """

    def __init__(self) -> None:
        self._fastest = self._fixed_work_s()

    def slowness(self) -> float:
        """Return the time of a fixed piece of work as a multiple of the best one; takes 0.1 s."""
        took = self._fixed_work_s()
        self._fastest = min(self._fastest, took)
        return took / self._fastest

    @staticmethod
    def _fixed_work_s() -> float:
        return statistics.median(seconds(lambda: sum(n & 3 for n in range(15_000))) for _ in range(100))


def row(what: str, figure: str, target: str, reference: str = "") -> str:
    """Return one line of a benchmark's table."""
    return f"| {what} | {figure} | {target} | {reference} |"


HEADER = "| what | measured | target | bare script, same run |\n|---|---|---|---|"

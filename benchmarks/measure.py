"""Timing in turns, so that a machine whose speed drifts treats both sides alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pair:
    """Median seconds of two sides timed in turns, and the median of their ratios, first to second."""

    first_s: float
    second_s: float
    ratio: float


def seconds(work: Callable[[], object]) -> float:
    """Return how long some work takes."""
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


def row(what: str, figure: str, target: str, reference: str = "") -> str:
    """Return one line of the table that every benchmark prints."""
    return f"| {what} | {figure} | {target} | {reference} |"


HEADER = "| what | measured | target | bare script, same run |\n|---|---|---|---|"

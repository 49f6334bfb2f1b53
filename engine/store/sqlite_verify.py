"""Verification of an SQLite store: reads all of it, and finds the days that are damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from tapedeck.engine.errors import StoreDamagedError
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.checksums import SpanSums, span_seconds
from tapedeck.engine.store.damage import CheckedSeries, Damage
from tapedeck.engine.store.sqlite_answers import Answers
from tapedeck.engine.store.sqlite_checks import CheckedRead, Request, stored_sums

Answer = Callable[[Callable[[Answers], list[tuple[int, int]]]], list[tuple[int, int]]]
"""Runs a read in a transaction."""

_EARLIEST, _LATEST = -(2**62), 2**62
_SPANS_AT_ONCE = 256
_DIFFERENCE = "the bars differ from their checksum"


def verified_series(path: Path, answer: Answer, symbol: str, interval: Interval) -> CheckedSeries:
    """Read all bars of one series, some hundred days at a time."""
    everything = Request(path, [symbol], interval, _EARLIEST, _LATEST, has_checks=True)
    sums: list[SpanSums] = []

    def read_sums(answers: Answers) -> list[tuple[int, int]]:
        sums.append(stored_sums(answers, everything))
        return []

    answer(read_sums)
    stored, length = sums[0], span_seconds(interval)
    # The first and the last piece have open ends, so that bars without a checksum are found, too.
    edges = [_EARLIEST, *stored.since[_SPANS_AT_ONCE::_SPANS_AT_ONCE].tolist(), _LATEST]
    damage: list[Damage] = []
    for start, end in pairwise(edges):
        for since, reason in _damaged_spans(path, answer, symbol, interval, start, end, stored):
            own, unit = stored.between(since, since + 1), f"{symbol} {interval} {since}"
            damage.append(Damage(str(path), reason, (symbol, interval), since, since + length, unit, own))
    whole = int(stored.bars[~np.isin(stored.since, [one.start for one in damage])].sum())
    return CheckedSeries(symbol, interval, whole, tuple(damage))


def _damaged_spans(
    path: Path, answer: Answer, symbol: str, interval: Interval, start: int, end: int, stored: SpanSums
) -> Iterator[tuple[int, str]]:
    """Yield start and fault of each damaged span; a range that cannot be read at all is read in halves."""
    request = Request(path, [symbol], interval, start, end, has_checks=True)

    def differences(answers: Answers) -> list[tuple[int, int]]:
        read = CheckedRead(request)
        read.bars(answers.columns(request.query()))
        return read.differences()

    try:
        for _, since in answer(differences):
            yield since, _DIFFERENCE
    except StoreDamagedError as error:
        spans: Sequence[int] = stored.between(start, end).since.tolist()
        if len(spans) < 2:
            reason = str(error.__cause__ or error).splitlines()[0]
            yield from ((since, reason) for since in spans or [0])
            return
        middle = spans[len(spans) // 2]
        yield from _damaged_spans(path, answer, symbol, interval, start, middle, stored)
        yield from _damaged_spans(path, answer, symbol, interval, middle, end, stored)

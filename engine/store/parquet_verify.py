"""Verification of Parquet files: reads all of them, and finds the days that are damaged."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from pathlib import Path

from tapedeck.engine.errors import StoreDamagedError, StoreError
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_diff import COLUMN_NAMES
from tapedeck.engine.store.bar_store import BarColumns
from tapedeck.engine.store.checksums import SpanSums, span_of, span_seconds
from tapedeck.engine.store.damage import CheckedSeries, Damage
from tapedeck.engine.store.parquet_checks import salvaged_spans
from tapedeck.engine.store.parquet_files import Names, OpenFile, RowBudget
from tapedeck.engine.store.parquet_layout import bounds_of_file, candidates, series_folder

_BEFORE_ALL, _AFTER_ALL = -(2**62), 2**62


def verified_series(
    root: Path, symbol: str, interval: Interval, *, needs_checks: bool, names: Names = COLUMN_NAMES
) -> CheckedSeries:
    """Read all files of one series; `root`: the folder of its interval, `names`: those of its columns."""
    bars, damage = 0, list[Damage]()
    for path in series_files(root, symbol, interval):
        for found in _verified_file(path, symbol, interval, needs_checks=needs_checks, names=names):
            if isinstance(found, Damage):
                damage.append(found)
            else:
                bars += found
    return CheckedSeries(symbol, interval, bars, tuple(damage))


def series_files(root: Path, symbol: str, interval: Interval) -> list[str]:
    """Return the paths of the files of one series, oldest first."""
    found = candidates(f"{root}/{series_folder(symbol, interval)}", interval, _BEFORE_ALL, _AFTER_ALL)
    return [path for path in found if os.path.exists(path)]


def whole_bars(path: str) -> Iterator[BarColumns]:
    """Yield the bars of the row groups of a file that can be read; none if its footer is damaged."""
    try:
        file = OpenFile(path, RowBudget(0), needs_checks=False)
    except StoreError:
        return
    for group in range(file.groups):
        try:
            yield file.read_group(group)
        except StoreError:
            continue


def _verified_file(
    path: str, symbol: str, interval: Interval, *, needs_checks: bool, names: Names
) -> Iterator[Damage | int]:
    """Yield the damage of a file, and at last the number of its bars that are whole."""
    series = (symbol, interval)
    try:
        file = OpenFile(path, RowBudget(0), needs_checks=needs_checks, names=names)
    except StoreError as error:
        spans = _salvaged(path)
        start, end = bounds_of_file(path, interval) if spans is None else _extent(spans, interval)
        yield Damage(path, _reason(error), series, start, end, path, spans)
        yield 0
        return
    whole = 0
    for group in range(file.groups):
        try:
            bars = file.read_group(group)
        except StoreDamagedError as error:
            first, last = file.bounds_of_group(group)
            start, end = span_of(first, interval), span_of(last, interval) + span_seconds(interval)
            stored = None if file.spans is None else file.spans.between(start, end)
            yield Damage(path, _reason(error), series, start, end, path, stored)
        else:
            whole += len(bars)
    yield whole


def _salvaged(path: str) -> SpanSums | None:
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return salvaged_spans(content)
    except (OSError, ValueError):
        return None


def _extent(spans: SpanSums, interval: Interval) -> tuple[int, int]:
    return int(spans.since[0]), int(spans.since[-1]) + span_seconds(interval)


def _reason(error: StoreError) -> str:
    """Return what is wrong, without path and advice."""
    text = str(error.__cause__ or error)
    return text.splitlines()[0].partition(". ")[0]

"""Watch of the files of a Parquet store: finds bars that were changed since it began."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tapedeck.engine.errors import StoreChangedError
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_store import EmptySlots
from tapedeck.engine.store.checksums import SpanSums, span_of, span_words, whole_spans
from tapedeck.engine.store.parquet_files import Identity, OpenFile
from tapedeck.engine.store.parquet_layout import is_store

OpenFiles = Callable[[str, int, int], Sequence[OpenFile]]
"""Opens the files of a symbol that may hold bars of a range."""

ReadFacts = Callable[[int, int], EmptySlots]
"""Reads the facts of all symbols in a range."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """Versions of a symbol's files, with the times of their first and last bar, and the sums of all bars.

    `spans` is None in an old store, which has no sums.
    """

    versions: tuple[tuple[Identity, int, int], ...]
    spans: SpanSums | None

    def versions_between(self, start: int, end: int) -> list[Identity]:
        return [identity for identity, first, last in self.versions if first < end and last >= start]


class ParquetWatch:
    """The files of some symbols as they were at the start; see `BarWatch`.

    `noun`: what the files are of, for errors.
    """

    def __init__(
        self,
        root: Path,
        symbols: Sequence[str],
        interval: Interval,
        bounds: tuple[int, int],
        files: OpenFiles,
        facts: ReadFacts,
        *,
        noun: str = "bars",
    ) -> None:
        self._root = root
        self._noun = noun
        self._symbols = symbols
        self._interval = interval
        self._files = files
        self._facts = facts
        self._facts_before = _pairs(facts(*bounds))
        self._seen = {symbol: _seen(files(symbol, *bounds)) for symbol in symbols}

    def check(self, start: int, end: int) -> None:
        """Raise StoreChangedError if bars of `[start, end)` are not those of the start."""
        if not is_store(self._root):
            raise StoreChangedError(f"{self._root} was removed or moved while this run was reading it")
        for symbol, before in self._seen.items():
            now = _seen(self._files(symbol, start, end))
            if now.versions_between(start, end) != before.versions_between(start, end):
                self._compare(symbol, before, now, *whole_spans(start, end, self._interval))
        changed = {(row, time) for row, time in self._facts_before if start <= time < end} ^ _pairs(
            self._facts(start, end)
        )
        if changed:
            row, time = min(changed)
            when = span_words(span_of(time, self._interval), self._interval)
            raise StoreChangedError(
                f"{self._root}: empty {self._interval} slots of {self._symbols[row]} {when} were changed "
                "while this run was reading them. Run again"
            )

    def _compare(self, symbol: str, before: _Seen, now: _Seen, start: int, end: int) -> None:
        if before.spans is None or now.spans is None:
            raise StoreChangedError(
                f"{self._root}: {self._interval} {self._noun} of {symbol} were changed while this run was "
                "reading them, on days that are not known for lack of checksums (to add them: `tapedeck "
                f"store verify --accept --store {self._root}`). Run again"
            )
        changed = before.spans.between(start, end).differences(now.spans.between(start, end))
        if changed:
            done = "changed" if now.versions else "removed"
            raise StoreChangedError(
                f"{self._root}: {self._interval} {self._noun} of {symbol} "
                f"{span_words(changed[0][1], self._interval)} were {done} while this run was reading them. "
                "Run again"
            )


def _pairs(facts: EmptySlots) -> set[tuple[int, int]]:
    return set(zip(facts.rows.tolist(), facts.opened_at.tolist(), strict=True))


def _seen(files: Sequence[OpenFile]) -> _Seen:
    sums = [file.spans for file in files]
    known = [spans for spans in sums if spans is not None]
    spans = SpanSums.total(known) if len(known) == len(sums) else None
    return _Seen(tuple((file.identity, *file.bounds) for file in files), spans)

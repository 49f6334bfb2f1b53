"""Store jobs: verify, accept, remove and repair, with progress, and stopped cleanly by Ctrl-C."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console

from tapedeck.console.cli.import_job import progress_bar
from tapedeck.console.cli.invocation import Invocation
from tapedeck.engine.errors import DataMissingError, did_you_mean, nearest
from tapedeck.engine.importers.importer import Importer
from tapedeck.engine.importers.repair import Repaired, repair_store
from tapedeck.engine.importers.report import ImportOptions
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.checked_store import CheckedStore
from tapedeck.engine.store.contents import SeriesContents, contents_of
from tapedeck.engine.store.damage import CheckedSeries, Damage

_BEFORE_ALL, _AFTER_ALL = -(2**62), 2**62


@dataclass(frozen=True, slots=True)
class Verified:
    """Result of a verification. `bars`: those that are whole, of `series` series."""

    series: int
    bars: int
    damage: tuple[Damage, ...]
    interrupted: bool


@dataclass(frozen=True, slots=True)
class Removal:
    """Bars and quotes of one series to remove: those of `[start, end)`, in seconds."""

    contents: SeriesContents
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Removed:
    """A removal that was carried out, with the numbers of bars and quotes that went."""

    removal: Removal
    bars: int
    quotes: int = 0


def run_verify(invocation: Invocation, store: CheckedStore) -> Verified:
    """Read the whole store; Ctrl-C ends it after a series."""
    total = sum(len(intervals) for intervals in store.series().values()) if store.has_checks else None
    series, bars, damage = 0, 0, list[Damage]()
    with _progress(invocation.terminal.progress_console(), total) as show:
        for found in store.verify():
            if isinstance(found, Damage):
                damage.append(found)
                continue
            series, bars = series + 1, bars + found.bars
            damage += found.damage
            show(_words(found))
            if invocation.interrupts.seen:
                return Verified(series, bars, tuple(damage), interrupted=True)
    return Verified(series, bars, tuple(damage), interrupted=False)


def run_accept(invocation: Invocation, store: CheckedStore) -> None:
    """Store checksums of all bars as they are; Ctrl-C leaves the store as it was, or goes on next time."""
    accepting = closing(store.accept())
    with _progress(invocation.terminal.progress_console(), None) as show, accepting as series:
        for symbol, interval in series:
            show(f"{symbol} {interval}")
            if invocation.interrupts.seen:
                raise KeyboardInterrupt


def run_repair(
    invocation: Invocation,
    store: CheckedStore,
    importer: Importer,
    files: Path,
    options: ImportOptions,
    described: Mapping[str, Any],
) -> list[Repaired]:
    """Verify the store, and rewrite what is damaged from `files`."""
    damage = run_verify(invocation, store).damage
    if not damage or invocation.interrupts.seen:
        return []
    with progress_bar(invocation.terminal.progress_console()) as show:
        return repair_store(
            store,
            damage,
            importer,
            files,
            options=options,
            progress=show,
            cancelled=lambda: invocation.interrupts.seen,
            **described,
        )


def planned_removal(
    store: CheckedStore,
    symbols: Sequence[str],
    interval: Interval | None,
    first: date | None,
    last: date | None,
) -> list[Removal]:
    """Return what a removal would take; DataMissingError for symbols that are not stored."""
    series = {**store.series(), **store.quotes.series()}
    start = _BEFORE_ALL if first is None else _seconds(first)
    end = _AFTER_ALL if last is None else _seconds(last + timedelta(days=1))
    for symbol in symbols:
        if symbol not in series:
            hint = did_you_mean(nearest(symbol, series))
            raise DataMissingError(
                f"no bars of {symbol} are stored in {store.location}.{hint}", symbols=[symbol]
            )
    return [
        Removal(found, start, end)
        for found in contents_of(store)
        if found.symbol in symbols and interval in (None, found.interval)
    ]


def run_removal(invocation: Invocation, store: CheckedStore, planned: Sequence[Removal]) -> list[Removed]:
    """Remove series by series; Ctrl-C ends it after one."""
    removed: list[Removed] = []
    for removal in planned:
        if invocation.interrupts.seen:
            break
        found = removal.contents
        series = (found.symbol, found.interval, removal.start, removal.end)
        with store.batch(atomic=True):
            quotes = store.quotes.remove(*series) if found.quotes else 0
            count = store.remove(*series)
        removed.append(Removed(removal, count, quotes))
    return removed


class _Show(Protocol):
    def __call__(self, text: str, /) -> None: ...


@contextmanager
def _progress(console: Console | None, total: int | None) -> Iterator[_Show]:
    """Yield a function that shows one more series on a terminal."""
    if console is None:
        yield lambda _: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415 - slow

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=None), MofNCompleteColumn())
    with Progress(*columns, console=console, auto_refresh=False, transient=True) as progress:
        task = progress.add_task("", total=total)

        def show(text: str) -> None:
            progress.update(task, description=text, advance=1)
            progress.refresh()

        yield show


def _words(found: CheckedSeries) -> str:
    return f"{found.symbol} {found.interval}"


def _seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())

"""Feed of a recorded day: the arrivals that a journal has of it, as they were received."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from heapq import merge
from operator import itemgetter
from pathlib import Path
from typing import Final

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.errors import DataMissingError, listed
from tapedeck.engine.feeds.arrival_journal import ArrivalJournal
from tapedeck.engine.feeds.arrivals import KINDS, MICROSECONDS
from tapedeck.engine.feeds.day_bounds import LONGEST_REST_S
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.feed_quote import FeedQuote
from tapedeck.engine.feeds.journal_feed import JournalFeed, Seen
from tapedeck.engine.feeds.recorded_day import RecordedDay
from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.scan_records import ScanRecord
from tapedeck.engine.tape.symbol_changes import SymbolChange

_BY_SEQUENCE: Final = itemgetter(0)


def has_recorded(journal: Path, day: date, interval: Interval, symbols: Sequence[str]) -> bool:
    """Whether a journal, which need not exist, has a recording of a day with some of the symbols."""
    return journal.is_file() and _recorded(journal, day, interval, symbols) is not None


def recorded_day_feed(
    journal: Path, day: date, interval: Interval, symbols: Sequence[str], clock: LiveClock
) -> JournalFeed:
    """Return the feed that plays a recorded day; DataMissingError, with the recorded days, without one."""
    recorded = _recorded(journal, day, interval, symbols) if journal.is_file() else None
    if recorded is None:
        raise DataMissingError(
            f"no recording of {day} in {journal}: {_known(journal, interval)}.",
            symbols=symbols,
            interval=str(interval),
        )
    bounds = recorded.since, recorded.until + LONGEST_REST_S
    with ArrivalJournal(journal) as opened:
        has_quotes = opened.has_quotes(interval, *bounds)
    return JournalFeed(
        lambda: _arrivals(journal, interval, *bounds),
        recorded.all_symbols,
        clock,
        interval,
        has_quotes=has_quotes,
    )


def recorded_changes(
    journal: Path, day: date, interval: Interval, symbols: Sequence[str]
) -> tuple[tuple[str, ...], tuple[SymbolChange, ...]]:
    """Return the symbols that a recorded day began with beside the file's, and those that joined and left."""
    recorded = _recorded(journal, day, interval, symbols)
    return ((), ()) if recorded is None else (recorded.kept, recorded.changes)


def recorded_scans(
    journal: Path, day: date, interval: Interval, symbols: Sequence[str]
) -> tuple[ScanRecord, ...]:
    """Return what the scanners of a recorded day found, in order."""
    with ArrivalJournal(journal) as opened:
        recorded = opened.day(day, interval, symbols)
        return () if recorded is None else opened.scans(recorded)


def last_arrival(journal: Path, day: date, interval: Interval, symbols: Sequence[str]) -> float:
    """Return the market time, seconds UTC, of the last arrival of a recorded day; 0 without one."""
    recorded = _recorded(journal, day, interval, symbols)
    if recorded is None:
        return 0.0
    arrivals = _arrivals(journal, interval, recorded.since, recorded.until + LONGEST_REST_S)
    return max((one.received for one in arrivals), default=0.0)


def _recorded(journal: Path, day: date, interval: Interval, symbols: Sequence[str]) -> RecordedDay | None:
    with ArrivalJournal(journal) as opened:
        return opened.day(day, interval, symbols)


def _known(journal: Path, interval: Interval) -> str:
    if not journal.is_file():
        return "there is no such journal"
    with ArrivalJournal(journal) as opened:
        days = sorted({str(one.trading_day) for one in opened.days() if one.interval == interval})
    return f"{interval} bars are recorded of {listed(days[::-1])}"


def _arrivals(journal: Path, interval: Interval, start: int, end: int) -> Iterator[Seen]:
    with ArrivalJournal(journal) as opened:
        seen = merge(
            _bars(opened, interval, start, end), _quotes(opened, interval, start, end), key=_BY_SEQUENCE
        )
        yield from (one for _, one in seen)


def _bars(journal: ArrivalJournal, interval: Interval, start: int, end: int) -> Iterator[tuple[int, Seen]]:
    for sequences, part in journal.numbered_arrivals(interval, start, end):
        kinds = (KINDS[code] for code in part.kinds.tolist())
        bars = zip(part.symbols, part.opened_at.tolist(), *part.values.tolist(), kinds, strict=True)
        for sequence, received, bar in zip(sequences.tolist(), part.received.tolist(), bars, strict=True):
            yield sequence, Seen(received / MICROSECONDS, FeedBar._make(bar))


def _quotes(journal: ArrivalJournal, interval: Interval, start: int, end: int) -> Iterator[tuple[int, Seen]]:
    for sequences, part in journal.numbered_quotes(interval, start, end):
        quotes = zip(part.symbols, part.opened_at.tolist(), *part.values.tolist(), strict=True)
        for sequence, received, quote in zip(sequences.tolist(), part.received.tolist(), quotes, strict=True):
            yield sequence, Seen(received / MICROSECONDS, FeedQuote._make(quote))

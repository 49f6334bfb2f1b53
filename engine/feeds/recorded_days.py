"""Recorded days: what the journal of a day adds up to, and what a killed recorder left to be stored."""

from __future__ import annotations

from tapedeck.engine.errors import listed
from tapedeck.engine.feeds.arrival_journal import ArrivalJournal
from tapedeck.engine.feeds.day_bounds import LONGEST_REST_S
from tapedeck.engine.feeds.held_bars import HeldBars
from tapedeck.engine.feeds.held_quotes import HeldQuotes
from tapedeck.engine.feeds.live_feed import FeedError
from tapedeck.engine.feeds.recorded_day import RecordedDay
from tapedeck.engine.feeds.store_writer import StoreWriter
from tapedeck.engine.feeds.symbol_claims import SymbolClaims, SymbolsClaimedError, claims_folder


def check_source(journal: ArrivalJournal, day: RecordedDay) -> None:
    """Raise FeedError, which names both, if another feed has recorded a symbol of a day."""
    others: dict[str, list[str]] = {}
    known = frozenset(day.all_symbols)
    for symbol, sources in journal.sources(day.interval, day.since, day.until).items():
        for source in sources - {day.source} if symbol in known else ():
            others.setdefault(source, []).append(symbol)
    for source, symbols in others.items():
        raise FeedError(
            f"{listed(symbols)}: {day.interval} bars of {day.trading_day} were recorded from feed {source!r} "
            f"in this store; feed {day.source!r} cannot go on, as a symbol has one feed per interval "
            f"and day. Record with --feed {source}, or into another store with --store",
            is_final=True,
        )


def read_day(
    journal: ArrivalJournal,
    held: HeldBars,
    day: RecordedDay,
    end: int | None = None,
    *,
    symbol: str | None = None,
) -> None:
    """Have `held` take a day's arrivals, before `end` (seconds UTC), and its slots without a trade.

    Its quotes, too, of which the journal has those alone that were taken. `symbol`: its arrivals alone.
    """
    bounds = day.since, held.until + LONGEST_REST_S if end is None else end
    if held.quotes is not None:
        for _, quotes in journal.numbered_quotes(day.interval, *bounds, symbol=symbol):
            held.take_quotes(quotes)
    if day.last_sequence is None:
        for part in journal.arrivals(day.interval, *bounds, symbol=symbol):
            held.take(part)
    else:
        for part in journal.arrivals(day.interval, *bounds, to=day.last_sequence, symbol=symbol):
            held.take(part)
        held.closed_before = day.closes
        for part in journal.arrivals(day.interval, *bounds, after=day.last_sequence, symbol=symbol):
            held.take(part)
    known = set(held.symbols)
    for name, times in journal.empty_slots(day.interval, *bounds).items():
        if name in known and symbol in (None, name):
            held.add_empty(name, times)


def folded_day(journal: ArrivalJournal, day: RecordedDay, end: int | None = None) -> HeldBars:
    """Return what the journal of a day adds up to, before `end` (seconds UTC)."""
    bounds = day.since, end or day.until + LONGEST_REST_S
    times, has_quotes = journal.times(day.interval, *bounds), journal.has_quotes(day.interval, *bounds)
    symbols = day.all_symbols
    # Those of after the close were kept for the next session.
    quotes = HeldQuotes(len(symbols), times[times < day.closes]) if has_quotes else None
    held = HeldBars(symbols, day.interval, times, (day.since, day.until), quotes=quotes)
    read_day(journal, held, day, end)
    return held


def restore_days(journal: ArrivalJournal, writer: StoreWriter, but: RecordedDay, now: float) -> None:
    """Store what the journal has of all days that a recorder left before they were stored, except `but`.

    Days that another recorder is at are left to it. Without space for them they are left to the next start.
    """
    days = journal.days()
    for day in days:
        if day.is_stored or _key(day) == _key(but):
            continue
        claims = SymbolClaims(claims_folder(journal.path))
        try:
            claims.add(sorted(set(day.all_symbols) - set(but.all_symbols)))
        except SymbolsClaimedError:
            continue
        try:
            later = [one.since for one in days if one.since > day.since and one.interval == day.interval]
            held = folded_day(journal, day, min(later, default=None))
            if writer.write([held], now, is_last=True):
                journal.note_stored(day)
        finally:
            claims.release()


def _key(day: RecordedDay) -> tuple[object, ...]:
    return day.trading_day, day.interval, day.symbols

"""Sessions that a store can play: what is offered where a command names no symbols."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from tapedeck.console.cli.session_options import SessionOptions
from tapedeck.engine.config.readers import QUOTES
from tapedeck.engine.intervals import DAY, MINUTE, SECOND, Interval
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.streams.stored_session import stored_days, stored_exchange

MOST_SYMBOLS: Final = 20
"""Symbols of a session that is offered, or written for a whole store."""
_PLAYED_FIRST: Final = (MINUTE, SECOND, DAY)


@dataclass(frozen=True, slots=True)
class StoredChoice:
    """The symbols that a store has of one base interval, and their days.

    `symbols`: the first of them, at most MOST_SYMBOLS, sorted; `count`: of how many.
    """

    interval: Interval
    symbols: tuple[str, ...]
    count: int
    exchange: str
    first: date
    last: date

    def completed(self, options: SessionOptions) -> SessionOptions:
        """Return options with these symbols, and this interval and these days where they have none."""
        return SessionOptions(
            self.symbols,
            options.first or self.first.isoformat(),
            options.last or self.last.isoformat(),
            options.intervals or (str(self.interval),),
            options.indicators,
            options.exchange or self.exchange,
        )

    def added_words(self, options: SessionOptions) -> list[str]:
        """Return the words that complete a command line with these options."""
        words = self.completed(options).words()
        given = options.words()
        pairs = zip(words[::2], words[1::2], strict=True)
        return [word for pair in pairs if pair[0] not in given for word in pair]


def stored_choices(store: BarStore, options: SessionOptions) -> list[StoredChoice]:
    """Return what a store can play, minutes first; empty for an empty store.

    Symbols with a comma are left out: options cannot name them, a session file can.
    """
    held: dict[Interval, list[str]] = {}
    for symbol, intervals in store.series().items():
        for interval in intervals:
            if "," not in symbol:
                held.setdefault(interval, []).append(symbol)
    usable = [base for base in _PLAYED_FIRST if base in held and _makes(options.intervals, base)]
    return [_choice(held[base], base, options, store) for base in usable]


def _makes(intervals: Sequence[str], base: Interval) -> bool:
    """Whether valid intervals can be made from bars of a base interval; `quotes` are made from any."""
    return all(Interval.parse(text).can_be_made_from(base) for text in intervals if text != QUOTES)


def _choice(
    symbols: Sequence[str], interval: Interval, options: SessionOptions, store: BarStore
) -> StoredChoice:
    chosen = tuple(sorted(symbols)[:MOST_SYMBOLS])
    exchange = options.exchange or stored_exchange(chosen, interval, store)
    first, last = stored_days(chosen, interval, exchange, store)
    return StoredChoice(interval, chosen, len(symbols), exchange, first, last)


def commands_of(
    choices: Sequence[StoredChoice], arguments: Sequence[str], options: SessionOptions
) -> list[str]:
    """Return the command line of `arguments` completed by each choice, quoted for a shell."""
    return [shlex.join(["tapedeck", *arguments, *choice.added_words(options)]) for choice in choices]


def table_of(choices: Sequence[StoredChoice]) -> list[str]:
    """Return one line of text for each choice: interval, days, symbols."""
    return [
        f"{choice.interval!s:>3}  {choice.first} to {choice.last}  {_symbols(choice)}" for choice in choices
    ]


def _symbols(choice: StoredChoice) -> str:
    more = choice.count - len(choice.symbols)
    names = ", ".join(choice.symbols)
    return f"{names} and {more:,} more (`tapedeck store list` lists all)" if more else names

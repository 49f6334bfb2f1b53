"""Messages and figures of a live recorder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from tapedeck.engine.feeds.arrivals import Codes
from tapedeck.engine.store.bar_store import Floats, Ints
from tapedeck.engine.tape.bar_grid import Mask
from tapedeck.engine.tape.scan_records import ScanRecord
from tapedeck.engine.tape.symbol_changes import SymbolChange


@dataclass(frozen=True, slots=True)
class Arrived:
    """Bars of the shown session that are new or replaced; each slot of a symbol once, m bars in all.

    `rows`, `slots`: positions among the recorder's symbols (those given to `begin_session`, then those that
    joined) and the session's slots, int64, shape (m,).
    `values`: float64, shape (5, m): open, high, low, close, volume, as stored. `kinds`: int8, shape (m,),
    positions in `arrivals.KINDS`. `is_new`: bool, shape (m,): no version was held before. `received`: market
    time, seconds UTC, of the last of them. `saved`: whether they are in the journal.
    `number`: of the last batch of arrivals that was taken before. `known_at`: slot before which strategies
    that walk the session again may know them; None for bars that have come since the start. Values are NaN
    for a bar that they knew later only.
    """

    trading_day: date
    rows: Ints
    slots: Ints
    values: Floats
    kinds: Codes
    is_new: Mask
    received: float
    saved: bool
    number: int = 0
    known_at: int | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, chosen: Mask) -> Arrived:
        """Return the message of some of its bars; `chosen`: bool, shape (m,)."""
        return replace(
            self,
            rows=self.rows[chosen],
            slots=self.slots[chosen],
            values=self.values[:, chosen],
            kinds=self.kinds[chosen],
            is_new=self.is_new[chosen],
        )


@dataclass(frozen=True, slots=True)
class QuotesArrived:
    """Last quotes of slots of the shown session that are new or replaced; each slot of a symbol once.

    `rows`, `slots`, `number`, `known_at`: as in `Arrived`. `values`: float64, shape (4, m): bid, ask, bid
    size, ask size, as stored; NaN for a quote that strategies knew later only.
    """

    trading_day: date
    rows: Ints
    slots: Ints
    values: Floats
    number: int = 0
    known_at: int | None = None

    def part(self, chosen: Mask) -> QuotesArrived:
        """Return the message of some of its quotes; `chosen`: bool, shape (m,)."""
        return replace(self, rows=self.rows[chosen], slots=self.slots[chosen], values=self.values[:, chosen])


@dataclass(frozen=True, slots=True)
class RecorderCounts:
    """Counts of arrivals since the start.

    `bars`: all of the session's symbols. `late`: new bars of slots behind the frontier. `filled`: those of
    them that came by a request. `corrected`: bars with other values than before. `refused`: other values
    of a lower precedence. `early`: bars of slots that were not over by our clock. `off_raster`, `invalid`:
    journalled, but not stored. `not_ours`: of other symbols; not journalled. `quotes`: last quotes of slots
    that were new, or others than before; `quotes_left_out`: with a fault, of other symbols, or too late.
    """

    bars: int = 0
    duplicates: int = 0
    late: int = 0
    filled: int = 0
    corrected: int = 0
    refused: int = 0
    early: int = 0
    off_raster: int = 0
    invalid: int = 0
    not_ours: int = 0
    quotes: int = 0
    quotes_left_out: int = 0


@dataclass(frozen=True, slots=True)
class RecorderStatus:
    """Status of a live recorder; see `FeedStatus`.

    `save_lag_s`: longest time from receipt to journal of the last batch, seconds of the machine; None before
    the first. `stored_lag_s`: the same, to the store's bars. `unsaved`: bars not in the journal yet.
    `unstored`: bars not in the store yet; in a Parquet store, until the session ends, all of them.
    `unsaved_quotes`, `unstored_quotes`: the same of quotes.
    """

    counts: RecorderCounts = RecorderCounts()
    save_lag_s: float | None = None
    stored_lag_s: float | None = None
    journal_bytes: int = 0
    unsaved: int = 0
    unstored: int = 0
    unsaved_quotes: int = 0
    unstored_quotes: int = 0


@dataclass(frozen=True, slots=True)
class SymbolsJoined:
    """Symbols that joined a session, as the recorder has it.

    `symbols`: all of the session, by their rows, which never change. `empty`: times without a trade of the
    joined ones, seconds UTC, which the store may not have had before.
    """

    symbols: tuple[str, ...]
    empty: Mapping[str, Ints]


@dataclass(frozen=True, slots=True)
class SessionBegun:
    """A session that a recorder takes bars for: `bars` were in the journal, of an earlier recording.

    `kept`: symbols that it begins with beside those of the file; `changes`: joins and leaves of an earlier
    recording of it, which are to be made again, in order; `scans`: what its scanners found. `walked`: number
    of slots that its strategies have walked.
    """

    trading_day: date
    bars: int
    is_saved: bool
    kept: tuple[str, ...] = ()
    changes: tuple[SymbolChange, ...] = ()
    scans: tuple[ScanRecord, ...] = ()
    walked: int = 0

"""Records of finished or interrupted sessions, as stamped, exported and cached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, Self

import numpy as np

from tapedeck.engine.broker.account_record import AccountAt
from tapedeck.engine.broker.account_summary import AccountSummary
from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.intervals import Interval
from tapedeck.engine.quality.gaps_and_scores import HistoricalQuality
from tapedeck.engine.tape.bar_grid import Ints
from tapedeck.engine.tape.scan_records import ScanRecord
from tapedeck.engine.tape.scan_summary import ScannerSummary, scanner_summaries
from tapedeck.engine.tape.symbol_changes import ChangeKind
from tapedeck.engine.tape.tape import Tape


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A tape that is no longer written, with the frontier that was reached.

    `state`: the run's state when the session ended: `running`, or the final state of the run. `scans`: what
    the scanners found, in the order of their runs.
    """

    tape: Tape
    frontier: int
    state: str
    error: str | None
    scans: tuple[ScanRecord, ...] = ()

    @property
    def historical_quality(self) -> Mapping[tuple[str, Interval], HistoricalQuality]:
        """Quality of the session's history, by symbol and interval."""
        return self.tape.historical_quality

    @property
    def account(self) -> AccountAt | None:
        """The account of the strategies as it stood at the frontier; None without strategies."""
        account = self.tape.account
        return None if account is None else account.record.at(self.frontier)

    @property
    def complete(self) -> bool:
        """Whether the session was played to its close."""
        return self.frontier == len(self.tape)

    def whole(self) -> SessionRecord:
        """Return the record with all symbols that were in the session (`Tape.whole`)."""
        return replace(self, tape=self.tape.whole())


class SessionSink(Protocol):
    """Receiver of sessions as they end, such as an export."""

    def write_session(self, record: SessionRecord, digest: str) -> None:
        """Write one session; the run's last one may be incomplete."""
        ...


@dataclass(frozen=True, slots=True)
class TimedChange:
    """A symbol that joined or left a session. `slot`: number of slots that were over; `time`: the exchange's.

    `keep`: whether the following sessions begin with a joined symbol, too. `time` in ISO 8601.
    """

    change: Literal["joined", "left"]
    symbol: str
    slot: int
    time: str
    keep: bool


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """One session in the summary of a run.

    Counts and quality are over all symbols that were in the session. `quality_pct`: mean, None if not
    measured; `empty`: confirmed-empty slots, of those played while the symbol was there. `opening`: the
    symbols that it began with; `changes`: those that joined and left, in order. `scanners`: what each scanner
    did that has scans in this session. `account`: that of the strategies; None without any.
    """

    trading_day: str
    slots: int
    played: int
    bars: int
    quality_pct: float | None
    digest: str
    empty: int = 0
    opening: tuple[str, ...] = ()
    changes: tuple[TimedChange, ...] = ()
    scanners: tuple[ScannerSummary, ...] = ()
    account: AccountSummary | None = None

    @classmethod
    def of(cls, record: SessionRecord, digest: str) -> Self:
        """Return the summary of a recorded session with its digest."""
        tape, frontier, account = record.tape.whole(), record.frontier, record.account
        return cls(
            trading_day=tape.session.trading_day.isoformat(),
            slots=len(tape),
            played=frontier,
            bars=int(tape.base.present[:, :frontier].sum()),
            quality_pct=None if tape.scores is None else float(np.mean(tape.scores[:, frontier])),
            digest=digest,
            empty=_confirmed_empty(tape, frontier),
            opening=tape.opening,
            changes=_timed_changes(tape),
            scanners=scanner_summaries(record.scans, tape.session.zone),
            account=None if account is None else AccountSummary.of(account),
        )


def symbols_played(sessions: Iterable[SessionSummary], otherwise: tuple[str, ...]) -> tuple[str, ...]:
    """Return the symbols of all sessions, in the order of joining; `otherwise` without sessions."""
    found: dict[str, None] = {}
    opening: tuple[str, ...] = ()
    for session in sessions:
        if session.opening != opening:
            opening = session.opening
            found.update(dict.fromkeys(opening))
        found.update(dict.fromkeys(change.symbol for change in session.changes))
    return tuple(found) or otherwise


def kept_symbols(session: SessionSummary, file_symbols: Sequence[str]) -> tuple[str, ...]:
    """Return the symbols with which a session began beside those of the file, in the order of joining."""
    if session.opening == tuple(file_symbols):
        return ()
    known = frozenset(file_symbols)
    return tuple(symbol for symbol in session.opening if symbol not in known)


def last_frontiers(tape: Tape, frontier: int) -> Ints:
    """Return the last frontier of each symbol of a whole tape, int64 (S,): `frontier`, or where it left."""
    found = np.full(len(tape.symbols), frontier, dtype=np.int64)
    for stay in tape.left_after(-1):
        found[tape.rows[stay.symbol]] = frontier if stay.left is None else min(stay.left, frontier)
    return found


def _confirmed_empty(tape: Tape, frontier: int) -> int:
    """Return the number of confirmed-empty slots of a whole tape, without those after a symbol left."""
    if tape.empty is None:
        return 0
    played = int(tape.empty[:, :frontier].sum())
    return played - int((frontier - last_frontiers(tape, frontier)).sum())


def _timed_changes(tape: Tape) -> tuple[TimedChange, ...]:
    zone = tape.session.zone
    return tuple(
        TimedChange(
            "joined" if change.kind is ChangeKind.JOINED else "left",
            change.symbol,
            change.frontier,
            utc_from_epoch(tape.slots.clock(change.frontier)).astimezone(zone).isoformat(),
            change.keep,
        )
        for change in tape.changes
    )

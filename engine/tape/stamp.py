"""Determinism stamp: a hash over the content of every tape of a run."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import xxhash

from tapedeck.engine.broker.account_text import account_lines
from tapedeck.engine.tape.tape import Tape


def session_digest(tape: Tape, frontier: int) -> str:
    """Return the hash of a tape cut at `frontier`: what is known before the open, and all up to there.

    That is prior closes and historical indicators; bars, derived bars, indicators, scores, and slots that
    are confirmed empty, if any; quotes, and which are made, if they are streamed; of all symbols that were in
    the session, with the times at which symbols joined and left, if any did. With strategies, their orders,
    fills, trades and notes, and the equity at each slot, as far as they walked. XXH3 with 128 bits, in
    hexadecimal, over names, labels and values in a fixed order. Tapes contain no -0.0 and only one kind of
    NaN, so equal values have equal bits.
    """
    digest = xxhash.xxh3_128()
    session, account, tape = tape.session, tape.account, tape.whole()
    names = [session.exchange, session.trading_day.isoformat(), str(frontier), *tape.symbols]
    names += [change.text for change in tape.changes]
    arrays: list[np.ndarray] = []

    def add(name: str, values: np.ndarray) -> None:
        names.append(f"{name} {values.shape}")
        arrays.append(values)

    for interval in tape.intervals:
        columns = tape.columns_over(interval, frontier)
        add(f"opened_at {interval}", tape.opened_at(interval)[:columns])
        add(f"bars {interval}", tape.grid(interval).values[:, :, :columns])
    for interval, grid in tape.derived.items():
        add(f"base_bars {interval}", grid.base_bars[:, : tape.columns_over(interval, frontier)])
    for name, column in tape.indicators.items():
        add(f"{name} {column.interval}", column.values[:, : tape.columns_over(column.interval, frontier)])
    for name, value in tape.historical.items():
        add(name, value.values)
    add("prior close", tape.prior_close.values)
    add("prior close opened_at", tape.prior_close.opened_at)
    if tape.empty is not None and tape.empty[:, :frontier].any():
        add("confirmed empty", tape.empty[:, :frontier])
    if tape.quotes is not None:
        add("quotes", tape.quotes.values[:, :, :frontier])
        add("quotes made", tape.quotes.made)
    if tape.scores is not None:
        add("scores", tape.scores[:, : frontier + 1])
    if account is not None:
        stands = account.record.at(frontier)
        names += account_lines(stands)
        add("equity", stands.equity_so_far)
    digest.update("\n".join(names).encode())
    for values in arrays:
        # Bars are hashed field by field: the same bytes, without copying a grid that is a view of a chunk.
        for part in values if values.ndim == 3 else (values,):
            digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()


def run_stamp(digests: Iterable[str], changed_sessions: Iterable[str] = ()) -> str:
    """Return the stamp of a run: the hash of its changed sessions and its sessions' digests in order."""
    chain = RunStamp(changed_sessions)
    for digest in digests:
        chain.add(digest)
    return chain.text


class RunStamp:
    """Stamp of a run in progress, extended session by session.

    `changed_sessions`: the days that the session file changes, as text; without them the stamp is that of the
    sessions alone.
    """

    def __init__(self, changed_sessions: Iterable[str] = ()) -> None:
        self._chain = xxhash.xxh3_128("\n".join(changed_sessions).encode())

    def add(self, digest: str) -> None:
        """Add the next session's digest."""
        self._chain.update(digest.encode())

    @property
    def text(self) -> str:
        """The stamp of the sessions so far."""
        return self._chain.hexdigest()

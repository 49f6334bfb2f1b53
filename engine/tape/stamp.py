"""The determinism stamp: a hash over everything a tape holds, session by session."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import xxhash

from engine.tape.tape import Tape


def session_digest(tape: Tape, frontier: int) -> str:
    """Return the hash of a tape cut at `frontier`: bars, derived bars, indicators, scores, historical values.

    XXH3 with 128 bits, in hexadecimal, over names, labels and values in a fixed order. The arrays hold no
    -0.0 and only one kind of NaN, so equal values have equal bits.
    """
    digest = xxhash.xxh3_128()

    def add(name: str, values: np.ndarray) -> None:
        digest.update(f"{name}:{values.dtype.str}:{values.shape};".encode())
        digest.update(np.ascontiguousarray(values).view(np.uint8).reshape(-1).data)

    session = tape.session
    digest.update(f"{session.exchange};{session.trading_day};{frontier};{','.join(tape.symbols)};".encode())
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
    if tape.scores is not None:
        add("scores", tape.scores[:, : frontier + 1])
    return digest.hexdigest()


def run_stamp(digests: Iterable[str]) -> str:
    """Return the stamp of a run: the hash of its sessions' digests in order."""
    chain = xxhash.xxh3_128()
    for digest in digests:
        chain.update(digest.encode())
    return chain.hexdigest()

"""Script for tests in a separate process: writes bars to a store, and can be killed at any moment.

Each piece spans New Year 2014, so that a Parquet store has to change two files as one. Usage:
`pieces LOCATION FIRST LAST MODE` writes pieces; `killed LOCATION ROUNDS SEED` has child processes write, and
kills each at a random moment.
"""

from __future__ import annotations

import os
import random
import select
import signal
import sys

import numpy as np

from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.bar_store import BarColumns
from tapedeck.engine.store.locations import open_store

NEW_YEAR_2014 = 1388534400
SYMBOLS = ("AIG", "SPY")
HALF = 40  # bars of a piece on either side of New Year
PIECES = 150


def piece(number):
    """Bars of 2013 and as many of 2014, the pieces growing away from New Year."""
    steps = np.arange(number * HALF, (number + 1) * HALF)
    times = np.concatenate([NEW_YEAR_2014 - 60 * (steps[::-1] + 1), NEW_YEAR_2014 + 60 * steps])
    values = times / 7.0
    return BarColumns(times, values, values + 1, values - 1, values + 0.5, values * 100)


def whole_count_of(bars):
    """Return the number of pieces in the bars; fail if it is not whole, or if values differ."""
    count, rest = divmod(len(bars), 2 * HALF)
    assert rest == 0, f"{len(bars)} bars are not a whole number of pieces"
    wanted = np.sort(np.concatenate([[], *(piece(number).opened_at for number in range(count))]))
    assert bars.opened_at.tolist() == wanted.tolist()
    assert bars.close.tolist() == (wanted / 7.0 + 0.5).tolist()
    return count


def write_pieces(location, first, last, mode):
    """Write pieces one by one, a transaction each (`atomic`: one for all symbols), or gathered (`batch`)."""
    with open_store(location, create=True) as store:
        if mode == "batch":
            with store.batch():
                for number in range(first, last):
                    write_all(store, number)
        for number in range(first, last) if mode != "batch" else ():
            if mode == "atomic":
                with store.batch(atomic=True):
                    write_all(store, number)
            else:
                write_all(store, number)


def write_all(store, number):
    """Write one piece of every symbol."""
    for symbol in SYMBOLS:
        store.write(symbol, MINUTE, piece(number))


def kill_writers(location, rounds, seed):
    """Start writers and kill them; say how many were cut short."""
    moments = random.Random(seed)
    killed = 0
    for _ in range(rounds):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            os.write(writer, b"x")  # the writer begins; the pipe's end is its own
            write_pieces(location, 0, PIECES, "atomic")
            os._exit(0)
        os.close(writer)
        os.read(reader, 1)
        # Readable again only when the writer has ended by itself.
        if not select.select([reader], [], [], moments.uniform(0.0, 0.12))[0]:
            os.kill(child, signal.SIGKILL)
        killed += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        os.close(reader)
    sys.stdout.write(f"{killed}\n")


if __name__ == "__main__":
    task, place, *numbers = sys.argv[1:]
    if task == "killed":
        kill_writers(place, int(numbers[0]), int(numbers[1]))
    else:
        write_pieces(place, int(numbers[0]), int(numbers[1]), numbers[2])

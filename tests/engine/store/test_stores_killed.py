"""Killed writers and concurrent readers: stored bars stay complete."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from bar_samples import bits
from store_writer_script import HALF, NEW_YEAR_2014, PIECES, SYMBOLS, piece, whole_count_of, write_pieces

from tapedeck.engine.errors import StoreError
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.locations import open_store

SCRIPT = Path(__file__).with_name("store_writer_script.py")
PLACES = ("bars.db", "bars")
ALWAYS = (0, 10**10)
REFUSED = 3

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="writers are killed by the means of POSIX")


def run_writer(*arguments):
    """Start the script in a separate process."""
    root = Path(__file__).resolve().parents[3]
    environment = os.environ | {"PYTHONPATH": str(root)}
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def whole_pieces(store):
    """How many pieces each symbol has; fails where a piece is there in part."""
    return [whole_count_of(store.read(symbol, MINUTE, *ALWAYS)) for symbol in SYMBOLS]


@needs_fork
@pytest.mark.parametrize("place", PLACES)
def test_an_import_killed_at_random_moments_leaves_whole_transactions_and_can_be_done_again(place, tmp_path):
    location, undisturbed = tmp_path / place, tmp_path / f"undisturbed_{place}"
    with open_store(location, create=True) as store:
        counts = []
        for seed in range(2):
            script = run_writer("killed", location, 4, seed)
            output, errors = script.communicate(timeout=120)
            assert script.returncode == 0, errors
            counts.append(int(output))
            first, second = whole_pieces(store)  # a store that was open all the time
            assert first == second, "the writes of an atomic block land together"
            with open_store(location) as opened_after:
                assert whole_pieces(opened_after) == [first, second]
    assert sum(counts) >= 5, f"only {counts} writers were killed before they had finished"
    write_pieces(location, 0, PIECES, "batch")
    write_pieces(undisturbed, 0, PIECES, "batch")
    with open_store(location) as again, open_store(undisturbed) as plain:
        assert again.series() == plain.series()
        for symbol in SYMBOLS:
            assert bits(again.read(symbol, MINUTE, *ALWAYS)) == bits(plain.read(symbol, MINUTE, *ALWAYS))
    if place == "bars":
        assert sorted(entry.name for entry in (location / ".staging").iterdir()) == [
            "commit.lock",
            "write.lock",
        ]


@pytest.mark.parametrize("place", PLACES)
def test_a_reader_sees_whole_transactions_while_another_process_writes(place, tmp_path):
    location = tmp_path / place
    with open_store(location, create=True) as store:
        store.write(SYMBOLS[0], MINUTE, piece(0))
        store.write(SYMBOLS[1], MINUTE, piece(0))
        writer = run_writer("pieces", location, 0, 30, "single")
        seen = set()
        while writer.poll() is None:
            seen.add(tuple(whole_pieces(store)))
            sizes = np.zeros(2, int)
            for batch in store.scan(SYMBOLS, MINUTE, *ALWAYS):
                sizes += np.bincount(np.broadcast_to(batch.rows, len(batch.bars)), minlength=2)
            assert (sizes % (2 * HALF)).tolist() == [0, 0]
            assert store.last_before(SYMBOLS[0], MINUTE, 10**10) >= NEW_YEAR_2014 + 60 * (HALF - 1)
        assert writer.communicate(timeout=60)[1] == ""
        assert whole_pieces(store) == [30, 30]
        assert len(seen) > 2, "the reader was to see the import grow"


@pytest.mark.parametrize("place", PLACES)
def test_two_processes_may_write_at_once(place, tmp_path):
    location = tmp_path / place
    writers = [
        run_writer("pieces", location, *numbers) for numbers in ((0, 15, "single"), (10, 20, "atomic"))
    ]
    for writer in writers:
        assert writer.communicate(timeout=120)[1] == ""
    with open_store(location) as store:
        assert whole_pieces(store) == [20, 20]


@pytest.mark.parametrize("place", PLACES)
def test_many_processes_may_make_the_same_store_at_once(place, tmp_path):
    writers = [run_writer("pieces", tmp_path / place, 0, 2, "single") for _ in range(3)]
    assert [writer.communicate(timeout=120)[1] for writer in writers] == [""] * 3
    with open_store(tmp_path / place) as store:
        assert whole_pieces(store) == [2, 2]


@needs_fork
@pytest.mark.parametrize("place", PLACES)
def test_a_child_forked_while_another_thread_writes_does_not_hang(place, tmp_path):
    """The child has no such thread, which would set the parent's locks free.

    SQLite itself cannot be taken through a fork: there the child reads by the other library, and its write is
    refused rather than lost.
    """
    store = open_store(tmp_path / place, create=True)
    store.write("SPY", MINUTE, piece(0))
    begun, end = threading.Event(), threading.Event()

    def write():
        with store.batch(atomic=True):
            store.write("SPY", MINUTE, piece(1))
            begun.set()
            end.wait(60)

    writer = threading.Thread(target=write)
    writer.start()
    assert begun.wait(60)
    child = os.fork()
    if child == 0:
        os._exit(use_in_child(store))
    end.set()
    writer.join(60)
    assert exit_code(child) == (REFUSED if place == "bars.db" else 0)
    assert len(store.read("SPY", MINUTE, *ALWAYS)) == 2 * 2 * HALF
    assert len(store.read("IBM", MINUTE, *ALWAYS)) == (0 if place == "bars.db" else 2 * HALF)


@needs_fork
@pytest.mark.parametrize("place", PLACES)
def test_a_child_forked_inside_a_batch_leaves_it_to_its_parent(place, tmp_path):
    store = open_store(tmp_path / place, create=True)
    store.write("SPY", MINUTE, piece(0))
    try:
        with store.batch():
            store.write("SPY", MINUTE, piece(1))
            child = os.fork()
            if child == 0:
                signal.alarm(30)
                raise KeyboardInterrupt  # leaves the batch, in the child only
            assert exit_code(child) == 0
            store.write("SPY", MINUTE, piece(2))
    except KeyboardInterrupt:
        os._exit(0)
    assert whole_count_of(store.read("SPY", MINUTE, *ALWAYS)) == 3


def use_in_child(store):
    """Read, and write, and say with an exit code how that went; the alarm ends a child that hangs."""
    signal.alarm(30)
    try:
        whole_count_of(store.read("SPY", MINUTE, *ALWAYS))
        list(store.scan(["SPY"], MINUTE, *ALWAYS))
        assert list(store.series()) == ["SPY"]
        try:
            store.write("IBM", MINUTE, piece(0))
        except StoreError as error:
            return REFUSED if "when this process was forked" in str(error) else 1
    except BaseException:  # noqa: BLE001 - only the parent can report it
        return 1
    return 0


def exit_code(child):
    """Wait for a child process, and return how it ended."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

"""The two SQLite libraries of one process never have a file open at the same time, and no row is lost."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import adbc_driver_sqlite.dbapi as adbc
import pytest
from bar_samples import as_rows, by_row, minutes, part
from store_writer_script import HALF, SYMBOLS, piece

from tapedeck.engine.errors import StoreError
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.store.sqlite_gate import FileGate, Library, gate_of

ALWAYS = (0, 10**10)
LIMIT_S = 60


class OpenConnections:
    """Counts real connections by library, as they are opened and closed."""

    def __init__(self):
        self.lock = threading.Lock()
        self.now = {"native": 0, "arrow": 0}
        self.opened = {"native": 0, "arrow": 0}
        self.together = 0

    def change(self, kind, by):
        with self.lock:
            self.now[kind] += by
            self.opened[kind] += max(by, 0)
            self.together += all(self.now.values())


@pytest.fixture
def connections(monkeypatch):
    """Watch both libraries at their own border."""
    counted = OpenConnections()
    connect_native, connect_arrow = sqlite3.connect, adbc.connect

    class Native(sqlite3.Connection):
        def close(self):
            super().close()
            counted.change("native", -1)

    def native(*arguments, **options):
        counted.change("native", 1)
        return connect_native(*arguments, factory=Native, **options)

    def arrow(*arguments, **options):
        counted.change("arrow", 1)
        connection = connect_arrow(*arguments, **options)
        close = connection.close

        def closed():
            close()
            counted.change("arrow", -1)

        connection.close = closed
        return connection

    monkeypatch.setattr(sqlite3, "connect", native)
    monkeypatch.setattr(adbc, "connect", arrow)
    yield counted
    assert counted.now == {"native": 0, "arrow": 0}, "a connection was left open"


def run_threads(*tasks):
    """Run the tasks at once; raise the first error of any."""
    errors = []

    def guarded(task):
        try:
            task()
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)
    assert not any(thread.is_alive() for thread in threads), "a thread hangs"
    if errors:
        raise errors[0]


def test_threads_that_read_and_write_beside_a_second_process_lose_no_row(tmp_path, connections):
    path = tmp_path / "bars.db"
    open_store(path, create=True)
    (tmp_path / "link.db").symlink_to(path)
    script = Path(__file__).with_name("store_writer_script.py")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    other = subprocess.Popen(
        [sys.executable, str(script), "pieces", str(path), "0", "40", "single"],
        env=environment, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    writers_left = threading.Semaphore(0)

    def write(name, symbol, batched):
        store = open_store(tmp_path / name)
        with store.batch() if batched else contextlib.nullcontext():
            for number in range(40):
                store.write(symbol, MINUTE, piece(number))
        writers_left.release()

    def read(name):
        store = open_store(tmp_path / name)
        done = rounds = 0
        while done < 2 or rounds < 10 or other.poll() is None:
            rounds += 1
            done += writers_left.acquire(blocking=False)
            for rows in by_row(store.scan(["A", "B", *SYMBOLS], MINUTE, *ALWAYS)).values():
                assert len(rows) % (2 * HALF) == 0
            assert len(store.read("A", MINUTE, *ALWAYS)) % (2 * HALF) == 0
            store.series()

    run_threads(
        lambda: write("bars.db", "A", True),
        lambda: write("link.db", "B", False),
        lambda: read("bars.db"),
    )
    assert other.communicate(timeout=LIMIT_S)[1] == ""
    with open_store(path) as store:
        for symbol in ("A", "B", *SYMBOLS):
            assert len(store.read(symbol, MINUTE, *ALWAYS)) == 40 * 2 * HALF, symbol
    plain = sqlite3.connect(path)
    assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    plain.close()
    assert connections.together == 0, "both libraries had the file open at once"
    assert min(connections.opened.values()) >= 10, "both libraries were to be at work"


def test_the_log_of_an_open_writer_is_not_removed_by_a_reader(tmp_path):
    store = open_store(tmp_path / "bars.db", create=True)
    log = tmp_path / "bars.db-wal"
    with store.batch(atomic=True):
        store.write("SPY", MINUTE, minutes(100))
        reader = threading.Thread(target=lambda: list(store.scan(["SPY"], MINUTE, *ALWAYS)))
        reader.start()
        gate = gate_of(tmp_path / "bars.db")
        assert set(gate.open_connections) == {Library.NATIVE}
        assert log.exists()
        store.write("SPY", MINUTE, minutes(200))
        assert log.exists()
    reader.join(LIMIT_S)
    assert not reader.is_alive()
    assert len(store.read("SPY", MINUTE, *ALWAYS)) == 200


def test_an_idle_batch_does_not_keep_readers_out(tmp_path):
    store = open_store(tmp_path / "bars.db", create=True)
    with store.batch():
        store.write("SPY", MINUTE, minutes(100))
        assert gate_of(store.location).open_connections == (Library.NATIVE,)
        found = []
        run_threads(lambda: found.append(by_row(store.scan(["SPY"], MINUTE, *ALWAYS))))
        assert found == [{0: as_rows(minutes(100))}]
        assert gate_of(store.location).open_connections == ()
        store.write("SPY", MINUTE, minutes(150))
    assert len(store.read("SPY", MINUTE, *ALWAYS)) == 150


def test_a_reader_that_stands_still_does_not_keep_writers_out(tmp_path):
    store = open_store(tmp_path / "bars.db", create=True)
    bars = minutes(40_000)
    store.write("SPY", MINUTE, bars)
    scan = store.scan(["SPY"], MINUTE, *ALWAYS)
    first = next(scan)
    assert gate_of(store.location).open_connections == (Library.ARROW,)
    run_threads(lambda: store.write("SPY", MINUTE, minutes(40_001)))
    assert by_row([first, *scan]) == {0: as_rows(bars)}, "the scan shows what was stored when it began"


def test_a_reader_that_was_asked_while_it_began_lets_go_when_it_stands_still(tmp_path):
    """The writer comes while the scan opens the file, and finds it busy: the scan has to remember."""
    store = open_store(tmp_path / "bars.db", create=True)
    store.write("SPY", MINUTE, minutes(40_000))
    gate = gate_of(store.location)
    first_in_line = gate.enter(Library.NATIVE)
    scan = store.scan(["SPY"], MINUTE, *ALWAYS)
    batches = []
    reader = threading.Thread(target=lambda: batches.append(next(scan)))
    reader.start()
    wait_until(lambda: len(gate._waiting) == 1)
    writer = threading.Thread(target=lambda: store.write("SPY", MINUTE, minutes(40_001)))
    writer.start()
    wait_until(lambda: len(gate._waiting) == 2)
    gate.leave(first_in_line)
    for thread in (reader, writer):
        thread.join(LIMIT_S)
        assert not thread.is_alive()
    assert sum(len(batch.bars) for batch in [*batches, *scan]) == 40_000


def test_a_batch_that_was_asked_during_a_transaction_lets_go_after_it(tmp_path):
    store = open_store(tmp_path / "bars.db", create=True)
    found = []
    with store.batch():
        with store.batch(atomic=True):
            store.write("SPY", MINUTE, minutes(100))
            reader = threading.Thread(
                target=lambda: found.extend(store.scan(["SPY"], MINUTE, *ALWAYS)), daemon=True
            )
            reader.start()
            gate = gate_of(store.location)
            wait_until(lambda: len(gate._waiting) == 1)
        reader.join(LIMIT_S)
        assert by_row(found) == {0: as_rows(minutes(100))}, "while the batch still stands open"


def test_a_scan_that_is_given_up_lets_go_of_the_file(tmp_path):
    store = open_store(tmp_path / "bars.db", create=True)
    store.write("SPY", MINUTE, minutes(40_000))
    for _ in store.scan(["SPY"], MINUTE, *ALWAYS):
        break
    scan = store.scan(["SPY"], MINUTE, *ALWAYS)
    next(scan)
    scan.close()
    assert gate_of(store.location).open_connections == ()


def test_small_reads_use_the_library_that_is_at_work(tmp_path, connections):
    store = open_store(tmp_path / "bars.db", create=True)
    store.write("SPY", MINUTE, minutes(40_000))
    with store.batch():
        store.write("IBM", MINUTE, minutes(10))
        before = connections.opened["arrow"]
        found = []
        run_threads(lambda: found.append(store.read("SPY", MINUTE, *ALWAYS)))
        assert len(found[0]) == 40_000
        assert connections.opened["arrow"] == before
    scan = store.scan(["SPY"], MINUTE, *ALWAYS)
    next(scan)
    before = connections.opened["native"]
    assert list(store.series()) == ["IBM", "SPY"]
    assert store.first_at_or_after("SPY", MINUTE, 0) == minutes(1).opened_at[0]
    assert store.last_before("SPX", MINUTE, 0) is None
    assert connections.opened["native"] == before
    scan.close()


def test_a_file_that_breaks_while_it_is_read_is_reported_to_its_reader(tmp_path):
    """The rest of a scan is read for a writer that waits; what goes wrong then is the reader's to know."""
    path = tmp_path / "bars.db"
    store = open_store(path, create=True)
    store.write("SPY", MINUTE, minutes(60_000))
    scan = store.scan(["SPY"], MINUTE, *ALWAYS)
    next(scan)
    with path.open("r+b") as file:
        file.seek(len(path.read_bytes()) * 3 // 4)
        file.write(b"\xff" * 200_000)
    gate = gate_of(path)
    run_threads(lambda: gate.leave(gate.enter(Library.NATIVE)))
    with pytest.raises(StoreError, match=r"bars\.db is damaged"):
        list(scan)


def test_one_file_has_one_gate_whatever_its_name(tmp_path, monkeypatch):
    path = tmp_path / "bars.db"
    open_store(path, create=True)
    (tmp_path / "link.db").symlink_to(path)
    os.link(path, tmp_path / "hard.db")
    monkeypatch.chdir(tmp_path)
    gates = {gate_of(Path(name)) for name in (str(path), "bars.db", "./bars.db", "link.db", "hard.db")}
    assert len(gates) == 1


def test_any_number_of_one_library_may_enter_and_the_other_waits_for_the_last():
    gate = FileGate()
    first, second = gate.enter(Library.ARROW), gate.enter(Library.ARROW)
    entered = threading.Event()

    def enter_other():
        with gate.entered(Library.NATIVE):
            entered.set()

    waiter = threading.Thread(target=enter_other)
    waiter.start()
    wait_until(lambda: gate.other_library_waits(first))
    gate.leave(first)
    assert not entered.is_set()
    gate.leave(second)
    assert entered.wait(LIMIT_S)
    waiter.join(LIMIT_S)


def test_a_library_that_was_open_at_a_fork_is_not_used_in_the_child():
    gate = FileGate(inherited=frozenset({Library.ARROW}))
    with pytest.raises(
        StoreError, match=r"was open when this process was forked.*start worker processes by `spawn`"
    ):
        gate.enter(Library.ARROW)
    with gate.entered(Library.ARROW, or_other=True) as holder:
        assert holder.library is Library.NATIVE
        assert gate.open_or_inherited() == set(Library)
    with pytest.raises(StoreError, match="was open when"):
        FileGate(inherited=frozenset(Library)).enter(Library.NATIVE, or_other=True)


def test_requests_are_admitted_in_order_of_arrival():
    """Readers that come after a waiting writer wait behind it, so a stream of readers cannot starve it."""
    gate = FileGate()
    order = []
    reader = gate.enter(Library.ARROW)

    def enter(library, name):
        with gate.entered(library):
            order.append(name)

    threads = []
    for count, (library, name) in enumerate(
        [(Library.NATIVE, "writer"), (Library.ARROW, "later reader")], start=1
    ):
        threads.append(threading.Thread(target=enter, args=(library, name)))
        threads[-1].start()
        wait_until(lambda count=count: len(gate._waiting) == count)
    gate.leave(reader)
    for thread in threads:
        thread.join(LIMIT_S)
    assert order == ["writer", "later reader"]


@pytest.mark.timeout(60)
def test_readers_and_writers_that_never_rest_both_get_on(tmp_path):
    store = open_store(tmp_path / "bars.db", create=True)
    bars = minutes(3000)
    store.write("SPY", MINUTE, bars)
    writes_done = threading.Event()
    reads = []

    def read():
        while not writes_done.is_set():
            reads.append(sum(len(batch.bars) for batch in store.scan(["SPY", "SPY"], MINUTE, *ALWAYS)))

    def write():
        for at in range(30):
            store.write("IBM", MINUTE, part(bars, slice(at, at + 1)))
        writes_done.set()

    run_threads(read, read, write)
    assert set(reads) == {6000}
    assert len(store.read("IBM", MINUTE, *ALWAYS)) == 30


def wait_until(condition):
    """Wait for what another thread is about to do, at most LIMIT_S."""
    changed = threading.Event()
    for _ in range(LIMIT_S * 1000):
        if condition():
            return
        changed.wait(0.001)
    raise AssertionError("waited too long")

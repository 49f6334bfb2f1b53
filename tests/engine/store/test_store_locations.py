"""Errors of locations at which no store can be opened."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import adbc_driver_sqlite.dbapi
import pyarrow.parquet
import pytest
from bar_samples import as_rows, by_row, minutes

from tapedeck.engine.errors import StoreError
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.store.parquet_store import ParquetStore
from tapedeck.engine.store.sqlite_connections import explained
from tapedeck.engine.store.sqlite_store import SqliteStore

ALWAYS = (0, 10**10)
NOBODY = 65534
PLACES = ("bars.db", "bars")

assert adbc_driver_sqlite.dbapi  # loaded here: a user without rights may not be able to
assert pyarrow.parquet


def refusal(location, *, create=False):
    with pytest.raises(StoreError) as caught:
        open_store(location, create=create)
    return str(caught.value)


@pytest.fixture
def open_place():
    """A folder that every user of the machine can reach."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for entry in [folder, *folder.rglob("*")]:
        if entry.is_dir():
            entry.chmod(0o755)
    shutil.rmtree(folder)


@contextlib.contextmanager
def plain_user():
    """Drop the rights of the superuser, who may access everything."""
    if not hasattr(os, "setresuid"):
        pytest.skip("rights are of another kind on this system")
    if os.getuid() != 0:
        yield
        return
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("bars.db", SqliteStore),
        ("bars.sqlite", SqliteStore),
        ("bars.SQLITE3", SqliteStore),
        ("bars", ParquetStore),
        ("deep/er/bars", ParquetStore),
        ("deep/er/bars.db", SqliteStore),
    ],
)
def test_the_name_of_a_new_place_says_which_store_it_becomes(tmp_path, name, kind):
    made = open_store(str(tmp_path / name), create=True)
    assert type(made) is kind
    assert type(open_store(tmp_path / name)) is kind
    assert made.location == tmp_path / name
    assert made.series() == {}


def test_a_tilde_is_the_users_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert open_store("~/bars.db", create=True).location == tmp_path / "bars.db"


def test_a_folder_with_a_dot_in_its_name_can_be_a_store(tmp_path):
    (tmp_path / "bars.2013").mkdir()
    assert type(open_store(tmp_path / "bars.2013", create=True)) is ParquetStore


def test_a_missing_place_names_its_nearest_neighbour_and_how_to_make_it(tmp_path):
    open_store(tmp_path / "market.db", create=True)
    text = refusal(tmp_path / "markt.db")
    assert f"{tmp_path / 'markt.db'} does not exist." in text
    assert f"Did you mean '{tmp_path / 'market.db'}'?" in text
    assert f"`tapedeck import ... --store {tmp_path / 'markt.db'}`" in text


def test_a_missing_place_in_a_missing_folder_has_no_neighbours(tmp_path):
    text = refusal(tmp_path / "none" / "bars.db")
    assert "does not exist. To create it, import bars" in text
    assert not (tmp_path / "none").exists()


def test_a_file_with_another_suffix_is_not_a_store(tmp_path):
    (tmp_path / "bars.csv").write_text("time,open\n")
    text = refusal(tmp_path / "bars.csv", create=True)
    assert "is not a store: a store is a file that ends in" in text
    assert "tapedeck import ... --store PATH" in text


def test_a_name_with_an_unknown_suffix_is_not_made_a_folder(tmp_path):
    assert "a database file ends in .db, .sqlite, .sqlite3" in refusal(tmp_path / "bars.csv", create=True)


def test_a_folder_named_like_a_database_is_refused(tmp_path):
    (tmp_path / "bars.db").mkdir()
    assert "is a folder with the name of a database file" in refusal(tmp_path / "bars.db", create=True)


@pytest.mark.parametrize("create", [False, True])
def test_a_text_file_named_like_a_database_is_refused(tmp_path, create):
    (tmp_path / "bars.db").write_text("not a database, but long enough to be looked at\n" * 40)
    assert "is not an SQLite database, or is encrypted" in refusal(tmp_path / "bars.db", create=create)


@pytest.mark.parametrize("create", [False, True])
def test_a_database_of_another_program_is_left_alone(tmp_path, create):
    path = tmp_path / "contacts.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE people(name)")
        connection.commit()
    before = path.read_bytes()
    text = refusal(path, create=create)
    assert "is a database of another program (tables: people)" in text
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["contacts.db"]


def test_an_empty_file_becomes_a_store_only_with_create(tmp_path):
    path = tmp_path / "bars.db"
    path.touch()
    assert "is empty: it has no stored bars" in refusal(path)
    assert path.read_bytes() == b""
    assert open_store(path, create=True).series() == {}


def test_a_database_of_a_newer_tapedeck_is_refused(tmp_path):
    path = tmp_path / "bars.db"
    open_store(path, create=True)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 7")
    assert "was made by a newer tapedeck (schema 7; this one reads 2)" in refusal(path, create=True)


def test_a_database_that_lost_its_tables_is_refused_when_it_is_used(tmp_path):
    path = tmp_path / "bars.db"
    store = open_store(path, create=True)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP VIEW bars")
        connection.execute("DROP TABLE bars_1m")
    for use in (
        lambda: store.read("SPY", MINUTE, *ALWAYS),
        lambda: list(store.scan(["SPY"], MINUTE, *ALWAYS)),
        lambda: store.write("SPY", MINUTE, minutes(1)),
    ):
        with pytest.raises(StoreError, match="lacks tables of tapedeck"):
            use()


def test_a_damaged_database_is_said_to_be_so(tmp_path):
    path = tmp_path / "bars.db"
    open_store(path, create=True).write("SPY", MINUTE, minutes(5000))
    content = path.read_bytes()
    path.write_bytes(content[:20000] + b"\xff" * 200_000 + content[220_000:])
    store = open_store(path)
    with pytest.raises(StoreError, match=r"bars\.db is damaged, or .* Restore a copy"):
        list(store.scan(["SPY"], MINUTE, *ALWAYS))
    with pytest.raises(StoreError, match=r"bars\.db is damaged"):
        store.write("SPY", MINUTE, minutes(5000))


@pytest.mark.parametrize("place", PLACES)
def test_a_store_that_was_moved_away_says_so(tmp_path, place):
    store = open_store(tmp_path / place, create=True)
    (tmp_path / place).rename(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match=r"cannot be reached: No such file or directory\. If it was moved"):
        store.write("SPY", MINUTE, minutes(1))


def test_a_folder_with_other_files_is_not_a_store(tmp_path):
    (tmp_path / "photo.png").touch()
    for create in (False, True):
        assert "is a folder with other files, not a store" in refusal(tmp_path, create=create)
    assert [entry.name for entry in tmp_path.iterdir()] == ["photo.png"]


def test_an_empty_folder_becomes_a_store_only_with_create(tmp_path):
    assert "is empty: it has no stored bars" in refusal(tmp_path)
    assert open_store(tmp_path, create=True).series() == {}


@pytest.mark.parametrize(
    ("marker", "text"),
    [
        (
            '{"format": "tapedeck-bars", "version": 9}',
            "was made by a newer tapedeck (format 9 in tapedeck.json; this one reads 2)",
        ),
        ('{"format": "other", "version": 1}', "tapedeck.json is not from tapedeck"),
        ("[]", "tapedeck.json is not from tapedeck"),
        ("{", "tapedeck.json cannot be read"),
    ],
)
def test_a_folder_whose_marker_is_not_ours_is_refused(tmp_path, marker, text):
    (tmp_path / "tapedeck.json").write_text(marker)
    assert text in refusal(tmp_path)


@pytest.mark.parametrize("place", PLACES)
def test_a_place_that_may_not_be_written_cannot_be_made_a_store(open_place, place):
    with plain_user():
        assert "Permission denied. Use a folder that you can write to" in refusal(
            open_place / place, create=True
        )
        assert "Permission denied" in refusal(open_place / "deeper" / place, create=True)


@pytest.mark.parametrize("place", PLACES)
def test_a_store_behind_a_closed_folder_cannot_be_reached(open_place, place):
    open_store(open_place / "closed" / place, create=True)
    (open_place / "closed").chmod(0o700)
    with plain_user():
        assert "Permission denied" in refusal(open_place / "closed" / place)


def test_a_database_that_may_not_be_read_says_so(open_place):
    open_store(open_place / "bars.db", create=True)
    (open_place / "bars.db").chmod(0o600)
    with plain_user():
        assert "cannot be opened: check the permissions" in refusal(open_place / "bars.db")


def read_all(store: BarStore):
    return by_row(store.scan(["SPY"], MINUTE, *ALWAYS)), as_rows(store.read("SPY", MINUTE, *ALWAYS))


@pytest.mark.parametrize("place", PLACES)
def test_a_store_in_a_folder_of_someone_else_can_be_read_and_not_written(open_place, place):
    open_store(open_place / place, create=True).write("SPY", MINUTE, minutes(100))
    with plain_user():
        store = open_store(open_place / place)
        assert read_all(store) == ({0: as_rows(minutes(100))}, as_rows(minutes(100)))
        assert list(store.series()) == ["SPY"]
        with pytest.raises(StoreError, match=r"can(not)? be (read|written).*permission"):
            store.write("SPY", MINUTE, minutes(101))
    assert store.write("SPY", MINUTE, minutes(101)).written == 1


def test_the_refusal_to_write_says_whether_file_or_folder_is_in_the_way(open_place):
    path = open_place / "bars.db"
    open_store(path, create=True)
    with plain_user(), pytest.raises(StoreError, match=f"no permission to write its folder {open_place}"):
        open_store(path).write("SPY", MINUTE, minutes(1))
    open_place.chmod(0o777)
    path.chmod(0o444)
    with plain_user(), pytest.raises(StoreError, match=r"no permission to write the file bars\.db"):
        open_store(path).write("SPY", MINUTE, minutes(1))
    with plain_user():
        assert open_store(path).series() == {}


def test_an_empty_database_of_someone_else_cannot_be_filled(open_place):
    (open_place / "bars.db").touch()
    with plain_user():
        assert "can be read, but not written" in refusal(open_place / "bars.db", create=True)


def test_a_database_that_its_owner_writes_to_can_be_read_by_another_user(open_place):
    """The newest bars are in the log beside the file then; the reader needs both."""
    path = open_place / "bars.db"
    store = open_store(path, create=True)
    with store.batch():
        store.write("SPY", MINUTE, minutes(100))
        assert path.with_name("bars.db-wal").stat().st_size
        reader = subprocess.run(
            [sys.executable, "-c", READ_AS_NOBODY, str(path)],
            env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3])},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        if reader.returncode == 77:
            pytest.skip("only the superuser can become another user")
        assert (reader.stdout, reader.stderr) == ("100\n", "")
    assert not path.with_name("bars.db-wal").exists()


def test_a_database_without_its_unreadable_log_is_an_error(open_place, tmp_path):
    """A copy made while a writer was at work: without its log, the newer bars would be missing."""
    store = open_store(tmp_path / "bars.db", create=True)
    with store.batch():
        store.write("SPY", MINUTE, minutes(100))
        for name in ("bars.db", "bars.db-wal"):
            shutil.copy(tmp_path / name, open_place / name)
    with plain_user():
        assert "bars.db cannot be" in refusal(open_place / "bars.db")
    assert read_all(open_store(open_place / "bars.db"))[1] == as_rows(minutes(100))


def test_an_unknown_error_of_sqlite_is_passed_on():
    text = str(explained(Path("bars.db"), sqlite3.OperationalError("disk I/O error")))
    assert text == "bars.db cannot be used (SQLite: disk I/O error)"
    assert "SQLite: MemoryError" in str(explained(Path("bars.db"), MemoryError()))


@pytest.mark.parametrize("batched", [False, True])
def test_a_database_replaced_by_something_else_is_refused_by_the_next_write(tmp_path, batched):
    store = open_store(tmp_path / "bars.db", create=True)
    with store.batch() if batched else contextlib.nullcontext():
        (tmp_path / "other").write_text("not a database, but long enough to be looked at\n" * 40)
        os.replace(tmp_path / "other", tmp_path / "bars.db")
        for _ in range(2):
            with pytest.raises(StoreError, match="is not an SQLite database"):
                store.write("SPY", MINUTE, minutes(1))
            with pytest.raises(StoreError, match="is not an SQLite database"):
                list(store.scan(["SPY"], MINUTE, *ALWAYS))


READ_AS_NOBODY = """
import os, sys
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.locations import open_store
def count():
    return sum(len(batch.bars) for batch in open_store(sys.argv[1]).scan(["SPY"], MINUTE, 0, 10**10))
if os.getuid() != 0:
    sys.exit(77)
count()  # loads every module, which the other user may not be able to
os.setuid(65534)
print(count())
"""


@pytest.mark.parametrize("place", PLACES)
def test_a_full_disk_is_said_to_be_full_and_keeps_what_was_stored(tmp_path, place):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("no right to mount a small disk here")
    try:
        store = open_store(disk / place, create=True)
        store.write("SPY", MINUTE, minutes(500))
        with pytest.raises(StoreError, match="no space"):
            store.write("SPY", MINUTE, minutes(50_000))
        assert read_all(store) == ({0: as_rows(minutes(500))}, as_rows(minutes(500)))
        assert store.write("SPY", MINUTE, minutes(501)).written == 1
        store.close()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_locked_database_is_said_to_be_in_use(tmp_path, monkeypatch):
    monkeypatch.setattr("tapedeck.engine.store.sqlite_connections.BUSY_TIMEOUT_S", 0)
    store = open_store(tmp_path / "bars.db", create=True)
    with contextlib.closing(sqlite3.connect(tmp_path / "bars.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="was in use by another process"):
            store.write("SPY", MINUTE, minutes(1))
        other.execute("ROLLBACK")
    assert store.write("SPY", MINUTE, minutes(1)).written == 1


def test_opening_locations_loads_no_store_library():
    libraries = ("pyarrow", "adbc_driver_sqlite", "sqlite_utils", "numpy")
    code = f"import sys, tapedeck.engine.store.locations; print([m for m in {libraries} if m in sys.modules])"
    root = Path(__file__).resolve().parents[3]
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert found.stdout.strip() == "[]"


def test_the_marker_of_a_folder_is_plain_json(tmp_path):
    open_store(tmp_path / "bars", create=True)
    assert json.loads((tmp_path / "bars" / "tapedeck.json").read_text()) == {
        "format": "tapedeck-bars",
        "version": 2,
    }

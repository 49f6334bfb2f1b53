"""An import that is killed leaves whole files behind, and importing again completes it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.locations import open_store
from tests.support.imports import import_lean

IMPORT = """
import sys
from pathlib import Path
from tests.support.imports import import_lean
from tapedeck.engine.store.locations import open_store

def tell(progress):
    sys.stdout.write(f"{progress.files_done}\\n")
    sys.stdout.flush()

with open_store(Path(sys.argv[2]), create=True) as store:
    import_lean(Path(sys.argv[1]), store, progress=tell)
"""
DAY = 86400
MINUTES = "equity/usa/minute"


def content(store: BarStore) -> dict[str, list[tuple[float, ...]]]:
    found = {}
    for symbol in store.series():
        bars = store.read(symbol, MINUTE, 0, 1 << 40)
        columns = (bars.opened_at, bars.open, bars.high, bars.low, bars.close, bars.volume)
        if len(bars):
            found[symbol] = list(zip(*(column.tolist() for column in columns), strict=True))
    return found


def quotes_of(store: BarStore) -> dict[str, list[tuple[float, ...]]]:
    found = {}
    for symbol in store.quotes.series():
        quotes = store.quotes.read(symbol, MINUTE, 0, 1 << 40)
        columns = (quotes.opened_at, quotes.bid, quotes.ask, quotes.bid_size, quotes.ask_size)
        found[symbol] = list(zip(*(column.tolist() for column in columns), strict=True))
    return found


def bars_of_days(found: dict[str, list[tuple[float, ...]]]) -> dict[tuple[str, int], list[tuple[float, ...]]]:
    days: dict[tuple[str, int], list[tuple[float, ...]]] = {}
    for symbol, rows in found.items():
        for row in rows:
            days.setdefault((symbol, int(row[0]) // DAY), []).append(row)
    return days


@pytest.fixture(scope="module")
def undisturbed(lean_root, tmp_path_factory):
    """Bars and quotes of an import that was not killed."""
    with open_store(tmp_path_factory.mktemp("whole") / "bars.db", create=True) as store:
        import_lean(lean_root / MINUTES, store)
        return content(store), quotes_of(store)


@pytest.mark.parametrize(
    ("name", "files"), [("bars.db", 0), ("bars.db", 7), ("bars.db", 26), ("bars", 1), ("bars", 16)]
)
def test_a_killed_import_leaves_whole_files_and_is_completed_by_another(
    lean_root, tmp_path, undisturbed, name, files
):
    folder, killed = lean_root / MINUTES, tmp_path / name
    expected, expected_quotes = undisturbed
    process = subprocess.Popen(
        [sys.executable, "-c", IMPORT, str(folder), str(killed)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout is not None
    with process:
        next(line for line in process.stdout if int(line) >= files)
        process.send_signal(signal.SIGKILL)
    with open_store(killed) as store:
        left, left_quotes = content(store), quotes_of(store)
        days = bars_of_days(expected)
        # In October a New York day with its extended hours lies within one day of UTC.
        assert all(rows == days[key] for key, rows in bars_of_days(left).items())
        report = import_lean(folder, store)
        assert content(store) == expected
        assert quotes_of(store) == expected_quotes
        assert sum(map(len, expected_quotes.values())) == 1818
    assert report.unchanged == sum(map(len, left.values())) + sum(map(len, left_quotes.values()))
    assert report.unchanged + report.written == report.rows_read

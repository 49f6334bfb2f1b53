"""Import of a large CSV file, beside a bare script: pyarrow.csv and the store's own writing, nothing checked.

python -m benchmarks.import_csv [--rows 10000000] [--store sqlite|parquet] [--rounds 1]

Each side runs in a process of its own, in turns, so that the peak of memory is that of the side alone. On a
machine that is shared, the ratio of processor time says more than that of elapsed time.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from benchmarks.measure import HEADER, row, seconds
from tapedeck.engine.importers.ingest import import_bars
from tapedeck.engine.importers.registry import IMPORTERS
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.bar_store import BarColumns
from tapedeck.engine.store.locations import open_store

FIRST = 946_684_800  # 2000-01-01 00:00 UTC
PRICES = ("open", "high", "low", "close")
PART = 250_000


def write_file(path: Path, rows: int) -> None:
    """Write a CSV file of minute bars, one after the other, of one symbol."""
    random = np.random.default_rng(7)
    with path.open("wb") as file:
        for first in range(0, rows, PART):
            count = min(PART, rows - first)
            middle = 100 + np.cumsum(random.integers(-1, 2, count)) / 100
            spread = random.integers(0, 5, (4, count)) / 100
            opens, closes = middle - spread[0], middle + spread[1]
            highs, lows = np.maximum(opens, closes) + spread[2], np.minimum(opens, closes) - spread[3]
            times = pa.array(FIRST + 60 * np.arange(first, first + count)).cast(pa.timestamp("s", "UTC"))
            values = {
                name: np.round(column, 2)
                for name, column in zip(PRICES, (opens, highs, lows, closes), strict=True)
            }
            table = pa.table({"timestamp": times} | values | {"volume": random.integers(1, 100_000, count)})
            arrow_csv.write_csv(table, file, arrow_csv.WriteOptions(include_header=first == 0))


def bare(path: Path, location: Path) -> None:
    """Read with pyarrow.csv, and write each of its batches to the store."""
    types = {"timestamp": pa.timestamp("s", "UTC")} | dict.fromkeys((*PRICES, "volume"), pa.float64())
    batches = arrow_csv.open_csv(
        path,
        arrow_csv.ReadOptions(use_threads=False, block_size=1 << 23),
        convert_options=arrow_csv.ConvertOptions(column_types=types),
    )
    with open_store(location, create=True) as store, store.batch(atomic=True):
        for batch in batches:
            times = batch["timestamp"].cast(pa.int64()).to_numpy()
            values = [batch[name].to_numpy() for name in (*PRICES, "volume")]
            store.write("BARS", MINUTE, BarColumns(times, *values))


def imported(path: Path, location: Path) -> None:
    """Import as `tapedeck import csv` does."""
    with open_store(location, create=True) as store:
        report = import_bars(IMPORTERS["csv"], path, store, interval=MINUTE, symbol="BARS")
    if report.rejected:
        raise SystemExit(f"rejected: {report.rejected[0]}")


@dataclass(frozen=True, slots=True)
class Cost:
    """Cost of one side: elapsed and processor seconds, and the peak of resident memory in MB."""

    elapsed_s: float
    processor_s: float
    peak_mb: float


def _measured(work: Callable[[Path, Path], None], path: Path, name: str) -> Cost:
    """Return the cost of one side, in a process of its own."""
    receiver, sender = multiprocessing.get_context("spawn").Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_side, args=(work, path, name, sender))
    process.start()
    sender.close()
    cost = receiver.recv()
    process.join()
    return cost


def _side(work: Callable[[Path, Path], None], path: Path, name: str, sender) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        before = time.process_time()
        elapsed = seconds(lambda: work(path, Path(folder) / name))
        used = time.process_time() - before
    sender.send(Cost(elapsed, used, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--store", choices=("sqlite", "parquet"), default="sqlite")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    name = "bars.db" if options.store == "sqlite" else "bars"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bars.csv"
        write_file(path, options.rows)
        rounds = [
            (_measured(bare, path, name), _measured(imported, path, name)) for _ in range(options.rounds)
        ]
    elapsed = statistics.median(one.elapsed_s / other.elapsed_s for one, other in rounds)
    processor = statistics.median(one.processor_s / other.processor_s for one, other in rounds)
    costs = [
        f"{statistics.median(r[side].elapsed_s for r in rounds):.1f} s, "
        f"{statistics.median(r[side].processor_s for r in rounds):.1f} s of processor"
        for side in (0, 1)
    ]
    peaks = [max(r[side].peak_mb for r in rounds) for side in (0, 1)]
    print(HEADER)
    print(
        row(
            f"speed of the import, {options.rows:,} rows, {options.store}",
            f"{elapsed:.2f} of the bare script, {processor:.2f} by processor time ({costs[1]})",
            "at least 0.5",
            costs[0],
        )
    )
    print(row("peak of memory", f"{peaks[1]:.0f} MB", "at most 500 MB", f"{peaks[0]:.0f} MB"))


if __name__ == "__main__":
    main()

"""A new importer is one module and one line of the registry: its command, options and help follow."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
MODULE = '''
"""Importer of price lists: one line per day and symbol, with a single price."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tapedeck.engine.importers.importer import BarFiles, Importer, ImporterOption
from tapedeck.engine.intervals import DAY


class PriceListImporter:
    """Files named *.prices; a line is date, symbol and price."""

    name = "pricelist"
    summary = "Import price lists: date, symbol, price."
    examples = ("tapedeck import pricelist fixing.prices --separator '|'",)
    options = (ImporterOption("--separator", "separator", "Separator of fields.", "C", default=" "),)

    def find(self, path: Path, *, separator: str) -> BarFiles:
        """Return the price lists in `path`."""
        return BarFiles(sorted(path.glob("*.prices")), lambda file: iter([_read(file, separator)]))


def _read(file: Path, separator: str):
    import numpy as np

    from tapedeck.engine.importers.file_rows import FileRows, SeriesRows
    from tapedeck.engine.store.bar_store import BarColumns

    lines = file.read_text().splitlines()
    series, faults = [], {}
    for row, line in enumerate(lines):
        day, symbol, price = line.split(separator)
        if price == "-":
            faults[row] = "no price"
            continue
        seconds = np.array([day], "datetime64[s]").astype(np.int64)
        prices = np.array([float(price)])
        bars = BarColumns(seconds, prices, prices, prices, prices, np.zeros(1))
        series.append(SeriesRows(symbol, bars, np.array([row])))
    texts = {row: (row + 1, line) for row, line in enumerate(lines)}
    return FileRows(file, DAY, series, faults, lambda rows: {row: texts[row] for row in rows})


IMPORTER: Final[Importer] = PriceListImporter()
'''


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the three packages in which the importer is added."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("tapedeck", "engine", "console", "themes"):
        shutil.copytree(
            PROJECT / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
        )
    importers = folder / "engine" / "importers"
    (importers / "price_list.py").write_text(MODULE.lstrip())
    registry = importers / "registry.py"
    lines = registry.read_text().splitlines(keepends=True)
    lines.insert(lines.index('    "lean",\n') + 1, '    "price_list",\n')
    registry.write_text("".join(lines))
    return folder


def run(checkout: Path, *arguments: object, home: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tapedeck", *map(str, arguments)],
        cwd=checkout,
        env=os.environ | {"TAPEDECK_HOME": str(home), "PYTHONPATH": str(checkout), "COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def test_its_command_is_listed_and_has_its_options_and_help(checkout: Path, tmp_path: Path) -> None:
    listed = run(checkout, "import", "--help", home=tmp_path)
    assert "pricelist  Import price lists: date, symbol, price." in listed
    text = run(checkout, "import", "pricelist", "--help", home=tmp_path)
    assert re.search(r"--separator C +Separator of fields\.", text)
    assert "--interval" not in text
    assert "--strict" in text
    assert "tapedeck import pricelist fixing.prices --separator '|'" in text


def test_its_command_imports_and_lists_bad_rows(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "fixing.prices").write_text(
        "2024-07-03|XAU|2355.5\n2024-07-03|XAG|-\n2024-07-05|XAU|2380.0\n"
    )
    store = tmp_path / "bars.db"
    text = run(checkout, "import", "pricelist", tmp_path, "--separator", "|", "--store", store, home=tmp_path)
    assert "3 rows: 2 written, 0 unchanged, 0 replaced, 1 rejected" in text
    assert f"{tmp_path / 'fixing.prices'}:2: no price (2024-07-03|XAG|-)" in text
    connection = sqlite3.connect(store)
    try:
        query = "SELECT symbol, interval, opened_at, close FROM bars ORDER BY opened_at"
        rows = connection.execute(query).fetchall()
    finally:
        connection.close()
    assert rows == [
        ("XAU", "1d", "2024-07-03T00:00:00Z", 2355.5),
        ("XAU", "1d", "2024-07-05T00:00:00Z", 2380.0),
    ]

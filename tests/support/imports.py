"""Imports by the name of the importer, as short calls."""

from __future__ import annotations

from functools import partial

from tapedeck.engine.importers.ingest import import_bars
from tapedeck.engine.importers.registry import IMPORTERS

import_lean = partial(import_bars, IMPORTERS["lean"])
import_csv = partial(import_bars, IMPORTERS["csv"])
import_parquet = partial(import_bars, IMPORTERS["parquet"])

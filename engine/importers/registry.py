"""Registry of importers: the modules of this folder whose `IMPORTER` is a command of `tapedeck import`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Final

from tapedeck.engine.importers.importer import Importer

# A new importer is a line here and a module that defines IMPORTER, in the order of help.
_MODULES: Final = (
    "lean",
    "csv_files",
    "parquet_files",
)


def _load() -> dict[str, Importer]:
    found: list[Importer] = [import_module(f"{__package__}.{module}").IMPORTER for module in _MODULES]
    return {importer.name: importer for importer in found}


IMPORTERS: Final[Mapping[str, Importer]] = MappingProxyType(_load())
"""Importers by name."""

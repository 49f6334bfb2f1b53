"""Repair of a store: damaged days are rewritten from the files that they were imported from."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from tapedeck.engine.errors import StoreError
from tapedeck.engine.importers.importer import Importer
from tapedeck.engine.importers.ingest import import_bars
from tapedeck.engine.importers.report import ImportOptions, ShowProgress
from tapedeck.engine.store.bar_diff import join
from tapedeck.engine.store.checked_store import CheckedStore
from tapedeck.engine.store.damage import Damage
from tapedeck.engine.store.locations import open_store


@dataclass(frozen=True, slots=True)
class Repaired:
    """One piece of damage after the repair.

    `status`: `restored` (the bars are again those that were written), `rewritten` (with the bars of the
    files; the checksums of the lost ones differ or are unknown), or `left`, for the reason in `detail`.
    """

    damage: Damage
    status: str
    detail: str = ""


def repair_store(
    store: CheckedStore,
    damage: Sequence[Damage],
    importer: Importer,
    path: Path,
    *,
    options: ImportOptions,
    progress: ShowProgress | None = None,
    cancelled: Callable[[], bool] | None = None,
    **described: Any,  # noqa: ANN401  # the importer's own options
) -> list[Repaired]:
    """Rewrite damaged days from the bars that `importer` finds in `path`; other days are not touched.

    What can only be rewritten as a whole (`Damage.unit`) is left if the files lack a part of it.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tapedeck-repair-"))
        source = open_store(Path(folder) / "source", create=True)
        stack.callback(source.close)
        import_bars(
            importer, path, source, options=options, progress=progress, cancelled=cancelled, **described
        )
        if cancelled is not None and cancelled():
            return []
        units = [list(unit) for _, unit in groupby(damage, key=lambda one: one.unit or one.file)]
        return [result for unit in units for result in _repair_unit(store, source, unit)]


def _repair_unit(store: CheckedStore, source: CheckedStore, unit: list[Damage]) -> list[Repaired]:
    parts = []
    for one in unit:
        if one.series is None:
            return [Repaired(one, "left", "it holds no bars: import into a new store") for one in unit]
        bars = source.read(*one.series, one.start, one.end)
        was_empty = one.stored is not None and not len(one.stored)  # bars where none were written
        if not len(bars) and not was_empty:
            return [Repaired(one, "left", "the files have no bars of it") for one in unit]
        parts.append(bars)
    try:
        store.rewrite(unit, join(parts))
    except StoreError as error:
        return [Repaired(one, "left", str(error)) for one in unit]
    return [Repaired(one, _status(store, one)) for one in unit]


def _status(store: CheckedStore, damage: Damage) -> str:
    if damage.series is None or damage.stored is None:
        return "rewritten"
    spans = store.spans(*damage.series)
    if spans is None or damage.stored.differences(spans.between(damage.start, damage.end)):
        return "rewritten"
    return "restored"

"""Symbols of each session by the manifest: those of the file, those kept, those that joined and left.

The rules are written here again: a check with the engine's own would not find their faults.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from tapedeck.engine.export.manifest import Manifest, ManifestSession
from tapedeck.engine.export.validation.report import FindingLog
from tapedeck.engine.tape.bar_grid import Ints


@dataclass(frozen=True, slots=True)
class SessionSymbols:
    """Symbols of a session. `names`: in the order of joining; one that joined again stands at its last place.

    `frontiers`: int64 (S,), how far each was there; `active`: int64 (played + 1,), their number at k = 0 …;
    `rows`: int64, the row of each symbol of the export, -1 for those of other sessions.
    """

    names: tuple[str, ...]
    frontiers: Ints
    active: Ints
    rows: Ints

    @classmethod
    def of(cls, manifest: Manifest, session: ManifestSession) -> SessionSymbols:
        """Return the symbols of one session of an export."""
        opening, played = opening_symbols(manifest, session), session.played
        ends = dict.fromkeys(opening, played)
        active = np.full(played + 1, len(ends), dtype=np.int64)
        for change in session.changes:
            slot = min(max(change.slot, 0), played)
            if change.change == "joined":
                ends.pop(change.symbol, None)
                ends[change.symbol] = played
                active[slot:] += 1
            elif change.symbol in ends:
                ends[change.symbol] = slot
                active[slot:] -= 1
        place = {symbol: row for row, symbol in enumerate(ends)}
        rows = np.array([place.get(symbol, -1) for symbol in manifest.symbols], dtype=np.int64)
        return cls(tuple(ends), np.array(list(ends.values()), dtype=np.int64), active, rows)

    def numbered(
        self, rows: pd.DataFrame, export: Sequence[str], file: str, day: date, log: FindingLog
    ) -> pd.DataFrame:
        """Return a session's rows with `symbol` as the row in this session, not the place in `export`.

        Rows of symbols that were not in the session are findings, and left out.
        """
        codes = rows["symbol"].to_numpy(dtype=np.int64)
        own = self.rows[codes]
        for at in np.flatnonzero(own < 0).tolist():
            log.add(file, int(rows["line"].iloc[at]), f"{export[codes[at]]} was not in the session of {day}")
        return rows.assign(symbol=own).iloc[np.flatnonzero(own >= 0)]


def has_changes(manifest: Manifest) -> bool:
    """Whether a session had other symbols than those of the file."""
    return any(session.kept or session.changes for session in manifest.sessions)


def opening_symbols(manifest: Manifest, session: ManifestSession) -> tuple[str, ...]:
    """Return the symbols with which a session began."""
    return (*manifest.file_symbols, *session.kept) if has_changes(manifest) else manifest.symbols


def interrupted_symbols(manifest: Manifest) -> frozenset[str]:
    """Return the symbols that joined again after sessions without them: history lacks some of their days."""
    found: set[str] = set()
    seen: set[str] = set()
    before: set[str] = set()
    for session in manifest.sessions if has_changes(manifest) else ():
        names = set(SessionSymbols.of(manifest, session).names)
        found |= (names & seen) - before
        seen, before = seen | names, names
    return frozenset(found)

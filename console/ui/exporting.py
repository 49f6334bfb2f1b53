"""Exports at the press of a key: what was played so far, days that are over and the one under way."""

from __future__ import annotations

import re
from pathlib import Path

from console.ui.playback import Playback
from engine.export.manifest import SESSION_JSON


def export_folder(playback: Playback, exports: Path) -> Path:
    """Return the folder for an export at the engine's moment: named after run, day and clock."""
    snapshot = playback.system.snapshot()
    name = re.sub(r"[^a-z0-9]+", "-", snapshot.session_name.lower()).strip("-") or "session"
    if snapshot.clock is None or snapshot.view is None:
        return exports / name
    local = snapshot.clock.astimezone(snapshot.view.session.zone)
    return exports / f"{name}-{snapshot.trading_day}-{local:%H%M%S}"


def export_csv(playback: Playback, folder: Path) -> Path:
    """Write the four CSV files and their documents; return the folder. Raises ExportError."""
    playback.system.export_csv(folder)
    return folder


def export_json(playback: Playback, folder: Path) -> Path:
    """Write session.json; return its folder. Raises ExportError."""
    playback.system.export_json(folder / SESSION_JSON)
    return folder

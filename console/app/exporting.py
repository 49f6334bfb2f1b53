"""Exports by key: the part of the run that has been played, the current day included."""

from __future__ import annotations

import re
from pathlib import Path

from tapedeck.console.app.playback import Playback


def export_folder(playback: Playback, exports: Path) -> Path:
    """Return the folder for an export now, named after the run, the day and the engine's clock."""
    snapshot = playback.system.snapshot()
    name = re.sub(r"[^a-z0-9]+", "-", snapshot.session_name.lower()).strip("-") or "session"
    place = playback.present()
    if place is None:
        return exports / name
    return exports / f"{name}-{place.day}-{place.clock.astimezone(place.played.session.zone):%H%M%S}"


def export_csv(playback: Playback, folder: Path) -> Path:
    """Write the four CSV files and their documents; return the folder. Raises ExportError."""
    playback.system.export_csv(folder)
    return folder

"""The panels that can be had as data, by the names that the command line and scripts use."""

from __future__ import annotations

from typing import Final

PANELS: Final = ("session", "symbols", "bars", "indicators", "quality", "events", "metrics")

"""One bar, as fills read it."""

from __future__ import annotations

Bar = tuple[float, float, float, float, float]
"""Open, high, low, close, volume of one bar of one symbol."""

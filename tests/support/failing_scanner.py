"""Scanner class that fails, for tests."""

from __future__ import annotations

from typing import Never

from tapedeck import Scanner, UniverseView


class FailingScanner(Scanner):
    """Raises in each scan."""

    def scan(self, view: UniverseView) -> Never:
        """Raise an error that names the number of symbols."""
        raise ValueError(f"none of {len(view.symbols)} symbols will do")

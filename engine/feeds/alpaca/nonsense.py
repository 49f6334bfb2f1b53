"""Nonsense of a provider: counted by kind, and logged once each."""

from __future__ import annotations

import logging
from collections import Counter
from threading import Lock
from typing import Final

from tapedeck.engine.errors import shortened

log = logging.getLogger(__name__)

_SHOWN: Final = 200


class Nonsense:
    """What a provider sent that has no meaning. Any thread may note."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        """Number by kind, in words."""
        self._lock = Lock()  # guards the counts

    def note(self, kind: str, example: object, number: int = 1) -> None:
        """Count, and log the first of its kind."""
        with self._lock:
            is_first = kind not in self.counts
            self.counts[kind] += number
        if is_first:
            log.warning("alpaca: %s; the first one: %s", kind, shortened(repr(example), _SHOWN))

"""Pace of requests: how many were made in the last minute, and whether another one may be made."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

MOST_A_MINUTE: Final = 20
_WINDOW_S: Final = 60.0


class RequestPace:
    """Requests of the last minute, by the machine's clock; one thread at a time uses it."""

    def __init__(self, most: int = MOST_A_MINUTE, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._most, self._monotonic = most, monotonic
        self._made: deque[float] = deque(maxlen=most)

    def made(self) -> None:
        """Take note of a request."""
        self._made.append(self._monotonic())

    def wait_s(self) -> float:
        """Return the seconds until another request is within the limit; they are spread over the minute."""
        if not self._made:
            return 0.0
        now = self._monotonic()
        waits = [self._made[-1] + _WINDOW_S / self._most - now]
        if len(self._made) == self._most:
            waits.append(self._made[0] + _WINDOW_S - now)
        return max(0.0, *waits)

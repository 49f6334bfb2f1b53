"""Back-off: the growing wait between two tries, in seconds of the machine."""

from __future__ import annotations

from random import Random
from typing import Final

FIRST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 60.0


class BackOff:
    """Waits that double from `first_s` to `longest_s`, each shortened by up to half at random.

    The random part keeps many clients of a provider from trying again at the same moment.
    """

    def __init__(
        self,
        *,
        first_s: float = FIRST_WAIT_S,
        longest_s: float = LONGEST_WAIT_S,
        random: Random | None = None,
    ) -> None:
        self._first_s, self._longest_s = first_s, longest_s
        self._random = Random() if random is None else random
        self._wait_s = first_s

    def next_wait(self) -> float:
        """Return the wait before the next try, in seconds of the machine; the one after is longer."""
        wait_s, self._wait_s = self._wait_s, min(self._wait_s * 2, self._longest_s)
        return wait_s * self._random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Begin with the shortest wait again, after a success."""
        self._wait_s = self._first_s

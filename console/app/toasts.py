"""What is told at the edge of the screen: a few things, each once, however often it is told again."""

from __future__ import annotations

from typing import Final, Self

from textual.notifications import Notification, Notifications

_MOST: Final = 3


class Toasts(Notifications):
    """Three toasts at most, of which no two say the same: one that is told again begins its time anew."""

    def add(self, notification: Notification) -> Self:
        """Add a toast in place of one of the same words; of many, the one that matters least goes."""
        words = _words(notification)
        for told in tuple(self):
            if _words(told) == words:
                del self[told]
        while len(self) >= _MOST:
            del self[min(self, key=_weight)]  # of equals the oldest
        return super().add(notification)


def _weight(toast: Notification) -> int:
    """Return how much it would be missed: what failed more than what was done."""
    return ("information", "warning", "error").index(toast.severity)


def _words(toast: Notification) -> tuple[str, str, str]:
    return toast.severity, toast.title, toast.message

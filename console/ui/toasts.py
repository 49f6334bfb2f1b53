"""What is told at the edge of the screen: once, however often it is told again while it stands there."""

from __future__ import annotations

from typing import Self

from textual.notifications import Notification, Notifications


class Toasts(Notifications):
    """Toasts of which no two say the same: one that is told again begins its time anew."""

    def add(self, notification: Notification) -> Self:
        """Add a toast, in place of one of the same words."""
        words = _words(notification)
        for told in tuple(self):
            if _words(told) == words:
                del self[told]
        return super().add(notification)


def _words(toast: Notification) -> tuple[str, str, str]:
    return toast.severity, toast.title, toast.message

"""Toasts at the edge of the screen: three at most, without duplicates."""

from __future__ import annotations

from typing import Final, Self

from textual.notifications import Notification, Notifications

_LIMIT: Final = 3


class Toasts(Notifications):
    """At most three toasts without duplicates: a repeated one starts its time again."""

    def add(self, notification: Notification) -> Self:
        """Add a toast in place of one with the same text; above the limit, remove the least severe."""
        text = _text_of(notification)
        for shown in tuple(self):
            if _text_of(shown) == text:
                del self[shown]
        while len(self) >= _LIMIT:
            del self[min(self, key=_severity)]  # of equals the oldest
        return super().add(notification)


def _severity(toast: Notification) -> int:
    """Return the rank of a toast's severity: errors above information."""
    return ("information", "warning", "error").index(toast.severity)


def _text_of(toast: Notification) -> tuple[str, str, str]:
    return toast.severity, toast.title, toast.message

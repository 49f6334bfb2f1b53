"""Alerts of a live session on the screen: each once, as a toast, with a bell if wished."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Final

from tapedeck.console.app.grid_text import counted
from tapedeck.engine.feeds.live_status import Alert
from tapedeck.engine.read.snapshot import Snapshot

_MOST_TOASTS: Final = 2
"""Alerts of one second that are shown one by one; more are folded into one toast."""
_EVERY_S: Final = 1.0
_QUOTED: Final = 3
_SHOWN_S: Final = 10.0

Notify = Callable[[str, bool, float], None]
"""Shows a text, whether it is severe, for a number of seconds."""


class LiveAlerts:
    """Shows the alerts that are new in a snapshot; their numbers grow.

    Those of a second are shown together, so that a fast replay is no stream of toasts.
    """

    def __init__(self, notify: Notify, ring: Callable[[], None]) -> None:
        self._notify = notify
        self._ring = ring
        self._last = 0
        self._shown_at = -math.inf

    def follow(self, snapshot: Snapshot) -> None:
        """Show the new alerts of a snapshot, severe ones as errors; `ring` is called once for all of them."""
        live = snapshot.live
        if live is None or not live.alerts or live.alerts[-1].number <= self._last:
            return
        now = time.monotonic()
        if now - self._shown_at < _EVERY_S:
            return
        self._shown_at = now
        new = [alert for alert in live.alerts if alert.number > self._last]
        self._last = live.alerts[-1].number
        for is_severe in (False, True):  # the severe ones are the newest toasts
            self._show([alert for alert in new if alert.is_severe is is_severe], is_severe=is_severe)
        self._ring()

    def _show(self, alerts: Sequence[Alert], *, is_severe: bool) -> None:
        if len(alerts) <= _MOST_TOASTS:
            for alert in alerts:
                self._notify(alert.text, is_severe, _SHOWN_S)
        else:
            self._notify(folded(alerts), is_severe, _SHOWN_S)


def folded(alerts: Sequence[Alert]) -> str:
    """Return many alerts as one text: their number, and the latest of them."""
    quoted = [alert.text for alert in alerts[: -_QUOTED - 1 : -1]]
    others = len(alerts) - len(quoted)
    end = f"; and {others:,} more in the log" if others > 0 else ""
    return f"{counted(len(alerts), 'alert')}: {'; '.join(quoted)}{end}"

"""Offers: which actions a run offers in its state, and the reason against each of the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tapedeck.console.panel_data.registry import panels

NOT_AHEAD: Final = "a recording cannot be played ahead: its next bars are not there yet"
_NOT_FASTER: Final = (
    "a recording cannot be sped up or slowed down: this is the present. Step back to play the past"
)
_NOT_FORWARD: Final = "a recording cannot be stepped forward: this is the present"
_PLAYS: Final = "a recording plays by itself: this is the present"

_AT_PRESENT: Final[Mapping[str, str]] = {
    "resume": _PLAYS,
    "step": _NOT_FORWARD,
    "minute_on": _NOT_FORWARD,
    "hour_on": _NOT_FORWARD,
    "day_on": NOT_AHEAD,
    "next_session": NOT_AHEAD,
    "faster": _NOT_FASTER,
    "slower": _NOT_FASTER,
    "max_speed": _NOT_FASTER,
    "speed": _NOT_FASTER,
}
"""Actions that a recording refuses at the present; in the past they move the time shown."""
_WHILE_RECORDING: Final[Mapping[str, str]] = {
    "play_day": "a recording cannot be played again while it goes on: step back, and play from there",
    "suspend": "a recording cannot be suspended: it would miss bars",
}
_NEVER: Final[Mapping[str, str]] = {
    "restart": "a recording cannot be restarted: quit, and start it again. It continues where it was",
}
_LIVE_ONLY: Final[Mapping[str, str]] = {
    f"panel_{panel.id}": f"a backtest has no {panel.name}: this panel is for live sessions"
    for panel in panels()
    if panel.live_only
}


@dataclass(frozen=True, slots=True)
class OfferState:
    """The state of a run, as far as it decides which actions are offered."""

    is_live: bool = False
    is_past: bool = False
    is_over: bool = False

    def reason_against(self, action_id: str) -> str | None:
        """Return why an action is not possible now, or None if it may be."""
        if not self.is_live:
            return _LIVE_ONLY.get(action_id)
        found = _NEVER.get(action_id)
        if not self.is_over:
            found = found or _WHILE_RECORDING.get(action_id)
            if not self.is_past:
                found = found or _AT_PRESENT.get(action_id)
        return found

    def offers(self, action_id: str) -> bool:
        """Whether footer, help and palette name an action."""
        return self.reason_against(action_id) is None

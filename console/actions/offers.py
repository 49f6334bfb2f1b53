"""Offers: which actions a run offers in its state, and the reason against each of the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tapedeck.console.panel_data.registry import RunPart, panels

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
_NEEDED: Final[Mapping[str, RunPart]] = {
    **{f"panel_{panel.id}": panel.needs for panel in panels() if panel.needs is not None},
    **dict.fromkeys(("previous_fill", "next_fill", "previous_entry", "next_entry"), RunPart.STRATEGIES),
}
"""Parts of a run without which it does not have a panel or an action, by the action."""
_LACKING: Final[Mapping[RunPart, str]] = {
    RunPart.FEED: "a backtest has no feed: this panel is for live sessions",
    RunPart.SCANNERS: "this session has no scanners: add them to session_data_config of its file",
    RunPart.STRATEGIES: "this session has no strategies: add them to its file, as `strategies`",
}


@dataclass(frozen=True, slots=True)
class OfferState:
    """The state of a run, as far as it decides which actions are offered."""

    is_live: bool = False
    is_past: bool = False
    is_over: bool = False
    has_scanners: bool = False
    has_strategies: bool = False

    @property
    def parts(self) -> frozenset[RunPart]:
        """The parts of the run that not every run has."""
        known = {
            RunPart.FEED: self.is_live,
            RunPart.SCANNERS: self.has_scanners,
            RunPart.STRATEGIES: self.has_strategies,
        }
        return frozenset(part for part, is_there in known.items() if is_there)

    def reason_against(self, action_id: str) -> str | None:
        """Return why an action is not possible now, or None if it may be."""
        needed = _NEEDED.get(action_id)
        if needed is not None and needed not in self.parts:
            return _LACKING[needed]
        if not self.is_live:
            return None
        found = _NEVER.get(action_id)
        if not self.is_over:
            found = found or _WHILE_RECORDING.get(action_id)
            if not self.is_past:
                found = found or _AT_PRESENT.get(action_id)
        return found

    def offers(self, action_id: str) -> bool:
        """Whether footer, help and palette name an action."""
        return self.reason_against(action_id) is None

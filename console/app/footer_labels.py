"""Footer labels: the words of actions in the state of the run; none for those that would do nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tapedeck.console.actions import speeds
from tapedeck.console.actions.offers import OfferState
from tapedeck.console.actions.table import BY_ID
from tapedeck.console.app.playback import Playback
from tapedeck.engine.feeds.live_status import LivePhase
from tapedeck.engine.read.status import RunState


@dataclass(frozen=True, slots=True)
class FooterState:
    """The state of a run, as far as the footer depends on it.

    `speed`: in the past, that of the past. `is_recording`: whether the market of a live session is open.
    """

    state: RunState
    offer: OfferState
    has_session: bool
    is_past_playing: bool
    can_step_back: bool
    speed: float
    intervals: int
    is_recording: bool

    @classmethod
    def of(cls, playback: Playback) -> FooterState:
        """Return the state of a run now."""
        snapshot, position = playback.system.snapshot(), playback.viewpoint.position
        shown = position or playback.present()
        return cls(
            state=snapshot.state,
            offer=playback.offer_state(snapshot),
            has_session=shown is not None,
            is_past_playing=playback.past_play.is_playing,
            can_step_back=shown is not None
            and (shown.frontier > 0 or playback.tape_cache.before(shown.day) is not None),
            speed=playback.speed if position is None else playback.past_speed,
            intervals=len(playback.intervals),
            is_recording=snapshot.live is not None and snapshot.live.phase is LivePhase.OPEN,
        )

    @property
    def is_past(self) -> bool:
        """Whether a past time is shown."""
        return self.offer.is_past

    @property
    def is_over(self) -> bool:
        """Whether the run has ended."""
        return self.offer.is_over

    @property
    def can_step(self) -> bool:
        """Whether there is a slot after the one shown."""
        return self.is_past or (self.has_session and not self.is_over)

    def label(self, action_id: str) -> str | None:
        """Return the word of an action in the footer, or None if it would do nothing now."""
        if action_id == "pause":
            return self._play_or_pause()
        does_something = self.offer.offers(action_id) and _RULES.get(action_id, _always)(self)
        return BY_ID[action_id].label if does_something else None

    def _play_or_pause(self) -> str | None:
        if self.is_past:
            return "pause" if self.is_past_playing else "play"
        if self.offer.is_live and not (self.is_recording and self.can_step_back):
            return None  # the present stands still by itself
        return {RunState.RUNNING: "pause", RunState.PAUSED: "play"}.get(self.state)

    def can_be_faster(self) -> bool:
        """Whether there is a higher speed."""
        step_up = speeds.faster_past if self.is_past else speeds.faster
        return self.can_step and step_up(self.speed) != self.speed

    def can_be_slower(self) -> bool:
        """Whether there is a lower speed."""
        return self.can_step and speeds.slower(self.speed) != self.speed


def _always(_state: FooterState) -> bool:
    return True


_RULES: Final[Mapping[str, Callable[[FooterState], bool]]] = {
    "step": lambda state: state.can_step,
    "step_back": lambda state: state.can_step_back,
    "goto": lambda state: state.has_session,
    "present": lambda state: state.is_past,
    "play_day": lambda state: state.has_session and state.is_over and not state.is_past,
    "restart": lambda state: state.is_over,
    "faster": FooterState.can_be_faster,
    "slower": FooterState.can_be_slower,
    "interval": lambda state: state.intervals > 1,
    "why": lambda state: state.has_session,
    "export_csv": lambda state: state.has_session,
}

"""Footer labels: the words of actions in the state of the run; none for those that would do nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from tapedeck.console.actions import speeds
from tapedeck.console.actions.table import BY_ID
from tapedeck.console.app.playback import Playback
from tapedeck.engine.read.status import RunState


def footer_label(action_id: str, playback: Playback) -> str | None:
    """Return the word of an action in the footer, or None if it would do nothing now."""
    rule = _RULES.get(action_id)
    label = BY_ID[action_id].label
    if rule is None:
        return label
    found = rule(playback)
    return found if isinstance(found, str) else label if found else None


def _play(playback: Playback) -> str | bool:
    """Return what space does: play or pause, the past or the present."""
    if _is_past(playback):
        return "pause" if playback.past_play.is_playing else "play"
    return {RunState.RUNNING: "pause", RunState.PAUSED: "play"}.get(playback.system.state, False)


def _is_past(playback: Playback) -> bool:
    return playback.viewpoint.position is not None


def _is_over(playback: Playback) -> bool:
    # Before its start, a run is stopped, too.
    return playback.system.state.is_over and playback.system.snapshot().version > 0


def _has_session(playback: Playback) -> bool:
    return playback.present() is not None


def _can_step(playback: Playback) -> bool:
    return _is_past(playback) or (_has_session(playback) and not _is_over(playback))


def _can_step_back(playback: Playback) -> bool:
    shown = playback.viewpoint.position or playback.present()
    if shown is None:
        return False
    return shown.frontier > 0 or playback.tape_cache.before(shown.day) is not None


def _speed(playback: Playback) -> float:
    return playback.past_speed if _is_past(playback) else playback.speed


def _can_be_faster(playback: Playback) -> bool:
    step_up = speeds.faster_past if _is_past(playback) else speeds.faster
    return _can_step(playback) and step_up(_speed(playback)) != _speed(playback)


def _can_be_slower(playback: Playback) -> bool:
    return _can_step(playback) and speeds.slower(_speed(playback)) != _speed(playback)


def _plays_day(playback: Playback) -> bool:
    return _has_session(playback) and _is_over(playback) and not _is_past(playback)


_RULES: Final[Mapping[str, Callable[[Playback], str | bool]]] = {
    "pause": _play,
    "step": _can_step,
    "step_back": _can_step_back,
    "goto": _has_session,
    "present": _is_past,
    "play_day": _plays_day,
    "restart": _is_over,
    "faster": _can_be_faster,
    "slower": _can_be_slower,
    "interval": lambda playback: len(playback.intervals) > 1,
    "why": _has_session,
    "export_csv": _has_session,
}

"""Context of a feed: what a session gives to the feed that it makes."""

from __future__ import annotations

from dataclasses import dataclass

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.config.session_config import SessionConfig
from tapedeck.engine.feeds.fault_script import FaultScript
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_store import BarStore


@dataclass(frozen=True, slots=True)
class FeedContext:
    """What a feed may need of its session.

    `interval`: of the bars to deliver. `clock`: the market's time. For a replay alone: `store`, with the bars
    to play, those that open at or after `first` (seconds UTC), and the faults of `script`.
    """

    config: SessionConfig
    interval: Interval
    clock: LiveClock
    time_manager: TimeManager
    store: BarStore | None = None
    first: int = 0
    script: FaultScript | None = None

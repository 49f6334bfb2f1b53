"""Plan of a live run: that of a backtest of its days, with the feed's bars counted as stored."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.errors import ConfigError, ConfigProblem, DataMissingError
from tapedeck.engine.feeds.live_feed import LiveFeed
from tapedeck.engine.streams.requirements import StreamRequirements
from tapedeck.engine.streams.stream_plan import StreamPlan


def live_plan(requirements: StreamRequirements, feed: LiveFeed, session_name: str) -> StreamPlan:
    """Return the plan; ConfigError if the streams need finer bars than the feed has, or too many symbols."""
    abilities = feed.abilities
    try:
        plan = requirements.plan(may_be_empty=True, arriving=abilities.intervals)
    except DataMissingError as error:
        offered = ", ".join(str(interval) for interval in abilities.intervals)
        message = f"needs {error.interval} bars; the feed {feed.name} has {offered}"
        raise ConfigError(
            session_name, [ConfigProblem("session_data_config.streams", None, message)]
        ) from error
    most = abilities.most_symbols
    if most is not None and len(plan.symbols) > most:
        extra = ", ".join(plan.symbols[most:][:5])
        message = f"has {len(plan.symbols)} symbols; the feed {feed.name} takes {most}: delete {extra}"
        raise ConfigError(session_name, [ConfigProblem("session_data_config.symbols", None, message)])
    return plan


def market_time(clock: LiveClock) -> Callable[[], datetime]:
    """Return the wall clock of a live TimeManager."""
    return lambda: datetime.fromtimestamp(clock.now(), UTC)

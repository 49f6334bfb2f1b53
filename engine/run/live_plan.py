"""Plan of a live run: that of a backtest of its days, with the feed's bars counted as stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.clock.slots import epoch_seconds
from tapedeck.engine.errors import ConfigError, ConfigProblem, DataMissingError, listed
from tapedeck.engine.feeds.arrival_journal import ArrivalJournal
from tapedeck.engine.feeds.live_feed import LiveFeed
from tapedeck.engine.feeds.live_options import LiveOptions
from tapedeck.engine.intervals import DAY
from tapedeck.engine.store.data_manager import DataManager
from tapedeck.engine.streams.requirements import StreamRequirements
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.tape.bar_grid import CLOSE


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


def with_feed_warning(plan: StreamPlan, options: LiveOptions) -> StreamPlan:
    """Return the plan with a warning if bars of its history were recorded from other feeds.

    Volumes of feeds differ, so that averages over both mix them. Imported bars have no feed that is known.
    Raises StoreError if the journal cannot be read.
    """
    if not options.journal.exists():
        return plan
    own, known = options.feed.name, frozenset(plan.symbols)
    start = epoch_seconds(plan.history.sessions[0].regular_open)
    end = epoch_seconds(plan.sessions[0].regular_open)
    with ArrivalJournal(options.journal) as journal:
        sources = journal.sources(plan.base, start, end)
    others = {name for symbol, names in sources.items() if symbol in known for name in names} - {own}
    if not others:
        return plan
    symbols = [symbol for symbol in plan.symbols if sources.get(symbol, frozenset()) - {own}]
    text = (
        f"the history of {listed(symbols, 5)} has bars of the feed {' and '.join(sorted(others))}; "
        f"this session records {own}: their volumes may differ"
    )
    return replace(plan, warnings=(*plan.warnings, text))


def with_daily_warning(plan: StreamPlan, data: DataManager) -> StreamPlan:
    """Return the plan with a warning if stored 1d bars in its history end before the session before.

    A recording has no 1d bars: those of recorded days must be imported. Raises StoreError as the store.
    """
    history = plan.history
    sources = history.sources.get(DAY, ())
    symbols = [symbol for symbol, source in zip(plan.symbols, sources, strict=False) if source == DAY]
    if not symbols or not history.first_played or history.daily_from is None:
        return plan
    before = history.sessions[history.first_played - 1]
    closes = data.load_days(symbols, [before], DAY)[CLOSE, :, 0]
    stale = [symbol for symbol, missing in zip(symbols, np.isnan(closes).tolist(), strict=True) if missing]
    if not stale:
        return plan
    text = (
        f"no 1d bar of {listed(stale, 5)} is stored for {before.trading_day}: values over 1d bars lack that "
        "day. Import the latest 1d bars before a session"
    )
    return replace(plan, warnings=(*plan.warnings, text))


def market_time(clock: LiveClock) -> Callable[[], datetime]:
    """Return the wall clock of a live TimeManager."""
    return lambda: datetime.fromtimestamp(clock.now(), UTC)

"""Check of a live session before it is recorded: what its feed finds, and when its market opens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tapedeck.console.cli.live_choice import REPLAYS
from tapedeck.console.cli.live_session import live_interval, time_of
from tapedeck.console.cli.opening_times import next_session_text
from tapedeck.console.cli.options import bad_option
from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.feeds.feed_call import call_in_time
from tapedeck.engine.feeds.feed_context import FeedContext
from tapedeck.engine.feeds.live_feed import CheckedFeed
from tapedeck.engine.feeds.registry import make_feed

if TYPE_CHECKING:
    from tapedeck.console.cli.invocation import Invocation
    from tapedeck.engine.clock.time_manager import TimeManager
    from tapedeck.engine.config import LoadedConfig

CHECK_TIMEOUT_S: Final = 5.0
"""Time in which a feed must have been checked, in seconds."""
_LOADED_WITHIN_S: Final = 30.0
"""Time for its libraries, besides; on a busy machine some take seconds."""


def check_feed(invocation: Invocation, loaded: LoadedConfig, name: str) -> None:
    """Check the feed of a session file, and write what was found; nothing is connected or stored.

    Raises FeedError for what is wrong, and ConfigError for a feed without a check.
    """
    if name in REPLAYS:
        raise bad_option("--check", True, f"a {name} has nothing to check: leave it out.")
    config, clock = loaded.config, LiveClock()
    calendar = time_of(config, clock)
    feed = make_feed(name, FeedContext(config, live_interval(config), clock, calendar))
    if not isinstance(feed, CheckedFeed):
        raise bad_option("--check", True, f"the feed {name} has nothing to check: leave it out.")
    symbols = config.session_data_config.symbols
    try:
        found = call_in_time(
            feed.name,
            "its check",
            lambda: feed.check(symbols, CHECK_TIMEOUT_S),
            CHECK_TIMEOUT_S + _LOADED_WITHIN_S,
        )
    finally:
        feed.close()
    market = _market(calendar)
    if invocation.as_json:
        document = {"kind": "check", "feed": feed.name, "found": list(found), "market": market}
        invocation.terminal.write_json_line(document)
        return
    for line in (f"{feed.name}: ready", *(f"  {line}" for line in found), f"{config.exchange}: {market}"):
        invocation.terminal.write(line)


def _market(calendar: TimeManager) -> str:
    """Return whether the market is open, or when it opens."""
    now = calendar.get_current_time()
    session = calendar.get_trading_session(calendar.get_trading_date(now))
    if now < session.regular_open:
        return f"closed; {next_session_text(session.trading_day, session.regular_open, now)}"
    return f"open until {session.regular_close.astimezone(calendar.zone):%H:%M %Z}"

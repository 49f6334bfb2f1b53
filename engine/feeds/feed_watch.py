"""Feed watch: state of a connection, when it is stale, when to connect again, and how far clocks differ."""

from __future__ import annotations

import math
from collections import deque
from typing import Final

from tapedeck.engine.feeds.back_off import BackOff
from tapedeck.engine.feeds.live_feed import FeedError
from tapedeck.engine.feeds.live_status import FeedState
from tapedeck.engine.feeds.trading_hours import TradingHours
from tapedeck.engine.intervals import Interval

SKEW_ALERT_S: Final = 1.0
"""Difference from the provider's clock, in seconds of the machine, from which it alerts."""
LEAST_STALE_S: Final = 1.0
"""Seconds of the machine that a feed must have been silent: in a fast replay, intervals pass in less."""
_SKEW_SAMPLES: Final = 10


class FeedWatch:
    """State of the connection to a feed. Decides; connects to nothing.

    A feed is stale when the market has been open for two intervals and the grace without a message. Waits
    before connecting again grow with each failure, and begin anew once a message was heard. A final error
    ends the watch if there never was a connection; later it is tried again as any other.

    `now`: market time, seconds UTC; `machine`: monotonic seconds.
    """

    def __init__(
        self,
        interval: Interval,
        hours: TradingHours,
        *,
        grace_s: float,
        now: float,
        back_off: BackOff | None = None,
    ) -> None:
        self._silence_s = 2 * interval.seconds + grace_s
        self._interval_s = interval.seconds
        self._hours = hours
        self._back_off = BackOff() if back_off is None else back_off
        self.state = FeedState.CONNECTING
        self.since = now
        """Market time at which the state began."""
        self.reason = ""
        """Why the feed is not connected, or stale; else ""."""
        self.reconnects = 0
        """Number of connections after the first."""
        self.missed_since: float | None = None
        """Market time since when messages may have been missed; None if there was no connection before."""
        self.try_at = -math.inf
        """Seconds of the machine before which no connection is tried."""
        self._was_connected = False
        self._connected_at = (now, -math.inf)  # market, machine
        self._heard_at = (-math.inf, -math.inf)
        self._stale_at: float | None = None  # market time; None once a message was heard

    @property
    def is_connected(self) -> bool:
        """Whether the feed delivers, as far as is known."""
        return self.state is FeedState.CONNECTED

    @property
    def wants_connection(self) -> bool:
        """Whether a connection is to be made, once `try_at` has come."""
        return self.state in (FeedState.CONNECTING, FeedState.STALE, FeedState.RECONNECTING)

    def heard(self, now: float, machine: float) -> None:
        """Take note of a message of the present connection."""
        if self._heard_at[1] < machine:
            self._heard_at = (now, machine)
            self._stale_at = None
            self._back_off.reset()

    def trying(self, now: float) -> None:
        """Take note that a connection is being made."""
        if self.state is FeedState.STALE:
            self._enter(FeedState.RECONNECTING, now, self.reason)

    def connected(self, now: float, machine: float) -> None:
        """Take note that the feed is connected, and delivers."""
        self._enter(FeedState.CONNECTED, now, "")
        self.reconnects += self._was_connected
        self._was_connected = True
        self._connected_at = (now, machine)

    def refused(self, error: FeedError, now: float, machine: float) -> None:
        """Take note that a connection could not be made."""
        if error.is_final and not self._was_connected:
            self.failed(str(error), now)
            return
        state = FeedState.RECONNECTING if self._was_connected else FeedState.CONNECTING
        self._enter(state, now if state is not self.state else self.since, str(error))
        self.try_at = machine + self._back_off.next_wait()

    def lost(
        self, reason: str, now: float, machine: float, *, state: FeedState = FeedState.RECONNECTING
    ) -> None:
        """Take note that the connection is lost; without one, nothing changes."""
        if not self.is_connected:
            return
        self._enter(state, now, reason)
        if state is FeedState.STALE:
            self._stale_at = now
        self.missed_since = max(self._connected_at[0], self._heard_at[0])
        self.try_at = machine + self._back_off.next_wait()

    def failed(self, reason: str, now: float) -> None:
        """Take note that the feed cannot be used any more."""
        self._enter(FeedState.FAILED, now, reason)

    def closed(self, now: float) -> None:
        """Take note that the feed was closed on request."""
        if self.state is not FeedState.FAILED:
            self._enter(FeedState.CLOSED, now, "")

    def stale_in(self, now: float, machine: float, speed: float) -> float | None:
        """Return the machine seconds until the feed is stale, 0 if it is; None while it cannot become so."""
        open_since = self._hours.open_since(now)
        if not self.is_connected or open_since is None:
            return None
        heard, machine_heard = max(self._heard_at, self._connected_at)
        silent_at = max(heard, open_since) + self._silence_s
        return max(0.0, (silent_at - now) / speed, machine_heard + LEAST_STALE_S - machine)

    def is_mute(self, now: float) -> bool:
        """Whether a feed that was stale is connected again, and has sent nothing since, in the same hours."""
        open_since = self._hours.open_since(now)
        if not self.is_connected or self._stale_at is None or open_since is None:
            return False
        return self._stale_at >= open_since

    def silence(self, now: float) -> str:
        """Return the reason of a stale feed: how long no message came."""
        heard = max(self._heard_at[0], self._connected_at[0], self._hours.open_since(now) or 0.0)
        return f"no message for {duration(now - heard)} while the market is open"

    def missed_bars(self, now: float) -> int:
        """Return the number of bars of each symbol that may have been missed until now."""
        if self.missed_since is None:
            return 0
        return math.ceil(self._hours.open_seconds(self.missed_since, now) / self._interval_s)

    def _enter(self, state: FeedState, now: float, reason: str) -> None:
        self.state, self.since, self.reason = state, now, reason


class SkewWatch:
    """Difference between our clock and the provider's: the least of the last ten messages.

    A message is never early, but may be late: the least difference is the nearest to that of the clocks.
    Over 1 s (of the machine) begins an excursion; it is over below half of that.
    """

    def __init__(self) -> None:
        self._samples: deque[float] = deque(maxlen=_SKEW_SAMPLES)
        self._is_off = False

    @property
    def skew_s(self) -> float | None:
        """Our clock less the provider's in market seconds, or None before the first message."""
        return min(self._samples) if self._samples else None

    def told(self, provider_time: float, now: float) -> None:
        """Take the provider's time from a message just received."""
        self._samples.append(now - provider_time)

    def reset(self) -> None:
        """Forget the messages of an earlier connection, or before our clock was set."""
        self._samples.clear()

    def check(self, speed: float) -> bool:
        """Return whether an excursion begins."""
        if self.skew_s is None:
            return False
        size = abs(self.skew_s) / speed
        was_off = self._is_off
        self._is_off = size > (SKEW_ALERT_S / 2 if was_off else SKEW_ALERT_S)
        return self._is_off and not was_off


def duration(seconds: float) -> str:
    """Return a length of time in words: `42 s`, `3 m 05 s`, `2 h 10 m`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} m"

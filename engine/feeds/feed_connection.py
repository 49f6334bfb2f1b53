"""Feed connection: the thread that connects a feed, keeps it connected, and asks it for history."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any, Final

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.errors import EngineError, listed
from tapedeck.engine.feeds.alerts import Alerts
from tapedeck.engine.feeds.back_off import BackOff
from tapedeck.engine.feeds.feed_call import FeedCall
from tapedeck.engine.feeds.feed_watch import FeedWatch, SkewWatch, duration
from tapedeck.engine.feeds.history_calls import HISTORY_TIMEOUT_S, LEFT_ALONE_S, HistoryCalls
from tapedeck.engine.feeds.history_request import HistoryAnswer, HistoryPurpose, HistoryRequest
from tapedeck.engine.feeds.live_feed import FeedError, FeedSink, LiveFeed
from tapedeck.engine.feeds.live_status import FeedState, FeedStatus
from tapedeck.engine.feeds.trading_hours import TradingHours
from tapedeck.engine.feeds.watched_sink import WatchedSink
from tapedeck.engine.intervals import Interval

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S: Final = 10.0
"""Time in which a feed must have connected and subscribed, in seconds of the machine."""
_LONGEST_WAIT_S: Final = 1.0  # between two looks at the machine's clock
_END_WITHIN_S: Final = 0.7
_CAUSE: Final = "connection"


@dataclass(frozen=True, slots=True)
class FeedConnected:
    """The feed delivers from `at` on. `missed_since`: market time of the last message before, or None."""

    at: float
    missed_since: float | None


@dataclass(frozen=True, slots=True)
class FeedLost:
    """The connection was lost at `at` (market time); it is made again."""

    at: float
    reason: str


@dataclass(frozen=True, slots=True)
class FeedFailed:
    """The feed cannot be used: the recording ends."""

    error: FeedError


FeedReport = FeedConnected | FeedLost | FeedFailed | HistoryAnswer


@dataclass(frozen=True, slots=True)
class _Lost:
    reason: str


@dataclass(frozen=True, slots=True)
class _ConnectNow:
    pass


class FeedConnection:
    """Connection to a feed, driven by one thread; other threads send it commands, and read `status`.

    `sink` gets the feed's messages, and the bars of history that was asked for (kind HISTORY) before
    `report` gets the answer. Bars of a reconciliation are in the answer only: its owner sends those that
    differ to the sink. `report` is called in the connection's thread, and must not wait.

    Requests are run one at a time, each with a deadline of its own. Without a connection they fail at once,
    so that their owners decide again. Every call of the feed that may hang has a thread of its own
    (`FeedCall`).
    """

    def __init__(
        self,
        feed: LiveFeed,
        symbols: Sequence[str],
        interval: Interval,
        sink: FeedSink,
        report: Callable[[FeedReport], None],
        *,
        clock: LiveClock,
        hours: TradingHours,
        grace_s: float,
        alerts: Alerts,
        back_off: BackOff | None = None,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        history_timeout_s: float = HISTORY_TIMEOUT_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._feed, self._symbols, self._interval = feed, tuple(symbols), interval
        self._target, self._report = sink, report
        self._clock, self._alerts, self._monotonic = clock, alerts, monotonic
        self._connect_timeout_s = connect_timeout_s
        self._watch = FeedWatch(interval, hours, grace_s=grace_s, now=clock.now(), back_off=back_off)
        self._skew = SkewWatch()
        self._inbox: SimpleQueue[object] = SimpleQueue()
        self._history = HistoryCalls(
            feed,
            interval,
            market_now=clock.now,
            done=self._inbox.put,
            answered=self._answered,
            timeout_s=history_timeout_s,
        )
        self._sink: WatchedSink | None = None
        self._line: FeedCall[None] | None = None  # connects, or closes
        self._closing = Event()
        self._last_message: float | None = None
        self._status = self._made_status()
        self._thread = Thread(target=self._run, name="tapedeck-feed", daemon=False)

    # Commands, from any thread

    def start(self) -> None:
        """Start the thread, which connects."""
        self._thread.start()

    def request(self, request: HistoryRequest) -> None:
        """Ask for history; the answer is reported, unless the connection is closed before."""
        self._inbox.put(request)

    def lost(self, reason: str) -> None:
        """Take the connection for lost, and make it again."""
        self._inbox.put(_Lost(reason))

    def reconnect(self) -> None:
        """Connect anew without waiting."""
        self._inbox.put(_ConnectNow())

    def close(self) -> None:
        """End the connection and its thread; safe to call twice. Nothing is reported after `join`."""
        self._closing.set()
        self._inbox.put(None)

    def join(self, timeout: float = 1.0) -> None:
        """Wait for the thread to end; EngineError if it takes longer than `timeout` seconds."""
        if self._thread.ident is None:
            return
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise EngineError(f"thread {self._thread.name} did not end within {timeout:g} s")

    def status(self) -> FeedStatus:
        """Return the state of the connection; the counts of bars are the recorder's, and 0 here."""
        status, sink = self._status, self._sink
        heard = self._last_message if sink is None or sink.heard is None else sink.heard[0]
        return replace(status, last_message=None if heard is None else utc_from_epoch(int(heard)))

    # The thread

    def _run(self) -> None:
        try:
            while not self._closing.is_set():
                self._look()
                self._handle(self._next_message())
        except Exception as error:
            log.exception("feed connection failed")
            self._watch.failed(f"{type(error).__name__}: {error}", self._clock.now())
            self._report(FeedFailed(FeedError(self._watch.reason, is_final=True)))
        finally:
            self._end()

    def _next_message(self) -> object:
        try:
            return self._inbox.get(timeout=self._wait_s())
        except Empty:
            return None

    def _handle(self, message: object) -> None:
        self._take_messages()
        if isinstance(message, HistoryRequest):
            self._history.add(message)
        elif isinstance(message, FeedCall):
            self._call_ended(message)
        elif isinstance(message, WatchedSink):
            if message is self._sink:
                self._disconnected(message.lost_reason or "no reason given")
        elif isinstance(message, _Lost):
            self._disconnected(message.reason)
        elif isinstance(message, _ConnectNow):
            self._disconnected("connecting anew on request", is_alert=False)
            self._watch.try_now(self._monotonic())

    def _look(self) -> None:
        """Do what is due at this moment."""
        self._take_messages()
        now, machine = self._clock.now(), self._monotonic()
        if self._watch.stale_in(now, machine, self._clock.speed) == 0:
            self._disconnected(self._watch.silence(now), state=FeedState.STALE)
        self._check_deadline(machine)
        if self._watch.wants_connection and self._line is None and machine >= self._watch.try_at:
            self._connect(now, machine)
        self._history.look(machine, is_connected=self._watch.is_connected)
        self._status = self._made_status()

    def _wait_s(self) -> float:
        now, machine = self._clock.now(), self._monotonic()
        times = [] if self._history.deadline is None else [self._history.deadline]
        if self._line is not None:
            times += [] if self._line.is_given_up else [self._line.deadline]
        elif self._watch.wants_connection:
            times.append(self._watch.try_at)
        waits = [at - machine for at in times]
        stale_in = self._watch.stale_in(now, machine, self._clock.speed)
        return max(0.0, min([_LONGEST_WAIT_S, *waits, *([] if stale_in is None else [stale_in])]))

    def _take_messages(self) -> None:
        """Take over what the sink noted."""
        self._check_clock()  # first: messages were compared with a clock that may have been set
        sink = self._sink
        if sink is None:
            return
        if sink.heard is not None:
            self._watch.heard(*sink.heard)
            self._last_message = sink.heard[0]
        while sink.provider_times:
            self._skew.told(*sink.provider_times.popleft())
        if self._skew.check(self._clock.speed):
            self._alert_skew()

    def _alert_skew(self) -> None:
        seconds = (self._skew.skew_s or 0.0) / self._clock.speed
        side = "ahead of" if seconds > 0 else "behind"
        text = f"this machine's clock is {abs(seconds):.1f} s {side} that of {self._feed.name}: set it"
        self._alerts.add(text, at=self._clock.now())

    def _check_clock(self) -> None:
        step = self._clock.check()
        if step is None:
            return
        self._skew.reset()
        if self._sink is not None:
            self._sink.provider_times.clear()
        length = duration(abs(step.seconds))
        if step.is_ahead:
            self._disconnected(f"the machine slept, or its clock was set ahead, by {length}")
            return
        text = f"the machine's clock was set back by {length}: the tape waits until it has caught up"
        self._alerts.add(text, at=self._clock.now())

    # Connecting

    def _connect(self, now: float, machine: float) -> None:
        self._watch.trying(now)
        sink = WatchedSink(self._target, self._clock, self._inbox.put, monotonic=self._monotonic)
        if self._sink is not None:
            self._sink.shut()
        self._sink = sink
        self._skew.reset()

        def connect() -> None:
            try:
                check_abilities(self._feed, self._symbols, self._interval)
                self._feed.connect(sink, self._connect_timeout_s)
                self._feed.subscribe(self._symbols, self._interval)
            except BaseException:
                with suppress(Exception):
                    self._feed.close()
                raise
            if self._closing.is_set() or call.is_given_up:
                self._feed.close()  # it came too late

        call: FeedCall[None] = FeedCall(
            "connect", connect, machine + self._connect_timeout_s * 1.1, self._inbox.put
        )
        self._line = call
        call.start()

    def _call_ended(self, call: FeedCall[Any]) -> None:
        self._history.ended(call)
        if call is self._line:
            self._line = None
            if call.name == "connect" and not call.is_given_up:
                self._connect_ended(call.error)

    def _connect_ended(self, error: FeedError | None) -> None:
        now, machine = self._clock.now(), self._monotonic()
        sink = self._sink
        if error is None and sink is not None and sink.lost_reason is not None:
            error = FeedError(sink.lost_reason)
            self._close_feed(machine)
        if error is not None:
            self._refused(error, now, machine)
            return
        self._watch.connected(now, machine)
        log.info("%s: connected", self._feed.name)
        if self._alerts.over(_CAUSE):
            self._alerts.add(self._connected_again(now), at=now)
        self._report(FeedConnected(now, self._watch.missed_since))

    def _connected_again(self, now: float) -> str:
        head = f"{self._feed.name}: connected"
        if self._watch.missed_since is None:
            return head
        head = f"{head} again after {duration(now - self._watch.missed_since)} without messages"
        missed = self._watch.missed_bars(now)
        if not missed:
            return f"{head}; the market was closed"
        plural = "" if missed == 1 else "s"
        asked = "is asked for" if self._feed.abilities.has_history else "cannot be asked for"
        return f"{head}: what was missed, up to {missed} bar{plural} of each symbol, {asked}"

    def _refused(self, error: FeedError, now: float, machine: float) -> None:
        self._watch.refused(error, now, machine)
        if self._watch.state is FeedState.FAILED:
            self._alerts.add(f"{self._feed.name}: {error}", at=now, is_severe=True)
            self._report(FeedFailed(error))
            return
        log.info("%s: not connected: %s", self._feed.name, error)
        text = f"{self._feed.name}: cannot connect, trying again: {error}"
        self._alerts.begin(_CAUSE, text, at=now, is_severe=True)

    def _disconnected(
        self, reason: str, *, state: FeedState = FeedState.RECONNECTING, is_alert: bool = True
    ) -> None:
        """Close a connection that is lost or stale, to make it again; without one, nothing happens."""
        if not self._watch.is_connected:
            return
        now, machine = self._clock.now(), self._monotonic()
        self._watch.lost(reason, now, machine, state=state)
        word = "stale" if state is FeedState.STALE else "connection lost"
        if is_alert:
            self._alerts.begin(_CAUSE, f"{self._feed.name}: {word}: {reason}", at=now, is_severe=True)
        self._close_feed(machine)
        self._report(FeedLost(now, reason))

    def _close_feed(self, machine: float) -> None:
        self._line = FeedCall("close", self._feed.close, machine + 1.0, self._inbox.put)
        self._line.start()

    def _check_deadline(self, machine: float) -> None:
        """Give up a connect whose time is over."""
        line = self._line
        if line is not None and machine >= line.deadline and not line.is_given_up:
            line.is_given_up = True
            if line.name == "connect":
                error = FeedError(f"no connection within {self._connect_timeout_s:g} s")
                self._refused(error, self._clock.now(), machine)
                # Closing it ends a connect that hangs. The next one begins when this one has ended.
                FeedCall("close", self._feed.close, machine + 1.0, self._inbox.put).start()
        elif line is not None and machine >= line.deadline + LEFT_ALONE_S:
            log.warning("%s does not return from %s: its thread is left alone", self._feed.name, line.name)
            self._line = None

    # History

    def _answered(self, answer: HistoryAnswer) -> None:
        """Pass an answer on, its bars first."""
        if answer.bars and answer.request.purpose is not HistoryPurpose.RECONCILE:
            self._target.bars(answer.bars)
        self._report(answer)

    # State, end

    def _end(self) -> None:
        """Close the feed; leave threads behind that do not return from it."""
        if self._sink is not None:
            self._sink.shut()
        until = time.monotonic() + _END_WITHIN_S
        close = FeedCall("close", self._feed.close, until, self._inbox.put)
        close.start()
        for call in (close, self._line, self._history.call):
            if call is not None and not call.join(until - time.monotonic()):
                log.warning("%s hangs in %s: its thread is left behind", self._feed.name, call.name)
        self._watch.closed(self._clock.now())
        self._status = self._made_status()

    def _made_status(self) -> FeedStatus:
        watch = self._watch
        is_mute = watch.is_mute(self._clock.now())
        return FeedStatus(
            self._feed.name,
            FeedState.STALE if is_mute else watch.state,
            utc_from_epoch(int(watch.since)),
            "connected again, but no message yet" if is_mute else watch.reason,
            reconnects=watch.reconnects,
            skew_s=self._skew.skew_s,
        )


def check_abilities(feed: LiveFeed, symbols: Sequence[str], interval: Interval) -> None:
    """Check that a feed has the interval, and takes as many symbols; a final FeedError otherwise."""
    abilities = feed.abilities
    if interval not in abilities.intervals:
        known = listed([str(one) for one in abilities.intervals])
        raise FeedError(f"interval {interval} is not available: {feed.name} has {known}", is_final=True)
    most = abilities.most_symbols
    if most is not None and len(symbols) > most:
        raise FeedError(
            f"{len(symbols)} symbols are too many: {feed.name} takes at most {most} in one subscription",
            is_final=True,
        )

"""Feed connection: the thread that connects a feed, keeps it connected, and asks it for history."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
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
from tapedeck.engine.feeds.history_request import HistoryAnswer, HistoryRequest
from tapedeck.engine.feeds.live_feed import FeedError, FeedSink, LiveFeed
from tapedeck.engine.feeds.live_status import FeedState, FeedStatus
from tapedeck.engine.feeds.subscribed_symbols import SubscribedSymbols
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


@dataclass(frozen=True, slots=True)
class FeedRefused:
    """Symbols that joined while the feed was not connected, and that it does not deliver, and why."""

    symbols: tuple[str, ...]
    error: FeedError


FeedReport = FeedConnected | FeedLost | FeedFailed | FeedRefused | HistoryAnswer


@dataclass(frozen=True, slots=True, eq=False)
class _Join:
    """Symbols to subscribe, too; the answer is given once the feed delivers them."""

    symbols: tuple[str, ...]
    answer: Future[None]


@dataclass(frozen=True, slots=True)
class _Leave:
    symbols: tuple[str, ...]


class FeedConnection:
    """Connection to a feed, driven by one thread; other threads send it commands, and read `status`.

    `sink` gets the feed's messages, and the bars of history that was asked for (kind HISTORY) before
    `report` gets the answer. Bars of a reconciliation are in the answer only: its owner sends those that
    differ to the sink; so are bars of the universe, which are not recorded. `report` is called in the
    connection's thread, and must not wait.

    `subscribe` and `unsubscribe` change the symbols. One that joins is subscribed in the connection that
    stands, or with the next one; the feed is not told of one that leaves, and may send it until then.

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
        self._feed, self._interval = feed, interval
        self._symbols = SubscribedSymbols(symbols)
        self._target, self._report = sink, report
        self._clock, self._alerts, self._monotonic = clock, alerts, monotonic
        self._connect_timeout_s = connect_timeout_s
        self._watch = FeedWatch(interval, hours, grace_s=grace_s, now=clock.now(), back_off=back_off)
        self._skew = SkewWatch()
        self._inbox: SimpleQueue[object] = SimpleQueue()
        self._history = HistoryCalls(
            feed,
            market_now=clock.now,
            done=self._inbox.put,
            answered=self._answered,
            timeout_s=history_timeout_s,
        )
        self._sink: WatchedSink | None = None
        self._line: FeedCall[None] | None = None  # connects, or closes
        self._joins: deque[_Join] = deque()  # in order; the first one is being subscribed
        self._joining: FeedCall[None] | None = None
        self._joining_over: WatchedSink | None = None  # the connection over which it is subscribed
        self._asked_for: frozenset[str] = frozenset()  # symbols that the last connection was made with
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

    def subscribe(self, symbols: Sequence[str]) -> Future[None]:
        """Subscribe further symbols; the future is done once the feed delivers them, or is not connected.

        It has a FeedError, and nothing changes, if the feed refuses them, or does not answer.
        """
        answer: Future[None] = Future()
        self._inbox.put(_Join(tuple(symbols), answer))
        return answer

    def unsubscribe(self, symbols: Sequence[str]) -> None:
        """Take note that some symbols are not to be delivered any more."""
        self._inbox.put(_Leave(tuple(symbols)))

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
        elif isinstance(message, _Join):
            self._joins.append(message)
        elif isinstance(message, _Leave):
            self._symbols.leave(message.symbols)

    def _look(self) -> None:
        """Do what is due at this moment."""
        self._take_messages()
        now, machine = self._clock.now(), self._monotonic()
        if self._watch.stale_in(now, machine, self._clock.speed) == 0:
            self._disconnected(self._watch.silence(now), state=FeedState.STALE)
        self._check_deadline(machine)
        if self._watch.wants_connection and self._line is None and machine >= self._watch.try_at:
            self._connect(now, machine)
        self._subscribe_next(machine)
        self._history.look(machine, is_connected=self._watch.is_connected)
        self._status = self._made_status()

    def _wait_s(self) -> float:
        now, machine = self._clock.now(), self._monotonic()
        times = [] if self._history.deadline is None else [self._history.deadline]
        times += [] if self._joining is None else [self._joining.deadline]
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
        first, joined = self._symbols.to_connect()
        self._asked_for = frozenset((*first, *joined))

        def connect() -> None:
            try:
                check_abilities(self._feed, first, self._interval)
                self._feed.connect(sink, self._connect_timeout_s)
                if first:
                    self._feed.subscribe(first, self._interval)
                self._subscribe_joined(joined)
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
        if call is self._joining:
            self._join_ended(call.error)
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
        for symbols, refusal in self._symbols.take_refused():
            self._report(FeedRefused(symbols, refusal))
        self._subscribe_missing()

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

    def _disconnected(self, reason: str, *, state: FeedState = FeedState.RECONNECTING) -> None:
        """Close a connection that is lost or stale, to make it again; without one, nothing happens."""
        if not self._watch.is_connected:
            return
        now, machine = self._clock.now(), self._monotonic()
        self._watch.lost(reason, now, machine, state=state)
        word = "stale" if state is FeedState.STALE else "connection lost"
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

    # Symbols that join

    def _subscribe_joined(self, symbols: Sequence[str]) -> None:
        """Subscribe the symbols that joined; those that the feed refuses are left out, and noted."""
        if not symbols:
            return
        try:
            self._feed.subscribe(symbols, self._interval)
            return
        except FeedError as error:
            if not error.is_final:
                raise
        for symbol in symbols:
            try:
                self._feed.subscribe([symbol], self._interval)
            except FeedError as error:
                self._symbols.refuse(symbol, error)

    def _subscribe_missing(self) -> None:
        """Subscribe the symbols that joined while the connection was being made."""
        missing = tuple(symbol for symbol in self._symbols.all if symbol not in self._asked_for)
        if not missing:
            return

        def subscribed(answer: Future[None]) -> None:
            error = answer.exception()
            if isinstance(error, FeedError):
                self._report(FeedRefused(missing, error))

        answer: Future[None] = Future()
        answer.add_done_callback(subscribed)
        self._joins.appendleft(_Join(missing, answer))

    def _subscribe_next(self, machine: float) -> None:
        """Subscribe the symbols that are to join next; without a connection, with the next one."""
        call = self._joining
        if call is not None and machine >= call.deadline and not call.is_given_up:
            call.is_given_up = True
            self._join_ended(FeedError(f"no answer within {self._connect_timeout_s:g} s"))
        while self._joins and self._joining is None:
            join = self._joins[0]
            try:
                check_abilities(self._feed, self._symbols.with_joining(join.symbols), self._interval)
            except FeedError as error:
                self._joins.popleft().answer.set_exception(error)
                continue
            line = self._line
            if not self._watch.is_connected:
                if line is not None and line.name == "connect" and not line.is_given_up:
                    return  # the connection that is being made
                self._joined()
                continue
            self._joining_over = self._sink
            self._joining = FeedCall(
                "subscribe",
                partial(self._feed.subscribe, join.symbols, self._interval),
                machine + self._connect_timeout_s,
                self._inbox.put,
            )
            self._joining.start()

    def _join_ended(self, error: FeedError | None) -> None:
        self._joining = None
        if self._joining_over is not self._sink and self._watch.is_connected:
            return  # it was over a connection that is lost: once more over this one
        if error is None or not self._watch.is_connected:  # the next connection subscribes them
            self._joined()
        else:
            self._joins.popleft().answer.set_exception(error)

    def _joined(self) -> None:
        join = self._joins.popleft()
        self._symbols.join(join.symbols)
        join.answer.set_result(None)

    # History

    def _answered(self, answer: HistoryAnswer) -> None:
        """Pass an answer on, its bars first."""
        if answer.bars and answer.request.purpose.is_recorded:
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
        for call in (close, self._line, self._joining, self._history.call):
            if call is not None and not call.join(until - time.monotonic()):
                log.warning("%s hangs in %s: its thread is left behind", self._feed.name, call.name)
        while self._joins:
            self._joins.popleft().answer.set_exception(FeedError("the connection is closed"))
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

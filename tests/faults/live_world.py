"""A live run in one thread: feed, connection, recorder and workers of a run, driven by a clock by hand.

`SystemManager` and all it makes are those of any live run, but for their threads: where the coordinator waits
for a message, the world lets time pass to the next moment at which any of them has work, and does it. So a
day takes some milliseconds, a script gives the same run each time, and a run can be killed anywhere.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from operator import attrgetter
from random import Random
from typing import Any, Final, Self
from unittest.mock import patch

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.feed_connection import FeedConnection
from tapedeck.engine.feeds.feed_quote import FeedQuote
from tapedeck.engine.feeds.live_feed import FeedAbilities, FeedError, FeedHistory, FeedSink
from tapedeck.engine.feeds.live_recorder import LiveRecorder
from tapedeck.engine.feeds.scripted_market import ScriptedMarket
from tapedeck.engine.intervals import Interval
from tapedeck.engine.read.snapshot import BreakpointHit
from tapedeck.engine.run.messages import Message
from tapedeck.engine.run.session_coordinator import SessionCoordinator
from tests.faults.live_quotes import QuoteMessage

_MOST_TURNS: Final = 200_000
_LOOK_AHEAD_S: Final = 7200.0


class KilledError(BaseException):
    """Ends a run as a killed process ends: nothing is closed, written or told."""


class HandWorld:
    """The machine's clocks, and all that has work to do at some moment.

    `speed`, `start`: of the market's clock. `random`: decides how long calls and computations take, but for
    jobs of scans, which take `scan_s`.
    """

    def __init__(self, random: Random, *, start: float, speed: float = 1.0, wall: float = 2e9) -> None:
        wall = start if speed == 1 else wall
        self.random, self.speed, self.start, self.anchor = random, speed, start, wall
        self.machine = self._begun = 1000.0
        self._slept = 0.0
        self.wall_ahead = wall - self.machine
        self.kill_at = float("inf")
        self.kill_when = "waiting"
        self.alarms: list[tuple[float, Callable[[], None]]] = []  # changes of the machine's clocks
        self.turns = 0
        self.scan_s = 0.0
        self._begin()

    def _begin(self) -> None:
        self.clock = self.make_clock()
        self.calls: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0
        self.feed: HandFeed | None = None
        self.connection: HandConnection | None = None
        self.recorder: HandRecorder | None = None

    def make_clock(self) -> LiveClock:
        """Return the market's clock, as a run that is started now makes it."""
        if self.speed == 1.0:
            return LiveClock(wall=self.wall, monotonic=self.monotonic)
        return LiveClock(
            speed=self.speed,
            start=self.start,
            anchor=self.anchor,
            wall=self.wall,
            monotonic=self.monotonic,
        )

    def wall(self) -> float:
        return self.machine + self.wall_ahead

    def monotonic(self) -> float:
        return self.machine

    @property
    def market(self) -> float:
        """The provider's time, which no change of the machine's clock touches."""
        return self.start + (self.machine - self._begun) * self.speed + self._slept

    def at(self, market: float) -> float:
        """Return the machine's time at a time of the provider."""
        return self.machine + max(0.0, (market - self.market) / self.speed)

    def set_wall_clock(self, seconds: float) -> None:
        """Set the machine's wall clock ahead, or back."""
        self.wall_ahead += seconds

    def sleep(self, seconds: float) -> None:
        """Suspend the machine: its monotonic clock stands still, the market goes on."""
        self.wall_ahead += seconds
        self._slept += seconds * self.speed

    def call(self, after: float, work: Callable[[], None]) -> None:
        """Do some work `after` seconds of the machine."""
        self._number += 1
        heapq.heappush(self.calls, (self.machine + after, self._number, work))

    def restart(self, pause: float) -> None:
        """Forget what a killed run had in memory; the machine runs on for `pause` seconds."""
        self.machine += pause
        self._begin()

    def check_kill(self, when: str) -> None:
        """Kill the run, if its time has come and this is the place."""
        if self.machine >= self.kill_at and when == self.kill_when:
            self.kill_at = float("inf")
            raise KilledError(when)

    def run(self, is_awaited: Callable[[], bool], timeout: float | None) -> None:
        """Let time pass until something awaited has come, at most `timeout` seconds of the machine."""
        limit = self.machine + (1e9 if timeout is None else timeout)
        self._do_due()
        while not is_awaited() and self.machine < limit:
            self.turns += 1
            assert self.turns < _MOST_TURNS, "the run does not end"
            soonest = min(limit, *self._due_times())
            self.machine = max(self.machine, soonest)
            self.check_kill("waiting")
            self._do_due()

    def _due_times(self) -> Iterator[float]:
        yield self.kill_at if self.kill_when == "waiting" else float("inf")
        if self.calls:
            yield self.calls[0][0]
        if self.alarms:
            yield self.alarms[0][0]
        if self.feed is not None:
            yield self.feed.due(self)
        if self.connection is not None:
            yield self.connection.due
        if self.recorder is not None:
            yield self.recorder.due

    def _do_due(self) -> None:
        while self.alarms and self.alarms[0][0] <= self.machine:
            self.alarms.pop(0)[1]()
        while self.calls and self.calls[0][0] <= self.machine:
            heapq.heappop(self.calls)[2]()
        if self.feed is not None:
            self.feed.deliver()
        if self.connection is not None:
            self.connection.step()
        if self.recorder is not None:
            self.recorder.step()


class HandFeed:
    """A feed over a scripted market, in the thread of the world; keeps what it has sent and was asked.

    `quotes`: what it sends beside, in order; what is due while it is not connected or mute is never sent.
    """

    name = "hand"

    def __init__(
        self,
        market: ScriptedMarket,
        world: HandWorld,
        sent: list[FeedBar],
        quotes: Sequence[QuoteMessage] = (),
        sent_quotes: list[FeedQuote] | None = None,
    ) -> None:
        self.abilities = FeedAbilities((market.plan.interval,), has_quotes=bool(quotes))
        self._quotes, self._sent_quotes = quotes, [] if sent_quotes is None else sent_quotes
        self._market, self._world, self._sent = market, world, sent
        self._sink: FeedSink | None = None
        self._symbols: frozenset[str] = frozenset()
        self.refuses: frozenset[str] = frozenset()
        self._after = 0.0
        self._next = 0.0  # time of the next message, or up to which there is none

    def connect(self, sink: FeedSink, timeout: float) -> None:
        if not self._market.is_connected(self._world.market):
            raise FeedError("refused by the script")
        self._sink = sink

    def subscribe(self, symbols: Sequence[str], interval: Interval) -> None:
        if unknown := set(symbols) & self.refuses:
            raise FeedError(f"{unknown}: unknown to the feed", is_final=True)
        if self._sink is None:
            raise FeedError("not connected")
        if not self._symbols:
            self._after = self._world.market
            self._next = 0.0
        self._symbols |= frozenset(symbols)

    def history(
        self, symbols: Sequence[str], interval: Interval, start: int, end: int, timeout: float
    ) -> FeedHistory:
        return self._market.history(symbols, start, end, self._world.market)

    def close(self) -> None:
        self._sink, self._symbols = None, frozenset()

    def due(self, world: HandWorld) -> float:
        """Return the machine's time of the next message."""
        if not self._symbols:
            return float("inf")
        if self._next <= self._after:
            until = self._after + _LOOK_AHEAD_S
            message = self._market.next_due(self._after, until)
            found = until if message is None else message
            first = bisect_right(self._quotes, self._after, key=attrgetter("at"))
            found = min([found, *(quote.at for quote in self._quotes[first : first + 1])])
            lost = self._market.connection_ends(self._after, found)
            self._next = found if lost is None else lost
        # A moment later: the clock's sums are rounded.
        return world.at(self._next) + 1e-6

    def deliver(self) -> None:
        """Send what is due."""
        now = self._world.market
        if not self._symbols or self._sink is None or self._next > now:
            return
        ends = self._market.connection_ends(self._after, now)
        until = now if ends is None else ends
        self._deliver_quotes(self._sink, until)
        messages = self._market.due(self._after, until)
        bars = [message.bar for message in messages if message.bar.symbol in self._symbols]
        self._after, sink = now, self._sink
        if bars:
            sink.provider_time(now)
            cut = self._world.random.randrange(len(bars)) if self._world.random.random() < 0.3 else 0
            for part in (bars[:cut], bars[cut:]):
                if part:
                    self._sent.extend(part)
                    sink.bars(part)
        if ends is not None:
            self._symbols = frozenset()
            sink.lost("a disconnect of the script")

    def _deliver_quotes(self, sink: FeedSink, until: float) -> None:
        first, last = (bisect_right(self._quotes, at, key=attrgetter("at")) for at in (self._after, until))
        due = [
            message.quote
            for message in self._quotes[first:last]
            if self._market.plan.is_heard(message.at) and self._is_subscribed(message.quote.symbol)
        ]
        if due:
            self._sent_quotes.extend(due)
            sink.quotes(due)

    def _is_subscribed(self, symbol: object) -> bool:
        """Whether quotes of a symbol are sent: also of wrong ones, which no feed should send."""
        return not isinstance(symbol, str) or symbol in self._symbols or symbol == "XXX"


class HandConnection(FeedConnection):
    """The connection to a feed, one step of its thread at a time."""

    def __init__(self, world: HandWorld, *args: Any, asked: list[Any], **options: Any) -> None:
        super().__init__(*args, monotonic=world.monotonic, **options)
        self._world, self._asked = world, asked
        self.due = world.machine
        self._has_begun = self._is_over = False

    def start(self) -> None:
        self._has_begun = True
        self._world.connection = self

    def request(self, request: Any) -> None:
        super().request(request)
        self._asked.append([request, None])

    def step(self) -> None:
        """Do what is due, and handle all messages."""
        if not self._has_begun or self._is_over:
            return
        if self._world.machine < self.due and self._inbox.empty():
            return
        self._look()
        while not self._inbox.empty():
            self._handle(self._inbox.get_nowait())
            self._look()
        self.due = self._world.machine + self._wait_s() + 1e-6

    def _answered(self, answer: Any) -> None:
        for entry in self._asked:
            if entry[0] is answer.request:
                entry[1] = answer
        super()._answered(answer)

    def close(self) -> None:
        if self._sink is not None:
            self._sink.shut()
        self._is_over = True
        self.due = float("inf")

    def join(self, timeout: float = 1.0) -> None:
        pass


class HandRecorder(LiveRecorder):
    """The recorder, one turn of its thread at a time."""

    def __init__(self, world: HandWorld, *args: Any, send: Callable[[Any], None], **options: Any) -> None:
        def killable(message: Any) -> None:
            world.check_kill("before bars are shown")
            send(message)
            world.check_kill("before bars are stored")

        super().__init__(*args, send=killable, monotonic=world.monotonic, **options)
        self._world = world
        self._open = ExitStack()
        self._is_over = True
        self._waiting: Sequence[Any] = ()  # bars of a batch whose quotes are recorded

    def start(self) -> None:
        if self._recording.stores_at_once:
            self._open.enter_context(self._store.batch())
        self._is_over = False
        self._world.recorder = self

    @property
    def due(self) -> float:
        """Time of the machine at which there is work."""
        if not self._queue.empty():
            return self._world.machine
        due = self._recording.retry_due
        return float("inf") if due is None else due

    def step(self) -> None:
        """Do all that is queued."""
        while not self._is_over and not self._queue.empty():
            if not self._turn():
                self._finish()
        if not self._is_over and self._recording.retry_due is not None:
            self._recording.retry(self._world.machine)

    def _record(self, batch: Sequence[Any]) -> None:
        self._waiting = [item for item in batch if item.bars]
        super()._record(batch)

    def _record_bars(self, batch: Sequence[Any]) -> None:
        self._waiting = ()
        super()._record_bars(batch)

    def _finish(self) -> None:
        self._recording.close(self._world.machine)
        self._open.close()
        self._is_over = True
        self._end()

    def join(self, timeout: float) -> None:
        self.step()

    def unsaved(self) -> list[FeedBar]:
        """Return the bars that a kill takes away: those that were not journalled yet."""
        return [bar for item in self._unsaved_items() for bar in getattr(item, "bars", ())]

    def unsaved_quotes(self) -> list[FeedQuote]:
        """Return the same of quotes."""
        return [quote for item in self._unsaved_items() for quote in getattr(item, "quotes", ())]

    def _unsaved_items(self) -> Sequence[Any]:
        while not self._queue.empty():
            self._items.append(self._queue.get())
        return [*self._waiting, *self._items]

    def kill(self) -> None:
        """Let go of files as the system does for a process that was killed."""
        self._is_over = True
        error = KilledError()
        self._open.__exit__(KilledError, error, None)
        self._recording.release()
        self._journal.close()


class Told:
    """What a run has asked of its feed, and told its user.

    `asked`: requests for history, each with its answer, or None. `hits`: breakpoints that alerted in time,
    `corrected`: those that a correction made true; (trading day, number, frontier).
    """

    def __init__(self) -> None:
        self.asked: list[list[Any]] = []
        self.hits: list[tuple[date, int, int]] = []
        self.corrected: list[tuple[date, int, int]] = []


class HandCoordinator(SessionCoordinator):
    """The coordinator, in the thread that starts it, with workers that have no threads."""

    def __init__(self, *args: Any, world: HandWorld, told: Told, live: Any, **options: Any) -> None:
        setup = replace(
            live,
            recorder=partial(HandRecorder, world),
            connection=partial(HandConnection, world, asked=told.asked),
            monotonic=world.monotonic,
        )
        self._letters: deque[Message] = deque()
        self._world, self._told = world, told
        super().__init__(*args, live=setup, **options)
        assert self.live is not None
        self._note_corrected = self.live.note_corrected_hit
        setattr(self.live, "note_corrected_hit", self._corrected)  # noqa: B010 - mypy refuses it otherwise
        for worker in self.workers:
            _without_thread(worker, world)

    def send(self, message: Message) -> None:
        self._letters.append(message)

    def _record_hit(self, hit: BreakpointHit) -> None:
        self._told.hits.append((self._data.require_tape().session.trading_day, hit.number, hit.frontier))
        super()._record_hit(hit)

    def _corrected(self, hit: BreakpointHit) -> None:
        day = self._data.require_tape().session.trading_day
        self._told.corrected.append((day, hit.number, hit.frontier))
        self._note_corrected(hit)

    def start(self, *, paused: bool = False) -> None:
        self._started = self._metrics.start_timer()
        self._run()

    def join(self, timeout: float | None = None) -> bool:
        return True

    def _pass_messages(self, timeout: float | None) -> None:
        self._world.run(lambda: bool(self._letters), timeout)
        self._letters.popleft()

    def _process_messages(self, timeout: float | None) -> None:
        if timeout != 0:
            self._world.run(lambda: bool(self._letters), timeout)
        elif self._world.random.random() < 0.2:  # threads go on while the coordinator works
            self._world.run(lambda: False, self._world.random.random() * 0.02)
        while self._letters:
            self._handle(self._letters.popleft())


def _without_thread(worker: Any, world: HandWorld) -> None:
    """Make a worker process what it is handed in the world's thread, some time later."""

    def work(piece: Any) -> None:
        worker.process(piece)
        worker.blocks += 1
        if worker.is_ready_by_count():
            worker.subscription.signal_ready()

    def hand_over(piece: Any) -> None:
        worker._handed += 1
        worker.subscription.reset()
        # One after the other: the world keeps the order of equal times, and later ones come later.
        worker.busy_until = max(worker.busy_until, world.machine) + world.random.choice((0.0, 0.001, 0.1))
        world.call(worker.busy_until - world.machine, partial(work, piece))

    worker.busy_until = world.machine
    worker.is_ready_by_count = lambda: worker.blocks == worker._handed
    worker.hand_over = hand_over
    worker.start = worker.stop = lambda: None
    worker.join = lambda timeout: None


class _NoThread:
    """Stands in for the thread of a call of a feed: the world makes it, some time later."""

    def __init__(self, world: HandWorld, *, target: Callable[[], None], **options: object) -> None:
        self._world, self._target = world, target

    def start(self) -> None:
        self._world.call(self._world.random.choice((0.0, 0.01, 0.3)), self._target)

    def join(self, timeout: float | None = None) -> None:
        pass

    def is_alive(self) -> bool:
        return False


class _NoPool:
    """Stands in for the thread that loads sessions: at once."""

    def __init__(self, *args: object, **options: object) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def submit(self, work: Callable[..., Any], *args: object) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(work(*args))
        except Exception as error:  # noqa: BLE001 - the caller gets it
            future.set_exception(error)
        return future

    def shutdown(self, **options: object) -> None:
        pass


class _ScanPool(_NoPool):
    """Stands in for the thread of scans: each of its jobs takes `world.scan_s` seconds."""

    def __init__(self, world: HandWorld, *args: object, **options: object) -> None:
        self._world = world

    def submit(self, work: Callable[..., Any], *args: object) -> Future[Any]:
        future: Future[Any] = Future()

        def done() -> None:
            try:
                future.set_result(work(*args))
            except Exception as error:  # noqa: BLE001 - the caller gets it
                future.set_exception(error)

        self._world.call(self._world.scan_s, done)
        return future


class _Answers:
    """Stands in for the queue in which a thread of scans waits for answers: the world goes on meanwhile."""

    def __init__(self, world: HandWorld) -> None:
        self._world, self._items = world, deque[Any]()

    def put(self, item: Any) -> None:
        self._items.append(item)

    def get(self) -> Any:
        self._world.run(lambda: bool(self._items), None)
        return self._items.popleft()


@contextmanager
def one_thread(world: HandWorld, told: Told) -> Iterator[None]:
    """Run every SystemManager started in the block in this thread."""
    coordinator = partial(HandCoordinator, world=world, told=told)
    with (
        patch("tapedeck.engine.system.SessionCoordinator", coordinator),
        patch("tapedeck.engine.feeds.feed_call.Thread", partial(_NoThread, world)),
        patch("tapedeck.engine.run.prefetch_worker.ThreadPoolExecutor", _NoPool),
        patch("tapedeck.engine.run.symbol_changer.ThreadPoolExecutor", _NoPool),
        patch("tapedeck.engine.run.live_scans.ThreadPoolExecutor", partial(_ScanPool, world)),
        patch("tapedeck.engine.feeds.universe_history.SimpleQueue", partial(_Answers, world)),
    ):
        yield

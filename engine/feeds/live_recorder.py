"""Live recorder: the thread between a feed's messages and the coordinator's mailbox."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, Final, Protocol, TypeVar

import numpy as np

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.errors import EngineError, TapedeckError
from tapedeck.engine.feeds.arrival_journal import ArrivalJournal, Synchronous, journal_path
from tapedeck.engine.feeds.arrivals import MICROSECONDS, Arrivals
from tapedeck.engine.feeds.bar_recording import BarRecording
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.feed_quote import FeedQuote
from tapedeck.engine.feeds.quote_arrivals import QuoteArrivals
from tapedeck.engine.feeds.recorded_day import ClockAnchor
from tapedeck.engine.feeds.recorder_messages import (
    Arrived,
    QuotesArrived,
    RecorderStatus,
    SessionBegun,
    SymbolsJoined,
)
from tapedeck.engine.feeds.symbol_claims import SymbolClaims, claims_folder
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.tape.scan_records import ScanRecord
from tapedeck.engine.tape.symbol_changes import SymbolChange

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")
_NAME: Final = "live-recorder"


class FeedListener(Protocol):
    """Receiver of the messages of a feed that are not recorded. No method may wait, or raise."""

    def forming(self, bars: Sequence[FeedBar]) -> None:
        """Take bars of slots that are not over."""
        ...

    def provider_time(self, seconds: float) -> None:
        """Take the provider's time, seconds UTC."""
        ...

    def lost(self, reason: str) -> None:
        """Take note that the connection is lost."""
        ...


@dataclass(frozen=True, slots=True)
class _Received:
    """Bars or quotes as a feed's thread left them; times of the market, and of the machine's clock."""

    received: int
    received_at: float
    bars: Sequence[FeedBar] = ()
    quotes: Sequence[FeedQuote] = ()


@dataclass(frozen=True, slots=True)
class _Command:
    """Work for the recorder's thread, and the future of its answer."""

    work: Callable[[], Any]
    answer: Future[Any]


class LiveRecorder:
    """Records the bars of one feed and interval, and its quotes; also the `FeedSink` of the feed.

    `journal`: path of the arrival journal, by default beside the store.
    `market_now` gives the market's time in seconds UTC, as `LiveClock.now`. `send` gets the changes of the
    shown session, `failed` the error that ended the thread, once, `alert` texts for the user, all in the
    recorder's thread. `listener` gets what is not recorded, in the feed's threads. Without `takes_quotes`
    quotes are dropped. The thread is not a
    daemon: `stop` ends it after all that is queued, `join` waits for that. Opening the journal may raise
    StoreError.

    Commands return futures, and are done in order with the bars. After the thread's end they raise
    EngineError.
    """

    def __init__(
        self,
        store: BarStore,
        interval: Interval,
        source: str,
        *,
        journal: Path | None = None,
        market_now: Callable[[], float],
        send: Callable[[Arrived | QuotesArrived], None],
        failed: Callable[[Exception], None],
        alert: Callable[[str], None],
        listener: FeedListener | None = None,
        synchronous: Synchronous = "normal",
        takes_quotes: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._market_now, self._monotonic = store, market_now, monotonic
        self._failed, self._alert, self._listener = failed, alert, listener
        self._journal = ArrivalJournal(journal or journal_path(store.location), synchronous)
        claims = SymbolClaims(claims_folder(self._journal.path))
        self._recording = BarRecording(
            store,
            self._journal,
            claims,
            interval,
            source,
            send=send,
            alert=alert,
            takes_quotes=takes_quotes,
        )
        self._takes_quotes = takes_quotes
        self._queue: SimpleQueue[_Received | _Command | None] = SimpleQueue()
        self._items: deque[_Received | _Command | None] = deque()  # taken from the queue, not done yet
        self._thread = Thread(target=self._run, name=f"tapedeck-{_NAME}", daemon=False)
        self._ending = Lock()  # guards the next: no command is queued after the last look at the queue
        self._has_ended = False
        self._has_left_out: set[str] = set()  # kinds that were told of
        self.error: Exception | None = None

    # The feed's side: any thread, no waiting.

    def bars(self, bars: Sequence[FeedBar]) -> None:
        """Take bars of a feed, in the order received."""
        self._queue.put(_Received(*self._moment(), bars=bars))

    def quotes(self, quotes: Sequence[FeedQuote]) -> None:
        """Take quotes of a feed, in the order received."""
        if self._takes_quotes:
            self._queue.put(_Received(*self._moment(), quotes=quotes))

    def forming(self, bars: Sequence[FeedBar]) -> None:
        """Pass on bars of slots that are not over."""
        if self._listener is not None:
            self._listener.forming(bars)

    def provider_time(self, seconds: float) -> None:
        """Pass on the provider's time, seconds UTC."""
        if self._listener is not None:
            self._listener.provider_time(seconds)

    def lost(self, reason: str) -> None:
        """Pass on that the connection is lost."""
        if self._listener is not None:
            self._listener.lost(reason)

    # The session's side: any thread.

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def begin_session(
        self,
        slots: SessionSlots,
        symbols: Sequence[str],
        *,
        kept: Sequence[str] = (),
        clock: ClockAnchor | None = None,
        has_strategies: bool = False,
    ) -> Future[SessionBegun]:
        """Take bars of a session from now on; see `BarRecording.begin_session`.

        Once it is done, the store (of Parquet, too) has the bars that an earlier recording journalled.
        """
        return self._asked(
            lambda: self._recording.begin_session(
                slots, symbols, self._monotonic(), kept=kept, clock=clock, has_strategies=has_strategies
            )
        )

    def add_symbols(
        self, trading_day: date, changes: Sequence[SymbolChange], *, is_new: bool = True
    ) -> Future[SymbolsJoined]:
        """Take bars of further symbols; `show_symbols` sends them. See `BarRecording.add_symbols`."""
        return self._asked(
            lambda: self._recording.add_symbols(
                trading_day, changes, self._market_now(), self._monotonic(), is_new=is_new
            )
        )

    def drop_symbols(
        self, trading_day: date, changes: Sequence[SymbolChange], *, is_new: bool = True
    ) -> Future[None]:
        """Take no more bars of some symbols, once all that was queued before is recorded, and sent on."""
        return self._asked(
            lambda: self._recording.drop_symbols(
                trading_day, changes, self._market_now(), self._monotonic(), is_new=is_new
            )
        )

    def show_symbols(self, trading_day: date, symbols: Sequence[str]) -> Future[None]:
        """Send all bars and quotes held of some symbols of the session that is shown."""
        return self._asked(lambda: self._recording.show_symbols(trading_day, symbols, self._market_now()))

    def show(self, trading_day: date) -> Future[None]:
        """Send all bars and quotes held of a session, and from then on what changes in it."""
        return self._asked(lambda: self._recording.show(trading_day, self._market_now()))

    def end_session(self, trading_day: date, *, reconciled: bool) -> Future[bool]:
        """Take no more bars of a session, and fold it into the store; see `BarRecording.end_session`."""
        return self._asked(
            lambda: self._recording.end_session(trading_day, self._monotonic(), reconciled=reconciled)
        )

    def note_export(self, trading_day: date) -> Future[None]:
        """Note in the journal that a session was exported."""
        return self._asked(lambda: self._recording.note_export(trading_day, self._monotonic()))

    def note_scans(self, trading_day: date, records: Sequence[ScanRecord]) -> Future[None]:
        """Note in the journal what scanners of a session found; see `BarRecording.note_scans`."""
        return self._asked(lambda: self._recording.note_scans(trading_day, records, self._monotonic()))

    def note_walk(self, trading_day: date, slots: range, number: int) -> Future[None]:
        """Note in the journal that strategies walk some slots; see `BarRecording.note_walk`."""
        return self._asked(lambda: self._recording.note_walk(trading_day, slots, number, self._monotonic()))

    def confirm_empty(self, symbol: str, opened_at: Sequence[int]) -> Future[None]:
        """Note slots, by their times (seconds UTC), in which a symbol had no trade, by the feed's history."""
        times = np.unique(np.array(opened_at, np.int64))
        return self._asked(lambda: self._recording.confirm_empty(symbol, times))

    def flush(self) -> Future[None]:
        """Return a future that is done once all that was queued before is recorded, and sent on."""
        return self._asked(lambda: None)

    def set_frontier(self, slots: int) -> None:
        """Tell how many slots of the shown session are revealed; bars of slots before are late."""
        self._recording.frontier = slots

    @property
    def status(self) -> RecorderStatus:
        """Figures as of the last batch."""
        return self._recording.status

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Make the thread end after all that is queued, and store what is held; safe to call twice."""
        self._queue.put(None)

    def join(self, timeout: float) -> None:
        """Wait at most `timeout` seconds for the thread's end; EngineError if it does not end."""
        if self._thread.ident is None:  # it was never started
            self._end()
            return
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise EngineError(f"thread {self._thread.name} did not end within {timeout:g} s")

    def _moment(self) -> tuple[int, float]:
        return int(self._market_now() * MICROSECONDS), self._monotonic()

    def _asked(self, work: Callable[[], Answer]) -> Future[Answer]:
        answer: Future[Answer] = Future()
        with self._ending:
            if self._has_ended:
                answer.set_exception(_ended())
            else:
                self._queue.put(_Command(work, answer))
        return answer

    def _run(self) -> None:
        try:
            # With a database the batch keeps a connection open; a Parquet store would keep its folder locked.
            with self._store.batch() if self._recording.stores_at_once else nullcontext():
                while self._turn():
                    pass
                self._recording.close(self._monotonic())
        except Exception as error:
            log.exception("%s failed", _NAME)
            self.error = error
            self._failed(error)
        finally:
            self._end()

    def _turn(self) -> bool:
        """Do all that is queued; return whether the thread goes on."""
        due = self._recording.retry_due
        wait = None if due is None else max(0.0, due - self._monotonic())
        with suppress(Empty):  # a try is due
            self._items.append(self._queue.get(timeout=wait))
        while not self._queue.empty():
            self._items.append(self._queue.get())
        while self._items:
            batch = list(self._next_arrivals())
            if batch:
                self._record(batch)
            elif (item := self._items.popleft()) is None:
                return False
            elif isinstance(item, _Command):
                self._do(item)
        self._recording.retry(self._monotonic())  # also writes what the commands have added
        return True

    def _next_arrivals(self) -> Iterator[_Received]:
        """Yield the bars and quotes before the next command."""
        while self._items and isinstance(item := self._items[0], _Received):
            self._items.popleft()
            yield item

    def _record(self, batch: Sequence[_Received]) -> None:
        """Record a batch: first the quotes, so that slots are shown with them once their bars are there."""
        self._record_quotes([item for item in batch if item.quotes])
        self._record_bars([item for item in batch if item.bars])

    def _record_quotes(self, batch: Sequence[_Received]) -> None:
        if not batch:
            return
        quotes = [quote for item in batch for quote in item.quotes]
        received = np.repeat([item.received for item in batch], [len(item.quotes) for item in batch])
        arrivals, malformed = QuoteArrivals.of_well_formed(quotes, received)
        for quote in malformed:
            self._leave_out("quote", quote)
        self._recording.leave_out_quotes(len(malformed))
        self._recording.take_quotes(arrivals, batch[0].received_at, self._monotonic)

    def _record_bars(self, batch: Sequence[_Received]) -> None:
        if not batch:
            return
        bars = [bar for item in batch for bar in item.bars]
        received = np.repeat([item.received for item in batch], [len(item.bars) for item in batch])
        arrivals, malformed = Arrivals.of_well_formed(bars, received)
        for bar in malformed:
            self._leave_out("bar", bar)
        self._recording.take(arrivals, batch[0].received_at, self._monotonic)

    def _leave_out(self, noun: str, one: object) -> None:
        """Tell of a malformed bar or quote: the first of them to the user, all of them to the log."""
        text = f"feed {self._recording.source}: malformed {noun} left out: {one!r}"
        log.warning("%s", text)
        if noun not in self._has_left_out:
            self._has_left_out.add(noun)
            self._alert(text)

    @staticmethod
    def _do(command: _Command) -> None:
        if not command.answer.set_running_or_notify_cancel():
            return
        try:
            command.answer.set_result(command.work())
        except TapedeckError as error:
            command.answer.set_exception(error)  # the caller decides
        except BaseException as error:
            command.answer.set_exception(error)
            raise

    def _end(self) -> None:
        """Close what is open, and refuse the commands that are queued."""
        with self._ending:
            self._has_ended = True
        self._recording.release()
        self._journal.close()
        while not self._queue.empty():
            self._items.append(self._queue.get())
        while self._items:
            item = self._items.popleft()
            if isinstance(item, _Command) and item.answer.set_running_or_notify_cancel():
                item.answer.set_exception(_ended())


def _ended() -> EngineError:
    return EngineError("the recorder has ended: start another one")

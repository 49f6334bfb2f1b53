"""Symbol changer: has symbols join and leave the current session, in the coordinator's thread."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import numpy as np

from tapedeck.engine.errors import DataMissingError, EngineError, TapedeckError, unknown_name_with_hint
from tapedeck.engine.feeds.live_feed import FeedError
from tapedeck.engine.feeds.symbol_claims import SymbolsClaimedError
from tapedeck.engine.indicators.block_computer import BlockComputer
from tapedeck.engine.quality.gaps_and_scores import RunningScores
from tapedeck.engine.read.events import EventKind, EventLog
from tapedeck.engine.run.data_processor import DataProcessor
from tapedeck.engine.run.data_quality_manager import DataQualityManager
from tapedeck.engine.run.joining import JoiningSymbols, LoadedSymbols
from tapedeck.engine.run.session_feed import ProcessMessages
from tapedeck.engine.run.symbol_requests import SymbolRequest
from tapedeck.engine.tape.bar_grid import Ints
from tapedeck.engine.tape.left_symbols import spooled
from tapedeck.engine.tape.session_data import SessionData
from tapedeck.engine.tape.symbol_changes import ChangeKind, SymbolChange
from tapedeck.engine.tape.tape import Tape

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DaySymbols:
    """Symbols of one session beside those of the file.

    `kept`: those that it began with, in the order of joining; `changes`: those that joined and left.
    """

    kept: tuple[str, ...]
    changes: tuple[SymbolChange, ...]

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols that were kept, joined or left, in order; some several times."""
        return (*self.kept, *(change.symbol for change in self.changes))


class FeedSymbols(Protocol):
    """The feed and the recorder of a live session, as symbols join and leave. See `LiveSymbols`."""

    def subscribe(self, symbols: Sequence[str]) -> Future[None]:
        """Have the feed deliver symbols that are to join; the future has a FeedError if it refuses them."""
        ...

    def unsubscribe(self, symbols: Sequence[str]) -> None:
        """Have the feed deliver some symbols no longer."""
        ...

    def join(self, changes: Sequence[SymbolChange], process_messages: ProcessMessages) -> None:
        """Record symbols that join. Raises SymbolsClaimedError, FeedError, EngineError."""
        ...

    def leave(self, changes: Sequence[SymbolChange], process_messages: ProcessMessages) -> None:
        """Record symbols that leave no longer."""
        ...

    def change_rows(self, tape: Tape) -> None:
        """Go on with a tape of other rows."""
        ...


class SymbolChanger:
    """Carries out requests for symbols to join and leave, between blocks, and joins kept ones at each open.

    `days`: the symbols of each session that had others than the file's; any thread may read it. A request is
    applied where the session stands; while symbols are loaded for it, play waits, and commands take effect. A
    live session, with its `feed`, goes on meanwhile.
    """

    def __init__(
        self,
        session_data: SessionData,
        file_symbols: Sequence[str],
        joining: JoiningSymbols,
        processor: DataProcessor,
        quality: DataQualityManager,
        events: EventLog,
        process_messages: ProcessMessages,
        *,
        wake: Callable[[], None],
        on_change: Callable[[], None],
        feed: FeedSymbols | None = None,
    ) -> None:
        self._data = session_data
        self._file_symbols = frozenset(file_symbols)
        self._joining = joining
        self._processor, self._quality = processor, quality
        self._events = events
        self._process_messages = process_messages
        self._wake = wake
        self._on_change = on_change
        self._feed = feed
        self._requests: deque[SymbolRequest] = deque()
        self._begun: SymbolRequest | None = None  # the first one, once it has begun
        self._subscribing: Future[None] | None = None  # of it
        self._repeated: SymbolRequest | None = None  # the last one that repeats a change
        self._kept: tuple[str, ...] = ()
        self._began_with: tuple[str, ...] = ()  # those kept at the session's open
        self._closed: str | None = None
        self.days: dict[date, DaySymbols] = {}

    # For the coordinator

    def take(self, request: SymbolRequest) -> None:
        """Take a request; it is carried out by the next `apply`."""
        if self._closed is not None:
            request.fail(EngineError(self._closed))
        else:
            self._requests.append(request)

    @property
    def waiting(self) -> int:
        """Number of requests that are not carried out yet."""
        return len(self._requests)

    @property
    def kept(self) -> tuple[str, ...]:
        """Symbols that the next session begins with beside the file's."""
        return self._kept

    def keep(self, symbols: Sequence[str]) -> None:
        """Have the next session, and those after it, begin with these symbols beside the file's."""
        self._kept = tuple(symbols)

    def repeat(self, change: SymbolChange) -> SymbolRequest:
        """Take the request of a change that was made before, ahead of others, and load its symbol.

        It is made though the feed may not deliver the symbol any more: the feed alerts then.
        """
        if change.kind is ChangeKind.LEFT:
            request = SymbolRequest(leaving=(change.symbol,))
            request.loaded.set_result(None)
        else:
            request = SymbolRequest(joining=(change.symbol,), keep=change.keep)
            day = self._data.require_tape().session.trading_day
            try:
                request.loaded.set_result(self._loaded_in_background(request.joining, day))
            except TapedeckError as error:
                request.fail(error)
                return request
        self._repeated = request
        self._requests.insert(0 if self._begun is None else 1, request)
        return request

    def join_found(
        self, symbols: Sequence[str], keep: bool, wait_until_computed: Callable[[], None]
    ) -> frozenset[str]:
        """Have symbols that a scan found join at once; return those that joined.

        Only a request that has begun is carried out before. Those of which the store lacks the base interval
        do not join, nor do those that are refused: an event says so. With `keep` the following sessions begin
        with them.
        """
        if self._begun is not None:
            self.apply(wait_until_computed, until=self._begun)
        tape, loaded = self._data.require_tape(), None
        day, left = tape.session.trading_day, [symbol for symbol in symbols if symbol not in tape.rows]
        while left and loaded is None:
            try:
                loaded = self._loaded_in_background(left, day)
            except DataMissingError as error:
                self._tell_refusal(error)
                left = [symbol for symbol in left if symbol not in error.symbols]
        if loaded is None:
            return frozenset()
        request = SymbolRequest(joining=tuple(left), keep=keep)
        request.loaded.set_result(loaded)
        self._requests.appendleft(request)
        self.apply(wait_until_computed, until=request)
        try:
            return frozenset(change.symbol for change in request.outcome.result(0))
        except (EngineError, FeedError, SymbolsClaimedError) as error:
            self._tell_refusal(error)
            return frozenset()

    def begin_session(self) -> None:
        """Have the kept symbols join a session that is set up, before its first slot."""
        self._began_with, self._data.joined = self._kept, {}
        if self._kept:
            day = self._data.require_tape().session.trading_day
            self._join(self._loaded_in_background(self._kept, day), ())
            self._note_day()

    def apply(self, wait_until_computed: Callable[[], None], until: SymbolRequest | None = None) -> None:
        """Carry out all requests, or those up to one; those of a live session once they are loaded.

        `wait_until_computed` waits until the workers are idle, and all that arrived is on the tape.
        """
        while self._requests and (until is None or not until.outcome.done()):
            request = self._requests[0]
            try:
                if self._begun is not request and not self._begin(request):
                    self._end_first()
                    continue
                if self._feed is not None and not self._is_loaded(request):
                    return
                changes = self._carried_out(request, wait_until_computed)
            except (EngineError, FeedError, SymbolsClaimedError) as error:
                self._end_first()
                self._withdraw(request)
                request.fail(error)
                continue
            except BaseException as error:
                self._end_first()
                request.fail(EngineError(f"the run ended: {error}" if str(error) else "the run was stopped"))
                raise
            self._end_first()
            request.outcome.set_result(changes)

    def close(self, reason: str) -> None:
        """Refuse all requests from now on."""
        self._closed = reason
        while self._requests:
            self._requests.popleft().fail(EngineError(reason))

    # Internal

    def _begin(self, request: SymbolRequest) -> bool:
        """Begin a request; return whether it was not cancelled."""
        if not request.outcome.set_running_or_notify_cancel():
            return False
        self._begun = request
        self._check(request)
        if self._feed is not None and request.joining:
            self._subscribing = self._feed.subscribe(request.joining)
        request.day.set_result(self._data.require_tape().session.trading_day)
        return True

    def _is_loaded(self, request: SymbolRequest) -> bool:
        return request.loaded.done() and (self._subscribing is None or self._subscribing.done())

    def _end_first(self) -> None:
        self._requests.popleft()
        self._begun = self._subscribing = None

    def _withdraw(self, request: SymbolRequest) -> None:
        """Have the feed not deliver symbols that do not join after all."""
        there = self._data.require_tape().rows
        symbols = [symbol for symbol in request.joining if symbol not in there]
        if self._feed is not None and symbols:
            self._feed.unsubscribe(symbols)

    def _carried_out(
        self, request: SymbolRequest, wait_until_computed: Callable[[], None]
    ) -> tuple[SymbolChange, ...]:
        while not request.loaded.done():
            self._process_messages(None)
        if self._subscribing is not None and request is not self._repeated:
            self._subscribing.result()  # raises why the feed does not deliver them
        if request.loaded.cancelled() or request.loaded.exception() is not None:
            raise EngineError("the symbols were not loaded")  # the caller has the cause
        loaded = request.loaded.result()
        tape = self._data.require_tape()
        if request.day.done() and request.day.result() != tape.session.trading_day:
            raise EngineError(f"the session of {request.day.result()} has ended: try again in this one")
        frontier = tape.frontier
        if loaded is not None:
            changes = [
                SymbolChange(ChangeKind.JOINED, symbol, frontier, request.keep) for symbol in loaded.symbols
            ]
            if self._feed is not None:
                self._feed.join(changes, self._process_messages)
            wait_until_computed()
            self._join(loaded, changes)
            self._warn_of_missing_bars(loaded, frontier)
        else:
            changes = [SymbolChange(ChangeKind.LEFT, symbol, frontier) for symbol in request.leaving]
            if self._feed is not None:  # first: what it has recorded is to be on the tape that is cut
                self._feed.leave(changes, self._process_messages)
            wait_until_computed()
            self._leave(request.leaving, changes)
        self._note_changes(changes)
        return tuple(changes)

    def _check(self, request: SymbolRequest) -> None:
        tape = self._data.require_tape()
        there = [symbol for symbol in request.joining if symbol in tape.rows]
        if there:
            raise EngineError(f"{', '.join(there)}: in the session already")
        for symbol in request.leaving:
            if symbol not in tape.rows:
                raise EngineError(unknown_name_with_hint("symbol", symbol, tape.symbols))
        if request.leaving and len(set(request.leaving)) >= len(tape.symbols):
            raise EngineError(
                f"{', '.join(request.leaving)} cannot leave: a session needs at least one symbol. "
                "Add another one first"
            )

    def _warn_of_missing_bars(self, loaded: LoadedSymbols, frontier: int) -> None:
        if self._feed is not None:  # they are still to come
            return
        base = loaded.tape.base
        for symbol, has_bars in zip(loaded.symbols, np.any(base.present, axis=1), strict=True):
            if not has_bars:
                text = f"no {loaded.tape.base_interval} bars on {loaded.trading_day}"
                played = self._data.played()
                self._events.add(EventKind.ERROR, text, symbol=symbol, frontier=frontier, session=played)

    def _join(self, loaded: LoadedSymbols, changes: Sequence[SymbolChange]) -> None:
        tape, scores = self._data.require_tape(), self._quality.scores
        computed = loaded.computed(tape.processed, 0 if scores is None else scores.counted)
        kept: Ints = np.arange(len(tape.symbols), dtype=np.int64)
        made = tape.with_symbols(kept, loaded.tape, changes)
        joined = dict.fromkeys(loaded.symbols, loaded.data)
        self._data.joined = {**self._data.joined, **joined}
        self._put_in_place(made, kept, changes, *computed)

    def _leave(self, symbols: Sequence[str], changes: Sequence[SymbolChange]) -> None:
        tape = self._data.require_tape()
        rows: Ints = np.array(sorted(tape.rows[symbol] for symbol in symbols), dtype=np.int64)
        kept: Ints = np.setdiff1d(np.arange(len(tape.symbols), dtype=np.int64), rows)
        left = spooled(tape.cut(rows, tape.frontier), tape.frontier)
        made = tape.with_symbols(kept, None, changes, left)
        self._data.joined = {name: data for name, data in self._data.joined.items() if name not in symbols}
        self._put_in_place(made, kept, changes)

    def _put_in_place(
        self,
        made: Tape,
        kept: Ints,
        changes: Sequence[SymbolChange],
        part_computer: BlockComputer | None = None,
        part_scores: RunningScores | None = None,
    ) -> None:
        """Go on over a tape of other rows: `kept` of the present one, then those computed alone, if any."""
        computer, scores = self._processor.computer, self._quality.scores
        assert computer is not None  # the session is set up
        computer.change_rows(made, kept, part_computer)
        if scores is not None and made.scores is not None:
            scores.change_rows(made.scores, kept, part_scores)
        if changes:
            self._events.change_symbols(made, changes)
        self._data.replace_tape(made)
        if self._feed is not None:
            self._feed.change_rows(made)
        self._on_change()

    def _note_changes(self, changes: Sequence[SymbolChange]) -> None:
        for change in changes:
            is_joined = change.kind is ChangeKind.JOINED
            if not is_joined:
                self._kept = tuple(symbol for symbol in self._kept if symbol != change.symbol)
            elif change.keep and change.symbol not in self._file_symbols:
                self._kept = (*self._kept, change.symbol)
            log.info("%s", change.text)
        self._note_day()

    def _tell_refusal(self, error: TapedeckError) -> None:
        played = self._data.played()
        self._events.add(EventKind.ERROR, str(error).splitlines()[0], session=played)
        log.warning("%s", error)

    def _note_day(self) -> None:
        tape = self._data.require_tape()
        symbols = DaySymbols(self._began_with, tape.changes)
        self.days = {**self.days, tape.session.trading_day: symbols}

    def _loaded_in_background(self, symbols: Sequence[str], day: date) -> LoadedSymbols:
        """Load symbols in a thread of their own, while commands take effect."""
        with ThreadPoolExecutor(1, thread_name_prefix="tapedeck-joining") as pool:
            future = pool.submit(self._joining.load, symbols, day)
            future.add_done_callback(lambda _: self._wake())
            while not future.done():
                self._process_messages(None)
        return future.result()

"""Live symbols: the symbols of a session that is recorded, as they join and leave."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import date
from functools import partial
from typing import Final

import numpy as np

from tapedeck.engine.errors import listed
from tapedeck.engine.feeds.feed_connection import FeedConnection
from tapedeck.engine.feeds.forming_bars import FormingBars
from tapedeck.engine.feeds.live_feed import FeedError
from tapedeck.engine.feeds.live_recorder import LiveRecorder
from tapedeck.engine.run.messages import Message, Wake
from tapedeck.engine.run.recorder_answers import answer_of
from tapedeck.engine.run.session_feed import ProcessMessages
from tapedeck.engine.tape.bar_grid import Ints
from tapedeck.engine.tape.symbol_changes import SymbolChange
from tapedeck.engine.tape.tape import Tape

_NO_ROWS: Final[Ints] = np.array([-1], dtype=np.int64)


class LiveSymbols:
    """Symbols that the recorder takes and the feed delivers, in the coordinator's thread.

    `open_day` gives the date of the session, or raises EngineError if it takes no more bars. `change_rows` is
    called with a tape of other rows, and times of joined symbols without a trade, seconds UTC.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        recorder: LiveRecorder,
        connection: FeedConnection,
        forming: FormingBars,
        *,
        send: Callable[[Message], None],
        alert: Callable[[str], None],
        open_day: Callable[[], date],
        change_rows: Callable[[Tape, Mapping[str, Ints]], None],
    ) -> None:
        self._recorder, self._connection, self._forming = recorder, connection, forming
        self._send, self._alert = send, alert
        self._open_day, self._change_rows = open_day, change_rows
        self._recorded: tuple[str, ...] = ()  # by the recorder's rows
        self._tape_rows = _NO_ROWS  # row on the tape of each of them, -1 for none; then -1
        self._empty: Mapping[str, Ints] = {}  # of the symbols that join, for the tape
        self.leaving: frozenset[str] = frozenset()
        """Symbols on the tape that are not recorded any more: nothing of them is to change on it."""
        self._subscribed = frozenset(symbols)
        self._restored = 0  # of those planned, the ones that the journal has
        self._planned: deque[SymbolChange] = deque()

    # A session

    def begin_session(
        self, recorded: Sequence[str], restored: Sequence[SymbolChange], planned: Sequence[SymbolChange]
    ) -> None:
        """Begin with other symbols, by the recorder's rows.

        `restored`: changes of an earlier recording of the session, which the journal has; `planned`: others
        that are to be made, among them those restored.
        """
        self._recorded, self._tape_rows = tuple(recorded), _NO_ROWS
        left = list(planned)
        for change in restored:
            if change in left:
                left.remove(change)
        self._restored, self._planned = len(restored), deque((*restored, *left))
        if left_out := sorted(self._subscribed - set(recorded)):
            self.unsubscribe(left_out)
        self._forming.join(recorded)
        for symbol in [symbol for symbol in recorded if symbol not in self._subscribed]:
            self.subscribe([symbol]).add_done_callback(partial(self._alert_refusal, [symbol]))

    def find_rows(self, tape: Tape) -> None:
        """Find the rows of a tape for the bars that the recorder sends from now on."""
        rows = [tape.rows.get(symbol, -1) for symbol in self._recorded]
        self._tape_rows = np.array([*rows, -1], dtype=np.int64)

    def on_tape(self, rows: Ints) -> Ints:
        """Return the tape's rows for the recorder's, -1 for symbols that left, or are about to join."""
        return self._tape_rows.take(rows, mode="clip")

    def recorded_row(self, symbol: str) -> int | None:
        """Return the recorder's row of a symbol, None without one."""
        return self._recorded.index(symbol) if symbol in self._recorded else None

    # Changes that are planned

    @property
    def planned(self) -> SymbolChange | None:
        """The next change that is to be made at its frontier, as in an earlier recording."""
        return self._planned[0] if self._planned else None

    @property
    def restores(self) -> bool:
        """Whether changes of an earlier recording of this session are still to be made again."""
        return self._restored > 0

    def pass_planned(self, change: SymbolChange) -> bool:
        """Pass over a change, if it is the next one that is planned; return whether the journal has it."""
        if self.planned != change:
            return False
        self._planned.popleft()
        was_restored = self.restores
        self._restored -= was_restored
        return was_restored

    # Changes, for the symbol changer

    def subscribe(self, symbols: Sequence[str]) -> Future[None]:
        """Have the feed deliver symbols that are to join; done once it does, or while it is not connected.

        The future has a FeedError if it refuses them.
        """
        self._subscribed |= frozenset(symbols)
        answer = self._connection.subscribe(symbols)
        if self.planned is not None and list(symbols) == [self.planned.symbol]:
            answer.add_done_callback(partial(self._alert_refusal, symbols))
        answer.add_done_callback(lambda _: self._send(Wake()))
        return answer

    def unsubscribe(self, symbols: Sequence[str]) -> None:
        """Have the feed deliver some symbols no longer."""
        self._subscribed -= frozenset(symbols)
        self._connection.unsubscribe(symbols)

    def join(self, changes: Sequence[SymbolChange], process_messages: ProcessMessages) -> None:
        """Record symbols that join, from now on; they are in the journal then.

        Their bars are shown once the tape has them (`change_rows`). Raises SymbolsClaimedError if another
        process records one, FeedError if it was recorded from another feed on that day, EngineError if the
        session takes no more bars.
        """
        answer = self._recorder.add_symbols(self._open_day(), changes, is_new=self._is_new(changes))
        joined = answer_of(answer, self._send, process_messages)
        self._recorded, self._empty = joined.symbols, joined.empty
        self._forming.join([change.symbol for change in changes])

    def leave(self, changes: Sequence[SymbolChange], process_messages: ProcessMessages) -> None:
        """Record symbols that leave no longer; what was recorded of them was sent before.

        Raises EngineError if the session takes no more bars.
        """
        day, symbols = self._open_day(), [change.symbol for change in changes]
        self.leaving = frozenset(symbols)
        left = self._recorder.drop_symbols(day, changes, is_new=self._is_new(changes))
        answer_of(left, self._send, process_messages)
        self.unsubscribe(symbols)
        self._forming.leave(symbols)

    def change_rows(self, tape: Tape) -> None:
        """Go on with a tape of other rows."""
        empty, self._empty, self.leaving = self._empty, {}, frozenset()
        self._change_rows(tape, empty)

    def _is_new(self, changes: Sequence[SymbolChange]) -> bool:
        """Whether changes are not in the journal yet; what is planned is passed over, as it is made."""
        are_known = [self.pass_planned(change) for change in changes]
        return not any(are_known)

    def _alert_refusal(self, symbols: Sequence[str], answer: Future[None]) -> None:
        error = answer.exception()
        if isinstance(error, FeedError):
            self._alert(f"the feed does not deliver {listed(symbols)}: {error}")

"""Analysis engine: the thread in which strategies walk over the session, after the data processor."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from threading import Event, Lock
from typing import Final

from tapedeck.engine.broker.account_record import AccountRecord, SessionAccount
from tapedeck.engine.clock.slots import utc_from_epoch
from tapedeck.engine.metrics.performance import PerformanceMetrics
from tapedeck.engine.run.messages import Message, Wake
from tapedeck.engine.run.session_feed import ProcessMessages
from tapedeck.engine.run.worker import Worker
from tapedeck.engine.strategies.strategy_walk import StrategyError, StrategyWalk
from tapedeck.engine.tape.session_data import SessionData
from tapedeck.engine.tape.tape import Tape
from tapedeck.engine.user_code.call_failure import overrun
from tapedeck.engine.user_code.interrupting import interrupt_call

_PUBLISH_S: Final = 0.04
"""Longest time, in seconds, until slots that were walked can be revealed."""
_CHECK_S: Final = 0.5
"""Seconds between two looks at a call of users' code."""
_JOIN_S: Final = 1.0
_UNWIND_S: Final = 0.2
"""Time for a call that was interrupted to end, in seconds."""
_BLOCK_BARS: Final = 50_000
"""Most bars for which rules are evaluated at once, so that a pause takes effect soon."""


@dataclass(frozen=True, slots=True)
class _Begin:
    """Begin the session that is set up."""


@dataclass(frozen=True, slots=True)
class _End:
    """End the session where the walk stands."""


@dataclass(frozen=True, slots=True)
class _Slots:
    """Walk up to `stop` over an edition of the session's tape."""

    tape: Tape
    stop: int


StageWork = _Begin | _Slots | _End


class AnalysisEngine(Worker[StageWork]):
    """Has the strategies walk over the slots that are handed over, and publishes the account.

    `walked`: number of slots of the session that were walked and published; `days`: the account of each
    session so far. Both are written by this thread alone. Nothing that the strategies may not know is on the
    tape before `walked`, so the coordinator reveals no slot beyond it. `timeouts`: longest time of a call of
    users' code, in seconds, by strategy that is a class. A call that takes longer, or does not end when the
    run is stopped, gets an exception; one that runs code in C is left in this thread, a daemon (if that code
    has released the interpreter's lock).
    """

    def __init__(
        self,
        walk: StrategyWalk,
        session_data: SessionData,
        metrics: PerformanceMetrics,
        send: Callable[[Message], None],
        timeouts: Mapping[str, float],
    ) -> None:
        super().__init__("analysis-engine", send, daemon=True)
        self.walk = walk
        self.walked = 0
        self.days: dict[date, AccountRecord] = {}
        self._data = session_data
        self._metrics = metrics
        self._interrupted = Event()
        self._publish_at: float | None = None
        self._timeouts = timeouts
        self._is_left = False
        self._watched: tuple[object, float] | None = None
        self._work_ended = Lock()  # held while this thread works

    # The coordinator's thread

    def begin_session(self, process_messages: ProcessMessages) -> None:
        """Have the strategies begin the session that is set up; commands still take effect."""
        self.hand_over(_Begin())
        self.wait(process_messages)

    def end_session(self, process_messages: ProcessMessages) -> None:
        """Have the strategies end the session; commands still take effect."""
        self.hand_over(_End())
        self.wait(process_messages)

    def walk_to(self, frontier: int) -> None:
        """Begin to walk up to a frontier; `interrupt` ends it earlier. Only while the worker is idle."""
        self.walk_over(self._data.require_tape(), frontier)

    def walk_over(self, tape: Tape, stop: int) -> None:
        """Begin to walk up to `stop` over an edition, which need not stay the newest one; as `walk_to`."""
        self._interrupted.clear()
        self.hand_over(_Slots(tape, stop))

    def interrupt(self) -> None:
        """End the walk at the slot where it stands."""
        self._interrupted.set()

    def wait(self, process_messages: ProcessMessages) -> None:
        """Wait until all work is done; messages take effect."""
        while not self.is_ready:
            process_messages(self.seconds_to_check())

    def seconds_to_check(self) -> float | None:
        """Return the longest time to wait until this is called again, None for any.

        StrategyError if a call of users' code takes longer than its limit.
        """
        if not self._timeouts:
            return None
        name, call, now = self.walk.calling, self.walk.standing, time.monotonic()
        if name is None:
            self._watched = None
            return _CHECK_S
        if self._watched is None or self._watched[0] is not call:
            self._watched = (call, now)
        left = self._timeouts[name] - (now - self._watched[1])
        if left <= 0:
            raise self._overran(name)
        return min(_CHECK_S, left)

    def end(self) -> None:
        """End the thread, at the slot where it stands."""
        self.cancelled.set()
        self.stop()
        if self._thread.ident is None:  # it was never started
            return
        self._thread.join(0 if self._is_left else _JOIN_S)
        if self.is_alive and not self._is_left:
            interrupt_call(self._thread, self._work_ended)
            self._thread.join(_JOIN_S)
            self.error = None  # that of the call which a stop interrupts

    def _overran(self, name: str) -> StrategyError:
        """Interrupt the call that overran, or leave it where it stands; return its failure."""
        number, slot = self._thread.ident, self.walk.slot
        frame = None if number is None else sys._current_frames().get(number)  # noqa: SLF001 - documented
        failure = overrun(self._timeouts[name], frame)
        self.interrupt()
        interrupt_call(self._thread, self._work_ended)
        self._thread.join(_UNWIND_S)
        if self.is_alive:
            self._is_left = True
            self.walk.leave()
            self._publish_record()
        slots = self._data.require_tape().slots
        moment = utc_from_epoch(slots.clock(slot + 1)).astimezone(slots.session.zone)
        text = f"strategy {name}, at {moment:%Y-%m-%d %H:%M:%S}: {failure.error}"
        return StrategyError(text, name, slot, failure.traceback)

    # This thread

    def process(self, work: StageWork) -> None:
        """Do one piece of work."""
        started = self._metrics.start_timer()
        with self._work_ended:
            try:
                self._do(work)
            finally:
                self._publish()  # also the moment at which a strategy failed
        self._metrics.record_analysis_engine(started)

    def _do(self, work: StageWork) -> None:
        match work:
            case _Begin():
                self._begin()
            case _End():
                self.walk.end_session()
            case _Slots(tape, stop):
                self._walk(tape, stop)

    def _begin(self) -> None:
        tape = self._data.require_tape()
        self.walked = 0
        self.walk.begin_session(tape, self._data)
        tape.account = SessionAccount(self.walk.record())

    def _walk(self, tape: Tape, stop: int) -> None:
        most = max(1, _BLOCK_BARS // len(tape.symbols))
        while self.walk.walked < stop and not self._ends_now():
            self._publish_at = None
            start = self.walk.walked
            self.walk.advance(tape, start, min(stop, start + most), self._is_interrupted)
            if self.walk.walked < stop:
                self._publish()
                self._send(Wake())

    def _is_interrupted(self) -> bool:
        """Whether to leave off: asked for before each slot. Some slots are walked in any case."""
        now = time.monotonic()
        if self._publish_at is None:
            self._publish_at = now + _PUBLISH_S
        return self._ends_now() or now >= self._publish_at

    def _ends_now(self) -> bool:
        return self._interrupted.is_set() or self.cancelled.is_set()

    def _publish(self) -> None:
        """Publish the account, unless this thread was left."""
        if not self._is_left:
            self._publish_record()

    def _publish_record(self) -> None:
        """Publish the account, then the slots walked."""
        tape = self._data.tape
        record = self.walk.record()
        if tape is None or tape.account is None or record.day != tape.session.trading_day:
            return
        tape.account.record = self.days[record.day] = record
        self.walked = record.walked

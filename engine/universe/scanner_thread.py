"""Thread in which the classes of scanners are called, each call with a limit of time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, Final, Generic, TypeVar

from tapedeck.engine.user_code.call_failure import CallFailure, failure_of, overrun
from tapedeck.engine.user_code.interrupting import CallLeftError, interrupt_call

Value = TypeVar("Value")
ProcessMessages = Callable[[float | None], None]
"""Handles the messages of the run; waits for the first one at most the given seconds. It may raise."""

_JOIN_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class CallResult(Generic[Value]):
    """What a call returned, or its failure, and the `seconds` it took."""

    value: Value | None
    failure: CallFailure | None
    seconds: float


class ScannerThread:
    """Calls functions in one thread, one at a time. `wake` is called in it after each.

    The thread is made for the first call, and anew after a call that was left. It is a daemon: code of users
    may hang where no exception reaches it, and must not keep the program from ending. Calls that did not end
    by the exception get it again when the thread is ended.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._call: _Call[Any] | None = None
        self._left: list[tuple[Thread, _Call[Any]]] = []

    def call(
        self, work: Callable[[], Value], limit_s: float, process_messages: ProcessMessages
    ) -> CallResult[Value]:
        """Do `work` in the thread, and return its result, while messages still take effect.

        After `limit_s` seconds it is left: the thread gets an exception if it runs Python code. So it is if
        `process_messages` raises; the exception then goes on.
        """
        call = self._call = _Call(work)
        deadline = time.perf_counter() + limit_s
        self._hand_over(call)
        try:
            while call.result is None:
                left = deadline - time.perf_counter()
                if left <= 0:
                    return CallResult(None, self._leave(limit_s), limit_s - left)
                process_messages(left)
        except BaseException:
            self._leave(limit_s)
            raise
        return call.result

    def end(self) -> None:
        """End the thread; safe to call twice."""
        for left, call in self._left:
            _interrupt(left, call)
        thread, self._thread, self._left = self._thread, None, []
        if thread is not None:
            self._queue.put(None)
            thread.join(_JOIN_S)

    def _hand_over(self, call: _Call[Value]) -> None:
        if self._thread is None:
            self._queue = SimpleQueue()
            name = "tapedeck-scanners"
            self._thread = Thread(target=_work, args=(self._queue, self._wake), name=name, daemon=True)
            self._thread.start()
        self._queue.put(call.run)

    def _leave(self, limit_s: float) -> CallFailure:
        """Leave the thread to itself; return where it stands."""
        thread, self._thread = self._thread, None
        if thread is None or thread.ident is None:
            return overrun(limit_s, None)
        failure = overrun(limit_s, sys._current_frames().get(thread.ident))  # noqa: SLF001 - documented
        assert self._call is not None
        _interrupt(thread, self._call)
        if self._call.result is None:
            self._left.append((thread, self._call))
        self._queue.put(None)
        return failure


def _interrupt(thread: Thread, call: _Call[Any]) -> None:
    """Raise CallLeftError in a thread that is in a call (`interrupt_call`)."""
    if call.result is None:
        interrupt_call(thread, call.ended)


class _Call(Generic[Value]):
    """One call, run by the thread, which sets `result` at its end."""

    __slots__ = ("_work", "ended", "result")

    def __init__(self, work: Callable[[], Value]) -> None:
        self._work = work
        self.result: CallResult[Value] | None = None
        self.ended = Lock()  # held until then
        self.ended.acquire()

    def run(self) -> None:
        value, failure = None, None
        started = time.perf_counter()
        try:
            value = self._work()
        except BaseException as error:  # noqa: BLE001 - users' code may raise anything, even SystemExit
            failure = failure_of(error)
        self.result = CallResult(value, failure, time.perf_counter() - started)
        self.ended.release()


def _work(queue: SimpleQueue[Callable[[], None] | None], wake: Callable[[], None]) -> None:
    try:
        while (run := queue.get()) is not None:
            run()
            del run  # with all that it refers to, while the thread waits
            wake()
    except CallLeftError:
        return  # it came before the call had begun, or at its end

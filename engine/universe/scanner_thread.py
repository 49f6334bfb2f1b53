"""Thread in which the classes of scanners are called, each call with a limit of time."""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Lock, Thread, get_ident
from typing import Any, Final, Generic, TypeVar

from tapedeck.engine.user_code.call_failure import CallFailure, failure_of, overrun

Value = TypeVar("Value")
_RAISE_IN: Final = ctypes.pythonapi.PyThreadState_SetAsyncExc
ProcessMessages = Callable[[float | None], None]
"""Handles the messages of the run; waits for the first one at most the given seconds. It may raise."""

_JOIN_S: Final = 1.0
_UNWIND_S: Final = 0.02
"""Time for a call that is left to end by the exception, in seconds."""


class CallLeftError(SystemExit):
    """Raised in a thread whose call is no longer waited for; like any SystemExit it may end it silently."""


class _TakenBackError(BaseException):
    """Raised and caught in the thread that takes an exception for another one back."""


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
    """Raise CallLeftError in a thread that is in a call, if it gets there at once.

    An exception that waits for a thread which is in C slows all others down, and in CPython 3.11 they hang at
    a call of a function while they are traced (by a debugger, or for coverage). So it is taken back. Until
    then this thread calls no function of Python.
    """
    if call.result is not None or thread.ident is None:
        return
    number, own = ctypes.c_ulong(thread.ident), ctypes.c_ulong(get_ident())
    error, taken_back = ctypes.py_object(CallLeftError), ctypes.py_object(_TakenBackError)
    nothing, has_ended, raise_in = ctypes.py_object(), call.ended, _RAISE_IN
    raise_in(number, error)
    has_ended.acquire(True, _UNWIND_S)
    raise_in(number, nothing)
    try:  # only one that is raised makes the interpreter forget that one waits
        raise_in(own, taken_back)
        while True:
            pass
    except _TakenBackError:
        return


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

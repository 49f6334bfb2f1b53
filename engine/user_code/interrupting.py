"""Interrupting a call of users' code in another thread."""

from __future__ import annotations

import ctypes
from threading import Lock, Thread, get_ident
from typing import Final

_RAISE_IN: Final = ctypes.pythonapi.PyThreadState_SetAsyncExc
_UNWIND_S: Final = 0.02
"""Time for a call that is left to end by the exception, in seconds."""


class CallLeftError(SystemExit):
    """Raised in a thread whose call is no longer waited for; like any SystemExit it may end it silently."""


class _TakenBackError(BaseException):
    """Raised and caught in the thread that takes an exception for another one back."""


def interrupt_call(thread: Thread, ended: Lock) -> None:
    """Raise CallLeftError in a thread that is in a call, if it gets there at once.

    `ended`: held until the call ends. An exception that waits for a thread which is in C slows all others
    down, and in CPython 3.11 they hang at a call of a function while they are traced (by a debugger, or for
    coverage). So it is taken back. Until then this thread calls no function of Python.
    """
    if thread.ident is None:
        return
    number, own = ctypes.c_ulong(thread.ident), ctypes.c_ulong(get_ident())
    error, taken_back = ctypes.py_object(CallLeftError), ctypes.py_object(_TakenBackError)
    nothing, raise_in = ctypes.py_object(), _RAISE_IN
    raise_in(number, error)
    ended.acquire(True, _UNWIND_S)
    raise_in(number, nothing)
    try:  # only one that is raised makes the interpreter forget that one waits
        raise_in(own, taken_back)
        while True:
            pass
    except _TakenBackError:
        return

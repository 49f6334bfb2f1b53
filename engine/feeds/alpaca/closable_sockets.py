"""Closable sockets: connections with a deadline, which another thread can end at any moment."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from threading import Lock, Thread
from typing import Any, Final

from tapedeck.engine.errors import cause_of
from tapedeck.engine.feeds.live_feed import FeedError

_LEAST_TRY_S: Final = 1.0
"""Time for one address of a host, at least, before the next one is tried."""
_Address = tuple[Any, ...]  # as socket.getaddrinfo has it

CLOSED_TEXT: Final = "the connection was closed"


class NoNetworkError(FeedError):
    """A host cannot be reached: its name is not found, it refuses, or does not answer."""


class ClosableSockets:
    """Connections of one owner; `shut` ends what any thread does with them, and refuses further ones.

    Each socket has a second handle of the same connection, which stays valid when a library wraps the first
    one (TLS takes its descriptor away). Any thread may call it.
    """

    def __init__(self) -> None:
        self._lock = Lock()  # guards the next four
        self._handles: set[socket.socket] = set()
        self._retired: list[socket.socket] = []  # of the handles
        self._lookups: set[Future[Sequence[_Address]]] = set()
        self._is_shut = False

    @property
    def is_shut(self) -> bool:
        """Whether `shut` was called."""
        return self._is_shut

    def connected(self, host: str, port: int, deadline: float) -> tuple[socket.socket, socket.socket]:
        """Return a socket connected to a host, and the handle with which to `release` it.

        `deadline`: monotonic seconds. Raises NoNetworkError in words; FeedError after `shut`, or if the
        deadline was over.
        """
        addresses = self._looked_up(host, port, deadline)
        cause: OSError | None = None
        for number, address in enumerate(addresses):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            share = max(_LEAST_TRY_S, left / (len(addresses) - number))
            try:
                return self._connected_to(address, min(left, share))
            except OSError as error:
                if self._is_shut:
                    raise FeedError(CLOSED_TEXT) from None
                cause = error
        if cause is None:  # a machine that stood still has not tried
            raise FeedError(f"no time was left to connect to {host}")
        if isinstance(cause, TimeoutError):
            raise NoNetworkError(f"no network: {host} does not answer")
        if isinstance(cause, ConnectionRefusedError):
            raise NoNetworkError(f"{host} refused the connection (port {port})")
        raise NoNetworkError(f"no network: {host} cannot be reached: {cause_of(cause)}")

    def release(self, handle: socket.socket | None) -> None:
        """Forget a connection, which its user has closed."""
        if handle is not None:
            with self._lock:
                self._handles.discard(handle)
            handle.close()

    def retire(self, handle: socket.socket | None) -> None:
        """Have a connection released later: an answer may still be read from it though it is closed."""
        if handle is not None:
            with self._lock:
                self._retired.append(handle)

    def release_retired(self) -> None:
        """Forget the connections that were retired; what was read from them is over."""
        with self._lock:
            retired, self._retired = self._retired, []
        for handle in retired:
            self.release(handle)

    def interrupt(self) -> None:
        """End the connections that there are."""
        with self._lock:
            for handle in self._handles:
                with contextlib.suppress(OSError):
                    handle.shutdown(socket.SHUT_RDWR)
            for lookup in self._lookups:
                lookup.cancel()

    def shut(self) -> None:
        """End all connections, for good."""
        with self._lock:
            self._is_shut = True
        self.interrupt()

    def _connected_to(self, address: _Address, timeout: float) -> tuple[socket.socket, socket.socket]:
        family, kind, protocol, _, target = address
        made = socket.socket(family, kind, protocol)
        handle = None
        try:
            handle = made.dup()
            with self._lock:
                if self._is_shut:
                    raise OSError(CLOSED_TEXT)
                self._handles.add(handle)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made.settimeout(timeout)
            made.connect(target)
            if self._is_shut:
                raise OSError(CLOSED_TEXT)
        except BaseException:
            made.close()
            self.release(handle)
            raise
        return made, handle

    def _looked_up(self, host: str, port: int, deadline: float) -> Sequence[_Address]:
        with contextlib.suppress(OSError):  # a number needs no name server
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        answer: Future[Sequence[_Address]] = Future()
        with self._lock:
            if self._is_shut:
                raise FeedError(CLOSED_TEXT)
            self._lookups.add(answer)
        # The system's look-up has no time limit, and cannot be ended: the thread is left behind if it hangs.
        Thread(target=_look_up, args=(host, port, answer), name="tapedeck-alpaca-lookup", daemon=True).start()
        try:
            return answer.result(max(0.0, deadline - time.monotonic()))
        except (FutureTimeoutError, TimeoutError):
            raise NoNetworkError(f"no network: the name {host} cannot be looked up: no answer") from None
        except OSError as error:
            raise NoNetworkError(
                f"no network: the name {host} cannot be looked up: {cause_of(error)}"
            ) from None
        except BaseException:
            if self._is_shut or answer.cancelled():
                raise FeedError(CLOSED_TEXT) from None
            raise
        finally:
            with self._lock:
                self._lookups.discard(answer)


def _look_up(host: str, port: int, answer: Future[Sequence[_Address]]) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except BaseException as error:  # noqa: BLE001 - told to the thread that waits
        with contextlib.suppress(Exception):  # which may not wait any more
            answer.set_exception(error)
    else:
        with contextlib.suppress(Exception):
            answer.set_result(found)

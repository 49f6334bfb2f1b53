"""REST requests to Alpaca: each with a deadline, over sockets that another thread can end."""

from __future__ import annotations

import email.utils
import json
import logging
import math
import time
from collections.abc import Mapping
from threading import Event, Lock, Timer
from typing import Any, Final

import requests
from alpaca.common.exceptions import APIError
from alpaca.common.rest import RESTClient
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager

from tapedeck.engine.feeds.alpaca.alpaca_keys import AlpacaKeys
from tapedeck.engine.feeds.alpaca.alpaca_messages import NO_TLS_TEXT, rest_error
from tapedeck.engine.feeds.alpaca.closable_sockets import CLOSED_TEXT, ClosableSockets, NoNetworkError
from tapedeck.engine.feeds.live_feed import FeedError

log = logging.getLogger(__name__)

_PASSING: Final = frozenset({429, 500, 502, 503, 504})
_WAITS_S: Final = (0.5, 1.0, 2.0, 4.0)
"""Waits before a request is tried again."""
_LONGEST_TRY_S: Final = 10.0
"""Time for one try of a request that may be tried again."""
_END_WITHIN_S: Final = 0.3
_CONNECTED_BEFORE_S: Final = 0.05
"""Time before the deadline at which a connection is given up, so that the error tells that there is none."""


class RequestError(FeedError):
    """A request that failed. `status`: that of HTTP, 0 without an answer. `message`: the provider's text."""

    def __init__(self, error: FeedError, *, status: int = 0, message: str = "", wait_s: float = 0.0) -> None:
        super().__init__(str(error), is_final=error.is_final, is_bad_input=error.is_bad_input)
        self.status, self.message = status, message
        self.wait_s = wait_s
        """Seconds after which the provider allows the next request, 0 if it does not tell."""


class RestCalls:
    """Requests of one client of alpaca-py, one at a time; another thread may `interrupt` or `shut` them.

    The client's own retries, which block for some seconds each, are switched off.
    """

    def __init__(self, client: RESTClient, keys: AlpacaKeys) -> None:
        self._client, self._keys = client, keys
        self._sockets = ClosableSockets()
        self._closed = Event()
        self._busy = Lock()
        self._deadline = 0.0  # monotonic seconds, of the call that has the lock
        client._retry = 0  # no public setting; a test pins the name
        session = client._session
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter(self._sockets, lambda: self._deadline))

    def get(
        self,
        path: str,
        query: Mapping[str, Any],
        *,
        what: str,
        deadline: float,
        is_start: bool = False,
        tries: bool = True,
    ) -> dict[str, Any]:
        """Return the answer to a request; RequestError in words by `deadline`, monotonic seconds.

        `what`: what is asked for, for messages. `tries`: whether to try again what may pass, as long as the
        deadline allows.
        """
        with self._busy:
            head = f"{what}: " if what else ""
            waits = iter(_WAITS_S if tries else ())
            while True:
                left = deadline - time.monotonic()
                until = time.monotonic() + (min(left, _LONGEST_TRY_S) if tries else left)
                try:
                    return self._get_once(path, query, what, until, is_start)
                except RequestError as error:
                    wait_s = next(waits, math.inf)
                    if error.status and error.status not in _PASSING:
                        raise
                    wait_s = max(wait_s, error.wait_s)
                    if self._closed.is_set() or time.monotonic() + wait_s >= deadline:
                        raise
                    log.debug("%s; tried again in %g s", error, wait_s)
                if self._closed.wait(wait_s):
                    raise RequestError(FeedError(f"{head}{CLOSED_TEXT}"))

    def shut(self) -> None:
        """End the request that runs, and refuse others."""
        self._closed.set()
        self._sockets.shut()

    def close(self) -> None:
        """End the request that runs, and the connections; the thread of the request returns at once."""
        self.shut()
        if self._busy.acquire(timeout=_END_WITHIN_S):
            self._busy.release()
        self._client._session.close()
        self._sockets.release_retired()

    def _get_once(
        self, path: str, query: Mapping[str, Any], what: str, deadline: float, is_start: bool
    ) -> dict[str, Any]:
        begun = time.monotonic()
        head = f"{what}: " if what else ""
        if self._closed.is_set() or begun >= deadline:
            raise RequestError(FeedError(f"{head}{CLOSED_TEXT if self._closed.is_set() else 'no time left'}"))
        self._deadline = deadline
        # Time limits of sockets are for each read: a body that trickles in would outlast any of them.
        alarm = Timer(deadline - begun, self._sockets.interrupt)
        alarm.name, alarm.daemon = "tapedeck-alpaca-deadline", True
        alarm.start()
        try:
            answer = self._client.get(path, dict(query))
        except Exception as error:  # noqa: BLE001 - libraries below raise of many classes; none may pass
            # Without the cause: its request has the keys in its headers.
            raise self._failed(error, what, deadline, deadline - begun, is_start) from None
        finally:
            alarm.cancel()
            alarm.join()
            self._sockets.release_retired()
        if not isinstance(answer, dict):
            # A connection that is closed before the body came leaves none.
            cause = CLOSED_TEXT if self._closed.is_set() else "Alpaca's answer is not a JSON object"
            raise RequestError(FeedError(f"{head}{cause}"))
        return answer

    def _failed(  # noqa: PLR0911 - one line for each cause
        self, error: Exception, what: str, deadline: float, time_s: float, is_start: bool
    ) -> RequestError:
        head = f"{what}: " if what else ""
        log.debug("%srequest failed: %s", head, self._keys.hidden(f"{type(error).__name__}: {error}"))
        if isinstance(error, APIError):
            return self._refused(error, what, is_start)
        if self._closed.is_set():
            return RequestError(FeedError(f"{head}{CLOSED_TEXT}"))
        if isinstance(error, NoNetworkError):
            return RequestError(FeedError(f"{head}{error}", is_final=is_start))
        if time.monotonic() >= deadline or isinstance(error, requests.Timeout):
            return RequestError(FeedError(f"{head}no answer of Alpaca within {time_s:.3g} s"))
        if isinstance(error, FeedError):
            return RequestError(FeedError(f"{head}{error}"))
        if isinstance(error, ValueError):  # of JSON; requests has it as a RequestException, too
            return RequestError(FeedError(f"{head}Alpaca's answer is not JSON, or was cut off"))
        if isinstance(error, requests.exceptions.SSLError):
            return RequestError(FeedError(f"{head}{NO_TLS_TEXT}"))
        if isinstance(error, requests.RequestException):
            return RequestError(FeedError(f"{head}the connection broke off"))
        return RequestError(FeedError(f"{head}{type(error).__name__}"))

    def _refused(self, error: APIError, what: str, is_start: bool) -> RequestError:
        response = error.response
        status = 0 if response is None else int(response.status_code)
        message = self._keys.hidden(_message_of(str(error)))
        wait_s = 0.0 if response is None else _wait_of(response.headers)
        known = rest_error(status, message, what=what, is_start=is_start)
        return RequestError(known, status=status, message=message, wait_s=wait_s)


def _message_of(body: str) -> str:
    """Return the message in the body of an error, "" if it has none; it may be a web page of a proxy."""
    try:
        found = json.loads(body)
    except ValueError:
        return "a web page instead of data" if body.lstrip().startswith("<") else ""
    text = found.get("message") if isinstance(found, dict) else None
    return text if isinstance(text, str) else ""


def _wait_of(headers: Mapping[str, str]) -> float:
    """Return the seconds of `Retry-After`: a number, or a date; 0 without one."""
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0


class _Adapter(HTTPAdapter):
    """Adapter whose connections are made by `sockets`, and have until the deadline of the call."""

    def __init__(self, sockets: ClosableSockets, deadline: Any) -> None:
        self._sockets, self._deadline = sockets, deadline
        super().__init__(max_retries=0)

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named)
        self._equip(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **named: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **named)
        self._equip(manager)
        return manager

    def send(self, request: Any, *arguments: Any, **named: Any) -> requests.Response:
        left = max(0.001, self._deadline() - time.monotonic())
        return super().send(request, *arguments, **{**named, "timeout": left})

    def _equip(self, manager: PoolManager) -> None:
        sockets, deadline = self._sockets, self._deadline

        class Plain(_ClosableConnection, HTTPConnection):
            closable_sockets, deadline_of_call = sockets, staticmethod(deadline)

        class Secure(_ClosableConnection, HTTPSConnection):
            closable_sockets, deadline_of_call = sockets, staticmethod(deadline)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        manager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}


class _ClosableConnection(HTTPConnection):
    """Connection over a closable socket. `_new_conn` is private in urllib3; a test pins it."""

    closable_sockets: ClosableSockets
    deadline_of_call: Any
    _handle: Any = None

    def _new_conn(self) -> Any:
        deadline = self.deadline_of_call() - _CONNECTED_BEFORE_S
        made, self._handle = self.closable_sockets.connected(self._dns_host, int(self.port or 0), deadline)
        made.settimeout(max(0.001, self.deadline_of_call() - time.monotonic()))
        return made

    def close(self) -> None:
        # It is closed as soon as the head of an answer is there, if its body goes on to the end.
        super().close()
        handle, self._handle = self._handle, None
        self.closable_sockets.retire(handle)

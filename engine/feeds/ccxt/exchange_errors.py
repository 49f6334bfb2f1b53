"""Errors of an exchange in plain words, as FeedError that says whether trying again would help."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from typing import Final

from tapedeck.engine.errors import cause_of, shortened
from tapedeck.engine.feeds.live_feed import FeedError

# ccxt has the status only in its texts: "binance GET https://… 451 reason body", "binance 418 reason body".
_STATUS: Final = re.compile(r"\S+ (?:[A-Z]+ \S+ )?([1-5]\d\d)(?: |$)")
_HOST: Final = re.compile(r"\b(?:https?|wss?)://([^/\s?]+)")
_REGION: Final = frozenset({403, 451})
_TOO_MANY: Final = frozenset({418, 429})
_CUT: Final = frozenset({"ServerDisconnectedError", "ClientPayloadError"})
_WIDTH: Final = 200
_TOO_MANY_TEXT: Final = "refuses requests for a while, as there were too many"
_ACCOUNT_TEXT: Final = "wants an account for this, but the feed ccxt uses public data alone"
# Class of the library, text, whether it is final.
_TEXTS: Final = (
    ("OnMaintenance", "is under maintenance", False),
    ("DDoSProtection", _TOO_MANY_TEXT, False),
    ("RateLimitExceeded", _TOO_MANY_TEXT, False),
    ("RestrictedLocation", "does not serve this region", True),
    ("BadSymbol", "does not know a symbol", True),
    ("AuthenticationError", _ACCOUNT_TEXT, True),
    ("ArgumentsRequired", _ACCOUNT_TEXT, True),
    ("BadRequest", "refused", True),
    ("NotSupported", "refused", True),
    ("ExchangeNotAvailable", "is not available", False),
    ("NetworkError", "lost the connection", False),
    ("BaseError", "refused", False),
)


class NotThereError(FeedError):
    """No exchange is at the other end, or none that speaks its language: final for a first connection."""


def feed_error(error: BaseException, exchange: str) -> FeedError:
    """Return any error of an exchange's call as FeedError; `exchange`: its name.

    Classes of the library are known by their names, so that it need not be imported.
    """
    if isinstance(error, FeedError):
        return error
    kinds = {kind.__name__ for kind in type(error).__mro__}
    status = _status_of(error)
    return (
        _of_status(status, error, exchange)
        or _of_network(error, kinds, exchange)
        or _of_kind(kinds, error, exchange)
    )


def check_document(body: str, status: int, exchange: str) -> None:
    """Check that an answer with a good status is whole; FeedError otherwise.

    The library takes a page of HTML for a text, and half a document, too, and makes no candles of either.
    """
    if status >= 400 or not body:
        return
    if body[0] == "<":
        raise NotThereError(f"{exchange} answered with a web page: is there a proxy, or a login page?")
    if body[0] in "[{" and body[-1] not in "]}":
        raise FeedError(f"{exchange} answered with half a document")


def _of_status(status: int | None, error: BaseException, exchange: str) -> FeedError | None:
    if status in _REGION:
        return FeedError(f"{exchange} does not serve this region or network (HTTP {status})", is_final=True)
    if status in _TOO_MANY:
        return FeedError(f"{exchange} {_TOO_MANY_TEXT} (HTTP {status})")
    if status == 404:
        return FeedError(f"{exchange} does not know the address that ccxt asked (HTTP 404){_at(error)}")
    if status is not None and status >= 500:
        return FeedError(f"the server of {exchange} failed (HTTP {status}){_at(error)}")
    return None


def _of_network(error: BaseException, kinds: set[str], exchange: str) -> FeedError | None:
    cause = next((one for one in _chain(error) if isinstance(one, OSError)), None)
    if cause is not None and not isinstance(cause, TimeoutError):
        return NotThereError(f"cannot reach {exchange}{_at(error)}: {_os_cause(cause)}")
    if any(type(one).__name__ in _CUT for one in _chain(error)):
        return FeedError(f"{exchange} cut the connection without an answer{_at(error)}")
    if "RequestTimeout" in kinds or isinstance(error, TimeoutError | asyncio.TimeoutError):
        return FeedError(f"no answer from {exchange} in time{_at(error)}")
    if isinstance(error, asyncio.CancelledError) or "ExchangeClosedByUser" in kinds:
        return FeedError(f"the connection to {exchange} is closed")
    return None


def _of_kind(kinds: set[str], error: BaseException, exchange: str) -> FeedError:
    """Return the error of the first of the library's classes that fits, from special to general."""
    detail = _detail(error)
    for kind, text, is_final in _TEXTS:
        if kind in kinds:
            told = f"{exchange} {text}: {detail}"
            return FeedError(told, is_final=is_final, is_bad_input=kind == "BadSymbol")
    return FeedError(f"{exchange} sent what ccxt cannot read ({type(error).__name__}: {detail})")


def _status_of(error: BaseException) -> int | None:
    """Return the HTTP status of an error of REST, or of a websocket's handshake, or None."""
    for one in _chain(error):
        status = getattr(one, "status", None)
        if isinstance(status, int) and status:
            return status
    found = _STATUS.match(str(error))
    return None if found is None else int(found[1])


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes; the library also wraps a cause as the only argument."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        wrapped = one.args[0] if one.args and isinstance(one.args[0], BaseException) else None
        one = wrapped or one.__cause__ or getattr(one, "os_error", None)


def _os_cause(error: OSError) -> str:
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return cause_of(error)


def _at(error: BaseException) -> str:
    """Return the host that an error names, in parentheses, or nothing."""
    host = getattr(error, "host", None)
    if host is None:
        found = next((_HOST.search(str(one)) for one in _chain(error) if _HOST.search(str(one))), None)
        host = None if found is None else found[1]
    return f" ({host})" if host else ""


def _detail(error: BaseException) -> str:
    """Return what an error says, in one line without tags; its class if it says nothing."""
    text = re.sub(r"<[^>]*>", " ", str(error))
    return shortened(" ".join(text.split()), _WIDTH) or type(error).__name__

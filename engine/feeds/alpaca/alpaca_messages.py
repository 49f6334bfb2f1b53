"""Errors of Alpaca in words: of the stream, of its handshake and its end, and of REST requests."""

from __future__ import annotations

from typing import Final, NamedTuple

from tapedeck.engine.errors import shortened
from tapedeck.engine.feeds.live_feed import FeedError

SYMBOL_LIMIT: Final = 405
SUBSCRIPTION_ERRORS: Final = frozenset({400, 405, 409, 410, 411})
"""Codes that answer a subscription; the connection stays."""
NO_TLS_TEXT: Final = (
    "no secure connection to Alpaca: its certificate is not accepted. Check the machine's date, and whether "
    "a proxy of the network stands between"
)
_SHOWN: Final = 200  # characters of a provider's text


class _Words(NamedTuple):
    """What an error code of the stream means, and what to do."""

    text: str
    remedy: str = ""
    is_final: bool = False
    is_bad_input: bool = False


_CHECK_KEYS: Final = (
    "Check APCA_API_KEY_ID and APCA_API_SECRET_KEY, or the keyring's entries: they belong together, and end "
    "when new ones are made"
)
_PLAN: Final = (
    "Use `alpaca_feed: iex` in the section api_config, which the free plan has, or a plan with SIP data"
)

_STREAM: Final = {
    400: _Words("Alpaca did not understand a message"),
    401: _Words("not authenticated"),
    402: _Words("Alpaca refuses the keys", _CHECK_KEYS, is_bad_input=True),
    403: _Words("already authenticated"),
    404: _Words("Alpaca waited too long for the keys"),
    405: _Words(
        "more symbols than the plan streams",
        "The free plan streams 30 symbols: take some out of `symbols`, or use a larger plan",
        is_bad_input=True,
    ),
    406: _Words(
        "the account's connection is in use by another program, or an earlier one is not given up yet",
        "Most plans allow one connection: end the other program; after a break it takes up to a minute",
    ),
    407: _Words("Alpaca ended the connection: its messages were not read fast enough (slow client)"),
    409: _Words("the account's plan does not have this data", _PLAN, is_bad_input=True),
    410: _Words(
        "this data does not have what was asked for",
        "Check `asset_class`, and `alpaca_feed` in the section api_config",
        is_bad_input=True,
    ),
    411: _Words(
        "the keys do not allow market data",
        "Make keys that do on Alpaca's web page",
        is_bad_input=True,
    ),
    500: _Words("Alpaca has an internal error"),
}
_CODES_BY_TEXT: Final = {
    "auth failed": 402,
    "auth timeout": 404,
    "symbol limit exceeded": 405,
    "connection limit exceeded": 406,
    "slow client": 407,
    "insufficient subscription": 409,
    "insufficient scope": 411,
}

_CLOSED: Final = {
    1000: "Alpaca closed the connection",
    1001: "Alpaca closed the connection: its server goes away",
    1006: "the connection broke off",
    1008: "Alpaca closed the connection: against its rules",
    1009: "Alpaca closed the connection: a message was too large",
    1011: "Alpaca closed the connection: its server has an error",
    1012: "Alpaca closed the connection: its server restarts",
    1013: "Alpaca closed the connection: its server is busy",
}


def stream_error(code: int | None, text: str) -> FeedError:
    """Return the error for an error message of the stream; without a code, its text tells it."""
    number = _CODES_BY_TEXT.get(text.lower()) if code is None else code
    words = _STREAM.get(number or 0)
    shown = shortened(text, _SHOWN)
    told = f"error {number}: {shown}" if number else shown
    if words is None:
        return FeedError(f"Alpaca refuses ({told})")
    return FeedError(
        _sentences(f"{words.text} ({told})", words.remedy),
        is_final=words.is_final,
        is_bad_input=words.is_bad_input,
    )


def subscription_error(code: int, text: str, missing: str) -> FeedError:
    """Return the error for a subscription that was refused; `missing`: the symbols in words."""
    cause = stream_error(code, text)
    return FeedError(
        f"{missing} not subscribed: {cause}", is_final=cause.is_final, is_bad_input=cause.is_bad_input
    )


def handshake_error(status: int) -> FeedError:
    """Return the error for a handshake that was answered with an HTTP status.

    Those from 400 to 499 are final, but for 408 and 429, which pass: too many tries, a connection not given
    up yet.
    """
    told = f"HTTP {status}"
    if status in (401, 403):
        return FeedError(
            _sentences(f"Alpaca refuses the keys at the stream ({told})", _CHECK_KEYS), is_bad_input=True
        )
    if status == 404:
        return FeedError(f"Alpaca has no such stream ({told})", is_final=True)
    if status == 429:
        return FeedError(
            f"too many connections or tries to connect ({told}): another program may use the account"
        )
    if status >= 500:
        return FeedError(f"Alpaca's stream has an error ({told})")
    return FeedError(
        f"Alpaca refuses the connection ({told})", is_final=400 <= status < 500 and status != 408
    )


def closed_reason(code: int, text: str, *, by_us: bool, most_bytes: int, ping_timeout_s: float) -> str:
    """Return why a connection has ended, by the code and text of its close frame; 1006 is none.

    `by_us`: whether this side ended it, after a fault of the other one.
    """
    told = f"code {code}: {shortened(text, _SHOWN)}" if text and not by_us else f"code {code}"
    if by_us and code == 1009:
        return f"a message was larger than {most_bytes // 2**20} MiB ({told})"
    if by_us and code == 1011:
        return f"no answer to pings for {ping_timeout_s:g} s ({told})"
    if by_us:
        return f"Alpaca's server does not follow the protocol ({told})"
    return f"{_CLOSED.get(code, 'Alpaca closed the connection')} ({told})"


def rest_error(status: int, message: str, *, what: str, is_start: bool) -> FeedError:
    """Return the error for a request that was answered with another status than 200.

    `message`: the provider's text, "" if the body has none. `what`: what was asked for, "" for nothing to
    name. `is_start`: whether the keys have never been accepted: only then is it final that they, or the plan,
    do not allow it.
    """
    told = f"HTTP {status}: {shortened(message, _SHOWN)}" if message else f"HTTP {status}"
    head = f"{what}: " if what else ""
    if is_plan_limit(status, message):
        text = _sentences(f"the account's plan does not have this data ({told})", _PLAN)
        return FeedError(f"{head}{text}", is_bad_input=is_start)
    if status in (401, 403):
        text = _sentences(f"Alpaca refuses the keys ({told})", _CHECK_KEYS)
        return FeedError(f"{head}{text}", is_bad_input=is_start)
    if status == 429:
        return FeedError(f"{head}too many requests to Alpaca ({told}): the free plan has 200 a minute")
    if status in (400, 404, 422):
        return FeedError(f"{head}Alpaca refuses the request ({told})", is_final=True)
    if status >= 500:
        return FeedError(f"{head}Alpaca's server has an error ({told})")
    return FeedError(f"{head}unexpected answer of Alpaca ({told})")


def is_plan_limit(status: int, message: str) -> bool:
    """Return whether a request was refused because of the account's plan."""
    return status in (403, 422) and "subscription" in message.lower()


def _sentences(first: str, second: str) -> str:
    return f"{first}. {second}" if second else first

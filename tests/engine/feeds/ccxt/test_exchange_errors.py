"""Errors of the library as one line of plain words, final where trying again would not help."""

from __future__ import annotations

import asyncio
import errno
from typing import Any

import aiohttp
import ccxt
import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from tapedeck.engine.feeds.ccxt.exchange_errors import check_document, feed_error
from tapedeck.engine.feeds.live_feed import FeedError

KEY: Any = None
ADDRESS = "https://api.binance.com/api/v3/klines"


def of_status(status: int, body: str = "") -> BaseException:
    """Return what the library raises for a status."""
    try:
        ccxt.binance().handle_http_status_code(status, "Reason", ADDRESS, "GET", body)
    except ccxt.BaseError as error:
        return error
    raise AssertionError(f"no error for {status}")


def of_handshake(status: int) -> BaseException:
    """Return what the library raises for a websocket that is refused: the cause as its argument."""
    info = aiohttp.RequestInfo(URL("wss://stream.binance.com/ws/0"), "GET", CIMultiDictProxy(CIMultiDict()))
    return ccxt.NetworkError(aiohttp.WSServerHandshakeError(info, (), status=status, message="no"))


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('1.2.3.4', 443)")
NO_NAME = aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "Name or service not known"))


@pytest.mark.parametrize(
    ("error", "words", "is_final", "is_bad_input"),
    [
        (of_status(451), "binance does not serve this region or network (HTTP 451)", True, False),
        (of_status(403), "binance does not serve this region or network (HTTP 403)", True, False),
        (of_handshake(451), "binance does not serve this region or network (HTTP 451)", True, False),
        (
            of_status(429),
            "binance refuses requests for a while, as there were too many (HTTP 429)",
            False,
            False,
        ),
        (ccxt.DDoSProtection("binance 418 I'm a teapot {}"), "too many (HTTP 418)", False, False),
        (ccxt.RateLimitExceeded("binance {}"), "too many: binance {}", False, False),
        (of_handshake(429), "too many (HTTP 429)", False, False),
        (of_status(503), "the server of binance failed (HTTP 503) (api.binance.com)", False, False),
        (of_handshake(502), "the server of binance failed (HTTP 502)", False, False),
        (
            of_status(404),
            "does not know the address that ccxt asked (HTTP 404) (api.binance.com)",
            False,
            False,
        ),
        (
            ccxt.OnMaintenance("binance system upgrade"),
            "under maintenance: binance system upgrade",
            False,
            False,
        ),
        (
            ccxt.RequestTimeout(f"binance GET {ADDRESS}"),
            "no answer from binance in time (api.binance.com)",
            0,
            0,
        ),
        (TimeoutError(), "no answer from binance in time", False, False),
        (
            caused(ccxt.ExchangeNotAvailable(f"binance GET {ADDRESS}"), REFUSED),
            "cannot reach binance (api.binance.com): Connection refused",
            False,
            False,
        ),
        (
            caused(ccxt.ExchangeNotAvailable(f"binance GET {ADDRESS}"), NO_NAME),
            "cannot reach binance (api.binance.com): Name or service not known",
            False,
            False,
        ),
        (ccxt.NetworkError(REFUSED), "cannot reach binance: Connection refused", False, False),
        (
            caused(ccxt.ExchangeNotAvailable(f"binance GET {ADDRESS}"), aiohttp.ServerDisconnectedError()),
            "binance cut the connection without an answer (api.binance.com)",
            False,
            False,
        ),
        (ccxt.BadSymbol("binance X"), "binance does not know a symbol: binance X", True, True),
        (ccxt.AuthenticationError("binance key"), "wants an account for this", True, False),
        (ccxt.PermissionDenied("binance no"), "wants an account for this", True, False),
        (ccxt.RestrictedLocation("binance here"), "does not serve this region: binance here", True, False),
        (
            ccxt.BadRequest("binance too many streams"),
            "binance refused: binance too many streams",
            True,
            False,
        ),
        (ccxt.ExchangeError("binance odd"), "binance refused: binance odd", False, False),
        (ccxt.NetworkError("gone"), "binance lost the connection: gone", False, False),
        (ccxt.ExchangeClosedByUser("binance"), "the connection to binance is closed", False, False),
        (asyncio.CancelledError(), "the connection to binance is closed", False, False),
        (KeyError("symbol"), "binance sent what ccxt cannot read (KeyError: 'symbol')", False, False),
        (ValueError(), "binance sent what ccxt cannot read (ValueError: ValueError)", False, False),
    ],
)
def test_an_error_is_one_line_of_plain_words(
    error: BaseException, words: str, is_final: bool, is_bad_input: bool
) -> None:
    told = feed_error(error, "binance")
    assert words in str(told)
    assert "\n" not in str(told)
    assert (told.is_final, told.is_bad_input) == (is_final, is_bad_input)


def test_an_error_of_tapedeck_stays_as_it_is() -> None:
    error = FeedError("told")
    assert feed_error(error, "binance") is error


def test_a_page_of_html_in_an_error_is_told_without_its_tags_and_short() -> None:
    told = str(feed_error(ccxt.ExchangeError("binance <html><body>Stop\n" + "x" * 900), "binance"))
    assert "<" not in told
    assert "\n" not in told
    assert len(told) < 300


@pytest.mark.parametrize("whole", ['{"a": 1}', "[]", "", "OK", "12"])
def test_a_whole_answer_passes(whole: str) -> None:
    check_document(whole, 200, "binance")


@pytest.mark.parametrize(
    ("broken", "words"), [("<html></html>", "web page"), ('[[1, "0.0', "half"), ('{"a"', "half")]
)
def test_a_web_page_or_half_a_document_is_an_error_unless_its_status_is_one(broken: str, words: str) -> None:
    with pytest.raises(FeedError, match=words):
        check_document(broken, 200, "binance")
    check_document(broken, 503, "binance")

"""Errors of Alpaca in words: which of them end a recording, and that each has its own text."""

from __future__ import annotations

import pytest

from tapedeck.engine.feeds.alpaca.alpaca_messages import (
    closed_reason,
    handshake_error,
    rest_error,
    stream_error,
)

# From the documents of the protocol.
TEXTS = {
    400: "invalid syntax",
    401: "not authenticated",
    402: "auth failed",
    403: "already authenticated",
    404: "auth timeout",
    405: "symbol limit exceeded",
    406: "connection limit exceeded",
    407: "slow client",
    409: "insufficient subscription",
    410: "invalid subscribe action for this feed",
    411: "insufficient scope",
    500: "internal error",
}
FINAL = {402, 405, 409, 410, 411}


def test_each_code_of_the_stream_has_its_own_words_and_shows_code_and_text():
    told = {code: str(stream_error(code, text)) for code, text in TEXTS.items()}
    assert len({text.split(" (")[0] for text in told.values()}) == len(TEXTS)
    assert all(f"error {code}: {TEXTS[code]}" in text for code, text in told.items())


def test_those_that_cannot_pass_are_final_and_what_the_user_gave():
    errors = {code: stream_error(code, text) for code, text in TEXTS.items()}
    assert {code for code, error in errors.items() if error.is_final} == FINAL
    assert {code for code, error in errors.items() if error.is_bad_input} == FINAL


@pytest.mark.parametrize("code", [402, 404, 405, 406, 407, 409, 411])
def test_a_text_without_its_code_is_known(code):
    assert str(stream_error(None, TEXTS[code])) == str(stream_error(code, TEXTS[code]))


@pytest.mark.parametrize("code", [None, 0, 499, 777])
def test_an_unknown_error_is_told_as_it_is_and_tried_again(code):
    error = stream_error(code, "the moon is full")
    assert "the moon is full" in str(error)
    assert not error.is_final


@pytest.mark.parametrize(
    ("status", "final", "bad"),
    [
        (400, True, False),
        (401, True, True),
        (403, True, True),
        (404, True, False),
        (408, False, False),
        (429, False, False),
        (500, False, False),
        (503, False, False),
    ],
)
def test_a_handshake_that_is_refused(status, final, bad):
    error = handshake_error(status)
    assert (error.is_final, error.is_bad_input) == (final, bad)
    assert f"HTTP {status}" in str(error)


@pytest.mark.parametrize(
    ("status", "message", "at_start", "later"),
    [
        (401, "unauthorized.", (True, True), (False, False)),
        (403, "forbidden.", (True, True), (False, False)),
        (403, "subscription does not permit querying recent SIP data", (True, True), (False, False)),
        (400, "invalid symbol: A?", (True, False), (True, False)),
        (404, "endpoint not found.", (True, False), (True, False)),
        (429, "too many requests.", (False, False), (False, False)),
        (500, "", (False, False), (False, False)),
        (504, "", (False, False), (False, False)),
    ],
)
def test_keys_and_plan_are_final_at_the_start_alone(status, message, at_start, later):
    for is_start, expected in ((True, at_start), (False, later)):
        error = rest_error(status, message, what="history", is_start=is_start)
        assert (error.is_final, error.is_bad_input) == expected
        assert f"HTTP {status}" in str(error)
        assert message in str(error)


def test_the_plan_is_told_from_the_keys():
    plan = rest_error(403, "subscription does not permit querying recent SIP data", what="", is_start=True)
    keys = rest_error(403, "forbidden.", what="", is_start=True)
    assert "plan" in str(plan)
    assert "alpaca_feed: iex" in str(plan)
    assert "APCA_API_KEY_ID" in str(keys)


@pytest.mark.parametrize(
    ("code", "by_us", "words"),
    [
        (1000, False, "closed the connection"),
        (1006, False, "broke off"),
        (1011, False, "its server has an error"),
        (1009, False, "a message was too large"),
        (1009, True, "larger than 32 MiB"),
        (1011, True, "no answer to pings for 20 s"),
        (1002, True, "does not follow the protocol"),
        (4999, False, "closed the connection"),
    ],
)
def test_the_end_of_a_connection_is_told_with_its_code(code, by_us, words):
    told = closed_reason(code, "", by_us=by_us, most_bytes=32 * 2**20, ping_timeout_s=20)
    assert words in told
    assert f"code {code}" in told

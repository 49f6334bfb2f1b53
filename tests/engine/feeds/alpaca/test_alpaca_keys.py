"""Keys of Alpaca: the environment comes first, then the keyring; no message and no repr shows them."""

from __future__ import annotations

import logging
import sys
import traceback
import types

import pytest

from tapedeck.engine.feeds.alpaca.alpaca_keys import AlpacaKeys, read_keys
from tapedeck.engine.feeds.live_feed import FeedError

KEY, SECRET = "PK0123456789ABCDEFGH", "secret0123456789abcdefghijklmnopqrstuvwx"
BOTH = {"APCA_API_KEY_ID": KEY, "APCA_API_SECRET_KEY": SECRET}
STORED = {("tapedeck", "alpaca-key-id"): "PKSTORED", ("tapedeck", "alpaca-secret-key"): "stored-secret"}


def keyring_of(stored):
    return lambda service, user: stored.get((service, user))


def never_asked(service, user):
    raise AssertionError("the keyring was asked though the environment has both")


def test_keys_of_the_environment_come_first_and_the_keyring_is_not_asked():
    keys = read_keys(BOTH, never_asked)
    assert (keys.key_id, keys.secret) == (KEY, SECRET)


@pytest.mark.parametrize("environment", [{}, {"APCA_API_KEY_ID": KEY}, {**BOTH, "APCA_API_SECRET_KEY": " "}])
def test_keys_of_the_keyring_stand_in_for_both(environment):
    keys = read_keys(environment, keyring_of(STORED))
    assert (keys.key_id, keys.secret) == ("PKSTORED", "stored-secret")


@pytest.mark.parametrize(
    ("environment", "stored", "fault"),
    [
        ({}, {}, "no keys"),
        ({"APCA_API_KEY_ID": KEY}, {}, "APCA_API_SECRET_KEY is not"),
        ({"APCA_API_SECRET_KEY": SECRET}, {}, "APCA_API_KEY_ID is not"),
        ({}, {("tapedeck", "alpaca-key-id"): KEY}, "not tapedeck alpaca-secret-key"),
    ],
)
def test_lacking_keys_are_bad_input_and_the_message_names_both_ways(environment, stored, fault):
    with pytest.raises(FeedError) as told:
        read_keys(environment, keyring_of(stored))
    assert told.value.is_bad_input
    assert fault in str(told.value)
    for way in ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY", "keyring set tapedeck alpaca-key-id"):
        assert way in str(told.value)
    assert KEY not in str(told.value)
    assert SECRET not in str(told.value)


def test_white_space_around_copied_keys_does_not_count():
    keys = read_keys({name: f" {value}\n" for name, value in BOTH.items()}, never_asked)
    assert (keys.key_id, keys.secret) == (KEY, SECRET)


@pytest.mark.parametrize("value", ["two words", "two\nlines", "schlüssel"])
def test_keys_that_no_header_can_have_are_refused_without_showing_them(value):
    with pytest.raises(FeedError, match="Copy them again") as told:
        read_keys({**BOTH, "APCA_API_SECRET_KEY": value}, never_asked)
    assert told.value.is_bad_input
    assert value not in "".join(traceback.format_exception(told.value))


def test_a_keyring_that_fails_has_no_keys(monkeypatch):
    broken = types.ModuleType("keyring")

    def get_password(service, user):
        raise RuntimeError("no desktop")

    broken.get_password = get_password
    monkeypatch.setitem(sys.modules, "keyring", broken)
    with pytest.raises(FeedError, match="no keys"):
        read_keys({})


def test_keys_are_shown_by_no_repr_and_taken_out_of_texts(caplog):
    keys = AlpacaKeys(KEY, SECRET, "the environment")
    logging.getLogger("a test").warning("%s %r", keys, [keys])
    shown = f"{keys} {keys!r} {[keys]} {caplog.text} {keys.hidden(f'no account {KEY}, {SECRET}')}"
    assert KEY not in shown
    assert SECRET not in shown

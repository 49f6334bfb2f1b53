"""Keys of an Alpaca account: from the environment, else from the system's keyring; never shown."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tapedeck.engine.feeds.live_feed import FeedError

KEY_VARIABLE: Final = "APCA_API_KEY_ID"
SECRET_VARIABLE: Final = "APCA_API_SECRET_KEY"
SERVICE: Final = "tapedeck"
"""Service of the entries in the keyring."""
KEY_USER: Final = "alpaca-key-id"
SECRET_USER: Final = "alpaca-secret-key"
_HIDDEN: Final = "(hidden)"
_SHORTEST: Final = 6  # characters of a key that is not a part of common words
_REMEDY: Final = (
    f"Set {KEY_VARIABLE} and {SECRET_VARIABLE} in the environment, or store them in the system's keyring: "
    f"`keyring set {SERVICE} {KEY_USER}` and `keyring set {SERVICE} {SECRET_USER}`. "
    "The keys are made on Alpaca's web page, for a paper account too"
)

PasswordReader = Callable[[str, str], str | None]


@dataclass(frozen=True, slots=True, repr=False)
class AlpacaKeys:
    """Key and secret of an account. `place`: where they were found, in words. Its repr shows neither."""

    key_id: str
    secret: str
    place: str

    def __repr__(self) -> str:
        return f"AlpacaKeys from {self.place}"

    def hidden(self, text: str) -> str:
        """Return a text of the provider without the keys, should it repeat them."""
        for key in (self.secret, self.key_id):
            if len(key) >= _SHORTEST:
                text = text.replace(key, _HIDDEN)
        return text


def read_keys(
    environment: Mapping[str, str] | None = None, from_keyring: PasswordReader | None = None
) -> AlpacaKeys:
    """Return the account's keys; FeedError (bad input) that names both ways to set them.

    `environment`: by default that of the process. `from_keyring`: password of a service and a user, or None;
    by default the package keyring, if it is installed and has a store. It is only asked if the environment
    has not both.
    """
    variables = os.environ if environment is None else environment
    key_id, secret = (variables.get(name, "").strip() for name in (KEY_VARIABLE, SECRET_VARIABLE))
    if key_id and secret:
        return _checked(AlpacaKeys(key_id, secret, "the environment"))
    ask = _stored_password if from_keyring is None else from_keyring
    stored = [(ask(SERVICE, user) or "").strip() for user in (KEY_USER, SECRET_USER)]
    if all(stored):
        return _checked(AlpacaKeys(stored[0], stored[1], "the system's keyring"))
    raise FeedError(f"{_what_lacks(key_id, secret, *stored)}. {_REMEDY}", is_bad_input=True)


def _what_lacks(key_id: str, secret: str, stored_key_id: str, stored_secret: str) -> str:
    if key_id or secret:
        there, lacking = (KEY_VARIABLE, SECRET_VARIABLE) if key_id else (SECRET_VARIABLE, KEY_VARIABLE)
        return f"half of the keys of Alpaca: {there} is set, {lacking} is not"
    if stored_key_id or stored_secret:
        there, lacking = (KEY_USER, SECRET_USER) if stored_key_id else (SECRET_USER, KEY_USER)
        return f"half of the keys of Alpaca: the keyring has {SERVICE} {there}, but not {SERVICE} {lacking}"
    return "no keys of Alpaca"


def _checked(keys: AlpacaKeys) -> AlpacaKeys:
    # The HTTP library refuses such a header with an error that repeats it.
    if not all(one.isascii() and one.isprintable() and " " not in one for one in (keys.key_id, keys.secret)):
        raise FeedError(
            f"the keys of Alpaca from {keys.place} are invalid: a key has letters and digits only. "
            "Copy them again",
            is_bad_input=True,
        )
    return keys


def _stored_password(service: str, user: str) -> str | None:
    try:
        import keyring  # noqa: PLC0415 - part of the extra, and slow to load
    except ImportError:
        return None
    try:
        return keyring.get_password(service, user)
    except Exception:  # noqa: BLE001 - whatever a desktop's store raises, it has no key for us
        return None

"""URLs of local servers in place of an exchange's, from the environment; for tests."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from tapedeck.engine.feeds.live_feed import FeedError

STREAM_VARIABLE: Final = "TAPEDECK_CCXT_STREAM_URL"
REST_VARIABLE: Final = "TAPEDECK_CCXT_REST_URL"
_SCHEMES: Final = {STREAM_VARIABLE: ("ws", "wss"), REST_VARIABLE: ("http", "https")}


@dataclass(frozen=True, slots=True)
class UrlOverrides:
    """Scheme and host in place of those of all websockets, and of all REST addresses; None: as they are.

    A path of an override is put before those of the exchange.
    """

    stream: str | None = None
    rest: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> UrlOverrides:
        """Return what the variables say; FeedError (bad input) for one that is no URL."""
        return cls(_read(environment, STREAM_VARIABLE), _read(environment, REST_VARIABLE))

    def applied(self, urls: Any) -> Any:  # noqa: ANN401 - strings at any depth
        """Return a copy of an exchange's `urls`, at any depth, with other schemes and hosts."""
        if isinstance(urls, str):
            return self._replaced(urls)
        if isinstance(urls, Mapping):
            return {name: self.applied(url) for name, url in urls.items()}
        if isinstance(urls, list):
            return [self.applied(url) for url in urls]
        return urls

    def _replaced(self, url: str) -> str:
        parts = urlsplit(url)
        other = self.stream if parts.scheme in ("ws", "wss") else self.rest
        if other is None or parts.scheme not in ("ws", "wss", "http", "https"):
            return url
        by = urlsplit(other)
        path = by.path.rstrip("/") + parts.path
        return SplitResult(by.scheme, by.netloc, path, parts.query, parts.fragment).geturl()


def _read(environment: Mapping[str, str], variable: str) -> str | None:
    text = environment.get(variable, "").strip()
    if not text:
        return None
    parts = urlsplit(text)
    schemes = _SCHEMES[variable]
    if parts.scheme not in schemes or not parts.netloc:
        raise FeedError(
            f"invalid URL {text!r} in {variable}: use {' or '.join(schemes)}, such as "
            f"{schemes[0]}://127.0.0.1:8765",
            is_bad_input=True,
        )
    return text

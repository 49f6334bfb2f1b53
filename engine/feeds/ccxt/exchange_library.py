"""The library ccxt: imported when it is used, and what is used of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, Protocol

from tapedeck.engine.errors import did_you_mean, listed, nearest
from tapedeck.engine.feeds.live_feed import FeedError

INSTALL: Final = "pip install 'tapedeck-console[ccxt]'"
_LIBRARY: Final = "ccxt"

Candle = Sequence[float]
"""Open time in milliseconds UTC, open, high, low, close, volume; of a foreign library: any may be None."""
Market = Mapping[str, Any]


class StreamClient(Protocol):
    """One websocket of an exchange."""

    url: str


class Exchange(Protocol):
    """What is used of an exchange of ccxt; all of it is public. A test compares it with the library."""

    id: str
    has: Mapping[str, object]
    timeframes: Mapping[str, object] | None
    urls: MutableMapping[str, Any]
    options: MutableMapping[str, Any]
    streaming: MutableMapping[str, Any]
    markets: Mapping[str, Market] | None
    markets_by_id: Mapping[str, Sequence[Market]] | None
    ohlcvs: Mapping[str, Mapping[str, Sequence[Candle]]]
    session: Any
    on_rest_response: Callable[..., str]
    on_connected: Callable[..., None]
    on_error: Callable[[StreamClient, BaseException], None]
    on_close: Callable[[StreamClient, object], None]

    def market(self, symbol: str) -> Market: ...  # noqa: D102 - the library's
    def set_markets_from_exchange(self, source: Exchange, /) -> object: ...  # noqa: D102
    def feature_value(self, symbol: str, method: str, parameter: str, default: object, /) -> object: ...  # noqa: D102
    async def load_markets(self, reload: bool, /) -> object: ...  # noqa: D102
    async def fetch_ohlcv(  # noqa: D102
        self, symbol: str, timeframe: str, since: int | None, limit: int | None
    ) -> Sequence[Candle]: ...
    async def watch_ohlcv(self, symbol: str, timeframe: str) -> Sequence[Candle]: ...  # noqa: D102
    async def watch_ohlcv_for_symbols(  # noqa: D102
        self, wanted: Sequence[Sequence[str]], /
    ) -> Mapping[str, Mapping[str, Sequence[Candle]]]: ...
    async def fetch_time(self) -> int | None: ...  # noqa: D102
    async def close(self) -> None: ...  # noqa: D102


def check_installed() -> None:
    """Check that the library is installed, without importing it; FeedError with the command otherwise."""
    if find_spec(_LIBRARY) is None:
        raise _not_installed()


def exchange_class(name: str) -> Callable[[Mapping[str, object]], Exchange]:
    """Return what makes an exchange of a configuration; it imports the library, which takes a second or two.

    FeedError (bad input) if the library is not installed, or the exchange is unknown or has no candles by
    websocket.
    """
    library = _imported()
    names: Sequence[str] = library.exchanges
    if name not in names:
        near = nearest(name, names)
        raise FeedError(
            f"unknown exchange {name!r} in api_config.exchange: by websocket ccxt has "
            f"{listed(names, 100)}.{did_you_mean(near)}",
            is_bad_input=True,
        )
    made: Callable[[Mapping[str, object]], Exchange] = getattr(library, name)
    if not made({}).has.get("watchOHLCV"):
        raise FeedError(
            f"{name} has no candles by websocket in ccxt: those that have are "
            f"{listed(streaming_exchanges(library), 100)}",
            is_bad_input=True,
        )
    return made


def streaming_exchanges(library: Any) -> list[str]:  # noqa: ANN401 - a module without types
    """Return the names of the exchanges with candles by websocket."""
    return [name for name in library.exchanges if getattr(library, name)().has.get("watchOHLCV")]


def _imported() -> Any:  # noqa: ANN401 - a module without types
    try:
        return import_module(f"{_LIBRARY}.pro")
    except ImportError as error:
        raise _not_installed(f" ({error})") from error


def _not_installed(cause: str = "") -> FeedError:
    return FeedError(
        f"the feed ccxt needs packages that are not installed{cause}. Install them: {INSTALL}",
        is_bad_input=True,
    )

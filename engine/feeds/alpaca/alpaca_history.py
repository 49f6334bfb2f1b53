"""History of Alpaca: minute bars of many symbols, page by page, and which symbols there are."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from alpaca.common.rest import RESTClient
from alpaca.data.enums import Adjustment, DataFeed
from alpaca.data.historical.crypto import CryptoHistoricalDataClient
from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.data.requests import CryptoBarsRequest, StockBarsRequest
from alpaca.data.timeframe import TimeFrame

from tapedeck.engine.errors import did_you_mean, listed
from tapedeck.engine.feeds.alpaca.alpaca_account import AlpacaAccount
from tapedeck.engine.feeds.alpaca.alpaca_messages import is_plan_limit
from tapedeck.engine.feeds.alpaca.alpaca_rest import RequestError, RestCalls
from tapedeck.engine.feeds.alpaca.message_bars import bar_of_message
from tapedeck.engine.feeds.alpaca.nonsense import Nonsense
from tapedeck.engine.feeds.alpaca.recent_answer import RecentAnswer, later_of
from tapedeck.engine.feeds.feed_bar import BarKind, FeedBar
from tapedeck.engine.feeds.live_feed import FeedError, FeedHistory

log = logging.getLogger(__name__)

MINUTE_S: Final = 60
PAGE: Final = 10_000
"""Most bars of an answer, over all symbols."""
SURE_AFTER_S: Final = 20
"""Seconds of the market after which a minute is complete if the answer has a bar at its end or later."""
SURE_ANYWAY_AFTER_S: Final = 90
"""As above, if the answer has no such bar."""
_LONGEST_LIST: Final = 6000
"""Characters of the symbols of a request, as they stand in its address: servers take some 8,000."""
_PLAN_DELAY_S: Final = 15 * 60 + MINUTE_S
"""Age from which a plan without SIP has its bars."""


class AlpacaHistory:
    """Requests for bars of one account and asset class; a call may run in any thread, one at a time.

    A minute is taken to be complete 20 s of the market after its end if the answer has a bar of any symbol
    in that minute or a later one, which shows that the provider has come so far; else after 90 s. A part of
    what was answered less than a minute ago is not asked for again.
    """

    def __init__(self, account: AlpacaAccount, nonsense: Nonsense) -> None:
        self._account, self._nonsense = account, nonsense
        keys, url = account.keys, account.data_url
        client: RESTClient
        if account.is_crypto:
            client = CryptoHistoricalDataClient(keys.key_id, keys.secret, raw_data=True, url_override=url)
        else:
            client = StockHistoricalDataClient(keys.key_id, keys.secret, raw_data=True, url_override=url)
        self._rest = RestCalls(client, keys)
        self._delay_s = 0
        self._recent: RecentAnswer | None = None

    def bars(
        self, symbols: Sequence[str], start: int, end: int, *, now: float, timeout: float
    ) -> FeedHistory:
        """Return the minute bars with `start <= opened_at < end`; FeedError within `timeout` seconds.

        `now`: the market's time, seconds UTC.
        """
        if self._recent is not None and not self._recent.is_kept(now):
            self._recent = None
        known = None if self._recent is None else self._recent.part(symbols, start, end, at=now)
        if known is not None:
            return known
        history = self._asked(symbols, start, end, now, time.monotonic() + timeout)
        self._recent = later_of(self._recent, symbols, start, end, history, at=now)
        return history

    def _asked(
        self, symbols: Sequence[str], start: int, end: int, now: float, deadline: float
    ) -> FeedHistory:
        until = end
        if self._delay_s:
            until = min(end, int(now) - self._delay_s)
        try:
            pages = self._all_pages(symbols, start, until, deadline)
        except RequestError as error:
            late = int(now) - _PLAN_DELAY_S
            if not is_plan_limit(error.status, error.message) or until <= late:
                raise
            log.warning("the plan has no bars of the last 15 minutes: %s", error)
            self._delay_s, until = _PLAN_DELAY_S, late
            pages = self._all_pages(symbols, start, until, deadline)
        first = pages[0] if pages else []
        return FeedHistory([bar for page in pages for bar in page], self._complete_until(first, now))

    def check_symbols(
        self, symbols: Sequence[str], *, deadline: float, is_start: bool
    ) -> dict[str, datetime]:
        """Return the time of each symbol's last bar; FeedError (bad input) that names the unknown ones.

        A symbol without a bar that has quotes is known; it has the beginning of 1970. `deadline`: monotonic
        seconds. Other errors as of any request; with `is_start` those of keys and plan are bad input.
        """
        what = "" if is_start else "symbols"
        path = self._path("latest/bars") if self._account.is_crypto else self._path("bars/latest")
        found: dict[str, datetime] = {}
        for some in _in_lists(symbols):
            answer = self._latest(path, some, what, deadline, is_start)
            for symbol, bar in answer.items():
                at = _instant(bar.get("t")) if isinstance(bar, dict) else None
                if at is not None:
                    found[symbol] = datetime.fromtimestamp(at, UTC)
        missing = [symbol for symbol in symbols if symbol not in found]
        if missing:
            for symbol in self._with_quotes(missing, deadline):
                found[symbol] = datetime.fromtimestamp(0, UTC)
        unknown = [symbol for symbol in symbols if symbol not in found]
        if unknown:
            raise FeedError(self._unknown(unknown, found), is_bad_input=True)
        return found

    def check_bars(self, symbol: str, *, now: float, deadline: float) -> None:
        """Ask for a bar of some days ago; FeedError if history does not answer."""
        fields = self._fields([symbol], int(now) - 5 * 86_400, int(now) - 86_400) | {"limit": 1}
        self._rest.get(self._path("bars"), fields, what="history", deadline=deadline)

    def shut(self) -> None:
        """End the request that runs, from any thread, and refuse others."""
        self._rest.close()

    def _all_pages(
        self, symbols: Sequence[str], start: int, end: int, deadline: float
    ) -> list[list[FeedBar]]:
        if start >= end:
            return []
        pages: list[list[FeedBar]] = []
        asked = set(symbols)
        for some in _in_lists(symbols):
            fields = self._fields(some, start, end) | {"limit": PAGE}
            token: Any = None
            while True:
                query = fields if token is None else fields | {"page_token": token}
                page = self._rest.get(self._path("bars"), query, what="history", deadline=deadline)
                pages.append(list(self._of_page(page, asked, start, end)))
                before, token = token, page.get("next_page_token")
                if not token:
                    break
                if token == before:
                    raise FeedError("history: Alpaca's pages do not end: two have the same token")
        return pages

    def _of_page(self, page: dict[str, Any], asked: set[str], start: int, end: int) -> Iterator[FeedBar]:
        by_symbol = page.get("bars")
        if not isinstance(by_symbol, dict):
            if by_symbol is not None or "bars" not in page:
                raise FeedError("history: Alpaca's answer has no bars")
            return
        for symbol, messages in by_symbol.items():
            if symbol not in asked or not isinstance(messages, list):
                self._nonsense.note("bars in history of symbols that were not asked for", symbol)
                continue
            for message in messages:
                opened_at = _instant(message.get("t")) if isinstance(message, dict) else None
                if opened_at is None:
                    self._nonsense.note("bars in history without a time", message)
                    continue
                bar = bar_of_message(symbol, opened_at, message, BarKind.HISTORY)
                if bar is not None and start <= opened_at < end:
                    yield bar

    def _complete_until(self, bars: Sequence[FeedBar], now: float) -> int:
        now -= self._delay_s
        newest_end = max((bar.opened_at for bar in bars), default=-MINUTE_S) + MINUTE_S
        evident = min(newest_end, int(now - SURE_AFTER_S))
        anyway = int(now - SURE_ANYWAY_AFTER_S)
        return max(0, max(evident, anyway) // MINUTE_S * MINUTE_S)

    def _latest(
        self, path: str, symbols: Sequence[str], what: str, deadline: float, is_start: bool
    ) -> dict[str, Any]:
        query = {"symbols": ",".join(symbols), **self._feed}
        try:
            answer = self._rest.get(path, query, what=what, deadline=deadline, is_start=is_start, tries=False)
        except RequestError as error:
            if error.status == 400 and "invalid symbol" in error.message.lower():
                named = error.message.rpartition(":")[2].strip()
                raise FeedError(
                    self._unknown([named] if named in symbols else symbols, {}), is_bad_input=True
                ) from None
            raise
        bars = answer.get("bars")
        return bars if isinstance(bars, dict) else {}

    def _with_quotes(self, symbols: Sequence[str], deadline: float) -> list[str]:
        """Return the symbols that are quoted: some are listed, and have not traded on an exchange yet."""
        path = self._path("latest/quotes") if self._account.is_crypto else self._path("quotes/latest")
        found: list[str] = []
        try:
            for some in _in_lists(symbols):
                query = {"symbols": ",".join(some), **self._feed}
                answer = self._rest.get(path, query, what="symbols", deadline=deadline, tries=False)
                quotes = answer.get("quotes")
                found += [one for one in some if isinstance(quotes, dict) and quotes.get(one)]
        except RequestError as error:
            if not error.is_final:
                raise
        return found

    def _unknown(self, symbols: Sequence[str], known: object) -> str:
        plural = "" if len(symbols) == 1 else "s"
        where = "crypto" if self._account.is_crypto else f"stocks ({self._account.feed})"
        upper = [symbol.upper() for symbol in symbols if symbol != symbol.upper()]
        hint = did_you_mean(upper[0] if upper else None)
        them = "it" if len(symbols) == 1 else "them"
        return (
            f"unknown symbol{plural} {listed(symbols)}: Alpaca's {where} have neither bars nor quotes of "
            f"{them}.{hint} Take {them} out of `symbols`, or correct the spelling"
        )

    def _fields(self, symbols: Sequence[str], start: int, end: int) -> dict[str, Any]:
        # The last instant counts to the range at Alpaca.
        since, until = datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end - 1, UTC)
        made: CryptoBarsRequest | StockBarsRequest
        if self._account.is_crypto:
            made = CryptoBarsRequest(
                symbol_or_symbols=list(symbols), timeframe=TimeFrame.Minute, start=since, end=until
            )
        else:
            made = StockBarsRequest(
                symbol_or_symbols=list(symbols),
                timeframe=TimeFrame.Minute,
                adjustment=Adjustment.RAW,
                feed=DataFeed(self._account.feed),
                start=since,
                end=until,
            )
        fields: dict[str, Any] = made.to_request_fields()
        return fields

    @property
    def _feed(self) -> dict[str, str]:
        return {} if self._account.is_crypto else {"feed": self._account.feed}

    def _path(self, name: str) -> str:
        return f"/crypto/{self._account.feed}/{name}" if self._account.is_crypto else f"/stocks/{name}"


def _in_lists(symbols: Sequence[str]) -> Iterator[list[str]]:
    """Yield the symbols in as few lists as fit in a request each."""
    some: list[str] = []
    width = 0
    for symbol in symbols:
        own = len(quote(symbol, safe="")) + 3  # and a comma, which is three characters there
        if some and width + own > _LONGEST_LIST:
            yield some
            some, width = [], 0
        some.append(symbol)
        width += own
    if some:
        yield some


def _instant(text: object) -> int | None:
    """Return a time as REST writes it, in whole seconds UTC; None if it is none."""
    if not isinstance(text, str):
        return None
    try:
        there = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int((there if there.tzinfo else there.replace(tzinfo=UTC)).timestamp())

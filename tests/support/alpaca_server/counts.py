"""What the server was asked for, and what it sent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.support.alpaca_server.market import Quote


@dataclass(frozen=True)
class Request:
    """A request to REST; `at`: the market's time, seconds UTC; `bars`: number in the answer."""

    at: float
    path: str
    query: dict[str, str]
    status: int
    bars: int = 0

    @property
    def symbols(self) -> list[str]:
        return self.query.get("symbols", "").split(",")


@dataclass
class Counts:
    """Counted by the server's thread; other threads read."""

    connections: int = 0
    """Websocket connections accepted."""
    refused: int = 0
    """Handshakes answered with an HTTP status."""
    authenticated: int = 0
    subscriptions: list[dict[str, list[str]]] = field(default_factory=list)
    """Each subscribe message, symbols by channel."""
    errors: Counter[int] = field(default_factory=Counter)
    """Error messages sent, by code."""
    sent: Counter[str] = field(default_factory=Counter)
    """Messages handed to a connection, by type: b, u, q."""
    quotes: list[Quote] = field(default_factory=list)
    """Quotes that were sent."""
    not_sent: Counter[str] = field(default_factory=Counter)
    """Messages that no connection was there for, by type."""
    requests: list[Request] = field(default_factory=list)
    behind_s: float = 0.0
    """Longest delay of a message by the server itself, seconds of the machine."""

    def most_requests_a_minute(self) -> int:
        """Return the largest number of requests within 60 s of the market."""
        times = sorted(request.at for request in self.requests)
        first = most = 0
        for last, at in enumerate(times):
            while times[first] <= at - 60:
                first += 1
            most = max(most, last - first + 1)
        return most

    def requests_for(self, part: str) -> list[Request]:
        return [request for request in self.requests if part in request.path]

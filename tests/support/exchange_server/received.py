"""What clients asked of the exchange."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Request(NamedTuple):
    """A request of REST: the market's time, the end of its path, its parameters."""

    at: float
    path: str
    query: dict[str, str]


@dataclass
class Received:
    """Counts of a server since its start; written by the server's thread."""

    handshakes: list[float] = field(default_factory=list)
    """Market times of all tries to connect, refused ones too."""
    connections: int = 0
    messages: list[dict[str, Any]] = field(default_factory=list)
    """Messages of clients, such as SUBSCRIBE."""
    requests: list[Request] = field(default_factory=list)

    @property
    def subscribed(self) -> list[list[str]]:
        """Streams of each SUBSCRIBE."""
        return [message["params"] for message in self.messages if message.get("method") == "SUBSCRIBE"]

    def of_path(self, path: str) -> list[Request]:
        """Return the requests of a path, such as `klines`."""
        return [request for request in self.requests if request.path == path]

    def most_in_a_minute(self) -> int:
        """Return the largest number of requests within one minute of the market."""
        times = sorted(request.at for request in self.requests)
        return max((sum(at <= other < at + 60 for other in times) for at in times), default=0)

"""What an account may do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """Limits of an account. `feeds`: data that it may use; `requests_a_minute`: None without a limit.

    `recent_s`: youngest age of data of feeds that are not in `feeds`, as REST gives them.
    """

    feeds: frozenset[str] = frozenset({"iex", "us"})
    most_symbols: int | None = None
    most_connections: int = 1
    requests_a_minute: int | None = None
    recent_s: float = 15 * 60.0
    most_waiting: int = 5_000
    """Frames that wait for a slow client, until it is thrown out (407)."""


BASIC = Plan(most_symbols=30, requests_a_minute=200)
"""The free plan."""

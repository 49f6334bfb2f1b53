"""Registry of feeds: found by name through the entry points of the installed packages."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from tapedeck.engine.errors import TapedeckError, did_you_mean, listed, nearest
from tapedeck.engine.feeds.feed_context import FeedContext
from tapedeck.engine.feeds.live_feed import FeedError, LiveFeed

GROUP: Final = "tapedeck.feeds"
"""Group of entry points; the value of one is a function from a FeedContext to a LiveFeed."""


def feed_names() -> tuple[str, ...]:
    """Return the names of the installed feeds, sorted, without loading them."""
    return tuple(sorted({point.name for point in entry_points(group=GROUP)}))


def make_feed(name: str, context: FeedContext) -> LiveFeed:
    """Return the feed of that name; FeedError (final) if it is unknown, ambiguous, or cannot be loaded."""
    point = _find(name)
    make = _load(point)
    try:
        return make(context)
    except TapedeckError:
        raise
    except Exception as error:
        raise _failed(point, error, "be made") from error


def _find(name: str) -> EntryPoint:
    found = [point for point in entry_points(group=GROUP) if point.name == name]
    if not found:
        names = feed_names()
        raise FeedError(
            f"unknown feed {name!r}: installed are {listed(names)}.{did_you_mean(nearest(name, names))}",
            is_final=True,
        )
    if len(found) > 1:
        owners = " and ".join(sorted(_owner(point) for point in found))
        raise FeedError(f"two packages have a feed {name!r}: {owners}. Uninstall one of them", is_final=True)
    return found[0]


def _load(point: EntryPoint) -> Callable[[FeedContext], LiveFeed]:
    try:
        loaded = point.load()
    except Exception as error:
        raise _failed(point, error, "be loaded") from error
    if not callable(loaded):
        raise FeedError(
            f"the feed {point.name!r} of {_owner(point)} is invalid: {point.value} must be a function from a "
            "FeedContext to a feed",
            is_final=True,
        )
    make: Callable[[FeedContext], LiveFeed] = loaded
    return make


def _failed(point: EntryPoint, error: Exception, what: str) -> FeedError:
    """Return the error for code of another package, in which anything may fail."""
    cause = f"{type(error).__name__}: {error}"
    return FeedError(f"the feed {point.name!r} of {_owner(point)} cannot {what}: {cause}", is_final=True)


def _owner(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "an unknown package"

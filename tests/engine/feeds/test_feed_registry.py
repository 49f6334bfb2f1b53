"""Feeds of installed packages: found by name without loading them, and made from a context."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from market_kit import at

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.feeds.feed_context import FeedContext
from tapedeck.engine.feeds.live_feed import FeedError
from tapedeck.engine.feeds.registry import feed_names, make_feed
from tapedeck.engine.feeds.replay_feed import ReplayFeed
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.session_file import load_session_config
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.locations import open_store

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "october-2013.yaml"
WORKING = """\
from tapedeck.engine.feeds.live_feed import FeedAbilities

class Feed:
    def __init__(self, context):
        self.name, self.context = "good", context
"""

Install = Callable[[str, str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a distribution with one module of its name and one feed."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    modules: list[str] = []

    def install_one(package: str, feed: str, code: str) -> None:
        module = package.replace("-", "_")
        modules.append(module)
        info = site / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[tapedeck.feeds]\n{feed} = {module}:Feed\n")
        (site / f"{module}.py").write_text(code)

    yield install_one
    for module in modules:
        sys.modules.pop(module, None)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BarStore]:
    with open_store(tmp_path / "bars.db", create=True) as opened:
        yield opened


def context(store: BarStore | None = None) -> FeedContext:
    return FeedContext(
        config=load_session_config(EXAMPLE).config,
        interval=MINUTE,
        clock=LiveClock(start=at("09:00"), speed=60),
        time_manager=TimeManager("XNYS"),
        store=store,
        first=at("09:30"),
    )


def test_the_replay_feed_is_found_like_any_other() -> None:
    assert "replay" in feed_names()


def test_the_replay_feed_plays_the_store_of_the_session(store: BarStore) -> None:
    feed = make_feed("replay", context(store))
    assert isinstance(feed, ReplayFeed)
    assert feed.abilities.intervals == (MINUTE,)


def test_a_replay_needs_a_store() -> None:
    with pytest.raises(FeedError, match="name their store with --store PATH"):
        make_feed("replay", context())


def test_a_feed_of_a_package_is_listed_unloaded_and_made_from_the_context(install: Install) -> None:
    install("good-feed", "good", WORKING)
    assert "good" in feed_names()
    assert "good_feed" not in sys.modules
    session = context()
    feed = make_feed("good", session)
    assert feed.name == "good"
    assert vars(feed)["context"] is session


def test_an_unknown_name_gets_all_names_and_the_nearest(install: Install) -> None:
    install("good-feed", "good", WORKING)
    with pytest.raises(FeedError) as caught:
        make_feed("replai", context())
    assert (
        str(caught.value)
        == "unknown feed 'replai': installed are alpaca, ccxt, good, replay. Did you mean 'replay'?"
    )
    assert caught.value.is_final


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("import a_library_that_is_not_installed", "ModuleNotFoundError: No module named 'a_library"),
        ("raise OSError('no licence file')", "OSError: no licence file"),
        ("def Feed(context): raise KeyError('token')", "KeyError: 'token'"),
        ("Feeds = 1", "AttributeError: module 'bad_feed' has no attribute 'Feed'"),
    ],
)
def test_a_package_that_cannot_be_loaded_is_named_and_the_others_work(
    install: Install, store: BarStore, code: str, cause: str
) -> None:
    install("bad-feed", "bad", code)
    assert {"bad", "replay"} <= set(feed_names())
    with pytest.raises(FeedError) as caught:
        make_feed("bad", context())
    assert str(caught.value).startswith("the feed 'bad' of bad-feed cannot be ")
    assert f": {cause}" in str(caught.value)
    assert caught.value.is_final
    assert make_feed("replay", context(store)).name == "replay"


def test_an_entry_point_that_is_not_a_function_is_refused(install: Install) -> None:
    install("odd-feed", "odd", "Feed = 5")
    with pytest.raises(FeedError, match="'odd' of odd-feed is invalid: odd_feed:Feed must be a function"):
        make_feed("odd", context())


def test_two_packages_with_one_name_are_an_error_that_names_both(install: Install) -> None:
    install("first-feed", "same", WORKING)
    install("second-feed", "same", WORKING)
    assert feed_names().count("same") == 1
    with pytest.raises(FeedError, match="two packages have a feed 'same': first-feed and second-feed"):
        make_feed("same", context())


def test_a_package_cannot_take_the_name_of_the_replay_unseen(install: Install, store: BarStore) -> None:
    install("other-replay", "replay", WORKING)
    with pytest.raises(FeedError, match="feed 'replay': other-replay and tapedeck-console"):
        make_feed("replay", context(store))

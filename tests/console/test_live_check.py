"""`tapedeck live FILE --check`: what a feed finds, its faults with their exit codes, and no recording."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.feeds.live_feed import FeedAbilities, FeedError
from tapedeck.engine.intervals import MINUTE

Writer = Callable[..., Path]
MODULE = "tapedeck.console.cli.live_check"


class CheckableFeed:
    """A feed with a check, which may fail or hang; it counts what else is called."""

    name = "checkable"
    abilities = FeedAbilities((MINUTE,))

    def __init__(self, error: FeedError | None = None, hangs: bool = False) -> None:
        self.error, self.hangs = error, hangs
        self.closed = Event()

    def check(self, symbols: Sequence[str], timeout: float) -> Sequence[str]:
        if self.hangs:
            self.closed.wait(30)
        if self.error is not None:
            raise self.error
        return [f"symbols: {', '.join(symbols)}", f"within {timeout:g} s"]

    def close(self) -> None:
        self.closed.set()


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, tapedeck: Any, session_file: Writer, tmp_path: Path) -> Any:
    """Checks a feed at nine o'clock in New York, on Monday 7 October 2013."""
    nine = datetime(2013, 10, 7, 13, 0, tzinfo=UTC).timestamp()
    monkeypatch.setattr(f"{MODULE}.LiveClock", lambda: LiveClock(start=nine))
    monkeypatch.setattr("tapedeck.engine.feeds.registry.feed_names", lambda: ("checkable", "replay"))

    def call(feed: object, *options: str) -> Any:
        monkeypatch.setattr(f"{MODULE}.make_feed", lambda name, context: feed)
        file = session_file(api_config={"data_api": "checkable"})
        done = tapedeck("live", file, "--store", tmp_path / "bars.db", "--check", *options)
        assert not (tmp_path / "bars.db").exists()
        return done

    return call


def test_what_the_feed_finds_is_told_with_the_market(check: Any) -> None:
    feed = CheckableFeed()
    done = check(feed)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "checkable: ready",
        "  symbols: SPY, AIG",
        "  within 5 s",
        "XNYS: closed; next session Monday 2013-10-07, opens in 30 min",
    ]
    assert feed.closed.is_set()


def test_json_has_the_same_in_a_line(check: Any) -> None:
    done = check(CheckableFeed(), "--json")
    document = json.loads(done.stdout)
    assert document["found"] == ["symbols: SPY, AIG", "within 5 s"]
    assert (document["kind"], document["feed"]) == ("check", "checkable")


@pytest.mark.parametrize(("is_bad_input", "code"), [(True, 2), (False, 1)])
def test_a_fault_is_told_with_the_code_of_its_kind(check: Any, is_bad_input: bool, code: int) -> None:
    feed = CheckableFeed(FeedError("wrong key", is_bad_input=is_bad_input))
    done = check(feed)
    assert (done.exit_code, done.stdout, done.stderr) == (code, "", "error: wrong key\n")
    assert feed.closed.is_set()


def test_a_check_that_hangs_ends_with_a_message(check: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{MODULE}.CHECK_TIMEOUT_S", 0.05)
    monkeypatch.setattr(f"{MODULE}._LOADED_WITHIN_S", 0.0)
    done = check(CheckableFeed(hangs=True))
    assert (done.exit_code, done.stderr) == (1, "error: checkable: its check did not end within 0.05 s\n")


def test_a_feed_without_a_check_is_told(check: Any) -> None:
    class Plain:
        name = "plain"

    done = check(Plain())
    assert done.exit_code == 2
    assert "the feed checkable has nothing to check" in done.stderr


def test_a_replay_and_the_built_in_market_have_nothing_to_check(tapedeck: Any, check: Any) -> None:
    done = check(CheckableFeed(), "--feed", "replay")
    assert done.exit_code == 2
    assert "a replay has nothing to check" in done.stderr
    done = tapedeck("live", "--check")
    assert done.exit_code == 2
    assert "needs a session file" in done.stderr

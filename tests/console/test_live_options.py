"""Options of `tapedeck live`: which feed records, what belongs to it, errors with their remedies."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tapedeck.console.cli.live_choice import LiveChoice
from tapedeck.engine.config import LoadedConfig
from tapedeck.engine.errors import ConfigError
from tapedeck.engine.session_file import load_session_config

Writer = Callable[..., Path]
KNOWN = ("alpaca", "replay")


def choice(**given: Any) -> LiveChoice:
    options: dict[str, Any] = dict.fromkeys(("feed", "day", "speed", "faults", "journal_day", "days"))
    return LiveChoice.of(**(options | {"waits": True, "restarts": False} | given))


@pytest.fixture
def file_with(session_file: Writer) -> Callable[[str | None], LoadedConfig]:
    """Loads a session file whose data_api is given."""

    def load(feed: str | None) -> LoadedConfig:
        return load_session_config(session_file(api_config={} if feed is None else {"data_api": feed}))

    return load


def test_the_option_wins_over_the_file_which_wins_over_nothing(file_with: Any) -> None:
    assert choice(feed="replay").feed_for(file_with("alpaca"), KNOWN) == "replay"
    assert choice().feed_for(file_with("Alpaca"), KNOWN) == "alpaca"
    assert choice().feed_for(None, KNOWN) == "replay"
    assert choice(journal_day="2013-10-07").feed_for(file_with("alpaca"), KNOWN) == "journal"


@pytest.mark.parametrize(
    ("feed", "what"),
    [(None, "is not set, and no --feed given"), ("alpca", "unknown feed 'alpca'")],
)
def test_a_file_without_a_known_feed_gets_the_feeds_and_the_replay(
    file_with: Any, feed: str | None, what: str
) -> None:
    loaded = file_with(feed)
    with pytest.raises(ConfigError) as raised:
        choice().feed_for(loaded, KNOWN)
    text = str(raised.value)
    assert f"api_config.data_api: {what}: the feeds are alpaca, replay." in text
    assert f"`tapedeck live {loaded.source} --feed replay`" in text
    assert ("Did you mean 'alpaca'?" in text) is (feed is not None)


def test_an_unknown_feed_gets_the_nearest_one(file_with: Any) -> None:
    with pytest.raises(ConfigError, match=r"unknown feed 'replya'.*Did you mean 'replay'"):
        choice(feed="replya").feed_for(file_with(None), KNOWN)


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("--date", {"day": "2013-10-07"}),
        ("--speed", {"speed": "60"}),
        ("--faults", {"faults": Path("faults.yaml")}),
        ("--restart", {"restarts": True}),
    ],
)
def test_options_of_the_replay_are_refused_with_another_feed(
    file_with: Any, option: str, given: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError, match=f"{option}: belongs to the feed replay, not to alpaca"):
        choice(feed="alpaca", **given).feed_for(file_with(None), KNOWN)
    assert choice(**given).feed_for(file_with("replay"), KNOWN) == "replay"


@pytest.mark.parametrize("option", ["day", "faults"])
def test_a_recorded_day_has_its_own_date_and_faults(file_with: Any, option: str) -> None:
    value = Path("faults.yaml") if option == "faults" else "2013-10-07"
    with pytest.raises(ConfigError, match="cannot be combined with --replay-journal"):
        choice(journal_day="2013-10-07", **{option: value}).feed_for(file_with(None), KNOWN)


def test_a_recorded_day_is_played_by_no_other_feed(file_with: Any) -> None:
    with pytest.raises(ConfigError, match="cannot be combined with --feed alpaca"):
        choice(journal_day="2013-10-07", feed="alpaca").feed_for(file_with(None), KNOWN)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"days": 0}, "invalid number of days 0: it must be at least 1"),
        ({"speed": "max"}, "a replay has no maximum speed"),
        ({"speed": "fast"}, "invalid speed 'fast'"),
        ({"day": "2013-13-07"}, "invalid date '2013-13-07'"),
        ({"journal_day": "yesterday-ish"}, "invalid date"),
    ],
)
def test_invalid_values_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        choice(**given)


# As commands


def assert_error(done: Any, code: int, *texts: str) -> None:
    assert done.exit_code == code, done.stderr
    assert done.stdout == ""
    for text in texts:
        assert text in " ".join(done.stderr.split())


def test_a_day_without_trading_is_refused_with_the_nearest(
    tapedeck: Any, session_file: Writer, lean_store: Path
) -> None:
    done = tapedeck("live", session_file(), "--feed", "replay", "--date", "2013-10-06", "--store", lean_store)
    assert_error(done, 2, "Sunday 2013-10-06 is not a trading day", "Monday 2013-10-07")


def test_a_day_without_stored_bars_is_exit_code_3(
    tapedeck: Any, session_file: Writer, lean_store: Path, home: Path
) -> None:
    done = tapedeck("live", session_file(), "--feed", "replay", "--date", "2014-03-05", "--store", lean_store)
    assert_error(done, 3, "no 1m bars of 2014-03-05 to replay", "stored from 2013-10-04 to 2013-10-11")
    assert list((home / "data" / "replays").iterdir()) == []  # nothing is kept of a start that failed


def test_more_days_than_are_stored_are_refused(tapedeck: Any, session_file: Writer, lean_store: Path) -> None:
    words = ("--feed", "replay", "--date", "2013-10-10", "--days", "3", "--store", lean_store)
    done = tapedeck("live", session_file(), *words)
    assert_error(done, 2, "--days: bars are stored up to 2013-10-11: from 2013-10-10 on, at most 2.")


def test_a_recording_that_does_not_exist_is_exit_code_3(
    tapedeck: Any, session_file: Writer, lean_store: Path
) -> None:
    done = tapedeck("live", session_file(), "--replay-journal", "2013-10-07", "--store", lean_store)
    assert_error(done, 3, "no recording of 2013-10-07 in", "bars.db.arrivals")


def test_an_invalid_breakpoint_is_told_before_anything_is_recorded(
    tapedeck: Any, session_file: Writer, lean_store: Path, tmp_path: Path, home: Path
) -> None:
    done = tapedeck(
        "live", session_file(), "--feed", "replay", "--date", "2013-10-07", "--store", lean_store,
        "--no-ui", "--break", "SPYY.close > 1", "--export", tmp_path / "out",
    )  # fmt: skip
    assert done.exit_code == 2
    assert "unknown symbol 'SPYY'" in done.stderr
    assert not (tmp_path / "out").exists()


def test_with_json_an_error_is_one_line(tapedeck: Any, session_file: Writer, lean_store: Path) -> None:
    for words in (["--feed", "replay", "--date", "2013-10-06"], ["--no-such-option"]):
        done = tapedeck("live", session_file(), "--json", "--store", lean_store, *words)
        assert done.exit_code == 2
        (line,) = done.stdout.splitlines()
        assert json.loads(line)["error"]["exit_code"] == 2


def test_a_replay_leaves_the_store_as_it_is_even_if_it_cannot_be_written(
    tapedeck: Any, session_file: Writer, lean_store: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    store = Path(shutil.copy(lean_store, folder / "bars.db"))
    before = store.read_bytes()
    store.chmod(0o444)
    done = tapedeck(
        "live", session_file(), "--feed", "replay", "--date", "2013-10-07", "--speed", "72000",
        "--store", store, "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.stdout
    assert store.read_bytes() == before
    assert [path.name for path in folder.iterdir()] == ["bars.db"]

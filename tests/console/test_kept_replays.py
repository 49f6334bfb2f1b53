"""Kept replays: a replay that was cut off goes on, a finished one is replaced, old ones are removed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tapedeck.console.cli.replay_folder import (
    KEPT_DAYS,
    MOST_KEPT,
    KeptReplay,
    ReplayAnchor,
    ReplayKey,
    remove_old_replays,
)
from tapedeck.engine.clock.time_manager import wall_clock_now
from tapedeck.engine.errors import StoreError
from tapedeck.engine.feeds.arrival_journal import journal_path

OPEN = 1_381_152_600.0
"""Open of 7 October 2013 in New York, seconds UTC."""


def key_of(tmp_path: Path, name: str = "october.yaml", *, source: str = "replay", day: int = 7) -> ReplayKey:
    return ReplayKey(tmp_path / name, source, tmp_path / "bars.db", date(2013, 10, day))


def opened(tmp_path: Path, *, anew: bool = False, past_until: float | None = None) -> KeptReplay:
    return KeptReplay(tmp_path / "replays", key_of(tmp_path), anew=anew, past_until=past_until)


def record_something(kept: KeptReplay) -> Path:
    """Write a file as the recorder does."""
    path = journal_path(kept.bars)
    path.write_bytes(b"arrivals")
    return path


def fail_after(tmp_path: Path, work: Callable[[KeptReplay], object]) -> None:
    """Begin a replay that ends with an error after some work."""
    with suppress(StoreError), opened(tmp_path) as kept:
        kept.begin(OPEN, None, 60.0)
        work(kept)
        raise StoreError("the disk is full")


def test_a_replay_that_was_cut_off_goes_on_with_its_clock(tmp_path: Path) -> None:
    with opened(tmp_path) as first:
        assert first.note == ""
        clock = first.begin(OPEN, None, 60.0)
        recorded = record_something(first)
    with opened(tmp_path) as again:
        assert "goes on" in again.note
        assert recorded.read_bytes() == b"arrivals"
        going_on = again.begin(OPEN + 99_999, None, 3600.0)
        assert (going_on.speed, going_on.start, going_on.anchor) == (60.0, OPEN, clock.anchor)


def test_a_finished_replay_is_replaced_and_said_so(tmp_path: Path) -> None:
    with opened(tmp_path) as first:
        first.begin(OPEN, 3600.0, 60.0)
        recorded = record_something(first)
        first.finish()
    with opened(tmp_path) as again:
        assert "finished: it is replaced" in again.note
        assert not recorded.exists()
        assert again.begin(OPEN, None, 60.0).speed == 60.0


def test_restart_begins_anew(tmp_path: Path) -> None:
    with opened(tmp_path) as first:
        first.begin(OPEN, None, 60.0)
        recorded = record_something(first)
    with opened(tmp_path, anew=True) as again:
        assert not recorded.exists()
        assert again.anchor is None


def test_the_built_in_market_begins_anew_once_its_day_is_over(tmp_path: Path) -> None:
    with opened(tmp_path) as first:
        first.begin(OPEN, None, 60.0)
        record_something(first)
    with opened(tmp_path, past_until=OPEN + 3600) as again:
        assert "goes on" in again.note
    with opened(tmp_path, past_until=OPEN) as over:
        assert "over: it is replaced" in over.note


def test_a_start_that_failed_before_anything_was_recorded_is_forgotten(tmp_path: Path) -> None:
    fail_after(tmp_path, lambda kept: None)
    assert list((tmp_path / "replays").iterdir()) == []
    with opened(tmp_path) as again:
        assert (again.note, again.anchor) == ("", None)


def test_an_error_after_bars_were_recorded_keeps_them(tmp_path: Path) -> None:
    fail_after(tmp_path, record_something)
    with opened(tmp_path) as again:
        assert "goes on" in again.note


@given(before=st.floats(0.5, 36_000), after=st.floats(0.5, 36_000), ago=st.floats(0, 1e5))
def test_another_speed_goes_on_from_the_same_time_of_the_market(
    before: float, after: float, ago: float
) -> None:
    anchor = ReplayAnchor(before, OPEN, wall_clock_now().timestamp() - ago)
    now = anchor.clock().now()
    changed = anchor.at_speed(after)
    assert changed.speed == after
    assert changed.clock().now() == pytest.approx(now, abs=1.0 * (before + after))
    assert anchor.at_speed(before) is anchor


def test_file_store_day_and_source_each_have_their_replay(tmp_path: Path) -> None:
    same = key_of(tmp_path)
    others = [
        key_of(tmp_path, "other.yaml"),
        key_of(tmp_path, source="journal"),
        key_of(tmp_path, day=8),
        ReplayKey(same.session, same.source, tmp_path / "bars2.db", same.day),
    ]
    names = {key.folder_name for key in (same, *others)}
    assert len(names) == 5
    assert same.folder_name.startswith("october-2013-10-07-")
    (tmp_path / "link.yaml").symlink_to(tmp_path / "october.yaml")
    assert key_of(tmp_path, "link.yaml").folder_name.endswith(same.folder_name.rpartition("-")[2])


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"format": 2}', '{"format": 1, "speed": -1, "start": 0, "anchor": 0}', "null"]
)
def test_an_unusable_state_is_replaced_with_its_reason(tmp_path: Path, text: str) -> None:
    with opened(tmp_path) as first:
        first.begin(OPEN, None, 60.0)
        state = first.folder / "replay.json"
    state.write_text(text)
    with opened(tmp_path) as again:
        assert "cannot be used" in again.note
        assert again.anchor is None


def test_a_replay_that_is_being_played_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path) as kept:
        kept.begin(OPEN, None, 60.0)
        with pytest.raises(StoreError, match="is being replayed already") as raised:
            opened(tmp_path, anew=True)
        assert f"in {kept.folder}, by this process, {os.getpid()}," in str(raised.value)
        assert json.loads((kept.folder / "replay.json").read_text())["start"] == OPEN


# What is old


def make_replays(root: Path, count: int) -> list[Path]:
    """Make finished replays, each a day older than the one before."""
    now, folders = wall_clock_now().timestamp(), []
    for age in range(count):
        key = ReplayKey(root / f"file{age}.yaml", "replay", root / "bars.db", date(2013, 10, 7))
        with KeptReplay(root, key, anew=False) as kept:
            kept.begin(OPEN, None, 60.0)
            record_something(kept)
        os.utime(kept.folder / "replay.json", (now, now - age * 86_400))
        folders.append(kept.folder)
    return folders


def test_only_the_replays_used_last_are_kept(tmp_path: Path) -> None:
    folders = make_replays(tmp_path, MOST_KEPT + 2)
    remove_old_replays(tmp_path)
    assert [folder.exists() for folder in folders] == [True] * MOST_KEPT + [False] * 2


def test_replays_of_last_month_are_removed_but_not_what_is_no_replay(tmp_path: Path) -> None:
    (folder,) = make_replays(tmp_path, 1)
    long_ago = wall_clock_now().timestamp() - (KEPT_DAYS + 1) * 86_400
    os.utime(folder / "replay.json", (long_ago, long_ago))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    remove_old_replays(tmp_path)
    assert not folder.exists()
    assert (tmp_path / "mine" / "notes.txt").exists()
    remove_old_replays(tmp_path / "none")


def test_an_old_replay_that_is_being_played_stays(tmp_path: Path) -> None:
    with opened(tmp_path) as kept:
        kept.begin(OPEN, None, 60.0)
        os.utime(kept.folder / "replay.json", (0, 0))
        remove_old_replays(tmp_path / "replays")
        assert (kept.folder / "replay.json").exists()

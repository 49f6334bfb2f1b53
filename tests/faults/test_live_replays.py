"""Some replays as live, with all threads, and some killed ones have no finding."""

from __future__ import annotations

import sys

import pytest

from tests.faults import live_kills, live_replays

# Short ones: others wait some seconds for a feed that is disconnected at the close.
_SEEDS = (3, 7, 11, 12)


def test_replays_with_all_threads_end_as_the_backtest_of_what_was_recorded():
    counts, findings = live_replays.campaign(_SEEDS, ("break", "from the evening"))
    assert not findings
    assert counts["editions"] >= 5


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is of Unix")
def test_a_killed_recording_has_all_journalled_bars_and_ends_as_the_undisturbed_one():
    counts, findings = live_kills.campaign(kills=1, full_disks=0, seed=3)
    assert not findings
    assert counts["kills"] >= 1
    assert counts["kills with bars in the journal"] >= 1

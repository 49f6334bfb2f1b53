"""The short campaign of editions has no finding."""

from __future__ import annotations

from tests.faults.editions import campaign


def test_views_that_are_read_during_mends_are_those_of_their_editions() -> None:
    tally = campaign(80, seed=7, readers=1)
    assert tally.findings == []
    assert tally.mends == 80
    assert tally.moments > 80
    assert tally.again > 0

"""Ends of bars that times name: by the calendar's opens and closes, on early closes, too."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tapedeck.engine.importers.bar_labels import LabelEvidence
from tapedeck.engine.importers.session_hours import hours_of
from tapedeck.engine.store.bar_store import Ints

# Opens and closes from the exchange's published hours: 3 July 2024 closes at 13:00, 4 July is a holiday.
DAYS = {
    "2024-07-01": ("09:30", "16:00"),
    "2024-07-02": ("09:30", "16:00"),
    "2024-07-03": ("09:30", "13:00"),
    "2024-07-05": ("09:30", "16:00"),
}


def minutes(days: list[str], before: int = 0, after: int = 0) -> Ints:
    """Return the opening times of all minutes of New York days, with `before` and `after` minutes outside."""
    found = []
    for day in days:
        start, end = (pd.Timestamp(f"{day} {clock}", tz="America/New_York") for clock in DAYS[day])
        found.append(np.arange(int(start.timestamp()) - 60 * before, int(end.timestamp()) + 60 * after, 60))
    return np.concatenate(found)


def evidence(times: Ints, exchange: str = "US_EQUITY", cuts: tuple[int, ...] = ()) -> LabelEvidence:
    found = LabelEvidence()
    for part in np.split(times, sorted(cuts)):
        found.add(part, hours_of(exchange), 60)
    return found


day_lists = st.lists(st.sampled_from(sorted(DAYS)), min_size=1, unique=True).map(sorted)


@settings(max_examples=60, deadline=None)
@given(days=day_lists, density=st.floats(0.01, 1), seed=st.integers(0, 2**32 - 1))
def test_times_of_opens_in_regular_hours_never_look_like_closes(days, density, seed):
    times = minutes(days)
    times = times[np.random.default_rng(seed).random(len(times)) < density]
    assert not evidence(times).names_closes


@settings(max_examples=60, deadline=None)
@given(days=day_lists, density=st.floats(0.05, 1), seed=st.integers(0, 2**32 - 1), cut=st.integers(0, 1500))
def test_times_of_closes_always_look_like_closes(days, density, seed, cut):
    times = minutes(days) + 60
    kept = np.random.default_rng(seed).random(len(times)) < density
    closes = np.isin(times, [minutes([day])[-1] + 60 for day in days])
    times = times[kept | closes]  # the closing auction is there
    assume(len(times) - len(days) >= 2)
    assert evidence(times, cuts=(min(cut, len(times)),)).names_closes


@settings(max_examples=30, deadline=None)
@given(days=day_lists, before=st.integers(1, 330), after=st.integers(1, 240))
def test_complete_extended_hours_are_no_evidence(days, before, after):
    for shift in (0, 60):
        assert not evidence(minutes(days, before + 1, after + 1) + shift).names_closes


def test_a_bar_at_the_open_and_one_at_the_close_are_no_evidence():
    assert not evidence(minutes(list(DAYS), after=1)).names_closes


@pytest.mark.parametrize("exchange", ["CRYPTO", "FOREX"])
def test_markets_around_the_clock_are_no_evidence(exchange):
    assert not evidence(minutes(list(DAYS)) + 60, exchange).names_closes


def test_closes_of_one_symbol_among_others_are_told_by_the_second_bar():
    late = evidence(minutes(["2024-07-01", "2024-07-03"]) + 60)
    assert late.surely_names_closes
    pooled = evidence(minutes(list(DAYS)))
    for _ in range(3):
        pooled.merge(evidence(minutes(list(DAYS))))
    pooled.merge(late)
    assert not pooled.names_closes

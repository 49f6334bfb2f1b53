"""Event list of a run: content, order, limits."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.errors import EngineError
from tapedeck.engine.read.events import Event, EventKind, EventLog, events_known_at
from tapedeck.engine.tape.played_session import PlayedSession
from tapedeck.engine.tape.session_view import SessionView
from tapedeck.engine.tape.tape import Tape
from tests.support.editions import SYMBOLS, Market, MendedSession, random_bar
from tests.support.naive import gaps_by_walking
from tests.support.tapes import random_values, slots_of, tape_over, with_presence

DAY = "2013-11-29"
DAYS = [f"2014-01-{day:02}" for day in (6, 7, 8, 9, 10, 13, 14, 15)]


def gapped_tape(present: np.ndarray, *, day: str = DAY, measure_quality: bool = True) -> Tape:
    slots = slots_of(day)
    complete = np.ones((len(present), len(slots)), dtype=np.bool_)
    complete[:, : present.shape[1]] = present
    values = with_presence(random_values(len(present), len(slots), seed=3), complete)
    return tape_over(slots, values, measure_quality=measure_quality)


def gaps_of(log: EventLog) -> list[Event]:
    return [event for event in log.events() if event.kind is EventKind.GAP]


@settings(max_examples=60, deadline=None)
@given(
    present=st.lists(st.lists(st.booleans(), min_size=12, max_size=12), min_size=3, max_size=3),
    updates=st.sets(st.integers(0, 14)),
    read=st.booleans(),
)
def test_gaps_are_numbered_in_the_order_they_begin_for_any_frequency_of_updates(
    present: list[list[bool]], updates: set[int], read: bool
) -> None:
    tape = gapped_tape(np.array(present))
    log = EventLog()
    log.begin_session(tape)
    for frontier in [*sorted(updates), len(tape)]:
        tape.frontier = frontier
        if read:
            log.events()
        known = [row[:frontier] for row in tape.base.present.tolist()]
        expected = sorted(
            (first, row, last, count)
            for row, slots in enumerate(known)
            for first, last, count in gaps_by_walking(slots)
        )
        found = gaps_of(log)
        assert [(event.slot, event.symbol) for event in found] == [
            (f, f"S{row}") for f, row, _, _ in expected
        ]
        assert [event.number for event in log.events()] == list(range(1, len(found) + 2))
        for event, (_, _, last, count) in zip(found, expected, strict=True):
            is_open = last == frontier - 1 and frontier < len(tape)
            assert event.text.startswith("no bar since" if is_open else f"{count} bar")
    log.end_session()
    assert [event.number for event in gaps_of(log)] == [event.number for event in found]
    assert log.events()[-1].text == "session is over"


@settings(max_examples=60, deadline=None)
@given(
    missing=st.sampled_from([0.2, 0.6, 0.9]),
    seed=st.integers(0, 99),
    steps=st.lists(
        st.integers(1, 12)
        | st.lists(st.tuples(st.integers(0, 2), st.integers(0, 41), st.booleans()), min_size=1, max_size=6),
        max_size=14,
    ),
    reads=st.sets(st.integers(0, 13)),
)
def test_gaps_follow_the_editions_and_what_is_left_of_a_gap_keeps_its_number(
    missing: float, seed: int, steps: list[int | list[tuple[int, int, bool]]], reads: set[int]
) -> None:
    slots = slots_of(DAY, "5m")
    session = MendedSession(
        Market(slots, (), (), {}), random_values(SYMBOLS, len(slots), seed=seed, missing=missing)
    )
    log = EventLog()
    log.begin_session(session.tape)
    before: list[Event] = []
    frontier_before = 0
    for number, step in enumerate([*steps, len(slots)]):
        if isinstance(step, int):
            session.play(step)
        else:
            session.correct([(row, at, random_bar(at) if is_bar else None) for row, at, is_bar in step])
        if number not in reads and number < len(steps):
            continue
        frontier = session.tape.frontier
        covered = (~np.isnan(session.input[0]) | session.empty)[:, :frontier].tolist()
        expected = sorted(
            (first, row, last)
            for row, known in enumerate(covered)
            for first, last, _ in gaps_by_walking(known)
        )
        found = gaps_of(log)
        assert sorted((event.slot, event.symbol) for event in found) == [
            (first, f"S{row}") for first, row, _ in expected
        ]
        ends = {(first, f"S{row}"): last for first, row, last in expected}
        for event in found:
            last = ends[event.slot, event.symbol]
            assert event.last == (None if last == frontier - 1 and frontier < len(slots) else last)
        assert len({event.number for event in found}) == len(found)
        for old in before:
            left = [event for event in found if lies_in(event, old, frontier_before)]
            assert not left or left[0].number == old.number
            assert all(event.number > max(one.number for one in before) for event in left[1:])
        assert log.unlisted_gaps() == 0
        before, frontier_before = found, frontier


def lies_in(gap: Event, earlier: Event, frontier: int) -> bool:
    """Whether a gap begins in one that was known at a frontier."""
    assert gap.slot is not None
    assert earlier.slot is not None
    last = frontier - 1 if earlier.last is None else earlier.last
    return gap.symbol == earlier.symbol and earlier.slot <= gap.slot <= last


def test_a_gap_gets_its_end_and_keeps_its_number() -> None:
    present = np.ones((1, 10), dtype=np.bool_)
    present[0, 3:6] = False
    tape = gapped_tape(present)
    log = EventLog()
    log.begin_session(tape)
    tape.frontier = 3
    assert gaps_of(log) == []
    tape.frontier = 5
    (begun,) = gaps_of(log)
    assert (begun.text, begun.slot, begun.frontier) == ("no bar since 09:33", 3, 4)
    assert begun.clock == datetime(2013, 11, 29, 14, 34, tzinfo=UTC)
    tape.frontier = 7
    (ended,) = gaps_of(log)
    assert (ended.text, ended.number) == ("3 bars missing, 09:33 to 09:35", begun.number)


def test_the_same_list_is_returned_until_an_event_is_added() -> None:
    tape = gapped_tape(np.array([[True, False, True, True]]))
    log = EventLog()
    log.begin_session(tape)
    tape.frontier = 2
    before = log.events()
    assert log.events() is before
    tape.frontier = 3
    assert log.events() is not before


def test_a_bookmark_of_an_earlier_moment_is_sorted_to_that_moment() -> None:
    tape = gapped_tape(np.array([[True, False, True]]))
    log = EventLog()
    log.begin_session(tape)
    tape.frontier = 20
    late = log.add(EventKind.BOOKMARK, "late")
    early = log.add(EventKind.BOOKMARK, "early", frontier=1)
    assert (early.slot, early.symbol, early.number) == (0, None, late.number + 1)
    assert [event.number for event in log.events()] == [1, early.number, 2, late.number]


def test_an_event_outside_of_a_session_is_sorted_behind_earlier_events() -> None:
    tape, log = gapped_tape(np.array([[True]])), EventLog()
    log.add(EventKind.ERROR, "before all")
    log.begin_session(tape)
    tape.frontier = 20
    log.end_session()
    log.add(EventKind.ERROR, "after it")
    log.add(EventKind.BOOKMARK, "marked late", frontier=20, session=PlayedSession(tape))
    log.add(EventKind.BOOKMARK, "of an earlier moment", frontier=3, session=PlayedSession(tape))
    log.begin_session(gapped_tape(np.array([[True]]), day="2013-12-02"))
    assert [event.text for event in log.events()] == [
        "before all",
        "session opens, to 13:00, early close",
        "of an earlier moment",
        "session is over",
        "after it",
        "marked late",
        "session opens, to 16:00",
    ]


def test_bookmarks_are_kept_among_many_gaps_and_sessions() -> None:
    log = EventLog(marks_kept=3, gaps_kept=4)
    holes = np.tile([True, False], (2, 40))
    days = ("2013-11-26", "2013-11-27", "2013-11-29")
    for day in days:
        tape = gapped_tape(holes, day=day)
        log.begin_session(tape)
        tape.frontier = 80
        log.add(EventKind.BOOKMARK, day)
        log.end_session()
    marks = [event for event in log.events() if event.kind is EventKind.BOOKMARK]
    assert [event.text for event in marks] == list(days)
    # Each day has 80 gaps in two rows; the last four are kept, and numbers are unique.
    assert [event.slot for event in gaps_of(log)] == [77, 77, 79, 79]
    numbers = [event.number for event in log.events()]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == 3 * (80 + 3)
    assert log.unlisted_gaps() == 3 * 80 - 4


@settings(max_examples=60, deadline=None)
@given(
    gaps=st.lists(st.integers(0, 6), min_size=1, max_size=8),
    reads=st.lists(st.booleans(), min_size=8, max_size=8),
    kept=st.integers(1, 12),
)
def test_the_latest_gaps_do_not_depend_on_earlier_reads(
    gaps: list[int], reads: list[bool], kept: int
) -> None:
    log, begun = EventLog(gaps_kept=kept), list[tuple[str, int]]()
    for day, count, read in zip(DAYS, gaps, reads, strict=False):
        tape = gapped_tape(np.array([[True, False] * count + [True]]), day=day)
        log.begin_session(tape)
        tape.frontier = len(tape)
        log.end_session()
        begun += [(day, 2 * at + 1) for at in range(count)]
        if read:
            log.events()
    assert [(str(event.trading_day), event.slot) for event in gaps_of(log)] == begun[-kept:]
    assert log.unlisted_gaps() == max(0, len(begun) - kept)


def test_the_last_gaps_may_be_of_several_days() -> None:
    log = EventLog(gaps_kept=3)
    for day in ("2013-11-26", "2013-11-27", "2013-11-29"):
        tape = gapped_tape(np.array([[True, False, True]]), day=day)
        log.begin_session(tape)
        tape.frontier = 3
        log.end_session()
    assert [str(event.trading_day) for event in gaps_of(log)] == ["2013-11-26", "2013-11-27", "2013-11-29"]


@pytest.mark.parametrize("measured", [True, False])
def test_a_session_without_gaps_or_measured_quality_has_no_gap_events(measured: bool) -> None:
    tape = gapped_tape(np.full((1, 3), measured), measure_quality=measured)
    log = EventLog()
    log.begin_session(tape)
    tape.frontier = 20
    log.end_session()
    log.end_session()
    assert [event.text for event in log.events()] == [
        "session opens, to 13:00, early close",
        "session is over",
    ]


def test_before_the_first_session_an_event_has_no_slot() -> None:
    event = EventLog().add(EventKind.ERROR, "2013-11-29: no 1m bars of AAA")
    assert (event.slot, event.clock, event.frontier) == (None, None, 0)


def test_a_moment_outside_the_session_cannot_be_marked() -> None:
    log = EventLog()
    log.begin_session(gapped_tape(np.array([[True]])))
    with pytest.raises(EngineError, match="slot 211 is outside the session's 210 slots"):
        log.add(EventKind.BOOKMARK, "too late", frontier=211)


@settings(max_examples=60, deadline=None)
@given(
    present=st.lists(st.lists(st.booleans(), min_size=12, max_size=12), min_size=2, max_size=2),
    at_the_end=st.booleans(),
)
def test_gaps_at_an_earlier_frontier_are_as_they_were_known_then(
    present: list[list[bool]], *, at_the_end: bool
) -> None:
    complete = np.ones((2, len(slots_of(DAY))), dtype=np.bool_)
    complete[:, -12 if at_the_end else 0 :][:, :12] = present
    tape = gapped_tape(complete)
    log = EventLog()
    log.begin_session(tape)
    frontiers = range(len(tape) - 14, len(tape) + 1) if at_the_end else range(16)
    seen: dict[int, list[Event]] = {}
    for frontier in frontiers:
        tape.frontier = frontier
        seen[frontier] = gaps_of(log)
    tape.frontier = len(tape)
    log.end_session()
    for frontier, then in seen.items():
        known = events_known_at(log.events(), SessionView(tape, frontier))
        assert [event for event in known if event.kind is EventKind.GAP] == then


def test_a_moment_of_the_last_session_can_be_marked_when_the_run_is_over() -> None:
    tape = gapped_tape(np.ones((1, 4), dtype=np.bool_))
    log = EventLog()
    log.begin_session(tape)
    tape.frontier = len(tape)
    log.end_session()
    mark = log.add(EventKind.BOOKMARK, "late", frontier=60, session=PlayedSession(tape))
    assert (mark.trading_day, mark.frontier) == (tape.session.trading_day, 60)
    assert mark.clock is not None

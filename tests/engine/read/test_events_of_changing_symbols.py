"""Events of a session whose symbols join and leave."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.quality.gaps_and_scores import find_gaps
from tapedeck.engine.read.events import Event, EventKind, EventLog
from tapedeck.engine.tape.symbol_changes import ChangeKind, SymbolChange
from tests.support.changing_symbols import ChangingSession
from tests.support.tapes import compute, random_values, slots_of, tape_over

DAY = "2013-11-29"
ALL = ("S0", "S1", "S2", "S3")
FULL = "S3"
"""A symbol without gaps."""


def session(opening: tuple[str, ...], *, seed: int = 1) -> ChangingSession:
    """Return a session of 42 slots."""
    slots = slots_of(DAY, "5m")
    values = random_values(len(ALL), len(slots), seed=seed, missing=0.5)
    values[:, -1] = random_values(1, len(slots), seed=seed)[:, 0]
    return ChangingSession(compute(tape_over(slots, values)), opening)


def gaps_of(log: EventLog) -> list[Event]:
    return [event for event in log.events() if event.kind is EventKind.GAP]


def expected_gaps(played: ChangingSession) -> list[tuple[int, str, int | None]]:
    """Return first slot, symbol and last slot of the gaps of each stay, from the open on."""
    covered, tape = played.whole.base.covered, played.tape
    found: list[tuple[int, str, int | None]] = []
    for stay in tape.stays:
        until = tape.frontier if stay.left is None else stay.left
        for gap in find_gaps(covered[played.whole.rows[stay.symbol], :until]):
            is_open = stay.left is None and gap.last == until - 1 and until < len(tape)
            found.append((gap.first, stay.symbol, None if is_open else gap.last))
    return sorted(found, key=str)


@settings(max_examples=30, deadline=None)
@given(
    opening=st.sampled_from([("S0",), ("S1", "S0"), (FULL,)]),
    seed=st.integers(0, 9),
    steps=st.lists(st.integers(0, 15) | st.sampled_from(ALL), max_size=14),
    reads=st.sets(st.integers(0, 14)),
    over=st.booleans(),
)
def test_gaps_are_those_of_each_symbols_stay_and_keep_their_numbers(
    opening: tuple[str, ...], seed: int, steps: list[int | str], reads: set[int], over: bool
) -> None:
    played = session(opening, seed=seed)
    log = EventLog()
    log.begin_session(played.tape)
    numbers: dict[tuple[str | None, int | None], int] = {}
    changes: list[SymbolChange] = []
    for at, step in enumerate([*steps, len(played.tape)]):
        if isinstance(step, int):
            played.tape.frontier = min(len(played.tape), played.tape.frontier + step)
        elif step not in played.tape.rows or len(played.tape.symbols) > 1:
            if over and played.tape.frontier == len(played.tape):
                log.end_session()
            changes.append(played.change_of(step))
            made = played.made(changes[-1:])
            log.change_symbols(made, changes[-1:])
            log.events()
            played.put_in_place(made)
        if at not in reads and at < len(steps):
            continue
        found = gaps_of(log)
        listed = [(event.slot, event.symbol, event.last) for event in found]
        assert sorted(listed, key=str) == expected_gaps(played)
        assert len({event.number for event in log.events()}) == len(log.events())
        for event in found:
            key = (event.symbol, event.slot)
            assert numbers.setdefault(key, event.number) == event.number
        assert log.unlisted_gaps() == 0
    log.end_session()
    assert gaps_of(log) == found
    told = [event for event in log.events() if event.kind is EventKind.SYMBOL]
    assert [(event.symbol, event.text, event.frontier) for event in sorted(told, key=number_of)] == [
        (change.symbol, "joins" if change.kind is ChangeKind.JOINED else "leaves", change.frontier)
        for change in changes
    ]
    log.begin_session(tape_over(slots_of("2013-12-02"), random_values(1, 390, seed=1)))
    assert gaps_of(log) == found


def number_of(event: Event) -> int:
    return event.number


@settings(max_examples=10, deadline=None)
@given(at=st.integers(0, 42), reads=st.lists(st.integers(0, 42), max_size=5), kept=st.integers(1, 30))
def test_numbers_and_the_latest_gaps_do_not_depend_on_reads(at: int, reads: list[int], kept: int) -> None:
    lists = []
    for frontiers in ([], reads):
        played, log = session(("S0", "S1")), EventLog(gaps_kept=kept)
        log.begin_session(played.tape)
        for frontier in sorted([*frontiers, at]):
            played.tape.frontier = frontier
            if frontier == at and not played.tape.changes:
                changes = [played.change_of("S2"), played.change_of("S1")]
                made = played.made(changes)
                log.change_symbols(made, changes)
                played.put_in_place(made)
            log.events()
        played.tape.frontier = len(played.tape)
        log.end_session()
        lists.append((log.events(), log.unlisted_gaps()))
    assert lists[0] == lists[1]


def test_a_kept_symbol_is_told_as_such() -> None:
    played, log = session(("S0",)), EventLog()
    log.begin_session(played.tape)
    changes = [SymbolChange(ChangeKind.JOINED, "S2", 0, keep=True)]
    log.change_symbols(played.made(changes), changes)
    told = log.events()[-1]
    assert (told.symbol, told.text, told.slot, told.trading_day) == (
        "S2",
        "joins, kept",
        -1,
        played.tape.session.trading_day,
    )
    assert told.place == played.tape.slots.clock(0)


def test_a_gap_that_is_filled_while_its_symbol_is_away_keeps_its_number_for_what_is_left() -> None:
    played, log = session(("S0", "S2")), EventLog()
    whole = played.whole.base
    whole.present[2] = True
    whole.present[2, [3, 4, 5, 6, 9, 10, 11, 12, 15]] = False
    played = ChangingSession(played.whole, ("S0", "S2"))
    log.begin_session(played.tape)
    for frontier in (11, 20):
        played.tape.frontier = frontier
        changes = [played.change_of("S2")]
        made = played.made(changes)
        log.change_symbols(made, changes)
        played.put_in_place(made)
        if frontier == 11:
            first, second = gaps_of_symbol(log, "S2")
            assert (first.last, second.last) == (6, 10)
            whole.present[2, [3, 5]] = True
    gaps = gaps_of_symbol(log, "S2")
    assert [(gap.slot, gap.last) for gap in gaps] == [(4, 4), (6, 6), (9, 12), (15, 15)]
    assert [gaps[0].number, gaps[2].number] == [first.number, second.number]
    assert min(gaps[1].number, gaps[3].number) > second.number


def gaps_of_symbol(log: EventLog, symbol: str) -> list[Event]:
    return [event for event in gaps_of(log) if event.symbol == symbol]


def test_changes_before_the_open_leave_the_gaps_of_the_session_before_as_they_are() -> None:
    before, log = session(("S0", "S2")), EventLog()
    log.begin_session(before.tape)
    before.tape.frontier = len(before.tape)
    gaps = gaps_of(log)
    log.end_session()
    slots = slots_of("2013-12-02", "5m")
    values = random_values(len(ALL), len(slots), seed=2, missing=0.5)
    following = ChangingSession(compute(tape_over(slots, values)), ("S0", "S2"))
    changes = [following.change_of("S2")]
    made = following.made(changes)
    log.change_symbols(made, changes)
    assert [(gap.slot, gap.symbol) for gap in gaps_of(log)] == [(gap.slot, gap.symbol) for gap in gaps]
    following.put_in_place(made)
    log.begin_session(made)
    made.frontier = len(made)
    assert {gap.symbol for gap in gaps_of(log)[len(gaps) :]} == {"S0"}

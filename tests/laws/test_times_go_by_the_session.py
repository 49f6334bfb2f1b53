"""Law: a time of day in a condition is the instant that `run_to` plays to, on every exchange."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.console.actions.time_expressions import ReferenceTime, parse_time_expression
from tapedeck.engine.clock.slots import epoch_seconds
from tapedeck.engine.conditions import Condition, Vocabulary
from tapedeck.engine.tape.tape import Tape
from tests.support.tapes import exchange_time, random_values, slots_of, tape_over

# Sessions of a day, of 24 hours, and from the evening before; early closes, and days after a clock change.
DAYS = {
    "XNYS": ("2024-06-12", "2024-11-29", "2024-03-11"),
    "XTKS": ("2024-06-12",),
    "XASX": ("2024-04-08",),
    "24/7": ("2024-06-15",),
    "24/5": ("2024-06-14",),
    "CMES": ("2024-06-12", "2024-07-03", "2024-03-11"),
    "IEPA": ("2024-06-12", "2024-03-11"),
    "us_futures": ("2024-06-12", "2024-11-04"),
}


@cache
def tape_of(exchange: str, day: str) -> Tape:
    """Return a session in steps of five minutes, without bars."""
    slots = slots_of(day, "5m", exchange)
    return tape_over(slots, random_values(1, len(slots), seed=1))


def holds(tape: Tape, text: str) -> np.ndarray:
    """Return whether a condition holds at each frontier."""
    return Condition.parse(text, Vocabulary.of(tape)).holds(tape, 0, len(tape))


def meant(tape: Tape, time_of_day: time) -> datetime:
    """Return the wall time that follows the open: on its date, or where the session goes on, the next."""
    session = tape.session
    opened, closed = (at.astimezone(session.zone) for at in (session.regular_open, session.regular_close))
    goes_on = closed.date() > opened.date() and time_of_day < opened.time()
    return datetime.combine(opened.date() + timedelta(days=goes_on), time_of_day)


SESSIONS = [(exchange, day) for exchange, days in DAYS.items() for day in days]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SESSIONS), st.times(), st.sampled_from(["<", "<=", ">", ">=", "==", "!="]))
def test_a_time_is_compared_in_the_order_of_the_session(which: tuple[str, str], at: time, sign: str) -> None:
    tape = tape_of(*which)
    at = at.replace(second=0, microsecond=0)
    walls = [
        datetime.fromtimestamp(seconds, tape.session.zone).replace(tzinfo=None)
        for seconds in tape.slots.clock_times().tolist()
    ]
    sides = {
        "<": lambda wall: wall < meant(tape, at),
        "<=": lambda wall: wall <= meant(tape, at),
        ">": lambda wall: wall > meant(tape, at),
        ">=": lambda wall: wall >= meant(tape, at),
        "==": lambda wall: wall == meant(tape, at),
        "!=": lambda wall: wall != meant(tape, at),
    }
    assert holds(tape, f"time {sign} {at:%H:%M}").tolist() == [sides[sign](wall) for wall in walls]


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(SESSIONS), st.times())
def test_a_condition_on_time_becomes_true_where_run_to_ends(which: tuple[str, str], at: time) -> None:
    tape = tape_of(*which)
    session = tape.session
    reference = ReferenceTime(session, session.regular_open)
    instant = parse_time_expression(f"{at:%H:%M}", reference, exchange_time(which[0]))
    found = holds(tape, f"time >= {at:%H:%M}")
    reached = instant <= session.regular_close
    expected = tape.slots.frontier_reaching(epoch_seconds(instant)) if reached else len(tape) + 1
    assert found.tolist() == [k >= expected for k in range(len(tape) + 1)]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("time >= 08:30", "08:30"),
        ("time > 15:00", "15:05"),
        ("time < 09:00", "17:00"),
        ("time >= 17:00", "17:00"),
    ],
)
def test_in_a_session_of_futures_the_evening_comes_first(text: str, first: str) -> None:
    tape = tape_of("CMES", "2024-06-12")
    at = int(np.argmax(holds(tape, text)))
    local = datetime.fromtimestamp(tape.slots.clock(at), tape.session.zone)
    assert f"{local:%H:%M}" == first
    assert local.date() == tape.session.trading_day - timedelta(days=first == "17:00")

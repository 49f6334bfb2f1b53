"""A session that is recorded again after a kill knows of each slot what strategies knew at it."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from recorder_kit import MONDAY, Recording, bar, slots_of

from tapedeck.engine.feeds.feed_bar import BarKind

SYMBOLS = ("AIG", "SPY")
LABELS = slots_of().stored_labels.tolist()
SLOTS = 6
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("bars"),
            st.lists(
                st.tuples(
                    st.sampled_from(SYMBOLS),
                    st.integers(0, SLOTS - 1),
                    st.integers(1, 5),
                    st.sampled_from([BarKind.BAR, BarKind.UPDATED, BarKind.HISTORY]),
                ),
                min_size=1,
                max_size=4,
            ),
        ),
        st.tuples(st.just("walk"), st.integers(1, 3)),
    ),
    max_size=14,
)


def put(closes, message):
    """Write a message's bars over closes by (row, slot); NaN takes one away."""
    for row, slot, close in zip(
        message.rows.tolist(), message.slots.tolist(), message.values[3].tolist(), strict=True
    ):
        if np.isnan(close):
            closes.pop((row, slot), None)
        else:
            closes[row, slot] = close


def replayed(messages, pieces):
    """The closes known at each piece that is walked, and at the end, as a player applies the messages."""
    later = [one for one in messages if one.known_at]
    closes, found = {}, []
    for message in messages:
        if message.known_at == 0:
            put(closes, message)
    for start, stop in pieces:
        while later and later[0].known_at <= start:
            put(closes, later.pop(0))
        found.append({key: close for key, close in closes.items() if key[1] < stop})
    for message in later:
        put(closes, message)
    return found, closes


@settings(max_examples=25, deadline=None)
@given(steps=STEPS, kills=st.lists(st.integers(0, 13), max_size=3), in_folder=st.booleans())
def test_what_was_known_at_each_slot_is_known_again_after_any_kill(tmp_path_factory, steps, kills, in_folder):
    location = tmp_path_factory.mktemp("known") / ("bars" if in_folder else "bars.db")
    recording = Recording(location)
    recording.begin(SYMBOLS, has_strategies=True)
    closes, known, pieces, number = {}, [], [], 0
    for at, (kind, what) in enumerate(steps):
        if kind == "bars":
            recording.take(*(bar(symbol, LABELS[slot], 100.0 + p, k) for symbol, slot, p, k in what))
            for message in recording.mailbox.messages:
                put(closes, message)
                number = message.number
            recording.mailbox.messages.clear()
        else:
            start = pieces[-1][1] if pieces else 0
            stop = min(SLOTS, start + what)
            if start < stop:
                recording.part.note_walk(MONDAY, range(start, stop), number, recording.now)
                pieces.append((start, stop))
                known.append({key: close for key, close in closes.items() if key[1] < stop})
        if at in kills:
            recording.kill()
            recording = Recording(location)
            begun = recording.part.begin_session(slots_of(), SYMBOLS, recording.now, has_strategies=True)
            assert begun.walked == (pieces[-1][1] if pieces else 0)
            recording.part.show(MONDAY, 0.0)
            recording.mailbox.messages.clear()
            number = 0
    recording.kill()
    recording = Recording(location)
    recording.part.begin_session(slots_of(), SYMBOLS, recording.now, has_strategies=True)
    recording.part.show(MONDAY, 0.0)
    found, last = replayed(recording.mailbox.messages, pieces)
    recording.kill()
    if pieces:
        assert (found, last) == (known, closes)
    else:
        assert not [one for one in recording.mailbox.messages if one.known_at is not None]

"""A session that is recorded again after a kill knows of each slot the quotes that strategies knew at it."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st
from recorder_kit import MONDAY, Recording, slots_of

from tapedeck.engine.feeds.feed_quote import FeedQuote
from tapedeck.engine.feeds.recorder_messages import QuotesArrived
from tapedeck.engine.run.walked_again import WalkedAgain

SYMBOLS = ("AIG", "SPY")
LABELS = slots_of().stored_labels.tolist()
SLOTS = 6
QUOTES = st.lists(
    st.tuples(st.sampled_from(SYMBOLS), st.integers(0, SLOTS - 1), st.integers(1, 5)), min_size=1, max_size=3
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("quotes"), QUOTES),
        st.tuples(st.just("walk"), st.integers(1, 3)),
    ),
    max_size=12,
)


class Known:
    """Bids on a tape by row and slot; a symbol without any is made of its closes."""

    def __init__(self):
        self.bids = {}

    def put(self, message):
        """Write a message's quotes; NaN takes one away."""
        for row, slot, bid in zip(
            message.rows.tolist(), message.slots.tolist(), message.values[0].tolist(), strict=True
        ):
            self.bids.pop((row, slot), None)
            if not math.isnan(bid):
                self.bids[row, slot] = bid

    def seen(self, stop):
        """What can be seen once slots are walked: their bids, and which symbols are made."""
        return {key: bid for key, bid in self.bids.items() if key[1] < stop}, {row for row, _ in self.bids}


def messages_of(recording):
    """Take the messages with quotes."""
    found = [one for one in recording.mailbox.messages if isinstance(one, QuotesArrived)]
    recording.mailbox.messages.clear()
    return found


def begun_again(recording, location, pieces):
    """Kill a recording, begin it again, and walk what was walked; return it, what was seen, and known."""
    recording.kill()
    recording = Recording(location, takes_quotes=True)
    begun = recording.part.begin_session(slots_of(), SYMBOLS, recording.now, has_strategies=True)
    assert begun.walked == (pieces[-1][1] if pieces else 0)
    recording.part.show(MONDAY, 0.0)
    # The store has all quotes that were recorded, and the tape begins with them.
    known, again, seen = Known(), WalkedAgain(begun.walked), []
    held = recording.part._session(MONDAY).held.quotes
    rows, slots = held.quoted(slice(None))
    for row, slot in zip(rows.tolist(), slots.tolist(), strict=True):
        known.bids[row, slot] = held.values[0, row, slot]
    for message in messages_of(recording):
        now = again.take(message)
        if now is not None:
            known.put(now)
    for start, stop in pieces:
        assert again.is_over or again.limit >= start or again.has_due(start)
        for message in again.due(start):
            known.put(message)
        seen.append(known.seen(stop))
    for message in again.due(begun.walked):
        known.put(message)
    assert again.is_over
    return recording, seen, known


@settings(max_examples=20, deadline=None)
@given(steps=STEPS, kills=st.lists(st.integers(0, 11), max_size=2))
def test_what_was_known_at_each_slot_is_known_again_after_any_kill(tmp_path_factory, steps, kills):
    location = tmp_path_factory.mktemp("known") / "bars.db"
    recording = Recording(location, takes_quotes=True)
    recording.begin(SYMBOLS, has_strategies=True)
    known, seen, pieces, number = Known(), [], [], 0
    for at, (kind, what) in enumerate(steps):
        if kind == "quotes":
            quotes = [FeedQuote(symbol, LABELS[slot], p, p + 1.0, 1.0, 1.0) for symbol, slot, p in what]
            recording.take_quotes(*quotes)
            for message in messages_of(recording):
                known.put(message)
                number = message.number
        else:
            start = pieces[-1][1] if pieces else 0
            stop = min(SLOTS, start + what)
            if start < stop:
                recording.part.note_walk(MONDAY, range(start, stop), number, recording.now)
                pieces.append((start, stop))
                seen.append(known.seen(stop))
        if at in kills:
            recording, again, known_again = begun_again(recording, location, pieces)
            assert (again, known_again.bids) == (seen, known.bids)
            number = 0
    recording, again, known_again = begun_again(recording, location, pieces)
    assert (again, known_again.bids) == (seen, known.bids)
    recording.kill()

"""Breakpoints of a live session on quotes that come late: marked as made true by a correction."""

from __future__ import annotations

import numpy as np

from tapedeck.engine.conditions import Condition, Vocabulary
from tapedeck.engine.read.snapshot import BreakpointHit
from tapedeck.engine.run.breakpoints import Breakpoints
from tapedeck.engine.run.live_alerts import LiveBreakpoints
from tests.support.editions import Market, MendedSession
from tests.support.tapes import random_values

NAN = float("nan")


def test_a_late_quote_tells_the_breakpoints_that_it_made_true_and_no_others() -> None:
    """Also the first quote of a symbol whose quotes were made: all slots before it are without any then."""
    market = Market.of("2013-11-29", "1h", "2h")
    symbols, slots = market.symbols, len(market.slots)
    came = np.full((4, len(symbols), slots), NAN)
    came[:2, 0, 0] = 50.0, 50.01
    session = MendedSession(market, random_values(len(symbols), slots, seed=2), came)
    found: list[BreakpointHit] = []
    corrected: list[BreakpointHit] = []
    breakpoints = Breakpoints(found.append)
    words = Vocabulary.of(session.tape)
    first, second = symbols[:2]
    texts = (
        f"{first}.bid > 900",
        f"{second}.ask > 900",
        f"{first}.spread > 0.005",
        f"not {second}.bid > 0 and {second}.last > 0",
    )
    for number, text in enumerate(texts, start=1):
        breakpoints.add(number, Condition.parse(text, words))
    live = LiveBreakpoints(breakpoints, lambda: None, corrected.append)
    session.play(3)
    live.search(session.tape)
    told = [(hit.number, hit.frontier) for hit in found]
    assert told == [(3, 1)]
    for quotes, expected in (
        ([(0, 1, (950.0, 950.01, 1.0, 1.0))], [(1, 2)]),
        ([(0, 1, (950.0, 950.01, 2.0, 2.0))], []),  # told already
        ([(1, 2, (940.0, 960.0, 1.0, 1.0))], [(2, 3), (4, 1)]),
    ):
        before = session.tape
        corrected.clear()
        session.correct((), quotes)
        assert session.tape is not before
        live.compare(before, session.tape)
        assert sorted((hit.number, hit.frontier) for hit in corrected) == expected
    assert session.tape.quotes is not None
    assert session.tape.quotes.made.tolist()[:2] == [False, False]

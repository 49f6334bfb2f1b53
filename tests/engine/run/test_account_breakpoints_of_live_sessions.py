"""Breakpoints on the account in a live session: searched as far as the strategies have walked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tapedeck.engine.broker.account_record import SessionAccount
from tapedeck.engine.broker.terms import AccountTerms
from tapedeck.engine.conditions import Condition, Vocabulary
from tapedeck.engine.read.snapshot import BreakpointHit
from tapedeck.engine.run.breakpoints import Breakpoints
from tapedeck.engine.run.live_alerts import LiveBreakpoints
from tapedeck.engine.strategies.definition import RuleDefinition
from tapedeck.engine.strategies.sizes import ShareSize
from tapedeck.engine.strategies.strategy_walk import StrategyWalk
from tests.support.tapes import compute, slots_of, tape_over


def test_they_alert_at_their_slot_however_late_the_strategies_walk_it() -> None:
    slots = slots_of("2013-11-27", "1h")
    closes = np.array([10.0, 11, 12, 11, 9, 9, 9])
    tape = tape_over(
        slots, np.stack([closes, closes, closes, closes, closes * 1e6])[:, None], symbols=("AAA",)
    )
    compute(tape)
    tape.frontier = 0
    definition = RuleDefinition("one", "close > 11.5", "close < 10", ShareSize(100))
    walk = StrategyWalk([definition], AccountTerms(), Vocabulary.of(tape))
    walk.begin_session(tape)
    tape.account = SessionAccount(walk.record())
    hits: list[BreakpointHit] = []
    breakpoints = Breakpoints(hits.append)
    words = replace(Vocabulary.of(tape), account=True)
    for number, text in enumerate(("AAA.position > 0", "AAA.close > 11.5", "equity < 99_850"), start=1):
        breakpoints.add(number, Condition.parse(text, words))
    live = LiveBreakpoints(breakpoints, lambda: None, hits.append)
    seen = []
    # Bought at the open of slot 3, 11: the position is there at frontier 4, and has lost 200 at frontier 5.
    for revealed, walked in ((2, 0), (5, 2), (7, 3), (7, 4), (7, 7)):
        tape.frontier = revealed
        walk.advance(tape, walk.walked, walked)
        tape.account.record = walk.record()
        live.search(tape)
        seen.append([(hit.number, hit.frontier) for hit in hits])
    assert seen == [[], [], [(2, 3)], [(2, 3), (1, 4)], [(2, 3), (1, 4), (3, 5)]]

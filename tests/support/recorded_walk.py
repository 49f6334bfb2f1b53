"""Accounts of rules, recorded on the tapes that they were walked over."""

from __future__ import annotations

from collections.abc import Sequence

from tapedeck.engine.broker.account_record import SessionAccount
from tapedeck.engine.broker.terms import AccountTerms
from tapedeck.engine.conditions import Vocabulary
from tapedeck.engine.strategies.definition import RuleDefinition
from tapedeck.engine.strategies.strategy_walk import StrategyWalk
from tapedeck.engine.tape.tape import Tape


def play_rules(
    definitions: Sequence[RuleDefinition],
    terms: AccountTerms,
    tapes: Sequence[Tape],
    last_frontier: int | None = None,
) -> None:
    """Walk rules over sessions up to their frontiers, and put what the account did on their tapes.

    `last_frontier`: where the walk ends in the last session, in place of the frontier of its tape.
    """
    walk = StrategyWalk(definitions, terms, Vocabulary.of(tapes[0]))
    for tape in tapes:
        stop = tape.frontier if last_frontier is None or tape is not tapes[-1] else last_frontier
        walk.begin_session(tape)
        walk.advance(tape, 0, stop)
        if stop == len(tape):
            walk.end_session()
        tape.account = SessionAccount(walk.record())

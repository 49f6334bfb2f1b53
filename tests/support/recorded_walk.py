"""Accounts of walks of rules, recorded on the tapes that were walked."""

from __future__ import annotations

from collections.abc import Sequence

from tapedeck.engine.broker.account_record import AccountRecord, HeldPosition, SessionAccount
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
    names = tuple(definition.name for definition in definitions)
    for tape in tapes:
        stop = tape.frontier if last_frontier is None or tape is not tapes[-1] else last_frontier
        tape.account = SessionAccount(_walked(walk, names, tape, stop))


def _walked(walk: StrategyWalk, strategies: tuple[str, ...], tape: Tape, stop: int) -> AccountRecord:
    broker = walk.broker
    figures = broker.account.figures()
    held = broker.account.holdings()
    walk.begin_session(tape)
    walk.advance(tape, 0, stop)
    if stop == len(tape):
        walk.end_session()
    return AccountRecord(
        day=tape.session.trading_day,
        scale=broker.scale,
        strategies=strategies,
        walked=stop,
        opening_cash=figures.cash,
        opening_equity=figures.equity,
        opening_realised=figures.realised,
        opening_commission=figures.commission,
        opening_positions=tuple(HeldPosition(one.strategy, one.symbol, one.lots, one.cost) for one in held),
        orders=tuple(broker.session_orders),
        fills=broker.session_fills,
        trades=broker.session_trades,
        notes=(),
        equity=walk.equity,
    )

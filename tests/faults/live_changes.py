"""Symbols that join and leave the runs of a campaign: random requests, and the same ones in a backtest."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from datetime import date, datetime
from functools import partial
from random import Random
from typing import Final

from tapedeck.engine.run.messages import Wake
from tapedeck.engine.run.symbol_requests import SymbolRequest
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.symbol_changes import ChangeKind, SymbolChange
from tapedeck.engine.tape.tape import Tape
from tests.faults.live_world import HandWorld
from tests.support.runs import LIMIT_S, at_frontier

JOINING: Final = ("DDD", "EEE")
"""Symbols that are not in the session file."""
UNKNOWN: Final = "NONE"
"""A symbol that the feed refuses."""


class Requests:
    """Requests of a user, at random moments of a live run; their outcomes are kept.

    `keeps`: whether symbols may be kept for the next session. `symbols`: those of the session file.
    """

    def __init__(self, random: Random, symbols: Sequence[str], *, keeps: bool) -> None:
        self._random, self._symbols, self._keeps = random, tuple(symbols), keeps
        self.asked: list[SymbolRequest] = []

    def schedule(self, world: HandWorld, system: SystemManager, times: Sequence[float]) -> None:
        """Ask at some times of the provider, those that are not over."""
        for at in times:
            if at > world.market:
                world.call(world.at(at) - world.machine, partial(self._ask, world, system))

    def refused(self) -> list[str]:
        """Return why requests were refused, but for those that a kill took away."""
        done = [request.outcome for request in self.asked if request.outcome.done()]
        errors = [error for outcome in done if (error := outcome.exception()) is not None]
        return [f"{type(error).__name__}: {error}" for error in errors]

    def _ask(self, world: HandWorld, system: SystemManager) -> None:
        random, there = self._random, system.session_data.get_active_symbols()
        joins = random.random() < 0.6
        known = [*self._symbols, *JOINING, *([UNKNOWN] if random.random() < 0.2 else [])]
        choice = [symbol for symbol in known if (symbol not in there) == joins]
        if not choice or system.session_data.tape is None:
            return
        symbol = random.choice(choice)
        keep = joins and self._keeps and random.random() < 0.5
        request = SymbolRequest((symbol,), (), keep) if joins else SymbolRequest((), (symbol,))
        coordinator = system._coordinator
        assert coordinator is not None

        def load(day: Future[date]) -> None:
            if day.exception() is not None:
                return
            delay = random.choice((0.0, 0.05, 2.0))

            def loaded() -> None:
                request.loaded.set_result(system.joining.load([symbol], day.result()) if joins else None)
                coordinator.send(Wake())

            world.call(delay, loaded)

        request.day.add_done_callback(load)
        self.asked.append(request)
        coordinator.send(request)


def play_with(system: SystemManager, tapes: Sequence[Tape]) -> None:
    """Play a run to its end, with the changes that the tapes of its sessions had, at the same moments."""
    system.start(paused=True)
    session = 1
    reached(system, 1, 0)
    for number, tape in enumerate(tapes, 1):
        for change in tape.changes:
            if session < number and change.frontier == 0:
                system.run_to(tape.session.regular_open)
            elif session < number:
                system.run_to(_instant(tape, change.frontier))
            elif (frontier := system.snapshot().frontier) < change.frontier:
                system.step(change.frontier - frontier)
            session = number
            reached(system, session, change.frontier)
            made = make(system, change)
            assert made == change, f"{made.text}, not {change.text}"
    system.resume()
    assert system.wait(LIMIT_S), "the backtest did not end"
    if system.error is not None:
        raise system.error


def reached(system: SystemManager, session: int, frontier: int) -> None:
    """Wait until a run is paused at a frontier of a session."""
    there = system.wait_for(at_frontier(system, session, frontier), LIMIT_S)
    now = system.snapshot()
    assert there, f"at {now.session} {now.frontier}, not {session} {frontier}: {now.state}"


def make(system: SystemManager, change: SymbolChange) -> SymbolChange:
    """Make a change in a run that is paused."""
    if change.kind is ChangeKind.JOINED:
        return system.add_symbol(change.symbol, keep=change.keep)
    return system.remove_symbol(change.symbol)


def _instant(tape: Tape, frontier: int) -> datetime:
    return datetime.fromtimestamp(tape.slots.clock(frontier), tape.session.zone)

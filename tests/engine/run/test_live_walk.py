"""Strategies walk a live session with what the journal has noted; what is shown does not wait for them."""

from __future__ import annotations

from concurrent.futures import Future
from datetime import date
from typing import Any

import pytest

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.metrics.performance import Count, PerformanceMetrics
from tapedeck.engine.run.live_walk import LiveWalk
from tapedeck.engine.run.walked_again import WalkedAgain
from tapedeck.engine.tape.bar_grid import BarGrid
from tapedeck.engine.tape.tape import Tape


class _Stage:
    overruns = 0
    walked = 0
    is_ready = True

    def __init__(self) -> None:
        self.handed: list[tuple[Tape, int]] = []

    def walk_over(self, tape: Tape, stop: int) -> None:
        self.handed.append((tape, stop))
        self.is_ready = False

    def end(self) -> None:
        """Walk what was handed over."""
        self.walked, self.is_ready = self.handed[-1][1], True

    def seconds_to_check(self) -> float | None:
        return None


class _Live:
    """The part of a live run that walks use; `again`: slots that are walked again."""

    has_taken_all = True

    def __init__(self, again: int = 0) -> None:
        self.again = WalkedAgain(again)
        self.noted: list[tuple[range, Future[None]]] = []

    def note_walk(self, slots: range) -> Future[None]:
        self.noted.append((slots, Future()))
        return self.noted[-1][1]


def _walk(again: int = 0) -> tuple[LiveWalk, _Stage, Any, Tape, PerformanceMetrics]:
    slots = SessionSlots(TimeManager("XNYS").get_trading_session(date(2013, 10, 7)), MINUTE)
    stage, live, metrics = _Stage(), _Live(again), PerformanceMetrics()
    walk = LiveWalk(stage, live, metrics, lambda: None)  # type: ignore[arg-type]
    return walk, stage, live, Tape.over(slots, ("AAA",), BarGrid.empty(1, len(slots))), metrics


def _show(tape: Tape, slots: int) -> None:
    tape.frontier = tape.processed = slots


def test_slots_are_walked_over_their_edition_once_the_journal_has_what_is_known() -> None:
    walk, stage, live, tape, _ = _walk()
    _show(tape, 2)
    walk.advance(tape)
    assert [slots for slots, _ in live.noted] == [range(2)]
    later = tape.next_edition(tape.base.present[:, 0].nonzero()[0])
    _show(later, 3)
    walk.advance(later)
    assert stage.handed == []
    live.noted[0][1].set_result(None)
    walk.advance(later)
    assert stage.handed == [(tape, 2)]
    stage.end()
    walk.advance(later)
    assert [slots for slots, _ in live.noted] == [range(2), range(2, 3)]


def test_slots_wait_for_bars_that_are_on_their_way_and_those_walked_again_are_not_noted_anew() -> None:
    walk, stage, live, tape, _ = _walk(again=5)
    _show(tape, 5)
    live.has_taken_all = False
    walk.advance(tape)
    assert stage.handed == []
    live.has_taken_all = True
    walk.advance(tape)
    assert (stage.handed, live.noted) == ([(tape, 5)], [])


@pytest.mark.parametrize("is_noted", [False, True])
def test_slots_that_are_shown_before_those_before_are_walked_are_overruns(is_noted: bool) -> None:
    walk, stage, live, tape, metrics = _walk()
    walk.count_overrun()
    assert stage.overruns == 0
    _show(tape, 1)
    walk.advance(tape)
    if is_noted:
        live.noted[0][1].set_result(None)
        walk.advance(tape)
    walk.count_overrun()
    assert (stage.overruns, metrics.counts()[Count.OVERRUNS.value]) == (1, 1)


def test_a_recorder_that_has_ended_ends_the_walk() -> None:
    walk, _, live, tape, _ = _walk()
    _show(tape, 1)
    walk.advance(tape)
    live.noted[0][1].set_exception(RuntimeError("it has ended"))
    with pytest.raises(RuntimeError, match="it has ended"):
        walk.advance(tape)

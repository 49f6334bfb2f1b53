"""Overruns of a live session: one for each reveal that finds the processor busy, not for each message."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.metrics.performance import Count, PerformanceMetrics
from tapedeck.engine.run.live_player import LivePlayer
from tapedeck.engine.run.session_scans import NoScans
from tapedeck.engine.run.walked_again import WalkedAgain
from tapedeck.engine.tape.bar_grid import BarGrid
from tapedeck.engine.tape.tape import Tape


class _OverError(Exception):
    pass


class _Part(SimpleNamespace):
    __hash__ = object.__hash__


def test_a_reveal_that_finds_the_processor_busy_is_one_overrun() -> None:
    session = TimeManager("XNYS").get_trading_session(date(2013, 10, 7))
    tape = Tape.over(SessionSlots(session, MINUTE), ("AAA",), BarGrid.empty(1, 390))
    opens = float(tape.slots.opened_at[0])
    # Market time of each turn, in reverse: slot 0 is revealed in the first, slot 1 in the fourth.
    times = [opens + seconds for seconds in (160.0, 150.0, 140.0, 122.0, 100.0, 80.0, 62.0)]
    processor: Any = _Part(is_ready=True, overruns=0, hand_over=lambda block: None)

    def process_messages(timeout: float | None) -> None:
        if timeout:  # the end of a turn
            processor.is_ready = False  # busy with the first block, to the end
            times.pop()
            if not times:
                raise _OverError

    metrics = PerformanceMetrics()
    live: Any = _Part(
        clock=_Part(now=lambda: times[-1], real_seconds=lambda seconds: 1.0),
        settle_s=2.0,
        follow=lambda of: opens,
        backfill=lambda: None,
        is_backfilling=False,
        symbols=_Part(planned=None, restores=False),
        again=WalkedAgain(),
        reveal_limit=lambda frontier: len(tape),
    )
    symbols: Any = _Part(apply=lambda settle: None)
    data: Any = _Part(require_tape=lambda: tape)
    quality: Any = _Part(is_ready=True, hand_over=lambda block: None)
    breakpoints: Any = _Part(search=lambda of: None)
    player = LivePlayer(
        data,
        live,
        metrics,
        processor=processor,
        quality=quality,
        breakpoints=breakpoints,
        symbols=symbols,
        scans=NoScans(),
        process_messages=process_messages,
        on_change=lambda: None,
    )
    with pytest.raises(_OverError):
        player.play()
    assert tape.frontier == 2
    assert (processor.overruns, metrics.counts()[Count.OVERRUNS.value]) == (1, 1)

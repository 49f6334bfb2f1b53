"""Live run, step by step: what it makes of the reports of a connection, without feed and recorder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.clock.slots import SessionSlots
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.errors import EngineError, StoreError
from tapedeck.engine.feeds.feed_bar import FeedBar
from tapedeck.engine.feeds.feed_connection import FeedLost
from tapedeck.engine.feeds.history_request import HistoryAnswer, HistoryPurpose, HistoryRequest
from tapedeck.engine.feeds.live_feed import FeedAbilities, FeedError
from tapedeck.engine.feeds.live_options import LiveOptions
from tapedeck.engine.feeds.live_status import FeedState, FeedStatus
from tapedeck.engine.feeds.recorder_messages import Arrived, RecorderStatus, SessionBegun
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.read.events import EventLog
from tapedeck.engine.run.live_run import LiveRun, LiveSetup
from tapedeck.engine.run.messages import AnswerRecorded, Message, Wake, WorkerFailed
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.system import SystemManager
from tapedeck.engine.tape.bar_grid import BarGrid
from tapedeck.engine.tape.tape import Tape

NOW_S = 1_385_480_000.0  # in the first session of the file


class _Feed:
    name = "own"
    abilities = FeedAbilities((MINUTE,))


def _done() -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(None)
    return future


class _Recorder:
    """A recorder that does at once what it is asked; `answer`: of `begin_session`."""

    status = RecorderStatus()

    def __init__(self) -> None:
        self.answer: Future[Any] = Future()
        self.answer.set_result(SessionBegun(date(2013, 10, 7), 0, is_saved=True))
        self.recorded: list[FeedBar] = []

    def bars(self, bars: Sequence[FeedBar]) -> None:
        self.recorded += bars

    def end_session(self, *args: Any, **options: Any) -> Future[Any]:
        return _done()

    def begin_session(self, *args: Any, **options: Any) -> Future[Any]:
        return self.answer

    def show(self, *args: Any) -> Future[Any]:
        return _done()

    def flush(self) -> Future[Any]:
        return _done()

    def set_frontier(self, slots: int) -> None:
        """Do nothing."""

    def confirm_empty(self, *args: Any) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""

    def join(self, timeout: float) -> None:
        """Do nothing."""


@dataclass
class _Connection:
    asked: list[HistoryRequest] = field(default_factory=list)

    def close(self) -> None:
        """Do nothing."""

    def join(self, timeout: float) -> None:
        """Do nothing."""

    def request(self, request: HistoryRequest) -> None:
        self.asked.append(request)

    def status(self) -> FeedStatus:
        return FeedStatus("own", FeedState.CONNECTED, datetime.fromtimestamp(NOW_S, UTC))


class _Receiver:
    def take(self, *args: Any) -> None:
        """Do nothing."""

    take_empty = take


class _Bench:
    """A live run whose messages are handled by hand."""

    def __init__(self, plan: StreamPlan, config: SessionConfig, store: BarStore, folder: Path) -> None:
        self.now_s = NOW_S
        self.clock = LiveClock(wall=lambda: self.now_s, monotonic=lambda: self.now_s)
        self.sent: list[Message] = []
        self.recorder, self.connection = _Recorder(), _Connection()
        self.forming: Any = None
        self.machine = 100.0
        options = LiveOptions(_Feed(), self.clock, folder / "arrivals")  # type: ignore[arg-type]
        setup = LiveSetup(
            options,
            config,
            store,
            recorder=self._made,
            connection=lambda *args, **named: self.connection,  # type: ignore[arg-type,return-value]
            monotonic=lambda: self.machine,
        )
        self.run = LiveRun(setup, plan, self.sent.append, EventLog())
        slots = SessionSlots(plan.sessions[0], MINUTE)
        self.tape = Tape.over(slots, plan.symbols, BarGrid.empty(len(plan.symbols), len(slots)))

    def _made(self, *args: Any, listener: Any, **options: Any) -> Any:
        self.forming = listener
        return self.recorder

    def show(self) -> None:
        self.run.begin_session(self.tape.slots, self.handle)
        self.run.show(self.tape, _Receiver(), self.handle)

    def handle(self, timeout: float | None) -> None:
        """Handle what was sent, as the coordinator does."""
        sent, self.sent[:] = list(self.sent), []
        for message in sent:
            if isinstance(message, WorkerFailed):
                raise message.error
            if isinstance(message, AnswerRecorded):
                self.run.answered(message.answer)
            else:
                assert isinstance(message, Wake)

    def answer(self, **what: Any) -> None:
        """Answer the last request."""
        self.run.report(HistoryAnswer(self.connection.asked[-1], **what))
        self.handle(0)


@pytest.fixture
def bench(gapped_store: BarStore, session_config: Callable[..., SessionConfig], tmp_path: Path) -> _Bench:
    """A live run over the generated bars."""
    config = session_config()
    return _Bench(SystemManager(config, gapped_store).prepare(), config, gapped_store, tmp_path)


def test_a_backfill_that_is_refused_is_still_waited_for(bench: _Bench) -> None:
    bench.show()
    bench.run.backfill()
    bench.run.follow(bench.tape)
    assert [one.purpose for one in bench.connection.asked] == [HistoryPurpose.BACKFILL]
    bench.answer(error=FeedError("not connected"))
    assert bench.run.is_backfilling
    bench.machine += 5.0
    bench.run.follow(bench.tape)
    assert len(bench.connection.asked) == 2
    bench.answer()
    assert not bench.run.is_backfilling


def test_a_backfill_that_is_refused_for_good_is_not_waited_for(bench: _Bench) -> None:
    bench.show()
    bench.run.backfill()
    bench.run.follow(bench.tape)
    bench.answer(error=FeedError("no history of these symbols", is_final=True))
    assert not bench.run.is_backfilling


def test_a_session_is_compared_with_what_came_together_with_the_answer(bench: _Bench) -> None:
    bench.show()
    bench.tape.base.write_bar(0, 0, (1.0, 1.0, 1.0, 1.0, 1.0))
    bench.now_s = float(bench.tape.slots.closed_at[-1]) + 60
    bench.tape.frontier = len(bench.tape)
    bench.run.close_session()
    bench.run.follow(bench.tape)
    request = bench.connection.asked[-1]
    assert request.purpose is HistoryPurpose.RECONCILE
    history = FeedBar("AAA", int(bench.tape.slots.stored_labels[0]), 1.0, 1.0, 1.0, 1.0, 1.0)
    bench.run.report(HistoryAnswer(request, bars=(history,), complete_until=int(bench.now_s)))
    bench.handle(0)
    assert not bench.run.is_reconciled
    # A late message that came before the answer: it is on the tape from the next edition on.
    bench.tape.base.write_bar(0, 0, (2.0, 2.0, 2.0, 2.0, 2.0))
    bench.run.follow(bench.tape)
    bench.handle(0)
    assert bench.recorder.recorded == [history]
    assert bench.run.is_reconciled


def _forming(bench: _Bench) -> dict[str, int]:
    return {symbol: one.bar.opened_at for symbol, one in (bench.run.status(None).forming or {}).items()}


def _arrived(bench: _Bench, row: int, slot: int) -> Arrived:
    one = np.array([row]), np.array([slot])
    kinds, is_new = np.zeros(1, np.int8), np.ones(1, np.bool_)
    return Arrived(bench.tape.session.trading_day, *one, np.ones((5, 1)), kinds, is_new, NOW_S, True)


def test_a_forming_bar_stays_until_the_bar_of_its_own_slot_has_come(bench: _Bench) -> None:
    bench.show()
    labels = bench.tape.slots.stored_labels.tolist()
    bench.forming.forming(
        [FeedBar("AAA", labels[5], 1, 1, 1, 1, 1), FeedBar("BBB", labels[5], 1, 1, 1, 1, 1)]
    )
    bench.run.take(_arrived(bench, 0, 4))  # late: the next one forms already
    assert _forming(bench) == {"AAA": labels[5], "BBB": labels[5]}
    bench.run.take(_arrived(bench, 0, 5))
    assert _forming(bench) == {"BBB": labels[5]}


def test_nothing_forms_any_more_on_a_connection_that_is_lost(bench: _Bench) -> None:
    bench.show()
    bench.forming.forming([FeedBar("AAA", int(NOW_S), 1, 1, 1, 1, 1)])
    bench.run.report(FeedLost(NOW_S, "gone"))
    assert _forming(bench) == {}


def test_a_failed_recorder_is_told_with_its_own_reason(bench: _Bench) -> None:
    bench.recorder.answer = Future()
    bench.recorder.answer.set_exception(EngineError("the recorder has ended: start another one"))
    bench.sent.append(WorkerFailed("live-recorder", StoreError("disk I/O error")))
    with pytest.raises(StoreError, match="disk I/O error"):
        bench.show()


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (RecorderStatus(unsaved=1200, unstored=1200), "1,200 bars were not saved, .* they are lost"),
        (RecorderStatus(unstored=3), "3 bars are in .*arrivals, but not in the store yet"),
    ],
)
def test_what_could_not_be_saved_at_the_end_is_an_error(
    bench: _Bench, status: RecorderStatus, message: str
) -> None:
    bench.show()
    bench.recorder.status = status
    with pytest.raises(StoreError, match=message):
        bench.run.close()


def test_a_recording_that_is_saved_ends_without_an_error(bench: _Bench) -> None:
    bench.show()
    bench.run.close()

"""Quality manager: the thread that scores the completeness of a session; play does not wait for it."""

from __future__ import annotations

from collections.abc import Callable

from tapedeck.engine.metrics.performance import PerformanceMetrics
from tapedeck.engine.quality.gaps_and_scores import RunningScores
from tapedeck.engine.run.messages import Message
from tapedeck.engine.run.worker import Worker
from tapedeck.engine.tape.session_data import SessionData

Block = range


class DataQualityManager(Worker[Block]):
    """Counts the bars of each block and publishes the scored frontier."""

    def __init__(
        self, session_data: SessionData, metrics: PerformanceMetrics, send: Callable[[Message], None]
    ) -> None:
        super().__init__("data-quality-manager", send)
        self._session_data = session_data
        self._metrics = metrics
        self._scores: RunningScores | None = None

    def setup(self) -> None:
        """Prepare for the current tape; without scores if quality is not measured."""
        scores = self._session_data.require_tape().scores
        self._scores = None if scores is None else RunningScores(scores)

    @property
    def scores(self) -> RunningScores | None:
        """The counts of the current tape, None if quality is not measured, and between sessions.

        For other threads only while the worker is idle.
        """
        return self._scores

    def teardown(self) -> None:
        """Release the session that has ended."""
        self._scores = None

    def process(self, work: Block) -> None:
        """Score one block of slots."""
        if self._scores is None:
            return
        started = self._metrics.start_timer()
        base = self._session_data.require_tape().base
        self._scores.advance(base.present, work.stop, empty=base.confirmed_empty, full=base.full is True)
        self._session_data.set_quality_metric(work.stop)
        self._metrics.record_quality(started)

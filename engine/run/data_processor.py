"""Data processor: the thread that computes derived bars and session indicators of each block."""

from __future__ import annotations

from collections.abc import Callable

from tapedeck.engine.indicators.block_computer import BlockComputer
from tapedeck.engine.metrics.performance import PerformanceMetrics
from tapedeck.engine.run.messages import Message
from tapedeck.engine.run.render_priority import RenderPriority
from tapedeck.engine.run.worker import Worker
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.tape.session_data import SessionData

Block = range


class DataProcessor(Worker[Block]):
    """Computes each block and publishes the processed frontier. Quality is the quality manager's job."""

    def __init__(
        self,
        plan: StreamPlan,
        session_data: SessionData,
        metrics: PerformanceMetrics,
        send: Callable[[Message], None],
        render_priority: RenderPriority,
    ) -> None:
        super().__init__("data-processor", send)
        self._render_priority = render_priority
        self._plan = plan
        self._session_data = session_data
        self._metrics = metrics
        self._computer: BlockComputer | None = None

    def setup(self) -> None:
        """Prepare for the current tape: warm up its indicators with history."""
        tape = self._session_data.require_tape()
        self._computer = BlockComputer(
            tape,
            self._plan.specs,
            self._session_data.history_before,
            min_completeness=self._plan.min_completeness,
            cancelled=self._is_cancelled,
        )

    @property
    def computer(self) -> BlockComputer | None:
        """The computer of the current tape, None between sessions.

        For other threads only while the worker is idle.
        """
        return self._computer

    def teardown(self) -> None:
        """Release the session that has ended."""
        self._computer = None

    def process(self, work: Block) -> None:
        """Compute one block of slots."""
        started = self._metrics.start_timer()
        if self._computer is not None and self._computer.compute(work.start, work.stop):
            self._session_data.require_tape().processed = work.stop
            self._metrics.record_data_processor(started)

    def _is_cancelled(self) -> bool:
        self._render_priority.yield_to_rendering()
        return self.cancelled.is_set()

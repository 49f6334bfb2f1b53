"""Session recorder: the thread that stamps each session and writes it to exports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from tapedeck.engine.errors import ExportError
from tapedeck.engine.metrics.performance import PerformanceMetrics
from tapedeck.engine.run.messages import Message
from tapedeck.engine.run.render_priority import RenderPriority
from tapedeck.engine.run.worker import Worker
from tapedeck.engine.tape.session_record import SessionRecord, SessionSink, SessionSummary
from tapedeck.engine.tape.stamp import RunStamp, session_digest

RECORDING_S: Final = 30.0
"""Longest wait for a session to be recorded or scored."""


class SessionRecorder(Worker[SessionRecord]):
    """Stamps sessions and writes them to sinks, while the next session plays."""

    def __init__(
        self,
        sinks: Sequence[SessionSink],
        metrics: PerformanceMetrics,
        send: Callable[[Message], None],
        render_priority: RenderPriority,
        changed_sessions: Sequence[str] = (),
    ) -> None:
        super().__init__("session-recorder", send)
        self._render_priority = render_priority
        self._sinks = tuple(sinks)
        self._metrics = metrics
        # Replaced as a whole, so that readers need no lock.
        self._summaries: tuple[SessionSummary, ...] = ()
        self._stamp = RunStamp(changed_sessions)

    def process(self, work: SessionRecord) -> None:
        """Record one session."""
        self._render_priority.yield_to_rendering()
        started = self._metrics.start_timer()
        whole = work.whole()
        digest = session_digest(whole.tape, whole.frontier)
        for sink in self._sinks:
            sink.write_session(work, digest)
        self._stamp.add(digest)
        self._summaries = (*self._summaries, SessionSummary.of(whole, digest))
        self._metrics.record_recording(started)

    def require_ready(self) -> None:
        """Wait until all sessions that have ended are recorded, or recording has failed.

        ExportError after half a minute.
        """
        if not self.wait_until_ready(RECORDING_S) and self.is_alive:
            raise ExportError(
                f"the previous session is still being recorded after {RECORDING_S:g} s. "
                "Is the disk busy? Try the export again in a moment"
            )

    @property
    def summaries(self) -> tuple[SessionSummary, ...]:
        """The sessions recorded so far."""
        return self._summaries

    @property
    def stamp(self) -> str:
        """The stamp of the sessions recorded so far."""
        return self._stamp.text

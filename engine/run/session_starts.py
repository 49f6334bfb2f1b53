"""Session starts: the frontiers at which the sessions of a run begin to play."""

from __future__ import annotations

from tapedeck.engine.clock.slots import epoch_seconds
from tapedeck.engine.clock.start_time import start_instant
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.streams.stream_plan import StreamPlan
from tapedeck.engine.tape.tape import Tape


class SessionStarts:
    """Starts of the sessions of a plan: their opens, but for the first one if the file has `start_time`.

    Raises CalendarError if that is outside the session's hours.
    """

    def __init__(self, config: SessionConfig, plan: StreamPlan) -> None:
        backtest, first = config.backtest_config, plan.sessions[0]
        self._first_day = first.trading_day
        self._seconds: int | None = None
        if backtest is not None and backtest.start_time is not None:
            self._seconds = epoch_seconds(start_instant(first, backtest.start_time))

    def frontier(self, tape: Tape) -> int:
        """Return the frontier at which a session begins; earlier slots are over at once."""
        if self._seconds is None or tape.session.trading_day != self._first_day:
            return 0
        return tape.slots.slots_over_at(self._seconds)

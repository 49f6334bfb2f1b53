"""Error of a strategy: which one failed, in which slot, and where in its code."""

from __future__ import annotations

from tapedeck.engine.errors import EngineError


class StrategyError(EngineError):
    """Code of a strategy failed. `strategy`: its name.

    `slot`: of the session at whose close it was called, BEFORE_FIRST_SLOT before the first. `traceback`: of
    the user's code, several lines; empty if only tapedeck's own code is in it.
    """

    def __init__(self, message: str, strategy: str, slot: int, traceback: str = "") -> None:
        super().__init__(message)
        self.strategy, self.slot, self.traceback = strategy, slot, traceback

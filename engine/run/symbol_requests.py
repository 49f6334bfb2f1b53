"""Symbol requests: symbols to join or leave the session, from a caller's thread to the coordinator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, InvalidStateError
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from tapedeck.engine.errors import EngineError
from tapedeck.engine.run.joining import LoadedSymbols
from tapedeck.engine.tape.symbol_changes import SymbolChange

REQUEST_S: Final = 30.0
"""Longest wait until symbols have joined or left."""


@dataclass(slots=True, eq=False)
class SymbolRequest:
    """Symbols that are to join a session, or to leave it.

    The coordinator begins a request between blocks: it sets `day`, the session's date, and waits. The caller
    then loads the symbols for that day and sets `loaded`; for symbols that leave it loads nothing. The
    coordinator sets `outcome` once they are there, or gone.
    """

    joining: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()
    keep: bool = False
    day: Future[date] = field(default_factory=Future)
    loaded: Future[LoadedSymbols | None] = field(default_factory=Future)
    outcome: Future[tuple[SymbolChange, ...]] = field(default_factory=Future)

    def fail(self, error: Exception) -> None:
        """End the request with an error, unless it is done."""
        for future in (self.day, self.outcome):
            with suppress(InvalidStateError):  # done
                future.set_exception(error)


def carry_out(
    request: SymbolRequest,
    send: Callable[[SymbolRequest], None],
    load: Callable[[Sequence[str], date], LoadedSymbols],
    wake: Callable[[], None],
    timeout: float = REQUEST_S,
) -> tuple[SymbolChange, ...]:
    """Carry out a request in the caller's thread, and return what changed.

    `send` hands it to the coordinator, `wake` tells the coordinator that symbols are loaded. Raises the error
    of the load or of the coordinator, and EngineError after `timeout` seconds.
    """
    send(request)
    try:
        day = request.day.result(timeout)
        request.loaded.set_result(load(request.joining, day) if request.joining else None)
    except (FutureTimeoutError, CancelledError):
        request.outcome.cancel()
        request.loaded.cancel()
        raise EngineError(f"no symbol could join or leave within {timeout:g} s: the run is busy") from None
    except Exception as error:
        request.loaded.set_exception(error)
        raise
    finally:
        wake()
    try:
        return request.outcome.result(timeout)
    except FutureTimeoutError:
        request.outcome.cancel()
        raise EngineError(f"no symbol joined or left within {timeout:g} s: the run is busy") from None

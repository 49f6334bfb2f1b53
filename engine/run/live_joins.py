"""Live joins: symbols that scans of a live session found, on their way onto its tape."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import date

from tapedeck.engine.config import Scanner
from tapedeck.engine.errors import listed
from tapedeck.engine.run.joining import LoadedSymbols
from tapedeck.engine.run.session_scans import ScanJoins
from tapedeck.engine.run.symbol_changer import SymbolChanger
from tapedeck.engine.run.symbol_requests import SymbolRequest
from tapedeck.engine.tape.scan_records import ScanRecord
from tapedeck.engine.tape.session_data import SessionData


@dataclass(slots=True)
class _Joining:
    """Symbols of one scan: asked for all at once, or, if they are refused, singly."""

    scanner: Scanner
    record: ScanRecord
    waiting: deque[tuple[str, ...]]
    request: SymbolRequest | None = None
    joined: set[str] = field(default_factory=set)


class LiveJoins:
    """Has what scans found join, scan by scan, in the coordinator's thread, which goes on meanwhile.

    `load` loads symbols of a day in another thread. `journal` takes the records of a day once the symbols
    have joined, `tell` texts for the user. `wake` wakes the coordinator.
    """

    def __init__(
        self,
        joins: ScanJoins,
        symbols: SymbolChanger,
        data: SessionData,
        *,
        load: Callable[[Sequence[str], date], Future[LoadedSymbols]],
        journal: Callable[[date, Sequence[ScanRecord]], None],
        tell: Callable[[str], None],
        wake: Callable[[], None],
    ) -> None:
        self._joins, self._symbols, self._data = joins, symbols, data
        self._load, self._journal, self._tell, self._wake = load, journal, tell, wake
        self._found: deque[tuple[Scanner, ScanRecord]] = deque()
        self._joining: _Joining | None = None  # of the first one found
        self._noted: list[ScanRecord] = []  # not in the journal yet

    @property
    def is_busy(self) -> bool:
        """Whether symbols are still to join."""
        return bool(self._found)

    def add(self, scanner: Scanner, record: ScanRecord) -> None:
        """Add a scan; `advance` has what it found join."""
        self._found.append((scanner, record))

    def advance(self) -> None:
        """Go on with joins as far as can be without waiting; note a scan once its symbols are there."""
        if not self._found:
            return
        while self._found:
            scanner, record = self._found[0]
            if self._joining is None:
                wanted = self._joins.wanted(scanner, record)
                self._joining = _Joining(scanner, record, deque([wanted] if wanted else []))
            if not self._has_joined(self._joining):
                return
            self._noted.append(self._joins.note_joined(record, self._joining.joined))
            self._joining = None
            self._found.popleft()
        noted, self._noted = self._noted, []
        self._journal(self._day, noted)

    @property
    def _day(self) -> date:
        return self._data.require_tape().session.trading_day

    def _has_joined(self, joining: _Joining) -> bool:
        """Go on with joins; return whether all have been made, or were refused."""
        while joining.request is not None or joining.waiting:
            request = joining.request
            if request is None:
                joining.request = self._asked(joining.waiting.popleft(), keep=joining.scanner.keep)
                return False
            if not request.outcome.done():
                return False
            joining.request = None
            error = request.outcome.exception()
            if error is None:
                joining.joined.update(change.symbol for change in request.outcome.result())
            elif len(request.joining) > 1:
                joining.waiting.extend((symbol,) for symbol in request.joining)
            elif request.joining[0] not in self._data.require_tape().rows:
                self._tell_refusal(joining, request, error)
        return True

    def _asked(self, symbols: tuple[str, ...], *, keep: bool) -> SymbolRequest:
        """Return a request for symbols to join; they are loaded in the pool's thread."""
        request = SymbolRequest(joining=symbols, keep=keep)
        self._symbols.take(request)

        def loaded(done: Future[LoadedSymbols]) -> None:
            error = done.exception()
            if error is None:
                request.loaded.set_result(done.result())
            else:
                request.loaded.set_exception(error)
            self._wake()

        self._load(symbols, self._day).add_done_callback(loaded)
        return request

    def _tell_refusal(self, joining: _Joining, request: SymbolRequest, error: BaseException) -> None:
        failed = request.loaded.exception() if request.loaded.done() else None
        reason = str(failed or error).splitlines()[0]
        self._tell(f"{joining.record.scanner}: {listed(request.joining)} does not join: {reason}")

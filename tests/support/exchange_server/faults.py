"""Fault script of the exchange: what goes wrong, and when, by the market's time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum


class FaultKind(Enum):
    """Kind of a fault. Of candles, `start` and `seconds` say which ones: by their opens."""

    # Candles of the stream
    DUPLICATE = "duplicate"
    """Each update arrives twice."""
    REORDER = "reorder"
    """The updates arrive when the last one is due, the last one first."""
    LATE_LAST = "late_last"
    """The last update arrives `by` seconds after the candle's end."""
    MISSING_LAST = "missing_last"
    """The last update never arrives; history has it."""
    MISSING = "missing"
    """No update arrives; history has the candle."""
    LOST = "lost"
    """No update arrives, and history has a hole."""
    OTHER_DAY = "other_day"
    """With the last update one of the day before arrives, of the same minute, with other values."""
    NO_CLOSE = "no_close"
    """The last update has no close."""
    NONSENSE = "nonsense"
    """The last update has prices that are no numbers, or a high below the low."""
    # Candles of history
    HISTORY_DIFFERS = "history_differs"
    """History has other values than the stream; they are the final ones."""
    # The connection, from `start` on
    DROP = "drop"
    """At `start` all connections end with `code` (1006: without a close frame); new ones are refused."""
    REFUSE = "refuse"
    """New connections are refused: with the HTTP `status`, or cut if it is 0."""
    MUTE = "mute"
    """Connected, but nothing arrives."""
    SLOW = "slow"
    """Updates, and answers of REST, arrive `by` seconds later."""
    SUBSCRIPTION_ERROR = "subscription_error"
    """SUBSCRIBE is answered with an error."""
    NO_ACKNOWLEDGEMENT = "no_acknowledgement"
    """SUBSCRIBE is not answered, and nothing is sent."""
    # One frame to every connection, at `start`
    TEXT = "text"
    GARBAGE = "garbage"
    EMPTY = "empty"
    BIG = "big"
    """A frame of more than 1 MiB."""
    UNKNOWN = "unknown"
    """An event that no client knows."""
    # REST
    STATUS = "status"
    """REST answers with the HTTP `status`."""
    HTML = "html"
    """REST answers a page of HTML, with status 200."""
    HANG = "hang"
    """REST does not answer."""
    CUT = "cut"
    """REST cuts the connection."""
    HISTORY_LATE = "history_late"
    """History has a candle `by` seconds after its end, and no forming one."""
    HISTORY_BEHIND = "history_behind"
    """History is as it was `by` seconds ago: its newest candle looks as it did while it was forming."""
    SHORT = "short"
    """A page of history has 3 candles at most."""
    BAD_JSON = "bad_json"
    """REST answers half a document."""


OF_CANDLES = frozenset(
    {
        FaultKind.DUPLICATE,
        FaultKind.REORDER,
        FaultKind.LATE_LAST,
        FaultKind.MISSING_LAST,
        FaultKind.MISSING,
        FaultKind.LOST,
        FaultKind.OTHER_DAY,
        FaultKind.NO_CLOSE,
        FaultKind.NONSENSE,
        FaultKind.HISTORY_DIFFERS,
    }
)
FRAMES = frozenset({FaultKind.TEXT, FaultKind.GARBAGE, FaultKind.EMPTY, FaultKind.BIG, FaultKind.UNKNOWN})
REST = frozenset(
    {
        FaultKind.STATUS,
        FaultKind.HTML,
        FaultKind.HANG,
        FaultKind.CUT,
        FaultKind.SHORT,
        FaultKind.BAD_JSON,
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, from `start` on for `seconds` of the market's time; `symbols`: of candles, None for all."""

    kind: FaultKind
    start: float
    seconds: float = 0.0
    symbols: frozenset[str] | None = None
    by: float = 0.0
    code: int = 1006
    status: int = 0
    paths: frozenset[str] | None = None
    """Requests of REST that fail, by the end of their path, such as `klines`; None for all."""

    def covers(self, at: float) -> bool:
        """Whether it holds at a moment."""
        return self.start <= at < self.start + self.seconds


@dataclass(frozen=True)
class ExchangeFaults:
    """A fault script. More faults may be added while it is used."""

    faults: list[Fault] = field(default_factory=list)

    @classmethod
    def of(cls, *faults: Fault) -> ExchangeFaults:
        """Return a script of some faults."""
        return cls(list(faults))

    def of_candle(self, kind: FaultKind, symbol: str, opened_at: int) -> Fault | None:
        """Return the first fault of a kind that fits a candle."""
        for fault in self._of(kind):
            if fault.covers(opened_at) and (fault.symbols is None or symbol in fault.symbols):
                return fault
        return None

    def at(self, kind: FaultKind, now: float) -> Fault | None:
        """Return the first fault of a kind that holds now."""
        return next((fault for fault in self._of(kind) if fault.covers(now)), None)

    def of_request(self, path: str, now: float, kinds: Iterable[FaultKind] = REST) -> Fault | None:
        """Return the first fault that a request meets."""
        chosen = frozenset(kinds)
        for fault in tuple(self.faults):
            if fault.kind in chosen and fault.covers(now) and (fault.paths is None or path in fault.paths):
                return fault
        return None

    def _of(self, kind: FaultKind) -> Iterator[Fault]:
        return (fault for fault in tuple(self.faults) if fault.kind is kind)

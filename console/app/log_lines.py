"""The last lines of the log, kept in memory for the log panel."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import PurePath
from traceback import FrameSummary, TracebackException
from types import TracebackType
from typing import Final, NamedTuple

from tapedeck.engine.metrics.log import ROOT

_KEPT: Final = 2000
_FRAMES: Final = 6
"""How many places of a traceback are kept; the log file has all."""


class LogLine(NamedTuple):
    """One line: when it was written (seconds since 1970), its level, the part of tapedeck, and what it says.

    `number` counts all lines so far. A text may have several lines: below the first stands what was raised,
    and where, the innermost place first.
    """

    number: int
    created: float
    level: str
    source: str
    text: str


class LogLines(logging.Handler):
    """Keeps the last lines of the log while entered; safe from any thread. `count` is of all so far."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._lines: deque[LogLine] = deque(maxlen=_KEPT)
        self._level = logging.NOTSET
        self.count = 0

    def __enter__(self) -> LogLines:
        logger = logging.getLogger(ROOT)
        self._level = logger.level
        if logger.getEffectiveLevel() > logging.INFO:
            logger.setLevel(logging.INFO)
        logger.addHandler(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        logger = logging.getLogger(ROOT)
        logger.removeHandler(self)
        logger.setLevel(self._level)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line, as text: the record itself would keep alive what its arguments and frames hold."""
        try:
            text = record.getMessage()
        except (TypeError, ValueError, LookupError):  # of a message that does not fit its arguments
            text = str(record.msg)
        if record.exc_info and record.exc_info[1] is not None:
            text = "\n".join((text, *_raised(TracebackException.from_exception(record.exc_info[1]))))
        source = record.name.rpartition(".")[2].replace("_", " ")
        self.count += 1
        self._lines.append(LogLine(self.count, record.created, record.levelname.lower(), source, text))

    def lines(self) -> tuple[LogLine, ...]:
        """Return the lines that are kept, oldest first."""
        self.acquire()  # a deque must not grow while it is walked
        try:
            return tuple(self._lines)
        finally:
            self.release()


def _raised(error: TracebackException) -> Iterator[str]:
    """Give what was raised, where, innermost first, and the same of what it came from."""
    yield from "".join(error.format_exception_only()).rstrip().splitlines()
    places = error.stack
    yield from map(_place, islice(reversed(places), _FRAMES))
    if len(places) > _FRAMES:
        yield f"  and {len(places) - _FRAMES} callers more, in the log file"
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        first, *others = _raised(cause)
        yield f"from {first}"
        yield from others


def _place(frame: FrameSummary) -> str:
    return f"  at {PurePath(frame.filename).name}:{frame.lineno}, {frame.name}"

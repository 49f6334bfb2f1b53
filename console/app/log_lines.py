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
from tapedeck.engine.printable import printable_line

_KEPT: Final = 2000
_FRAMES: Final = 6
"""Frames kept of a traceback; the log file has all."""


class LogLine(NamedTuple):
    """A log line: time of writing (seconds since 1970), level, part of tapedeck, and text.

    `number`: counted from the first line of the run. With an exception the text has further lines: the error,
    then the traceback, innermost frame first.
    """

    number: int
    created: float
    level: str
    source: str
    text: str


class LogLines(logging.Handler):
    """Handler that keeps the last log lines while entered; any thread may log. `count`: all lines so far."""

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
        """Keep one line, as text: the record would keep its arguments and frames alive."""
        try:
            text = record.getMessage()
        except (TypeError, ValueError, LookupError):  # the message does not fit its arguments
            text = str(record.msg)
        text = printable_line(text)
        if record.exc_info and record.exc_info[1] is not None:
            trace = _traceback_lines(TracebackException.from_exception(record.exc_info[1]))
            text = "\n".join((text, *map(printable_line, trace)))
        source = record.name.rpartition(".")[2].replace("_", " ")
        self.count += 1
        self._lines.append(LogLine(self.count, record.created, record.levelname.lower(), source, text))

    def lines(self) -> tuple[LogLine, ...]:
        """Return the kept lines, oldest first."""
        self.acquire()  # a deque must not change during iteration
        try:
            return tuple(self._lines)
        finally:
            self.release()


def _traceback_lines(error: TracebackException) -> Iterator[str]:
    """Yield an error and its traceback, innermost frame first, then the same of its cause."""
    yield from "".join(error.format_exception_only()).rstrip().splitlines()
    frames = error.stack
    yield from map(_frame_line, islice(reversed(frames), _FRAMES))
    if len(frames) > _FRAMES:
        yield f"  and {len(frames) - _FRAMES} more callers, in the log file"
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        first, *others = _traceback_lines(cause)
        yield f"from {first}"
        yield from others


def _frame_line(frame: FrameSummary) -> str:
    return f"  at {PurePath(frame.filename).name}:{frame.lineno}, {frame.name}"

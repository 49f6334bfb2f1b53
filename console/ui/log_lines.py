"""The last lines of the log, kept in memory for the log panel."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from types import TracebackType
from typing import Final

_ROOTS: Final = ("engine", "console")
_KEPT: Final = 2000


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line: its level, the part of tapedeck that wrote it, and what it says."""

    level: str
    source: str
    text: str


class LogLines(logging.Handler):
    """Keeps the last lines of the log while entered; safe from any thread. `count` is of all so far."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._lines: deque[LogLine] = deque(maxlen=_KEPT)
        self._levels: dict[str, int] = {}
        self.count = 0

    def __enter__(self) -> LogLines:
        for root in _ROOTS:
            logger = logging.getLogger(root)
            self._levels[root] = logger.level
            if logger.getEffectiveLevel() > logging.INFO:
                logger.setLevel(logging.INFO)
            logger.addHandler(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for root, level in self._levels.items():
            logger = logging.getLogger(root)
            logger.removeHandler(self)
            logger.setLevel(level)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        source = record.name.rpartition(".")[2].replace("_", " ")
        self._lines.append(LogLine(record.levelname.lower(), source, record.getMessage()))
        self.count += 1

    def lines(self) -> tuple[LogLine, ...]:
        """Return the lines that are kept, oldest first."""
        return tuple(self._lines)

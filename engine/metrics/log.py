"""The log file: one, rotating, as text or JSON lines; nothing of it goes to the terminal."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from logging.handlers import MemoryHandler, RotatingFileHandler
from pathlib import Path
from typing import Final

from tapedeck.engine.errors import ConfigError, ConfigProblem, StoreError, nearest

LOG_FILE: Final = "tapedeck.log"
"""Name of the log file in its folder; older ones have .1, .2, … behind it."""
LEVELS: Final = ("debug", "info", "warning", "error")
"""Levels that can be asked for, from the most to the least."""

ROOT: Final = "tapedeck"
"""Logger above all others of tapedeck."""
_LARGEST_FILE: Final = 5 * 1024 * 1024
_OLDER_FILES: Final = 4
_LINES_KEPT: Final = 500
# A line waits in memory no longer than until the first line that comes so much later.
_LONGEST_WAIT_S: Final = 1.0


# Without any handler the library would write warnings on the terminal.
logging.getLogger(ROOT).addHandler(logging.NullHandler())


def configure_logging(folder: Path, *, level: str = "info", json_lines: bool = False) -> Path:
    """Send the log of tapedeck to a file in `folder`, which is made; return the file's path.

    Lines are gathered in memory and written together, at the latest with the first warning, after a second,
    or by `close_logging`. Called again, the new file replaces the one before. Raises ConfigError for an
    unknown level, and StoreError where the file cannot be written; logging then stays as it was.
    """
    number = _level_number(level)
    path = folder / LOG_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = _LogFile(path, maxBytes=_LARGEST_FILE, backupCount=_OLDER_FILES, encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"{path}: the log file cannot be written ({error.strerror or error}). "
            "Set TAPEDECK_HOME to a folder where you may write"
        ) from error
    file.setFormatter(_JsonLines() if json_lines else _TextLines())
    close_logging()
    buffer = _Gathering(file)
    # The console shows more of the log than the file is to have, and lowers the level of the loggers for it.
    buffer.setLevel(number)
    logger = logging.getLogger(ROOT)
    logger.setLevel(number)
    logger.addHandler(buffer)
    # The root logger's handlers are the terminal's, or another program's.
    logger.propagate = False
    return path


def close_logging() -> None:
    """Write what is still in memory, close the file and leave logging as it was; safe to call twice."""
    logger = logging.getLogger(ROOT)
    for handler in [handler for handler in logger.handlers if isinstance(handler, _Gathering)]:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
        logger.propagate = True
        handler.close()


def _level_number(level: str) -> int:
    word = level.strip().lower()
    if word not in LEVELS:
        message = f"{level!r} is no level of the log: choose one of {', '.join(LEVELS)}"
        raise ConfigError("log", [ConfigProblem("log_level", level, message, nearest(word, LEVELS))])
    return logging.getLevelNamesMapping()[word.upper()]


class _LogFile(RotatingFileHandler):
    """The file, written in batches: each write of its own would cost more than all else about a line."""

    def write_lines(self, records: Sequence[logging.LogRecord]) -> None:
        """Write records as lines, after a rotation where the file has grown too large.

        A full disk must neither stop a run nor write on its screen: lines that do not go in are dropped.
        """
        text = "".join(f"{self.format(record)}{self.terminator}" for record in records)
        try:
            if self.shouldRollover(records[-1]):
                self.doRollover()
            self.stream = self.stream or self._open()
            self.stream.write(text)
            self.stream.flush()
        except OSError:
            self._give_up()

    def _give_up(self) -> None:
        """Let go of a file that takes nothing more, and of what waits in its buffer."""
        stream, self.stream = self.stream, None
        if stream is not None:
            with suppress(OSError):  # the log is the last place that could be told
                stream.close()


class _Gathering(MemoryHandler):
    """Keeps lines until a warning comes, there are many, or the oldest has waited long enough."""

    def __init__(self, file: _LogFile) -> None:
        super().__init__(_LINES_KEPT, flushLevel=logging.WARNING)
        self._file = file

    def shouldFlush(self, record: logging.LogRecord) -> bool:
        """Whether this line is the one with which all are written."""
        return super().shouldFlush(record) or record.created - self.buffer[0].created >= _LONGEST_WAIT_S

    def flush(self) -> None:
        """Write what has been gathered."""
        with self.lock or nullcontext():
            records, self.buffer = self.buffer, []
            if records:
                self._file.write_lines(records)

    def close(self) -> None:
        """Write everything, and close the file."""
        super().close()
        self._file.close()


class _TextLines(logging.Formatter):
    """`2024-07-03T13:30:00.125Z INFO tapedeck.engine.system [4711 thread] text`, traceback below."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text."""
        head = f"{_instant(record)} {record.levelname:<7} {record.name} [{os.getpid()} {record.threadName}]"
        text = f"{head} {record.getMessage()}"
        trace = _trace(self, record)
        return f"{text}\n{trace}" if trace else text


class _JsonLines(logging.Formatter):
    """One JSON document a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        document: dict[str, object] = {
            "timestamp": _instant(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": os.getpid(),
            "thread": record.threadName,
            "message": record.getMessage(),
        }
        trace = _trace(self, record)
        if trace:
            document["traceback"] = trace
        return json.dumps(document, ensure_ascii=False)


def _instant(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return formatter.formatException(record.exc_info) if record.exc_info else ""

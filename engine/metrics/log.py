"""Log file: rotating, as text or JSON lines; never written to the terminal."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from logging.handlers import MemoryHandler, RotatingFileHandler
from pathlib import Path
from textwrap import indent
from typing import Final

from tapedeck.engine.errors import ConfigError, ConfigProblem, StoreError, cause_of, nearest
from tapedeck.engine.printable import printable_line, printable_lines

LOG_FILE: Final = "tapedeck.log"
"""Name of the log file; rotated files have the suffixes .1, .2, …"""
LEVELS: Final = ("debug", "info", "warning", "error")
"""Allowed log levels, from the most lines to the fewest."""

ROOT: Final = "tapedeck"
"""Name of tapedeck's root logger."""
_LARGEST_FILE: Final = 5 * 1024 * 1024
_OLDER_FILES: Final = 4
_LINES_KEPT: Final = 500
# Buffered lines are written with the first line that is this much later.
_LONGEST_WAIT_S: Final = 1.0
_INDENT: Final = "  "


# Without a handler, logging would write warnings to the terminal.
logging.getLogger(ROOT).addHandler(logging.NullHandler())


def configure_logging(folder: Path, *, level: str = "info", json_lines: bool = False) -> Path:
    """Log to a file in `folder`, which is created; return the file's path.

    Lines are buffered in memory and written together: with a warning, after a second, or by `close_logging`.
    A second call replaces the log file. Raises ConfigError for an unknown level, and StoreError if the file
    cannot be written; logging then stays unchanged.
    """
    number = _level_number(level)
    path = folder / LOG_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = _LogFile(
            path,
            maxBytes=_LARGEST_FILE,
            backupCount=_OLDER_FILES,
            encoding="utf-8",
            errors="backslashreplace",
        )
    except OSError as error:
        raise StoreError(
            f"{path}: the log file cannot be written ({cause_of(error)}). "
            "Set TAPEDECK_HOME to a writable folder"
        ) from error
    file.setFormatter(_JsonLines() if json_lines else _TextLines())
    close_logging()
    buffer = _BufferingHandler(file)
    # The log panel shows lower levels than the file: the console lowers the loggers' level for it.
    buffer.setLevel(number)
    logger = logging.getLogger(ROOT)
    logger.setLevel(number)
    logger.addHandler(buffer)
    # The root logger's handlers belong to the terminal, or to another program.
    logger.propagate = False
    return path


def close_logging() -> None:
    """Write buffered lines, close the file and restore logging; safe to call twice."""
    logger = logging.getLogger(ROOT)
    for handler in [handler for handler in logger.handlers if isinstance(handler, _BufferingHandler)]:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
        logger.propagate = True
        handler.close()


def _level_number(level: str) -> int:
    word = level.strip().lower()
    if word not in LEVELS:
        message = f"invalid log level {level!r}: use one of {', '.join(LEVELS)}"
        raise ConfigError("log", [ConfigProblem("log_level", level, message, nearest(word, LEVELS))])
    return logging.getLevelNamesMapping()[word.upper()]


class _LogFile(RotatingFileHandler):
    """The log file, written in batches: a write for each line would be slow."""

    def write_lines(self, records: Sequence[logging.LogRecord]) -> None:
        """Write records as lines; rotate the file first if it is too large.

        A full disk must not stop a run or disturb its screen: lines that cannot be written are dropped.
        """
        text = "".join(f"{self.format(record)}{self.terminator}" for record in records)
        try:
            if self.shouldRollover(records[-1]):
                self.doRollover()
            self.stream = self.stream or self._open()
            self.stream.write(text)
            self.stream.flush()
        except OSError:
            self._drop_stream()

    def _drop_stream(self) -> None:
        """Close a file that cannot be written, and drop its buffer."""
        stream, self.stream = self.stream, None
        if stream is not None:
            with suppress(OSError):  # an error of the log has no log to go to
                stream.close()


class _BufferingHandler(MemoryHandler):
    """Buffers lines until a warning, a full buffer, or a line much later than the oldest."""

    def __init__(self, file: _LogFile) -> None:
        super().__init__(_LINES_KEPT, flushLevel=logging.WARNING)
        self._file = file

    def shouldFlush(self, record: logging.LogRecord) -> bool:
        """Whether to write the buffer after this line."""
        return super().shouldFlush(record) or record.created - self.buffer[0].created >= _LONGEST_WAIT_S

    def flush(self) -> None:
        """Write the buffered lines."""
        with self.lock or nullcontext():
            records, self.buffer = self.buffer, []
            if records:
                self._file.write_lines(records)

    def close(self) -> None:
        """Write the buffered lines, and close the file."""
        super().close()
        self._file.close()


class _TextLines(logging.Formatter):
    """`2024-07-03T13:30:00.125Z INFO tapedeck.engine.system [4711 thread] text`, traceback below.

    The text is one line: control characters and line ends are escapes. Each line of a traceback is indented.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text."""
        head = f"{_instant(record)} {record.levelname:<7} {record.name} [{os.getpid()} {record.threadName}]"
        text = f"{head} {printable_line(record.getMessage())}"
        trace = _trace(self, record)
        # Indented, so that an error's text cannot pass for a line of the log.
        return f"{text}\n{indent(printable_lines(trace), _INDENT)}" if trace else text


class _JsonLines(logging.Formatter):
    """One JSON document per line."""

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
        return json.dumps(document)


def _instant(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return formatter.formatException(record.exc_info) if record.exc_info else ""

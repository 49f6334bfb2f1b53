"""Invocation of a command: its flags, settings, log and terminal, from start to exit code."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import typer

from tapedeck.console.cli.failures import (
    DONE,
    INTERRUPTED,
    USAGE_ERROR,
    describe,
    error_document,
    exit_code_of,
    log_failure,
)
from tapedeck.console.cli.interrupts import Interrupts
from tapedeck.console.cli.terminal import OutputError, Terminal, is_of_output, output_errors
from tapedeck.console.settings.folders import Folders, user_folders
from tapedeck.console.settings.settings import Settings, resolve_settings
from tapedeck.engine.errors import TapedeckError
from tapedeck.engine.metrics.log import close_logging, configure_logging
from tapedeck.engine.strategies.strategy_error import StrategyError

log = logging.getLogger(__name__)


class Invocation:
    """Context of a command.

    `flags`: command-line values of settings; `as_json`: stdout has JSON only; `arguments`: the words of the
    command line after `tapedeck`.
    """

    def __init__(
        self, flags: Mapping[str, object], *, as_json: bool = False, arguments: Sequence[str] = ()
    ) -> None:
        self.flags = dict(flags)
        self.arguments = tuple(arguments)
        self.as_json = as_json
        self.terminal = Terminal()
        self.log_path: Path | None = None
        self.interrupts = Interrupts()

    @property
    def writes_json_lines(self) -> bool:
        """Whether JSON is written as lines; known from the words, as an error may precede the command."""
        return self.as_json and "live" in self.arguments

    @cached_property
    def folders(self) -> Folders:
        """Folders of this user's data, settings and log."""
        return user_folders()

    @cached_property
    def settings(self) -> Settings:
        """The settings of this command."""
        return resolve_settings(self.folders, self.flags)

    def open(self) -> None:
        """Read the settings, and open the log; without a log, after a warning, if it cannot be written."""
        settings = self.settings
        self.terminal = Terminal(settings.color)
        try:
            self.log_path = configure_logging(
                self.folders.state, level=settings.log_level, json_lines=settings.log_format == "json"
            )
        except TapedeckError as error:
            self.terminal.remark(f"warning: no log: {error}")
        log.info("started: %s", " ".join(sys.argv[1:]) or "demo market")
        self._check_time_zone()

    def _check_time_zone(self) -> None:
        """Replace a local time zone that Python cannot compute with; the calendars' library asks for it."""
        try:
            datetime.now().astimezone()
        except (ValueError, OverflowError):
            zone = os.environ.get("TZ", "")
            self.warn(f"invalid time zone TZ={zone!r}: UTC is used; times of sessions are in exchange time")
            os.environ["TZ"] = "UTC"
            time.tzset()

    def warn(self, text: str) -> None:
        """Write a warning to stderr and to the log."""
        log.warning("%s", text)
        self.terminal.remark(f"warning: {text}")

    def report_error(self, error: BaseException) -> None:
        """Write an error to stderr, unless stdout has it as JSON; its traceback goes to the log."""
        if isinstance(error, USAGE_ERROR):
            self._report_usage(error)
            return
        if self.log_path is None:
            with suppress(TapedeckError):  # the user has been warned that there is no log
                self.log_path = configure_logging(self.folders.state)
        log_failure(error)
        # A document that stdout does not accept cannot hold its own error.
        if not self.as_json or isinstance(error, OutputError):
            if isinstance(error, StrategyError) and error.traceback:
                self.terminal.remark(error.traceback.rstrip("\n"))
            self.terminal.remark(f"error: {describe(error, self.log_path)}")

    def _report_usage(self, error: Any) -> None:  # noqa: ANN401  # typer's error has no public name
        """Write an invalid command line to stderr, with the command that shows its usage; without a log."""
        if self.as_json:
            return
        context = error.ctx
        if context is not None and error.format_message() == context.get_help():
            self.terminal.remark(context.get_help())  # a group without a command
            return
        self.terminal.remark(f"error: {describe(error)}")
        if context is not None:
            self.terminal.remark(f"`{context.command_path} --help` shows the usage.")

    def fail(self, error: BaseException) -> int:
        """Report an error that ends the command, and return its exit code."""
        self.report_error(error)
        if self.as_json:
            write = self.terminal.write_json_line if self.writes_json_lines else self.terminal.write_json
            write({"error": error_document(error, self.log_path)})
        return exit_code_of(error)


def begin(context: typer.Context, *, as_json: bool = False, **flags: object) -> Invocation:
    """Return the opened invocation of the running command; `flags`: settings given to the command."""
    invocation = context.find_object(Invocation)
    assert invocation is not None  # created by the application's group
    invocation.flags |= flags
    invocation.as_json = invocation.as_json or as_json
    invocation.open()
    return invocation


@contextmanager
def errors_reported(invocation: Invocation) -> Iterator[None]:
    """Convert errors of a command to text and an exit code; typer's own exits pass."""
    try:
        with invocation.interrupts:
            yield
    except (typer.Exit, typer.Abort):
        raise
    except KeyboardInterrupt:
        invocation.terminal.remark("interrupted")
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:
        if is_of_output(error):
            raise typer.Exit(_end_output(invocation, error)) from error
        raise typer.Exit(invocation.fail(error)) from error
    finally:
        close_logging()


def _end_output(invocation: Invocation, error: Exception) -> int:
    """Return the exit code for an error of stdout in typer's own texts."""
    try:
        with output_errors(sys.stdout):
            raise error
    except OutputError as lost:
        return invocation.fail(lost)
    return DONE  # the reader of a pipe had enough

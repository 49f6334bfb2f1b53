"""Entry point of `python -m tapedeck` and of the `tapedeck` command."""

from __future__ import annotations

import os
import signal
import sys
import warnings

_INTERRUPTED = 130


def main() -> None:
    """Run the command line, and leave with its exit code."""
    _prepare_interpreter()
    from tapedeck.console.cli.main import app  # noqa: PLC0415 - takes a moment, which ctrl+c may interrupt

    app(prog_name="tapedeck")


def _prepare_interpreter() -> None:
    """Let ctrl+c end the program without a traceback until a command runs; settle streams and warnings."""
    # A background job ignores the signal, and keeps doing so.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda _number, _frame: os._exit(_INTERRUPTED))
    # A stream that was closed before the start must not become the descriptor of a file.
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    # A warning of a library must not end a command: PYTHONWARNINGS=error is meant for programs under test.
    if any(option.startswith("error") for option in sys.warnoptions):
        warnings.simplefilter("ignore")


if __name__ == "__main__":
    main()

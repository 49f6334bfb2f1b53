"""State of the terminal before a command, to be restored if the command is ended at once."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import Any, Final

_STREAMS: Final = (0, 1, 2)
_SHOW_CURSOR: Final = "\x1b[?25h"
# Ends an interrupted escape sequence and a synchronized frame; switches off reports of mouse, paste, keyboard
# and focus; leaves the alternate screen; wraps lines again.
_LEAVE_SCREEN: Final = (
    "\x18\x1b[?2026l\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l\x1b[?2004l\x1b[<u"
    f"\x1b[?1049l\x1b[?1004l\x1b[?7h{_SHOW_CURSOR}"
)


class TerminalState:
    """Modes of the terminal on the standard streams. `is_full_screen`: whether the console has opened it."""

    def __init__(self) -> None:
        self.is_full_screen = False
        self._modes: list[tuple[int, Any]] = []

    def save(self) -> None:
        """Note the modes; nothing on systems without them."""
        self._modes = []
        with suppress(ImportError):  # Windows
            import termios  # noqa: PLC0415 - as above

            for stream in _STREAMS:
                with suppress(OSError, termios.error):  # closed, or not a terminal
                    self._modes.append((stream, termios.tcgetattr(stream)))

    def restore(self) -> None:
        """Restore the modes and show the cursor, without waiting for the terminal; never fails."""
        if not self._modes:
            return
        import termios  # noqa: PLC0415 - as above

        with suppress(OSError, ValueError):
            # In the background, a change of the terminal's modes would stop the process.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
        stream, modes = self._modes[-1]
        with suppress(OSError, termios.error):
            termios.tcsetattr(stream, termios.TCSANOW, modes)
        with suppress(OSError):
            _write(stream, _LEAVE_SCREEN if self.is_full_screen else _SHOW_CURSOR)


def _write(stream: int, text: str) -> None:
    """Write to a terminal that may have stalled: what it does not accept is dropped."""
    if not os.isatty(stream) or os.environ.get("TERM", "") in ("", "dumb", "unknown"):
        return
    terminal = os.open(os.ttyname(stream), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        os.write(terminal, text.encode("ascii"))
    finally:
        os.close(terminal)

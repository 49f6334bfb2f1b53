"""What is written to the terminal: results on stdout, remarks on stderr, whatever kind of terminal it is."""

from __future__ import annotations

import codecs
import errno
import io
import json
import os
import re
import shutil
import stat
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TextIO

from tapedeck.engine.errors import ExportError

if TYPE_CHECKING:
    from rich.console import Console

# Typographic signs are spelled out where the terminal has no Unicode; any other becomes a question mark.
_PLAIN_SIGNS: Final = {
    "…": "...", "–": "-", "—": "-", "−": "-", "×": "x", "·": "-", "→": "->", "≤": "<=", "≥": ">=",
    "“": '"', "”": '"', "‘": "'", "’": "'", "─": "-", "━": "-",
}  # fmt: skip
# File names and rows of files may hold what would steer the terminal.
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_NARROWEST: Final = 40
_FALLBACK_SIZE: Final = (80, 24)
_SPELL_OUT: Final = "tapedeck-spell-out"

Justify = Literal["left", "right"]


class Column(NamedTuple):
    """A column of a table; numbers stand on the right."""

    heading: str
    justify: Justify = "left"


class Cell(NamedTuple):
    """A cell with a style, which is never its only sign."""

    text: str
    style: str


def number_column(heading: str) -> Column:
    """Return a column of numbers."""
    return Column(heading, "right")


class Terminal:
    """The two streams of a command. `color` is `auto`, `always` or `never`."""

    def __init__(self, color: str = "auto") -> None:
        self._color = color
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors=_SPELL_OUT)

    def write(self, text: str) -> None:
        """Write lines of text to stdout."""
        _put(sys.stdout, f"{_printable(text)}\n")

    def write_json(self, document: object) -> None:
        """Write a JSON document to stdout; not-a-number has no place in one."""
        _put(sys.stdout, f"{json.dumps(document, indent=2, allow_nan=False)}\n")

    def remark(self, text: str) -> None:
        """Write lines of text to stderr."""
        _put(sys.stderr, f"{_printable(text)}\n")

    def table(
        self, columns: Sequence[Column], rows: Sequence[Sequence[str | Cell]], *, title: str | None = None
    ) -> None:
        """Write a table to stdout; where it is too wide, its cells are folded."""
        from rich.box import ASCII, SIMPLE_HEAD  # noqa: PLC0415 - only commands that show a table pay for it
        from rich.table import Table  # noqa: PLC0415 - as above
        from rich.text import Text  # noqa: PLC0415 - as above

        box = SIMPLE_HEAD if self.has_unicode else ASCII
        table = Table(
            box=box, title=title, title_justify="left", title_style="", pad_edge=False, show_edge=False
        )
        for column in columns:
            table.add_column(Text(column.heading), justify=column.justify, overflow="fold")
        for row in rows:
            cells = (cell if isinstance(cell, Cell) else Cell(cell, "") for cell in row)
            table.add_row(*(Text(_printable(text), style) for text, style in cells))
        paper = io.StringIO()
        self._rich(paper, sys.stdout).print(table)
        _put(sys.stdout, "".join(f"{line.rstrip()}\n" for line in paper.getvalue().splitlines()))

    def progress_console(self) -> Console | None:
        """Return where a progress bar may be drawn, or None where stderr is no terminal that could."""
        if sys.stderr is None or not sys.stderr.isatty() or _is_dumb():
            return None
        return self._rich(sys.stderr, sys.stderr)

    @property
    def has_unicode(self) -> bool:
        """Whether stdout can show more than ASCII."""
        encoding = getattr(sys.stdout, "encoding", None) or "ascii"
        return codecs.lookup(encoding).name.startswith("utf")

    @property
    def width(self) -> int:
        """Columns that a line may have; 80 where nobody knows."""
        return max(_NARROWEST, shutil.get_terminal_size(_FALLBACK_SIZE).columns)

    def _has_color(self, stream: TextIO | None) -> bool:
        if self._color != "auto":
            return self._color == "always"
        return stream is not None and stream.isatty() and not os.environ.get("NO_COLOR") and not _is_dumb()

    def _rich(self, file: TextIO, shown_on: TextIO) -> Console:
        from rich.console import Console  # noqa: PLC0415 - as in `table`

        has_color = self._has_color(shown_on)
        return Console(
            file=file,
            width=self.width,
            force_terminal=has_color or None,
            no_color=not has_color,
            highlight=False,
            markup=False,
            emoji=False,
        )


def encoding_notice() -> str | None:
    """Return what to tell a user whose locale has no Unicode, in ASCII; None where it has."""
    # The console is drawn on stderr's terminal.
    encoding = getattr(sys.__stderr__, "encoding", None) or "ascii"
    if codecs.lookup(encoding).name.startswith("utf"):
        return None
    return (
        f"The locale has no UTF-8 (it says {encoding}): candles and signs show as ?. "
        "Leave, and start with LC_ALL=C.UTF-8 set: export LC_ALL=C.UTF-8"
    )


def is_interactive() -> bool:
    """Whether input and output are a terminal that can show the console."""
    streams = (sys.stdin, sys.stdout)
    return all(stream is not None and stream.isatty() for stream in streams) and not _is_dumb()


def _put(stream: TextIO | None, text: str) -> None:
    """Write and flush; that the reader has gone away (`| head`) is no error, a full disk is."""
    if stream is None:  # closed before the start
        return
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        has_left = _has_reader_left(stream, error)
        lead_nowhere(stream)
        if not has_left:
            raise ExportError(f"the output cannot be written: {error.strerror or error}") from error


def _has_reader_left(stream: TextIO, error: OSError) -> bool:
    """Whether a pipe was closed or a terminal has gone away; the latter says what a broken disk says, too."""
    if error.errno == errno.EIO:
        return stat.S_ISCHR(os.fstat(stream.fileno()).st_mode)
    return error.errno == errno.EPIPE


def lead_nowhere(stream: TextIO) -> None:
    """Lead what is still to come, and what waits in the buffer, into nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)


def _is_dumb() -> bool:
    return os.environ.get("TERM", "") in ("dumb", "unknown")


def _printable(text: str) -> str:
    return _CONTROLS.sub("?", text)


def _spell_out(error: UnicodeError) -> tuple[str, int]:
    """Give an encoder what to write instead of a sign that it does not have."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(_PLAIN_SIGNS.get(sign, "?") for sign in signs), error.end


codecs.register_error(_SPELL_OUT, _spell_out)

"""Terminal output of commands: results on stdout, remarks on stderr."""

from __future__ import annotations

import codecs
import errno
import io
import json
import os
import shutil
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from traceback import walk_tb
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TextIO

from tapedeck.engine.errors import ExportError, cause_of
from tapedeck.engine.printable import printable_line, printable_lines

if TYPE_CHECKING:
    from rich.console import Console

# Replacements of typographic characters on a terminal without Unicode; others become a question mark.
_REPLACEMENTS: Final = {
    "…": "...", "–": "-", "—": "-", "−": "-", "×": "x", "·": "-", "→": "->", "≤": "<=", "≥": ">=",
    "“": '"', "”": '"', "‘": "'", "’": "'", "─": "-", "━": "-",
}  # fmt: skip
_NARROWEST: Final = 40
_FALLBACK_SIZE: Final = (80, 24)
_SPELL_OUT: Final = "tapedeck-spell-out"

Justify = Literal["left", "right"]


class OutputError(ExportError):
    """Text that stdout or stderr does not accept, such as on a full disk. Later text is discarded."""


class Column(NamedTuple):
    """A column of a table; numbers are right-aligned."""

    heading: str
    justify: Justify = "left"


class Cell(NamedTuple):
    """A cell with a style, which only emphasises the text."""

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
        _put(sys.stdout, f"{printable_lines(text)}\n")

    def write_json(self, document: object) -> None:
        """Write a JSON document to stdout, without NaN."""
        _put(sys.stdout, f"{json.dumps(document, indent=2, allow_nan=False)}\n")

    def write_json_line(self, document: object) -> None:
        """Write a JSON document to stdout as one line, without NaN."""
        _put(sys.stdout, f"{json.dumps(document, allow_nan=False)}\n")

    def remark(self, text: str) -> None:
        """Write lines of text to stderr; text that cannot be written is dropped."""
        with suppress(OutputError):
            _put(sys.stderr, f"{printable_lines(text)}\n")

    def table(
        self, columns: Sequence[Column], rows: Sequence[Sequence[str | Cell]], *, title: str | None = None
    ) -> None:
        """Write a table to stdout; if it is too wide, texts are folded first: half a number misleads."""
        from rich.box import ASCII, SIMPLE_HEAD  # noqa: PLC0415 - slow, for tables only
        from rich.table import Table  # noqa: PLC0415 - as above
        from rich.text import Text  # noqa: PLC0415 - as above

        box = SIMPLE_HEAD if self.has_unicode else ASCII
        table = Table(
            box=box, title=title, title_justify="left", title_style="", pad_edge=False, show_edge=False
        )
        for column in columns:
            table.add_column(
                Text(column.heading),
                justify=column.justify,
                overflow="fold",
                no_wrap=column.justify == "right",
            )
        for row in rows:
            cells = (cell if isinstance(cell, Cell) else Cell(cell, "") for cell in row)
            table.add_row(*(Text(printable_line(text), style) for text, style in cells))
        buffer = io.StringIO()
        self._rich(buffer, sys.stdout).print(table)
        _put(sys.stdout, "".join(f"{line.rstrip()}\n" for line in buffer.getvalue().splitlines()))

    def progress_console(self) -> Console | None:
        """Return the console for a progress bar, or None if stderr is not a capable terminal."""
        return self._rich(sys.stderr, sys.stderr) if self.has_status_line else None

    @property
    def has_status_line(self) -> bool:
        """Whether stderr is a terminal on which a line can be written again."""
        return sys.stderr is not None and sys.stderr.isatty() and not _is_dumb()

    def write_status(self, text: str) -> None:
        """Write a text, which may steer the terminal, to stderr; one that cannot be written is dropped."""
        with suppress(OutputError):
            _put(sys.stderr, text)

    @property
    def has_unicode(self) -> bool:
        """Whether stdout can show more than ASCII."""
        encoding = getattr(sys.stdout, "encoding", None) or "ascii"
        return codecs.lookup(encoding).name.startswith("utf")

    @property
    def width(self) -> int:
        """Width of the terminal in columns; 80 if unknown."""
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
    """Return a notice in ASCII if the locale has no Unicode, else None."""
    # The console draws on the terminal of stderr.
    encoding = getattr(sys.__stderr__, "encoding", None) or "ascii"
    if codecs.lookup(encoding).name.startswith("utf"):
        return None
    return (
        f"The locale is not UTF-8 ({encoding}): candles and symbols show as ?. "
        "Quit, and restart after: export LC_ALL=C.UTF-8"
    )


def is_interactive() -> bool:
    """Whether input and output are a terminal capable of showing the console."""
    streams = (sys.stdin, sys.stdout)
    return all(stream is not None and stream.isatty() for stream in streams) and not _is_dumb()


def _put(stream: TextIO | None, text: str) -> None:
    """Write and flush; a closed pipe (`| head`) is ignored, a full disk is an error."""
    if stream is None:  # closed before the start
        return
    with output_errors(stream):
        stream.write(text)
        stream.flush()


@contextmanager
def output_errors(stream: TextIO) -> Iterator[None]:
    """Convert an OSError of a stream to an OutputError; a closed pipe or terminal ends the output only."""
    try:
        yield
    except OSError as error:
        is_closed = _is_reader_gone(stream, error)
        discard_output(stream)
        if not is_closed:
            raise OutputError(f"the output cannot be written: {cause_of(error)}") from error


def is_of_output(error: BaseException) -> bool:
    """Whether an error comes from typer's `echo`, which writes help texts to stdout."""
    *_, (frame, _) = walk_tb(error.__traceback__)
    return isinstance(error, OSError) and frame.f_code.co_name == "echo"


def _is_reader_gone(stream: TextIO, error: OSError) -> bool:
    """Whether a pipe or terminal was closed; a terminal gives the same error code as a broken disk."""
    if error.errno == errno.EIO:
        return stat.S_ISCHR(os.fstat(stream.fileno()).st_mode)
    return error.errno == errno.EPIPE


def discard_output(stream: TextIO) -> None:
    """Discard buffered and all later output of a stream."""
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, stream.fileno())
    finally:
        os.close(null)


def _is_dumb() -> bool:
    return os.environ.get("TERM", "") in ("dumb", "unknown")


def _spell_out(error: UnicodeError) -> tuple[str, int]:
    """Error handler of encoders: return the replacement of characters that the encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(_REPLACEMENTS.get(character, "?") for character in missing), error.end


codecs.register_error(_SPELL_OUT, _spell_out)

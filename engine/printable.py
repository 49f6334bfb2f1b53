r"""Printable text: escapes, such as `\x1b`, for characters that could forge a line or control a terminal.

Names of files, symbols and fields may hold any character: line ends, escape sequences, direction marks, the
bytes of a name that is not UTF-8. Shown as they are, they could add lines to a log or a terminal.
"""

from __future__ import annotations

import re
from typing import Final

# Without tabs and line ends, which are handled separately.
_CONTROL: Final = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction marks
    "\u2028\u2029"  # line ends of Unicode
    "\ufff9-\ufffb\ufeff"  # annotations, byte order mark
    "\ud800-\udfff"  # bytes of file names and arguments that are not UTF-8
    "\U000e0000-\U000e007f"  # invisible tags
    "]"
)
_LINE_ENDS: Final = str.maketrans({"\n": "\\n", "\t": "\\t"})


def printable_lines(text: str) -> str:
    """Return a text of one or more lines with escapes for control characters; line ends and tabs stay."""
    if text.isprintable():
        return text
    return _CONTROL.sub(_escape, text)


def printable_line(text: str) -> str:
    """Return a text as one line, with escapes for control characters, line ends and tabs."""
    return printable_lines(text).translate(_LINE_ENDS)


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")

"""The rule for symbols, the same for session files, importers and stores."""

from __future__ import annotations

import re
from fnmatch import translate
from typing import Final

LONGEST_SYMBOL: Final = 64
"""Characters of the longest symbol."""
_SHOWN: Final = 20
_UNREADABLE: Final = "\ufffd"  # in place of bytes that are not UTF-8


def symbol_fault(symbol: str) -> str | None:
    """Return what is wrong with `symbol`, or None if it is valid.

    It has 1 to 64 printable characters, no spaces, and does not begin with `=`: in a CSV file that is opened
    in a spreadsheet it would be a formula. (So would a tab or line end there, which are not printable.)
    """
    if not symbol:
        return "symbol is missing"
    if len(symbol) > LONGEST_SYMBOL or not all(is_symbol_character(letter) for letter in symbol):
        return (
            f"invalid symbol {symbol[:_SHOWN]!r}: use up to {LONGEST_SYMBOL} printable characters, no spaces"
        )
    if symbol.startswith("="):
        return f"invalid symbol {symbol[:_SHOWN]!r}: begin it with another character than =, a formula's sign"
    return None


def symbol_pattern(text: str) -> re.Pattern[str]:
    """Return a pattern of symbols: `*` stands for any characters, `?` for one, all others for themselves."""
    return re.compile(translate(text.replace("[", "[[]")))


def is_symbol_character(letter: str) -> bool:
    """Whether a character may stand in a symbol."""
    return letter.isprintable() and not letter.isspace() and letter != _UNREADABLE

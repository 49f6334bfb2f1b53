"""Numbers from columns of text or of a numeric type, by the number format of the file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tapedeck.engine.importers.file_rows import UnclearFileError
from tapedeck.engine.store.bar_store import Floats, Ints

Decimal = Literal[".", ","]
DECIMALS: Final[tuple[Decimal, ...]] = (".", ",")
PRICES: Final = ("open", "high", "low", "close", "bid", "ask")
VOLUMES: Final = ("volume", "bid_size", "ask_size")
FIXED_POINT: Final = 10**9
_UNDEFINED_PRICE: Final = 2**63 - 1
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_MISSING: Final = r"^(?i:|-|--|\x{2013}|\x{2014}|n/?a|#n/a|<na>|nan|null|none|nil|\\n)$"
_CURRENCY: Final = r"[$\x{20AC}\x{A3}\x{A5}\x{20B9}\x{20A9}]"
_SPACES: Final = r" \x{A0}\x{2009}\x{202F}'\x{2019}_"
_EXPONENT: Final = r"(?:[eE][+-]?\d+)?"
_MULTIPLES: Final = {"K": "e3", "M": "e6", "B": "e9", "T": "e12"}


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """Format of the numbers of a table.

    `decimal`: the decimal mark; not `is_certain` where the rows surveyed have neither mark. `fixed_point`:
    prices are counts of 1e-9. `without_volume`: rows without a volume have 0.
    """

    decimal: Decimal = "."
    is_certain: bool = True
    fixed_point: bool = False
    without_volume: bool = False

    def read(self, name: str, column: pa.Array, file: Path) -> tuple[Floats, dict[int, str]]:
        """Return a column as float64, shape (n,), NaN where a number is missing, and the faults of rows.

        Raises UnclearFileError where a number's marks have two readings.
        """
        if self.fixed_point and name in PRICES:
            return _from_fixed_point(name, column)
        numbers, faults = self._from_text(name, column, file) if is_text(column) else (_typed(column), {})
        if name == "volume" and self.without_volume and np.isnan(numbers).any():
            missing = np.isnan(numbers)
            missing[list(faults)] = False
            numbers = np.where(missing, 0.0, numbers)
        return numbers, faults

    def _from_text(self, name: str, column: pa.Array, file: Path) -> tuple[Floats, dict[int, str]]:
        texts = pc.fill_null(column, "") if column.null_count else column
        plain = plain_numbers(texts) if self.decimal == "." else None
        if plain is not None:
            return plain, {}
        bare = bare_numbers(texts, name)
        if not self.is_certain and (text := first_doubtful(bare)) is not None:
            raise two_readings(file, text)
        return _by_marks(name, texts, bare, self.decimal)


def number_fault(name: str, text: str) -> str | None:
    """Return what is wrong with `text` as a number, or None if it is valid."""
    if _NUMBER.fullmatch(text):
        return None
    return f"invalid {name} {text!r}: expected a number" if text else f"{name} is missing"


def is_text(column: pa.Array) -> bool:
    """Whether a column holds text."""
    return bool(pa.types.is_string(column.type))


def plain_numbers(texts: pa.Array) -> Floats | None:
    """Return texts as float64, or None unless all are numbers with a decimal point and no other marks."""
    try:
        texts[:1].cast(pa.float64())  # a cast that fails takes long: it words an error for each row
        return texts.cast(pa.float64()).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]  # untyped
    except pa.ArrowInvalid:
        return None


def bare_numbers(texts: pa.Array, name: str) -> pa.Array:
    """Return texts without blanks around them, currency signs, and words for a missing number (null).

    Of a volume the multiples K, M, B and T become exponents: `1.25M` is `1.25e6`.
    """
    bare = pc.utf8_trim_whitespace(texts)
    bare = pc.replace_substring_regex(
        bare, rf"^([+-]?){_CURRENCY}[{_SPACES}]?|[{_SPACES}]?{_CURRENCY}$", r"\1"
    )
    bare = pc.replace_substring_regex(bare, r"^\+", "")
    if name in VOLUMES:
        for word, exponent in _MULTIPLES.items():
            bare = pc.replace_substring_regex(bare, rf"^([^eE]*\d[.,]?) ?(?i:{word})$", rf"\1{exponent}")
    return pc.if_else(pc.match_substring_regex(bare, _MISSING), None, bare)


def fits(bare: pa.Array, decimal: Decimal) -> pa.Array:
    """Return which numbers can be read with a decimal mark, the other mark being that of thousands."""
    other = "," if decimal == "." else "."
    whole = (
        rf"(?:\d+|[1-9]\d{{0,2}}(?:\{other}\d{{2,3}})*\{other}\d{{3}}|[1-9]\d{{0,2}}(?:[{_SPACES}]\d{{3}})+)"
    )
    return pc.fill_null(
        pc.match_substring_regex(bare, rf"^[+-]?(?:{whole}(?:\{decimal}\d*)?|\{decimal}\d+){_EXPONENT}$"),
        False,
    )


def first_doubtful(bare: pa.Array) -> str | None:
    """Return a number with a comma that can be decimal or of thousands, such as `1,676`, or None."""
    both = pc.and_(
        pc.and_(fits(bare, "."), fits(bare, ",")), pc.fill_null(pc.match_substring(bare, ","), False)
    )
    only_comma = pc.and_(fits(bare, ","), pc.invert(fits(bare, ".")))
    doubtful = pc.or_(both, only_comma)
    place = pc.index(doubtful, True).as_py()
    return None if place < 0 else bare[place].as_py()


def two_readings(file: Path, text: str) -> UnclearFileError:
    """Return the error for a number whose comma can be the decimal mark or that of thousands."""
    return UnclearFileError(
        file,
        f"the comma of {text!r} can be the decimal mark or that of thousands, and no other number of the "
        "file tells: name the decimal mark",
        [{"--decimal": mark} for mark in DECIMALS],
    )


def _by_marks(name: str, texts: pa.Array, bare: pa.Array, decimal: Decimal) -> tuple[Floats, dict[int, str]]:
    valid = fits(bare, decimal)
    marks = f"[{_SPACES}{',' if decimal == '.' else '.'}]"
    plain = pc.replace_substring_regex(pc.if_else(valid, bare, None), marks, "")
    if decimal == ",":
        plain = pc.replace_substring(plain, ",", ".")
    numbers = pc.fill_null(plain.cast(pa.float64()), np.nan).to_numpy(zero_copy_only=False)
    wrong = pc.and_(pc.invert(valid), bare.is_valid()).to_numpy(zero_copy_only=False)
    faults = {int(i): number_fault(name, texts[int(i)].as_py().strip()) for i in np.flatnonzero(wrong)}
    expected = f"expected a number with the decimal mark {decimal!r}"
    return numbers, {
        i: fault or f"invalid {name} {texts[i].as_py()!r}: {expected}" for i, fault in faults.items()
    }


def _typed(column: pa.Array) -> Floats:
    if pa.types.is_decimal(column.type):
        # By way of text, whose conversion rounds correctly.
        column = column.cast(pa.string())
    numbers: Floats = column.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy(zero_copy_only=False)
    return numbers


def _from_fixed_point(name: str, column: pa.Array) -> tuple[Floats, dict[int, str]]:
    counts, faults = _whole(name, column)
    prices: Floats = counts / FIXED_POINT
    large = np.abs(counts) >= 2**53
    for i in np.flatnonzero(large):
        prices[i] = int(counts[i]) / FIXED_POINT  # rounded once, as Python divides whole numbers exactly
    prices[counts == _UNDEFINED_PRICE] = np.nan
    return prices, faults


def _whole(name: str, column: pa.Array) -> tuple[Ints, dict[int, str]]:
    if is_text(column):
        bare = bare_numbers(pc.fill_null(column, ""), name)
        valid = pc.fill_null(pc.match_substring_regex(bare, r"^-?\d{1,19}$"), False)
        wrong = pc.and_(pc.invert(valid), bare.is_valid()).to_numpy(zero_copy_only=False)
        faults = {
            int(i): f"invalid {name} {column[int(i)].as_py()!r}: expected a whole number of 1e-9"
            for i in np.flatnonzero(wrong)
        }
        column = pc.if_else(valid, bare, None).cast(pa.int64())
        return column.fill_null(_UNDEFINED_PRICE).to_numpy(zero_copy_only=False), faults
    return column.cast(pa.int64()).fill_null(_UNDEFINED_PRICE).to_numpy(zero_copy_only=False), {}

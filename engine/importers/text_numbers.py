"""Numbers from columns of text or of a numeric type."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tapedeck.engine.store.bar_store import Floats

_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def number_fault(name: str, text: str) -> str | None:
    """Return what is wrong with `text` as a number, or None if it is valid."""
    if _NUMBER.fullmatch(text):
        return None
    return f"invalid {name} {text!r}: expected a number" if text else f"{name} is missing"


def read_numbers(name: str, column: pa.Array) -> tuple[Floats, dict[int, str]]:
    """Return a column as float64, shape (n,), and the reasons of rows without a number, by position."""
    if pa.types.is_string(column.type):
        return _from_text(name, column)
    missing = np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))
    numbers = column.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy(zero_copy_only=False)
    return numbers, {int(i): f"{name} is missing" for i in missing}


def _from_text(name: str, column: pa.Array) -> tuple[Floats, dict[int, str]]:
    try:
        return pc.fill_null(column, "").cast(pa.float64()).to_numpy(zero_copy_only=False), {}
    except pa.ArrowInvalid:
        texts = [(text or "").strip() for text in column.to_pylist()]
    faults = {i: fault for i, text in enumerate(texts) if (fault := number_fault(name, text))}
    return np.array([np.nan if i in faults else float(text) for i, text in enumerate(texts)]), faults

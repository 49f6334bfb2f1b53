"""Tables of panels, and their text as CSV, Markdown or JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

FORMATS: Final = ("csv", "markdown", "json")
Value = str | int | float | None
Row = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Headings and rows; a missing number is None or NaN."""

    headings: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]

    @classmethod
    def of(cls, headings: Sequence[str], rows: Sequence[Sequence[Value]]) -> Table:
        """Return a table with missing numbers as None, and whole numbers as such."""
        return cls(tuple(headings), tuple(tuple(_plain(value) for value in row) for row in rows))


def table_text(table: Table, form: str) -> str:
    """Return a table as text in one of `FORMATS`, ending with a newline."""
    if form == "json":
        documents = [dict(zip(table.headings, row, strict=True)) for row in table.rows]
        return json.dumps(documents, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if form == "markdown":
        return _markdown(table)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows(
        [table.headings, *(["" if value is None else value for value in row] for row in table.rows)]
    )
    return out.getvalue()


def _markdown(table: Table) -> str:
    def line(cells: Sequence[Value]) -> str:
        texts = ("" if cell is None else str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells)
        return f"| {' | '.join(texts)} |"

    numeric = [
        bool(table.rows) and all(isinstance(row[at], int | float) or row[at] is None for row in table.rows)
        for at in range(len(table.headings))
    ]
    rule = "|" + "|".join("--:" if right else "---" for right in numeric) + "|"
    return "\n".join([line(table.headings), rule, *(line(row) for row in table.rows)]) + "\n"


def _plain(value: Value) -> Value:
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() and abs(value) < 2.0**53 else value
    return value

"""Division of the screen: a region for each panel that is shown, from the sizes that the panels want.

Nothing is counted by hand: a panel says how many rows and columns it wants, and the chart gets what is left.
All sizes are in cells, headings included.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from textual.geometry import Region, Size

OPEN_ROWS: Final = 10
"""Rows, heading included, of a panel whose lines grow with the session: empty, it wastes fewer than ten."""
_LEAST_ROWS: Final = 5
_CHART_LEAST: Final = Size(40, 8)
_TABLE_SHARE: Final = 0.4
"""Most of the width that a table beside the chart gets."""
_DECK_SHARE: Final = 3
"""The panels below the chart get at most a third of the height."""
_WATCH_SHARE: Final = 0.6
"""Most of the height that the table gets where it is large."""
_FIRST_SHARE: Final = 0.6
"""Most of the width that the first of panels side by side claims before others."""
_CHART_EDGE: Final = 1.15
"""The chart is at least this much larger than a table beside it."""

Regions = dict[str, Region]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Size that a panel wants, with its heading: rows and columns, and the fewest that are of use.

    It changes only with the symbols, the columns chosen and the screen, so that panels keep their places
    while a session plays.
    """

    rows: int = OPEN_ROWS
    columns: int = 60
    least_columns: int = 38
    least_rows: int = 5


Wants = Mapping[str, Wanted]


@dataclass(frozen=True, slots=True)
class Cast:
    """The panels that may be shown. `table`, `chart`: their ids, None if hidden; `others`: by precedence.

    Two charts share the place of `chart`.
    """

    table: str | None
    chart: str | None
    others: tuple[str, ...]


def chart_first(cast: Cast, wants: Wants, size: Size) -> Regions:
    """Give the chart the most room: a table of few rows stands below it, a long one beside it."""
    if cast.chart is None:
        return grid((*filter(None, [cast.table]), *cast.others), wants, size)
    if cast.table is not None and _stands_beside(cast, wants, size):
        return _with_table_beside(cast.table, cast.chart, cast.others, wants, size)
    names = (*filter(None, [cast.table]), *cast.others)
    return _chart_over_deck(cast.chart, names, wants, Region(0, 0, *size))


def table_first(cast: Cast, wants: Wants, size: Size) -> Regions:
    """Give the table the rows and columns that it wants; below it the chart, other panels in what is left."""
    if cast.table is None or cast.chart is None:
        return chart_first(cast, wants, size)
    width, height = size
    wanted, others = wants[cast.table], cast.others
    rows, columns = min(wanted.rows, int(_WATCH_SHARE * height)), min(wanted.columns, width)
    found: Regions = {}
    if others and width - columns >= wants[others[0]].least_columns:
        found |= _stack(others, wants, Region(columns, 0, width - columns, rows))
        others = tuple(name for name in others if name not in found)
    else:
        columns = width
    found[cast.table] = Region(0, 0, min(columns, wanted.columns), rows)
    below = Region(0, rows, width, height - rows)
    least = wants[others[0]].least_columns if others else width
    if width - least >= max(_CHART_LEAST.width, least):
        beside = _stack(others, wants, Region(below.right - least, below.y, least, below.height))
        found |= beside | {cast.chart: Region(0, below.y, width - least, below.height)}
    else:
        found[cast.chart] = below
    return found


def grid(names: Sequence[str], wants: Wants, size: Size) -> Regions:
    """Give panels equal parts of the screen, side by side as far as they are of use then."""
    if not names:
        return {}
    width, height = size
    names = names[: max(height // _LEAST_ROWS, 1) * max(width // Wanted().least_columns, 1)]
    across = max(min(width // max(wants[name].least_columns for name in names), len(names)), 1)
    while across > 1 and (across - 1) ** 2 >= len(names):
        across -= 1
    down = -(-len(names) // across)
    found: Regions = {}
    for row, (y, rows) in enumerate(_parts(0, height, down)):
        some = names[row * across : (row + 1) * across]
        for name, (x, columns) in zip(some, _parts(0, width, len(some)), strict=True):
            found[name] = Region(x, y, columns, rows)
    return found


def side_by_side(names: Sequence[str], room: Region) -> Regions:
    """Give panels equal parts of some room, from left to right."""
    parts = _parts(room.x, room.width, len(names))
    return {
        name: Region(x, room.y, columns, room.height) for name, (x, columns) in zip(names, parts, strict=True)
    }


# Within


def _stands_beside(cast: Cast, wants: Wants, size: Size) -> bool:
    """Whether the table is too long to stand below the chart, and panels fill what it leaves beside it."""
    assert cast.table is not None
    rows = wants[cast.table].rows
    filled = rows + sum(wants[name].rows for name in cast.others)
    return rows > size.height // _DECK_SHARE and filled > size.height - _LEAST_ROWS


def _with_table_beside(table: str, chart: str, others: tuple[str, ...], wants: Wants, size: Size) -> Regions:
    width, height = size
    table_rows = min(wants[table].rows, height)
    deck = _deck_rows(others, wants, height)
    chart_rows = height - deck
    # The chart stays the largest: (width - columns) * chart_rows > columns * table_rows.
    most = int(width * chart_rows / max(chart_rows + _CHART_EDGE * table_rows, 1))
    columns = min(wants[table].columns, int(_TABLE_SHARE * width), most)
    column = Region(0, 0, columns, height)
    found = {table: column.crop_size(Size(columns, table_rows))}
    narrow = max(columns, Wanted().least_columns)
    under = [name for name in others if wants[name].least_columns <= narrow]
    found |= _stack(under, wants, Region(0, table_rows, columns, height - table_rows))
    left = tuple(name for name in others if name not in found)
    return found | _chart_over_deck(chart, left, wants, Region(columns, 0, width - columns, height))


def _deck_rows(names: Sequence[str], wants: Wants, height: int) -> int:
    """Return the rows of panels below the chart: as the tallest wants, at most a third of the height."""
    rows = min(max((wants[name].rows for name in names), default=0), height // _DECK_SHARE)
    return rows if rows >= _LEAST_ROWS and height - rows >= _CHART_LEAST.height else 0


def _chart_over_deck(chart: str, names: tuple[str, ...], wants: Wants, room: Region) -> Regions:
    """Put the chart on top, and below it as many panels side by side as fit; further ones below those."""
    tops = _fitting(names, wants, room.width)
    rows = _deck_rows(tops, wants, room.height)
    found = {chart: Region(room.x, room.y, room.width, room.height - rows)}
    if not rows:
        return found
    waiting = [name for name in names if name not in tops]
    y = room.bottom - rows
    for name, (x, columns) in zip(tops, _widths(tops, wants, room), strict=True):
        placed = _stack((name, *waiting), wants, Region(x, y, columns, rows))
        waiting = [name for name in waiting if name not in placed]
        found |= placed
    return found


def _fitting(names: Sequence[str], wants: Wants, width: int) -> tuple[str, ...]:
    """Return the first panels that fit side by side: the first as it wants, the others with their least."""
    fitting: list[str] = []
    free = width
    for name in names:
        free -= wants[name].least_columns if fitting else _claim(names, wants, width)
        if fitting and free < 0:
            break
        fitting.append(name)
    return tuple(fitting)


def _claim(names: Sequence[str], wants: Wants, width: int) -> int:
    """Return the columns that the first panel claims; it leaves the second one its least."""
    first = wants[names[0]]
    most = width - sum(wants[name].least_columns for name in names[1:2])
    return max(min(first.columns, int(_FIRST_SHARE * width), most), first.least_columns)


def _widths(names: Sequence[str], wants: Wants, room: Region) -> Iterator[tuple[int, int]]:
    """Yield first column and width of panels side by side.

    The first has what it claims, and more if the others want less; they have their least and equal parts of
    the rest.
    """
    first = room.width
    if len(names) > 1:
        spare = room.width - sum(wants[name].columns for name in names[1:])
        first = max(_claim(names, wants, room.width), min(wants[names[0]].columns, spare))
    yield room.x, first
    if len(names) > 1:
        x = room.x + first
        rest = room.right - x - sum(wants[name].least_columns for name in names[1:])
        for name, (_, more) in zip(names[1:], _parts(0, rest, len(names) - 1), strict=True):
            columns = wants[name].least_columns + more
            yield x, columns
            x += columns


def _stack(names: Sequence[str], wants: Wants, room: Region) -> Regions:
    """Put panels one below the other until they fill the room; none is taller than it wants."""
    chosen: list[str] = []
    free = room.height
    for name in names:
        if wants[name].least_rows <= free:
            chosen.append(name)
            free -= wants[name].rows
    if not chosen and names and free >= _LEAST_ROWS:
        chosen = [names[0]]
    heights = [wants[name].rows for name in chosen]
    if chosen:
        heights[-1] += min(room.height - sum(heights), 0)
    found: Regions = {}
    y = room.y
    for name, rows in zip(chosen, heights, strict=True):
        found[name] = Region(room.x, y, room.width, rows)
        y += rows
    return found


def _parts(start: int, length: int, count: int) -> Iterator[tuple[int, int]]:
    """Yield start and length of equal parts, the first ones longer by one if need be."""
    for at in range(count):
        part = length // count + (at < length % count)
        yield start, part
        start += part

"""Needs of a condition: what it reads of the sessions before the one it is evaluated on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tapedeck.engine.conditions.known_values import bar_field
from tapedeck.engine.conditions.syntax import Crossing, Node, Reference, children
from tapedeck.engine.tape.earlier_values import EarlierNeed, Series


def earlier_needs(node: Node, rows: Mapping[str, int], *, in_cross: bool = False) -> Iterator[EarlierNeed]:
    """Yield the needs of the values below a node; `rows`: the row of each symbol on the tape."""
    if isinstance(node, Reference) and (node.symbol is None or node.symbol in rows):
        series = _series(node, rows)
        if not in_cross:
            needs = EarlierNeed(series, node.back, end=False)
        elif node.back or bar_field(node.name, node.interval) is not None:
            needs = EarlierNeed(series, node.back + 1, end=False)
        else:
            needs = EarlierNeed(series, 0, end=True)
        if needs.bars or needs.end:
            yield needs
    for child in children(node):
        yield from earlier_needs(child, rows, in_cross=in_cross or isinstance(node, Crossing))


def _series(reference: Reference, rows: Mapping[str, int]) -> Series:
    first, stop = 0, len(rows)
    if reference.symbol is not None:
        first = rows[reference.symbol]
        stop = first + 1
    return Series(reference.name, reference.interval, first, stop)

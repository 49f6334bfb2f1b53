"""Rules that read late figures: values that are known one frontier at a time, such as those of an account.

All else in such a rule is evaluated for a block of frontiers at once.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from tapedeck.engine.conditions.evaluation import Evaluation
from tapedeck.engine.conditions.known_values import KnownValues
from tapedeck.engine.conditions.row_evaluation import RowEvaluation
from tapedeck.engine.conditions.syntax import Comparison, Crossing, Truth, Value, children, references
from tapedeck.engine.tape.bar_grid import Floats, Mask


class LateRule:
    """A rule over rows on the values known at a block of frontiers.

    `known`: of the block, without the figures in `late`; `symbols`: those of the rows. A cross must not read
    late figures, as these have no value one slot before.
    """

    def __init__(
        self, root: Truth, known: KnownValues, symbols: tuple[str, ...], late: Collection[str]
    ) -> None:
        self._root = root
        self._known, self._symbols = known, symbols
        self._block = _BlockColumns(known, symbols, _late_nodes(root, late))

    def possible(self) -> Mask:
        """Return where it can be true, whatever the late figures are; bool (S, frontiers)."""
        holds = _Possible(self._known, self._symbols, self._block).holds(self._root)
        return np.array(np.broadcast_to(holds, (len(self._symbols), len(self._known))))

    def holds_at(self, column: int, known: KnownValues) -> Mask:
        """Return where it is true at the frontier in a column of the block, bool (S,).

        `known`: values at that frontier alone, with the late figures.
        """
        holds = _AtOneFrontier(known, self._symbols, self._block, column).holds(self._root)
        return np.asarray(np.broadcast_to(holds, (len(self._symbols), 1))[:, 0])


class _BlockColumns:
    """Columns of the nodes that read no late figure, each evaluated once."""

    def __init__(self, known: KnownValues, symbols: tuple[str, ...], late: frozenset[int]) -> None:
        self._late = late
        self._values = Evaluation(known, symbols)
        self._truths = RowEvaluation(known, symbols)
        self._found_values: dict[int, Floats] = {}
        self._found_truths: dict[tuple[int, bool], Mask] = {}

    def is_late(self, node: Truth | Value) -> bool:
        """Whether a node reads late figures."""
        return id(node) in self._late

    def value(self, node: Value) -> Floats:
        """Return a value as `Evaluation.value`."""
        found = self._found_values.get(id(node))
        if found is None:
            found = self._found_values[id(node)] = self._values.value(node)
        return found

    def holds(self, node: Truth, wanted: bool) -> Mask:
        """Return where a node is true, or false, as `RowEvaluation.holds`."""
        found = self._found_truths.get((id(node), wanted))
        if found is None:
            found = self._found_truths[id(node), wanted] = self._truths.holds(node, wanted)
        return found


class _Possible(RowEvaluation):
    """Evaluation in which a comparison of late figures may be true, and may be false."""

    def __init__(self, known: KnownValues, symbols: tuple[str, ...], block: _BlockColumns) -> None:
        super().__init__(known, symbols)
        self._block = block

    def holds(self, node: Truth, wanted: bool = True) -> Mask:
        if not self._block.is_late(node):
            return self._block.holds(node, wanted)
        if isinstance(node, Comparison | Crossing):
            return np.ones((1, len(self._known)), dtype=np.bool_)
        return super().holds(node, wanted)


class _AtOneFrontier(RowEvaluation):
    """Evaluation at one frontier, which takes from a block what reads no late figure."""

    def __init__(
        self, known: KnownValues, symbols: tuple[str, ...], block: _BlockColumns, column: int
    ) -> None:
        super().__init__(known, symbols)
        self._now = _ValuesAtOneFrontier(known, symbols, block, column)
        self._block, self._column = block, slice(column, column + 1)

    def holds(self, node: Truth, wanted: bool = True) -> Mask:
        if not self._block.is_late(node):
            return self._block.holds(node, wanted)[:, self._column]
        return super().holds(node, wanted)


class _ValuesAtOneFrontier(Evaluation):
    def __init__(
        self, known: KnownValues, symbols: tuple[str, ...], block: _BlockColumns, column: int
    ) -> None:
        super().__init__(known, symbols)
        self._block, self._column = block, slice(column, column + 1)

    def value(self, node: Value) -> Floats:
        if not self._block.is_late(node):
            return self._block.value(node)[:, self._column]
        return super().value(node)


def _late_nodes(root: Truth, late: Collection[str]) -> frozenset[int]:
    """Return the identities of the nodes that read late figures."""
    found = set()
    waiting: list[Truth | Value] = [root]
    while waiting:
        node = waiting.pop()
        if any(reference.name in late and reference.interval is None for reference in references(node)):
            found.add(id(node))
            waiting.extend(children(node))
    return frozenset(found)

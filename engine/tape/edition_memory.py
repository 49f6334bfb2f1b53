"""Memory of a session's editions: arrays that nothing reads any more are brought up to date and used again.

An edition differs from the one before it in few rows, and from an older one in these and in the columns that
were written since. So its arrays need not be copied as a whole, which takes longer than all computing where
there are thousands of symbols. An array that a view still holds is never touched.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from weakref import ReferenceType, finalize, ref

import numpy as np

from tapedeck.engine.tape.bar_grid import Floats, Ints

Copied = Callable[[str, Floats, int, int], Floats]
"""Returns a copy of an array (…, S, columns), by its name in the tape.

The two numbers: columns before the first change by a new edition only; columns from the second on have not
been written.
"""

_Spare = deque[tuple[int, Floats]]
"""Number of an edition, and memory with an array of it."""


@dataclass(slots=True)
class _Made:
    """An edition: rows that differ from the one before, and by array the first column that may change."""

    rows: Ints
    firsts: dict[str, int] = field(default_factory=dict)


class EditionMemory:
    """Arrays of the editions of one session, with one spare of each at most. For the coordinator only."""

    __slots__ = ("_made", "_spare")

    def __init__(self) -> None:
        self._made: dict[int, _Made] = {}
        self._spare: dict[str, _Spare] = {}

    def copies_for(self, edition: int, rows: Ints) -> Copied:
        """Return the function that copies arrays of the newest edition for the next one.

        `edition`: number of the next one; `rows`: those in which it will be overwritten.
        """
        if edition in self._made:  # it was made before, but did not take its place
            self._made, self._spare = {}, {}
        self._made[edition] = made = _Made(rows)
        changed: dict[int, Ints] = {}

        def copied(name: str, array: Floats, first: int, last: int) -> Floats:
            made.firsts[name] = first
            old, memory = self._taken(name, array)
            if old is not None and old not in changed:
                changed[old] = self._changed_since(old, edition)
            if old is None or 2 * len(changed[old]) > array.shape[-2]:
                memory[...] = array
            else:
                memory[..., changed[old], :] = array[..., changed[old], :]
                begin = self._made[old + 1].firsts[name]
                memory[..., begin:last] = array[..., begin:last]
            return self._lent(name, edition, memory)

        return copied

    def _changed_since(self, old: int, edition: int) -> Ints:
        """Return the rows in which the edition before `edition` differs from an older one."""
        rows = [self._made[number].rows for number in range(old + 1, edition)]
        return np.unique(np.concatenate(rows)) if rows else np.empty(0, dtype=np.int64)

    def _taken(self, name: str, array: Floats) -> tuple[int | None, Floats]:
        """Return memory for an array, and the number of the edition that is in it, None for new memory."""
        spare = self._spare.setdefault(name, deque(maxlen=1))
        if spare:
            old, memory = spare.pop()
            if memory.shape == array.shape:
                return old, memory
        return None, np.empty(array.shape)

    def _lent(self, name: str, edition: int, memory: Floats) -> Floats:
        """Return an array over memory, which comes back when neither it nor a view of it is held any more."""
        # A view, also one of a view, refers to the array at the root of them, here `owner`: that one's memory
        # belongs to no other array, but to a buffer.
        owner: Floats = np.frombuffer(memory.data, memory.dtype)
        finalize(owner, _give_back, ref(self._spare[name]), edition, memory).atexit = False
        return owner.reshape(memory.shape)


def _give_back(spare: ReferenceType[_Spare], edition: int, memory: Floats) -> None:
    """Keep memory as the spare, in the thread that drops the last view of it, unless the session is over."""
    known = spare()
    if known is not None:
        known.append((edition, memory))

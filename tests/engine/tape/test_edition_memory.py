"""Arrays of editions: memory is used again once nothing reads it, and never before."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.tape.edition_memory import EditionMemory
from tests.support.tapes import same_bits

ROWS, COLUMNS = 6, 12

steps = st.lists(
    st.tuples(
        st.sets(st.integers(0, ROWS - 1), max_size=2),  # rows that the edition overwrites
        st.integers(0, 3),  # columns written in place after it
        st.sampled_from(["drop", "hold", "hold a view"]),
    ),
    max_size=20,
)


@settings(max_examples=100, deadline=None)
@given(steps=steps)
def test_an_edition_has_the_content_of_its_input_and_what_is_held_keeps_its_own(steps: list) -> None:
    random = np.random.default_rng(0)
    memory, newest = EditionMemory(), random.random((2, ROWS, COLUMNS))
    held: list[tuple[np.ndarray, np.ndarray]] = []
    over = 0
    for edition, (rows, written, what) in enumerate(steps, start=1):
        changed = np.array(sorted(rows), dtype=np.int64)
        expected = newest.copy()
        expected[:, changed] = random.random((2, len(changed), COLUMNS))
        made = memory.copies_for(edition, changed)("bars", newest, over, over)
        made[:, changed] = expected[:, changed]
        assert same_bits(made, expected)
        if what != "drop":
            held.append((newest if what == "hold" else newest[1, 2:, ::3], newest.copy()))
        newest = made
        del made
        start, over = over, min(COLUMNS, over + written)
        newest[..., start:over] = random.random((2, ROWS, over - start))
    for array, content in held:
        assert same_bits(array.copy(), content if array.shape == content.shape else content[1, 2:, ::3])


def next_of(memory: EditionMemory, edition: int, newest: np.ndarray) -> np.ndarray:
    return memory.copies_for(edition, np.array([1]))("bars", newest, 0, 0)


def address(array: np.ndarray) -> int:
    return int(array.ctypes.data)


def test_memory_is_used_again_once_the_last_view_is_gone() -> None:
    memory = EditionMemory()
    first = next_of(memory, 1, np.zeros((ROWS, COLUMNS)))
    view = first[2:4, ::2].T
    was = address(first)
    second = next_of(memory, 2, first)
    del first
    third = next_of(memory, 3, second)
    assert was not in (address(second), address(third)), "a view of it is held"
    del view
    assert address(next_of(memory, 4, third)) == was


def test_an_edition_that_did_not_take_its_place_leaves_nothing_behind() -> None:
    memory, newest = EditionMemory(), np.zeros((ROWS, COLUMNS))
    failed = next_of(memory, 1, newest)
    failed[...] = 7.0
    del failed
    assert same_bits(next_of(memory, 1, newest), newest)
    assert same_bits(next_of(memory, 2, newest), newest)


def test_memory_is_freed_with_the_session() -> None:
    memory = EditionMemory()
    held = next_of(memory, 1, np.zeros((ROWS, COLUMNS)))
    del memory
    assert same_bits(held, np.zeros((ROWS, COLUMNS)))
    del held

"""Editions: a tape with corrected bars behind its frontier, and all that depends on them made right.

Plain arithmetic in the caller's thread. The rows that corrections touch are computed alone, from the open on,
by the kernels that computed them before; the other rows are copied.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tapedeck.engine.indicators.block_computer import BlockComputer
from tapedeck.engine.quality.gaps_and_scores import RunningScores
from tapedeck.engine.tape.bar_grid import Floats, Ints
from tapedeck.engine.tape.tape import Tape


def _no_slots() -> Ints:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Corrections:
    """Bars that come late or anew, and slots that are confirmed empty, together.

    `rows`, `slots`: int64 (m,), symbol and base slot of each bar, any slot of the session; `values`: float64
    (5, m), fields as in `FIELDS`. Of several for one slot the last counts. `empty_rows`, `empty_slots`: int64
    (e,), slots that are confirmed empty, but for those with a bar.
    """

    rows: Ints
    slots: Ints
    values: Floats
    empty_rows: Ints = field(default_factory=_no_slots)
    empty_slots: Ints = field(default_factory=_no_slots)


def mended(
    tape: Tape, corrections: Corrections, computer: BlockComputer, scores: RunningScores | None
) -> Tape:
    """Return the next edition of a tape, with the corrections; `tape` itself stays as it is.

    `computer`, `scores`: those of the tape, which have computed it up to `tape.processed`, and counted it up
    to `scores.counted`. They must be idle; they go on over the new edition, which the caller puts in the
    tape's place (`SessionData.replace_tape`) before the next block.
    """
    rows: Ints = np.unique(np.concatenate([corrections.rows, corrections.empty_rows]))
    part = tape.of_rows(rows)
    part.base.write_bars(np.searchsorted(rows, corrections.rows), corrections.slots, corrections.values)
    part.base.confirm_empty(np.searchsorted(rows, corrections.empty_rows), corrections.empty_slots)
    part_computer = computer.for_rows(part, rows)
    part_computer.compute(0, tape.processed)
    made = tape.next_edition(rows)
    if scores is not None and part.scores is not None and made.scores is not None:
        part_scores = RunningScores(part.scores)
        part_scores.advance(part.base.present, scores.counted, empty=part.base.confirmed_empty)
        scores.move_to(made.scores, part_scores, rows)
    made.put_rows(rows, part)
    behind = corrections.slots < tape.frontier
    if behind.any():
        made.mark_corrected(corrections.rows[behind], corrections.slots[behind])
    computer.move_to(made, part_computer, rows)
    return made

"""Editions: a tape with corrected bars or quotes behind its frontier, and all that depends on them right.

Plain arithmetic in the caller's thread. The rows that corrections touch are computed alone, from the open on,
by the kernels that computed them before; the other rows are copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tapedeck.engine.indicators.block_computer import BlockComputer
from tapedeck.engine.quality.gaps_and_scores import RunningScores
from tapedeck.engine.tape.bar_grid import FIELDS, Floats, Ints, Mask
from tapedeck.engine.tape.quote_grid import QUOTE_FIELDS
from tapedeck.engine.tape.tape import Tape


def _no_slots() -> Ints:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Corrections:
    """Bars and quotes that come late or anew, and slots that are confirmed empty, together.

    `rows`, `slots`: int64 (m,), symbol and base slot of each bar, any slot of the session; `values`: float64
    (5, m), fields as in `FIELDS`. Of several for one slot the last counts. `empty_rows`, `empty_slots`: int64
    (e,), slots that are confirmed empty, but for those with a bar. `quote_rows`, `quote_slots`: int64 (q,),
    and `quotes`: float64 (4, q), fields as in `QUOTE_FIELDS`, the same of quotes; only with a tape of quotes.
    """

    rows: Ints = field(default_factory=_no_slots)
    slots: Ints = field(default_factory=_no_slots)
    values: Floats = field(default_factory=lambda: np.empty((len(FIELDS), 0)))
    empty_rows: Ints = field(default_factory=_no_slots)
    empty_slots: Ints = field(default_factory=_no_slots)
    quote_rows: Ints = field(default_factory=_no_slots)
    quote_slots: Ints = field(default_factory=_no_slots)
    quotes: Floats = field(default_factory=lambda: np.empty((len(QUOTE_FIELDS), 0)))


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
    made = tape.next_edition(np.union1d(rows, corrections.quote_rows))
    if scores is not None and part.scores is not None and made.scores is not None:
        part_scores = RunningScores(part.scores)
        part_scores.advance(part.base.present, scores.counted, empty=part.base.confirmed_empty)
        scores.move_to(made.scores, part_scores, rows)
    made.put_rows(rows, part)
    if made.quotes is not None and len(corrections.quote_rows):
        quote_rows, quote_slots = corrections.quote_rows, corrections.quote_slots
        made.quotes.correct(made.base, quote_rows, quote_slots, corrections.quotes, tape.processed)
    behind = corrections.slots < tape.frontier
    if behind.any():
        made.mark_corrected(corrections.rows[behind], corrections.slots[behind])
    computer.move_to(made, part_computer, rows)
    return made


def changes_of(tape: Tape, late: Sequence[Corrections]) -> Corrections | None:
    """Return the corrections that differ from a tape, as one, or None; the last one of each slot counts."""
    rows, slots, values = _last(tape, [(part.rows, part.slots, part.values) for part in late])
    changed = _differ(values, tape.base.values[:, rows, slots])
    empty_rows = np.concatenate([part.empty_rows for part in late])
    empty_slots = np.concatenate([part.empty_slots for part in late])
    new = ~tape.base.covered_at(empty_rows, empty_slots)
    found = Corrections(rows[changed], slots[changed], values[:, changed], empty_rows[new], empty_slots[new])
    if tape.quotes is not None:
        quoted = [(part.quote_rows, part.quote_slots, part.quotes) for part in late]
        rows, slots, quotes = _last(tape, quoted)
        other = _differ(quotes, tape.quotes.came[:, rows, slots])
        found = replace(found, quote_rows=rows[other], quote_slots=slots[other], quotes=quotes[:, other])
    is_empty = not (len(found.rows) or len(found.empty_rows) or len(found.quote_rows))
    return None if is_empty else found


def _last(tape: Tape, parts: Sequence[tuple[Ints, Ints, Floats]]) -> tuple[Ints, Ints, Floats]:
    """Return rows, slots and values, (fields, m), of which the last one of each slot counts."""
    rows = np.concatenate([part[0] for part in parts])
    slots = np.concatenate([part[1] for part in parts])
    values = np.concatenate([part[2] for part in parts], axis=1)
    keys = rows * len(tape) + slots
    _, last = np.unique(keys[::-1], return_index=True)
    kept = len(keys) - 1 - last
    return rows[kept], slots[kept], values[:, kept]


def _differ(values: Floats, before: Floats) -> Mask:
    """Return which columns of two arrays (fields, m) differ."""
    same: Mask = ((before == values) | (np.isnan(before) & np.isnan(values))).all(axis=0)
    return ~same

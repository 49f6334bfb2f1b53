"""Decimals of columns and rows of figures: enough for the digits that matter, the same from bar to bar.

They depend on the largest values so far in the session, by powers of ten, and not on later values.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tapedeck.console.app.playback import Playback
from tapedeck.console.app.widgets.figures import LEAST_DECIMALS, decimals_of
from tapedeck.engine.tape.bar_grid import FIELDS, VOLUME, Floats

_SAMPLES: Final = 64
"""Columns sampled from a whole session."""


def names_on_price_scale(playback: Playback) -> frozenset[str]:
    """Return the names of indicators that are prices, historical ones included."""
    session = {name for interval in playback.intervals for name in playback.overlays(interval)}
    history = {
        known.name for known in playback.plan.history.trailing if known.definition.field != FIELDS[VOLUME]
    }
    return frozenset(session | history)


def sizes_of(values: Floats, slots: int = 0) -> Floats:
    """Return the largest absolute value in each row of `values`, shape (S, columns); NaN if all are missing.

    `slots`: the session's length; about 64 of its columns are sampled, which is cheap for many rows. 0: all
    columns. Either way results only grow during the session.
    """
    if not values.shape[1]:
        return np.full(len(values), np.nan)
    largest: Floats = np.fmax.reduce(np.abs(values[:, :: max(1, slots // _SAMPLES)]), axis=1)
    unknown = np.flatnonzero(np.isnan(largest))
    if len(unknown):  # no value in the sampled columns
        largest[unknown] = np.fmax.reduce(np.abs(values[unknown]), axis=1)
    return largest


def column_decimals(sizes: Floats) -> int:
    """Return the decimals of a column, as its row of the smallest size needs them.

    For prices, `sizes` are the first opens of the session, which are fixed once known.
    """
    return max(map(decimals_of, sizes.tolist()), default=LEAST_DECIMALS)

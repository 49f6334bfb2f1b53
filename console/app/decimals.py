"""How many decimals a column or row of figures has: enough to read them, and the same from bar to bar.

They follow the size that values have had so far in the session, by powers of ten; what is yet to come has no
part in it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tapedeck.console.app.playback import Playback
from tapedeck.console.app.widgets.figures import LEAST_DECIMALS, decimals_of
from tapedeck.engine.tape.bar_grid import FIELDS, VOLUME, Floats

_SAMPLES: Final = 64
"""So many columns of a whole session are looked at for the size of its values."""


def names_on_price_scale(playback: Playback) -> frozenset[str]:
    """Return the indicators that are prices, those from history included."""
    session = {name for interval in playback.intervals for name in playback.overlays(interval)}
    history = {
        known.name for known in playback.plan.history.trailing if known.definition.field != FIELDS[VOLUME]
    }
    return frozenset(session | history)


def sizes_of(values: Floats, slots: int = 0) -> Floats:
    """Return the largest amount in each row of `values`, shape (S, columns), NaN where there is none.

    `slots`, a session's length: columns so far apart that it has few of them are looked at, which is cheap
    for many rows; 0 is all columns. Either way what is found only grows while the session goes on.
    """
    if not values.shape[1]:
        return np.full(len(values), np.nan)
    largest: Floats = np.fmax.reduce(np.abs(values[:, :: max(1, slots // _SAMPLES)]), axis=1)
    unknown = np.flatnonzero(np.isnan(largest))
    if len(unknown):  # as long as none of these columns has a value
        largest[unknown] = np.fmax.reduce(np.abs(values[unknown]), axis=1)
    return largest


def column_decimals(sizes: Floats) -> int:
    """Return the decimals of a column whose rows have values of such sizes: as the smallest of them needs.

    Of prices, the session's first opens are the sizes, which do not change any more.
    """
    return max(map(decimals_of, sizes.tolist()), default=LEAST_DECIMALS)

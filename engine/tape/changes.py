"""How far a price has come since the session opened."""

from __future__ import annotations

import numpy as np

from tapedeck.engine.tape.bar_grid import Floats


def change_pct(first_open: Floats, last: Floats) -> Floats:
    """Return the change in percent from a session's first open to its last price; NaN where one is missing.

    Not from the close of the day before: that is known only where history was loaded, and a session's values
    depend on nothing but the store and the file. A first open of 0 gives NaN.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        change = (last / first_open - 1.0) * 100.0
    return np.where(np.isfinite(change), change, np.nan)

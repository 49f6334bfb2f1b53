"""Scanner of examples/scanners.yaml: symbols that have traded far more than is usual by this minute."""

import numpy as np
from pydantic import BaseModel, PositiveFloat

from tapedeck import Found, Scanner, UniverseView


class UnusualVolume(Scanner):
    """Finds symbols whose volume of the day is `times` the average of earlier days by this minute."""

    class Parameters(BaseModel):
        """Parameters in the session file."""

        times: PositiveFloat = 2.0

    def scan(self, view: UniverseView) -> list[Found]:
        """Return them, largest ratio first; equal ones by symbol."""
        volume = view.value("day_volume")
        usual = view.value("avg_volume_to_now")
        # A missing value is NaN, with which no comparison is true. Without a usual volume there is no ratio.
        rows = np.flatnonzero((usual > 0) & (volume > self.parameters.times * usual))
        found = [(-volume[row] / usual[row], view.symbols[row], row) for row in rows]
        return [
            Found(symbol, {"day_volume": volume[row], "avg_volume_to_now": usual[row]})
            for _, symbol, row in sorted(found)
        ]

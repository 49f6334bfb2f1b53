"""How earlier bars for charts are joined."""

from __future__ import annotations

import numpy as np
import pytest

from tapedeck.console.app.chart_histories import joined_history
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.read.earlier_bars import EarlierBars
from tapedeck.engine.tape.session_view import Bars


def day(number: int, *closes: float) -> EarlierBars:
    """Return a day of one bar for each close."""
    values = np.array(closes)
    times = number * 86_400 + 60 * np.arange(len(closes))
    return EarlierBars(Bars(times, *[values] * 5, base_bars=np.ones(len(closes), np.int32)))


NONE, SOME = (np.nan, np.nan), (np.nan, 2.0)


@pytest.mark.parametrize("source", ["read", "held"])
def test_days_before_the_first_bar_are_not_shown_and_those_after_it_are_gaps(source: str) -> None:
    days = [day(1, *NONE), day(2, *NONE), day(3, *SOME), day(4, *NONE), day(5, *SOME)]
    read, held = (days, []) if source == "read" else ([], days)
    assert joined_history(read, held, None, "SPY", MINUTE).parts == tuple(days[2:])
    assert joined_history(read[:2], held[:2], None, "SPY", MINUTE).parts == ()

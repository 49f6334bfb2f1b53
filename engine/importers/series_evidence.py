"""Evidence of the rows of one symbol: number, first and last time, steps, hours and labels."""

from __future__ import annotations

import numpy as np

from tapedeck.engine.clock.unplayed_bars import BarPlace, PlaceTally, UnplayedBars
from tapedeck.engine.importers.bar_labels import LabelEvidence
from tapedeck.engine.importers.bar_steps import StepCounts, usual_step
from tapedeck.engine.importers.hours_covered import HoursCovered
from tapedeck.engine.importers.report import SeriesReport
from tapedeck.engine.importers.session_hours import SessionHours
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_store import Ints

_AROUND_THE_CLOCK_MINUTES = 20 * 60
_WEEKEND_SHARE = 0.2
_OUTSIDE_SHARE = 0.2
_FEWEST_SECONDS = 2 * 86400
_THURSDAY = 3  # 1970-01-01


class SeriesEvidence:
    """Evidence of one symbol and interval, fed part by part; `hours`: sessions of the exchange."""

    def __init__(self, symbol: str, interval: Interval, hours: SessionHours) -> None:
        self.symbol = symbol
        self.interval = interval
        self.steps = StepCounts()
        self.labels = LabelEvidence()
        self._hours = hours
        self._covered = HoursCovered(hours.zone) if interval.is_intraday else None
        self._bars = 0
        self._weekend_bars = 0
        self._edge_bars = np.zeros(2, np.int64)
        self._places: PlaceTally | None = None
        self._first: int | None = None
        self._last: int | None = None

    def add(self, times: Ints, good: Ints, *, checks_labels: bool) -> None:
        """Take the times of the next rows into account, and those of the good ones among them.

        Both: seconds UTC, oldest first, each once; `times` of daily bars may be instants.
        """
        self.steps.add(times)
        if checks_labels:
            self.labels.add(times, self._hours, self.interval.seconds)
        if not len(good):
            return
        self._bars += len(good)
        first, last = int(good[0]), int(good[-1])
        self._first = first if self._first is None else min(first, self._first)
        self._last = last if self._last is None else max(last, self._last)
        self._weekend_bars += int(((good // 86400 + _THURSDAY) % 7 >= 5).sum())
        if self._covered is not None:
            self._covered.add(good)
            self._edge_bars += self._hours.edge_bars(good)
        places = self._hours.tally(good, self.interval)
        if places is not None:
            self._places = places if self._places is None else self._places + places

    def count_repeats(self, count: int) -> None:
        """Take back rows that were added twice."""
        self._bars -= count

    @property
    def bars(self) -> int:
        """Number of good bars."""
        return self._bars

    @property
    def is_around_the_clock(self) -> bool:
        """Whether the bars are evidently those of a market that trades day and night, or at weekends."""
        if self._bars and self._weekend_bars >= _WEEKEND_SHARE * self._bars:
            return True
        bounds = self._covered.bounds() if self._covered is not None else None
        return bounds is not None and (bounds[1] - bounds[0] - 1) % 1440 >= _AROUND_THE_CLOCK_MINUTES

    def unplayed(self) -> UnplayedBars | None:
        """Return the bars that no session of the exchange plays; None where the calendar does not tell."""
        return None if self._places is None else self._places.unplayed()[0]

    @property
    def regular_bars(self) -> int:
        """Number of good bars that lie in regular hours of the exchange, as far as its calendar goes."""
        return 0 if self._places is None else int(self._places.totals[0, BarPlace.SESSION])

    @property
    def misses_regular_hours(self) -> bool:
        """Whether intraday bars lie before or behind regular hours on most days, as with a wrong zone.

        Pre- and post-market are ordinary beside regular hours; without a bar in the first or in the last
        hour of any session they are not.
        """
        if self._first is None or self._last is None or self._places is None or self._covered is None:
            return False
        outside = int(self._places.totals[0, BarPlace.OUTSIDE_HOURS])
        is_long = self._last - self._first >= _FEWEST_SECONDS
        return is_long and outside >= _OUTSIDE_SHARE * self._bars and not self._edge_bars.all()

    def report(self) -> SeriesReport | None:
        """Return the report; None without a good bar."""
        if self._first is None or self._last is None:
            return None
        return SeriesReport(
            self.symbol,
            self.interval,
            self._bars,
            self._first,
            self._last,
            usual_step(self.steps.counts()),
            self._covered.bounds() if self._covered is not None else None,
        )


def sorted_once(times: Ints) -> Ints:
    """Return times oldest first, each once."""
    return times if bool((times[1:] > times[:-1]).all()) else np.unique(times)

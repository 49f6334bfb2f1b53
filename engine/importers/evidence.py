"""Evidence of an import: what its rows tell about symbols, steps and labels, against the options."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tapedeck.engine.clock.unplayed_bars import UnplayedBars, describe_unplayed
from tapedeck.engine.default_exchange import DEFAULT_EXCHANGE
from tapedeck.engine.importers.bar_labels import LabelEvidence
from tapedeck.engine.importers.bar_steps import contradicting_step
from tapedeck.engine.importers.file_rows import SeriesRows, UnclearFileError
from tapedeck.engine.importers.importer import EvidenceRules
from tapedeck.engine.importers.report import SeriesReport
from tapedeck.engine.importers.series_evidence import SeriesEvidence, sorted_once
from tapedeck.engine.importers.session_hours import hours_of
from tapedeck.engine.importers.step_faults import step_fault
from tapedeck.engine.intervals import Interval
from tapedeck.engine.store.bar_store import Ints

_CHANCE: Final = 1e-3


class ImportEvidence:
    """Evidence of all files of an import, by symbol and interval.

    Without `rules` it is collected for the report only. `as_is`: contradictions of steps and labels are noted
    in `notes`, and not raised.
    """

    def __init__(self, rules: EvidenceRules | None, *, as_is: bool) -> None:
        self._rules = rules
        self._as_is = as_is
        self._exchange = (rules and rules.exchange) or DEFAULT_EXCHANGE
        self._hours = hours_of(self._exchange)
        self._series: dict[tuple[str, Interval], SeriesEvidence] = {}
        self._judged = 0
        self._has_instants = False
        self.notes: dict[str, None] = {}

    @property
    def zone_name(self) -> str:
        """Time zone of the report: that of the exchange, an IANA name."""
        return self._hours.zone.key

    def add(
        self, part: SeriesRows, interval: Interval, good: Ints, *, are_labels: bool = True
    ) -> SeriesEvidence:
        """Take rows into account; `good`: times of the good ones, oldest first, each once.

        Not `are_labels`: the times are instants within slots, so that no row of the series can name closes.
        """
        series = self._series.get((part.symbol, interval))
        if series is None:
            series = SeriesEvidence(part.symbol, interval, self._hours)
            self._series[part.symbol, interval] = series
        times = part.bars.opened_at if part.instants is None else part.instants
        self._has_instants = self._has_instants or not are_labels
        series.add(sorted_once(times), good, checks_labels=self._checks_labels(interval))
        return series

    def count_repeats(self, symbol: str, interval: Interval, count: int) -> None:
        """Take back rows of a series that were added twice, as two parts of a file have them."""
        if count:
            self._series[symbol, interval].count_repeats(count)

    def check(self, file: Path, files_read: int, *, is_last: bool) -> None:
        """Compare all rows so far with the rules, after 1, 2, 4, 8, ... files and after the last one.

        Raises UnclearFileError, which names `file`, where they contradict them.
        """
        if self._rules is None or not (is_last or files_read >= 2 * self._judged):
            return
        self._judged = files_read
        for error in (*self._step_faults(file), *self._label_faults(file)):
            if not self._as_is:
                raise error
            self.notes[f"stored as they are (--as-is), although {error.reason}"] = None

    def reports(self) -> tuple[SeriesReport, ...]:
        """Return the report of each symbol and interval with a good bar, in the order of symbols."""
        found = (series.report() for _, series in sorted(self._series.items()))
        return tuple(report for report in found if report is not None)

    def unplayed_notes(self) -> list[str]:
        """Return a sentence for each interval that has bars outside all sessions of the exchange.

        Where the user named no exchange, series of markets around the clock are left out.
        """
        is_given = self._rules is not None and self._rules.exchange is not None
        unplayed: dict[Interval, dict[str, UnplayedBars]] = {}
        for series in self._series.values():
            found = series.unplayed() if is_given or not series.is_around_the_clock else None
            if found is not None:
                unplayed.setdefault(series.interval, {})[series.symbol] = found
        sentences = [describe_unplayed(bars, interval) for interval, bars in sorted(unplayed.items())]
        return [f"{sentence} (calendar: {self._exchange})" for sentence in sentences if sentence is not None]

    def hours_notes(self) -> list[str]:
        """Return sentences on series whose hours are not those of the exchange: one may be given wrongly."""
        if self._rules is None:
            return []
        every = [series for _, series in sorted(self._series.items())]
        notes = []
        if self._rules.exchange is None:
            clock = [each for each in every if each.interval.is_intraday and each.is_around_the_clock]
            every = [each for each in every if each not in clock]
            if clock:
                notes.append(
                    f"{_listed(clock)}: bars around the clock, while the calendar is {self._exchange}; name "
                    "that of the market with --exchange, such as CRYPTO or FOREX"
                )
        missed = [each for each in every if each.misses_regular_hours]
        if missed:
            regular, bars = sum(each.regular_bars for each in missed), sum(each.bars for each in missed)
            notes.append(
                f"{_listed(missed)}: only {regular:,} of {bars:,} bars lie in regular hours, and none in the "
                f"first or last hour (calendar: {self._exchange}); check --zone and --exchange"
            )
        return notes

    def _checks_labels(self, interval: Interval) -> bool:
        is_open = self._rules is not None and self._rules.label is None
        return is_open and interval.is_intraday and not self._has_instants

    def _step_faults(self, file: Path) -> Iterator[UnclearFileError]:
        assert self._rules is not None  # by the caller
        interval = self._rules.interval
        counts = {series.symbol: series.steps.counts() for series in self._series.values()}
        pooled = Counter[int]()
        for found in counts.values():
            pooled.update(found)
        step = contradicting_step(pooled, interval, chance=_CHANCE)
        if step is not None:
            yield step_fault(file, step, interval, None)
            return
        # Of many symbols, some look regular by chance.
        for symbol, found in counts.items():
            step = contradicting_step(found, interval, chance=_CHANCE / len(counts))
            if step is not None:
                yield step_fault(file, step, interval, symbol)
                return

    def _label_faults(self, file: Path) -> Iterator[UnclearFileError]:
        assert self._rules is not None  # by the caller
        if not self._checks_labels(self._rules.interval):
            return
        pooled = LabelEvidence()
        for series in self._series.values():
            pooled.merge(series.labels)
        if pooled.names_closes:
            yield _label_fault(file, pooled, self._exchange, None)
            return
        for series in self._series.values():
            if series.labels.surely_names_closes:
                yield _label_fault(file, series.labels, self._exchange, series.symbol)
                return


def _listed(series: Sequence[SeriesEvidence]) -> str:
    names = [each.symbol for each in series]
    return ", ".join(names) if len(names) <= 3 else f"{len(names)} symbols, such as {names[0]}"


def _label_fault(file: Path, labels: LabelEvidence, exchange: str, symbol: str | None) -> UnclearFileError:
    whose = "" if symbol is None else f" of {symbol}"
    days = "1 session has" if labels.closes == 1 else f"{labels.closes:,} sessions have"
    return UnclearFileError(
        file,
        f"the times{whose} look like closes: {days} a bar at the close and none at the open ({exchange}). "
        "Say what they name: --label close moves each bar to its open, --label open keeps the times",
        [{"--label": "close"}, {"--label": "open"}],
    )

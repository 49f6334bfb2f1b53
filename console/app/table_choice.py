"""Columns of the symbol table of a run: all there are, the default ones, and the user's choice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np

from tapedeck.console.app import table_figures
from tapedeck.console.app.decimals import column_decimals
from tapedeck.console.app.joins import later_joins
from tapedeck.console.app.table_figures import RunFigures
from tapedeck.console.app.widgets import SymbolRows
from tapedeck.console.app.widgets.column_forms import (
    AGE,
    AMOUNT,
    CHANGE,
    COUNT,
    FIGURE,
    FORMING_PRICE,
    PERCENT,
    PRICE,
    RATIO,
    SCORE,
    SPARKLINE,
    Figures,
    Form,
)
from tapedeck.console.app.widgets.table_columns import TREND, TableColumn
from tapedeck.engine.errors import EngineError, did_you_mean, listed, nearest
from tapedeck.engine.feeds.live_status import LiveStatus
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.read.opening_values import OpeningValues
from tapedeck.engine.streams.stream_plan import StreamPlan, TrailingPlan
from tapedeck.engine.tape.bar_grid import FIELDS, VOLUME, Floats
from tapedeck.engine.tape.day_figures import DAY_FIGURES, Unit
from tapedeck.engine.tape.quote_figures import QUOTE_FIGURES, SPREAD, QuoteFigure
from tapedeck.engine.tape.session_view import SessionView

LAST: Final = "last"
FORMING: Final = ("forming", "forming_age")
"""Columns of the bar that is not over: its price, and the seconds since it was received."""
REL_VOLUME: Final = "rel_volume"
_QUOTES: Final = ("bid", "ask", SPREAD)
"""Columns of quotes that are shown by default; sizes can be chosen."""
DEFAULT_WORD: Final = "default"
_DEFAULT_INDICATORS: Final = 3
_FORMS: Final = {Unit.PRICE: PRICE, Unit.CHANGE: CHANGE, Unit.PERCENT: PERCENT, Unit.VOLUME: AMOUNT}
_FIRST_FIGURES: Final = ("change_pct", "gap_pct", "day_volume")
"""Figures of the day that are shown by default."""


@dataclass(frozen=True, slots=True)
class ColumnSource:
    """A column with the function that reads its figures from a view. `about`: a few words on its meaning.

    `indicator`: the session indicator whose values it shows, or "".
    """

    column: TableColumn
    figures: Callable[[SessionView], Figures]
    about: str
    indicator: str = ""

    def read(self, opening: OpeningValues | None, view: SessionView) -> Figures:
        """Return the figures of a view, and those of the session before."""
        found, before = self.figures(view), self._before(opening, view)
        if before is None or not (missing := np.isnan(found.values)).any():
            return found
        decimals = found.decimals
        if self.column.form.grows_from is not None:
            decimals = max(decimals, column_decimals(np.abs(before[missing])))
        return replace(found, before=before, decimals=decimals)

    def _before(self, opening: OpeningValues | None, view: SessionView) -> Floats | None:
        if self.column.key == LAST:
            return view.prior_close.values
        return None if opening is None else opening.indicators.get(self.indicator)


class TableChoice:
    """Columns of a run's symbol table. `available`: all, by key; `chosen`: the user's, empty by default.

    `has_forming`: whether the feed of a live session has told bars that are not over.
    """

    def __init__(self, plan: StreamPlan, *, is_live: bool = False) -> None:
        found: dict[str, ColumnSource] = {}
        for source in _sources(plan, is_live=is_live):
            found.setdefault(source.column.key, source)  # an indicator may be called trend
        self.available: Mapping[str, ColumnSource] = found
        self._default, self._precedence = _default_columns(plan.specs, found)
        self.chosen: tuple[str, ...] = ()
        self.has_forming = False

    @property
    def default(self) -> tuple[str, ...]:
        """The default columns from left to right; those of forming bars if the feed tells any."""
        return tuple(key for key in self._default if self.has_forming or key not in FORMING)

    @property
    def shown(self) -> tuple[str, ...]:
        """The keys of the columns to show, from left to right."""
        return self.chosen or self.default

    @property
    def columns(self) -> tuple[TableColumn, ...]:
        """The columns to show; of chosen ones, those on the right are dropped first."""
        order = self.chosen or self._precedence
        return tuple(replace(self.available[key].column, rank=order.index(key)) for key in self.shown)

    def choose(self, keys: Iterable[str]) -> None:
        """Show columns from left to right; unknown ones are ignored, none of them means the default."""
        known = tuple(dict.fromkeys(key for key in keys if key in self.available))
        self.chosen = () if known == self.default else known

    def read(self, text: str) -> tuple[str, ...]:
        """Return the keys of a text such as `last change_pct rsi_14`; `default`: none.

        Raises EngineError for an unknown column.
        """
        words = text.replace(",", " ").split()
        return () if words == [DEFAULT_WORD] else tuple(self.key_of(word) for word in words)

    def key_of(self, word: str) -> str:
        """Return the key of a column, given by its key or heading; EngineError if there is none."""
        if word in self.available:
            return word
        by_heading = {source.column.heading: key for key, source in self.available.items()}
        if word not in by_heading:
            hint = did_you_mean(nearest(word, self.available)) or f" Use {listed(tuple(self.available))}."
            raise EngineError(f"unknown column {word!r}.{hint}")
        return by_heading[word]

    def rows(
        self,
        view: SessionView,
        opening: OpeningValues | None = None,
        live: LiveStatus | None = None,
    ) -> SymbolRows:
        """Return the rows of the table for a view; figures are computed for the columns that are drawn.

        `opening`: opening values of its day, shown where today has none. `live`: status of the live session
        whose forming bars are shown.
        """
        readers: dict[str, Callable[[SessionView], Figures]] = {
            key: partial(source.read, opening) for key, source in self.available.items()
        }
        if live is not None and live.forming:
            self.has_forming = True
            readers |= {key: partial(table_figures.forming, key == FORMING[0], live) for key in FORMING}
        return SymbolRows(view.symbols, self.columns, RunFigures(view, readers), later_joins(view))


def _sources(plan: StreamPlan, *, is_live: bool) -> Iterator[ColumnSource]:
    """Yield all columns of a run, in the order of the chooser."""
    if is_live:
        price, age = FORMING
        yield _source(price, "now", FORMING_PRICE, table_figures.nothing, "price of the bar that is not over")
        yield _source(age, "age", AGE, table_figures.nothing, "time since that price was received")
    relative = _relative_volume(plan.specs)
    yield _source(LAST, "last", PRICE, table_figures.last, "close of the last bar")
    yield from (_day_figure(name) for name in _FIRST_FIGURES)
    if relative is not None:
        name = relative.outputs[0]
        read = partial(table_figures.ratio, name)
        about = "volume of the minute ÷ its usual volume"
        yield _source(REL_VOLUME, "rel vol", RATIO, read, about, indicator=name)
    yield _source("quality", "qual %", SCORE, table_figures.quality, "share of the bars that are there")
    yield _source("missing", "missing", COUNT, table_figures.missing, "missing bars")
    yield _source(TREND, "trend", SPARKLINE, table_figures.trend, "closes since the open")
    yield from (_day_figure(name) for name in DAY_FIGURES if name not in _FIRST_FIGURES)
    if plan.quotes:
        yield from map(_quote, QUOTE_FIGURES.values())
    for spec in plan.specs:
        if spec is not relative:
            yield from (_indicator(spec, name) for name in spec.outputs)
    yield from map(_historical, plan.history.trailing)


def _source(
    key: str,
    heading: str,
    form: Form,
    figures: Callable[[SessionView], Figures],
    about: str,
    *,
    indicator: str = "",
) -> ColumnSource:
    return ColumnSource(TableColumn(key, heading, form), figures, about, indicator)


def _day_figure(name: str) -> ColumnSource:
    figure = DAY_FIGURES[name]
    read = partial(table_figures.day_figure, name)
    return _source(name, figure.heading, _FORMS[figure.unit], read, figure.formula)


def _quote(figure: QuoteFigure) -> ColumnSource:
    form = AMOUNT if figure.is_size else PRICE
    read = partial(table_figures.quote, figure.name)
    return _source(figure.name, figure.heading, form, read, figure.formula)


def _indicator(spec: IndicatorSpec, name: str) -> ColumnSource:
    is_price = spec.description.over_price
    form, read = (PRICE, table_figures.price_indicator) if is_price else (FIGURE, table_figures.indicator)
    about = f"{spec.kind} of {spec.interval} bars"
    return _source(name, name, form, partial(read, name), about, indicator=name)


def _historical(trailing: TrailingPlan) -> ColumnSource:
    definition = trailing.definition
    form = AMOUNT if definition.field == FIELDS[VOLUME] else PRICE
    read = partial(table_figures.historical, trailing.name)
    about = f"{definition.type.replace('_', ' ')}, {definition.period}, {definition.field}"
    return _source(trailing.name, trailing.name, form, read, about)


def _relative_volume(specs: Sequence[IndicatorSpec]) -> IndicatorSpec | None:
    """Return the indicator in the column of relative volume, or None."""
    return next((spec for spec in specs if spec.description.symbol_column == REL_VOLUME), None)


def _default_columns(
    specs: Sequence[IndicatorSpec], known: Mapping[str, ColumnSource]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the default columns from left to right, and in the order in which they get their places."""
    indicators = _ranked_outputs(specs)[:_DEFAULT_INDICATORS]
    figures = (*_FIRST_FIGURES, REL_VOLUME, *indicators)
    left_to_right = (LAST, *FORMING, *_QUOTES, *figures, "quality", "missing", TREND)
    first = (LAST, *FORMING, "change_pct", *_QUOTES, REL_VOLUME, *indicators[:1], "gap_pct", "day_volume")
    ranked = (*first, "quality", "missing", *indicators[1:2], TREND, *indicators[2:])
    shown, order = (dict.fromkeys(key for key in keys if key in known) for keys in (left_to_right, ranked))
    return tuple(shown), tuple(order)


def _ranked_outputs(specs: Sequence[IndicatorSpec]) -> tuple[str, ...]:
    """Return the names of indicators for the default: finest interval first, oscillators before prices.

    Second and further outputs of an indicator come after the first ones of all others.
    """
    relative = _relative_volume(specs)
    outputs = [
        (number > 0, spec.interval, spec.description.over_price, name)
        for spec in specs
        if spec is not relative
        for number, name in enumerate(spec.outputs)
    ]
    return tuple(name for *_, name in sorted(outputs, key=lambda output: output[:3]))

"""Lines of indicators on a chart: those over the price, and the panes below it, as the registry says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tapedeck.console.app.widgets import ChartData, ChartLine, ChartPane
from tapedeck.console.app.widgets.chart_data import LineForm
from tapedeck.engine.indicators.drawing import OutputForm
from tapedeck.engine.indicators.specs import IndicatorSpec


def drawn_outputs(spec: IndicatorSpec) -> tuple[tuple[str, LineForm], ...]:
    """Return the outputs of an indicator that charts draw, with their forms."""
    kind = spec.description
    forms = zip(spec.outputs, map(kind.form, kind.outputs), strict=True)
    return tuple((name, LineForm(form.value)) for name, form in forms if form is not OutputForm.HIDDEN)


def line_names(specs: Sequence[IndicatorSpec]) -> tuple[str, ...]:
    """Return the names of the lines of indicators, in order."""
    return tuple(name for spec in specs for name, _ in drawn_outputs(spec))


def with_panes(data: ChartData, specs: Sequence[IndicatorSpec]) -> ChartData:
    """Return a chart whose lines are where they belong: over the price, or in a pane for each indicator.

    `data`: a chart with all lines as overlays. `specs`: the indicators of the lines, in order; those without
    a line have no pane.
    """
    found = {line.name: line for line in data.overlays}
    lines = {spec.name: _lines(spec, found) for spec in specs}
    over = tuple(line for spec in specs if spec.description.over_price for line in lines[spec.name])
    panes = tuple(
        ChartPane(spec.name, lines[spec.name], spec.description.levels, spec.description.bounds)
        for spec in specs
        if not spec.description.over_price and lines[spec.name]
    )
    return replace(data, overlays=over, panes=panes)


def _lines(spec: IndicatorSpec, found: Mapping[str, ChartLine]) -> tuple[ChartLine, ...]:
    return tuple(
        replace(found[name], form=form, indicator=spec.name)
        for name, form in drawn_outputs(spec)
        if name in found
    )

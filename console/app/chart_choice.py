"""Choice of the indicators on a chart: which lines stand over the price, and which panes are open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from tapedeck.engine.errors import EngineError, did_you_mean, listed, nearest
from tapedeck.engine.indicators.specs import IndicatorSpec
from tapedeck.engine.intervals import Interval

DEFAULT_WORD: Final = "default"
NOTHING: Final = ("none",)
"""The choice of no indicator at all."""
_DEFAULT_PANES: Final = 2


class ChartChoice:
    """Indicators of a run that its charts show, on every interval. `chosen`: the user's, empty by default.

    `specs`: returns the session indicators of the run. The default is all lines over the price, and the first
    two panes of each interval.
    """

    def __init__(self, specs: Callable[[], Sequence[IndicatorSpec]]) -> None:
        self._specs = specs
        self.chosen: tuple[str, ...] = ()

    @property
    def available(self) -> Mapping[str, IndicatorSpec]:
        """All indicators by name, by interval; those over the price first."""
        ordered = sorted(self._specs(), key=_place)
        return {spec.name: spec for spec in ordered}

    @property
    def default(self) -> tuple[str, ...]:
        """The names of the default indicators."""
        names: list[str] = []
        panes: dict[Interval, int] = {}
        for name, spec in self.available.items():
            if not spec.description.over_price:
                panes[spec.interval] = panes.get(spec.interval, 0) + 1
            if spec.description.over_price or panes[spec.interval] <= _DEFAULT_PANES:
                names.append(name)
        return tuple(names)

    @property
    def shown(self) -> tuple[str, ...]:
        """The names of the indicators to show, in order."""
        return () if self.chosen == NOTHING else self.chosen or self.default

    def on(self, interval: Interval) -> tuple[IndicatorSpec, ...]:
        """Return the indicators to show on a chart of an interval, in order."""
        available = self.available
        specs = (available[name] for name in self.shown if name in available)
        return tuple(spec for spec in specs if spec.interval == interval)

    def choose(self, names: Iterable[str]) -> None:
        """Show indicators in order; unknown ones are ignored, none of them means the default."""
        asked = tuple(names)
        available = self.available
        unique = dict.fromkeys(name for name in asked if name in available)
        # The order counts within a chart, which has one interval.
        known = tuple(sorted(unique, key=lambda name: available[name].interval))
        if asked == NOTHING and not known:
            self.chosen = NOTHING
        else:
            self.chosen = () if known == self.default else known

    def read(self, text: str) -> tuple[str, ...]:
        """Return the names of a text such as `vwap rsi_14`; `default`: none of them; `none`: no indicator.

        Raises EngineError for an unknown one.
        """
        words = tuple(text.replace(",", " ").split())
        if words == (DEFAULT_WORD,):
            return ()
        return words if words == NOTHING else tuple(map(self.key_of, words))

    def key_of(self, word: str) -> str:
        """Return the name of an indicator, or the one of an output; EngineError if unknown."""
        available = self.available
        owners = {output: name for name, spec in available.items() for output in spec.outputs}
        if word in available or word in owners:
            return word if word in available else owners[word]
        if not available:
            raise EngineError(f"unknown indicator {word!r}: this run has none")
        hint = did_you_mean(nearest(word, available)) or f" Use {listed(tuple(available))}."
        raise EngineError(f"unknown indicator {word!r}.{hint}")


def _place(spec: IndicatorSpec) -> tuple[Interval, bool, int]:
    kind = spec.description
    return spec.interval, not kind.over_price, kind.overlay_order if kind.over_price else 0

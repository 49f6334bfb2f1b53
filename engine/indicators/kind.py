"""Kind of indicator: parameters, inputs, kernel, formula, explanation and drawing, in one description."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Protocol

import numpy as np
from pydantic_core import PydanticCustomError

from tapedeck.engine.config.catalogue import HistoricalNeed
from tapedeck.engine.config.faults import FaultList, fault, shown
from tapedeck.engine.errors import nearest
from tapedeck.engine.indicators.drawing import OutputForm
from tapedeck.engine.indicators.kernel import Kernel, KernelInputs
from tapedeck.engine.indicators.reasons import Evidence, Reasons
from tapedeck.engine.indicators.warm_up import ALL_STORED, LOOKBACKS
from tapedeck.engine.intervals import DAY, WEEK, Interval

_SEVERAL_OUTPUTS: Final = 3
_ONE_OUTPUT: Final = 2
_OTHER_NAMES: Final = {
    "timeperiod": ("period", "length", "window", "lookback", "n"),
    "interval": ("timeframe", "resolution", "frequency", "stream"),
}
"""Usual other names of fields of an indicator."""


class Parameter(Protocol):
    """One parameter of a kind."""

    @property
    def default(self) -> int | float:
        """The value if the file has none."""

    def read(self, type_: str, value: object) -> int | float:
        """Return the file's value for the kind `type_`; raises a fault with the allowed values."""


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """Whole-number parameter with bounds, both included."""

    default: int
    lowest: int
    highest: int

    def read(self, type_: str, value: object) -> int:
        """Return the value; raises a fault unless it is a whole number within the bounds."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise fault(f"must be a whole number, not {shown(value)}; the default is {self.default}")
        if not self.lowest <= value <= self.highest:
            raise fault(f"must be {self.lowest} to {self.highest} for {type_}, not {shown(value)}")
        return value


class IndicatorKind(ABC):
    """One kind of indicator. A kind sets the attributes that differ from the defaults, and makes its kernel.

    `type`: its name in files, in capitals. `inputs`: fields of bars that it reads. `formula`: its formula in
    one line, for computing by hand. `parameters`: by name, in order. `outputs`: their names, where there are
    several. `against`: the historical indicator that the file must name for it. `over_price`: True to draw it
    over the candles, False for a pane of its own below them. `overlay_order`: priority among overlays where
    not all fit, lowest first. `forms`: how outputs are drawn, a line where it has none. `levels`: values of
    dotted lines in its pane, such as 30 and 70. `bounds`: lowest and highest value of its pane's scale; None:
    those of the values on view. Drawing changes no value.
    `symbol_column`: its own column of the symbol table, in place of a general one for indicators. `source`:
    the library that computes it.
    """

    type: str
    inputs: tuple[str, ...]
    formula: str
    parameters: Mapping[str, Parameter] = MappingProxyType({})
    outputs: tuple[str, ...] = ("value",)
    against: HistoricalNeed | None = None
    over_price: bool = False
    forms: Mapping[str, OutputForm] = MappingProxyType({})
    levels: tuple[float, ...] = ()
    bounds: tuple[float, float] | None = None
    symbol_column: str | None = None
    source: str = "tapedeck"

    @abstractmethod
    def kernel(self, inputs: KernelInputs) -> Kernel:
        """Return the kernel for one tape."""

    @property
    def overlay_order(self) -> int:
        """Priority among overlays: lines before bands."""
        return _SEVERAL_OUTPUTS if len(self.outputs) > 1 else _ONE_OUTPUT

    def form(self, output: str) -> OutputForm:
        """Return how an output is drawn."""
        return self.forms.get(output, OutputForm.LINE)

    def lookback(self, parameters: Mapping[str, float | int]) -> int | None:
        """Return the number of bars before the first value, those of earlier sessions included.

        None for a kind computed from the session alone: no history is loaded for it.
        """
        del parameters
        return None

    def history_bars(self, parameters: Mapping[str, float | int], interval: Interval) -> int:
        """Return the number of bars of earlier sessions that it gets; `ALL_STORED` for all of the store.

        By default ten lookbacks, enough for a function over a window; none for a kind without a lookback.
        """
        del interval
        return LOOKBACKS * (self.lookback(parameters) or 0)

    def is_recursive(self, parameters: Mapping[str, float | int]) -> bool:
        """Whether its values depend, less and less, on all bars before them."""
        del parameters
        return False

    def start(self, parameters: Mapping[str, float | int], interval: Interval) -> str:
        """Return in words where its computation starts, with the number of bars before the session."""
        bars = self.history_bars(parameters, interval)
        if bars == ALL_STORED:
            return f"the store's first {interval} bar"
        if not bars:
            return "the session's regular open"
        if interval == WEEK:
            return f"at least {bars:,} weeks before the last complete week"
        return f"at least {bars:,} bars before the session, in whole sessions"

    def check_interval(self, interval: Interval) -> None:
        """Raise a fault if it cannot be computed on bars of an interval.

        Weeks are over before the session begins, so a kind without history has no bars of 1w.
        """
        if interval == WEEK and self.lookback({}) is None:
            raise fault(
                f"must be at most 1d for {self.type}, which starts with the session's open: "
                "1w has the bars of earlier weeks",
                str(DAY),
            )

    def check_parameters(
        self, parameters: Mapping[str, float | int], interval: Interval | None, faults: FaultList
    ) -> None:
        """Add faults of parameters that are valid singly, but not together or on the interval."""
        del parameters, interval, faults

    def explain(self, evidence: Evidence) -> Reasons:
        """Return the inputs of a value; by default all bars of its interval that the kernel was given.

        Override it for a kind whose value uses fewer bars.
        """
        present = evidence.bars.present
        used, lookback = int(np.count_nonzero(present)), self.lookback(evidence.parameters)
        return Reasons(
            inputs=tuple(evidence.bars.as_input(name) for name in dict.fromkeys(self.inputs)),
            bars_used=used,
            missing_bars=len(present) - used,
            warm_up_bars=lookback or 0,
            is_warm=evidence.value is not None if lookback is None else used > lookback,
        )

    def resolve_parameters(
        self, given: Mapping[str, object], interval: Interval | None = None
    ) -> dict[str, int | float]:
        """Return all parameters in the kind's order, with defaults for those not given.

        Raises a ValidationError with one fault for each parameter that is unknown or invalid. `interval`:
        None if it is unknown.
        """
        faults = FaultList()
        resolved = {name: parameter.default for name, parameter in self.parameters.items()}
        for name, value in given.items():
            try:
                resolved[name] = self._parameter(name).read(self.type, value)
            except PydanticCustomError as error:
                faults.add((name,), value, error)
        if not faults:
            self.check_parameters(resolved, interval, faults)
        faults.raise_any()
        return resolved

    def _parameter(self, name: str) -> Parameter:
        if name in self.parameters:
            return self.parameters[name]
        if name == "parameters":
            raise fault(
                "parameters belong next to the type, without a field around them, "
                "like {type: SMA, interval: 1m, timeperiod: 20}"
            )
        takes = f"it takes {', '.join(self.parameters)}" if self.parameters else "it takes none"
        known = [*self.parameters, "interval"]
        other = next((field for field in known if name.casefold() in _OTHER_NAMES.get(field, ())), None)
        near = other or nearest(name, self.parameters)
        raise fault(f"unknown parameter {name!r} of {self.type}: {takes}", near)

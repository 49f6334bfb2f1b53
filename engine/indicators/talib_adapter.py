"""TA-Lib adapter: TA-Lib's functions as kinds of indicators. The only module that imports TA-Lib."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import talib
from numpy.typing import NDArray
from talib import abstract

from tapedeck.engine.config.faults import FaultList, fault, shown
from tapedeck.engine.errors import TapedeckError, nearest
from tapedeck.engine.indicators.kernel import KernelInputs
from tapedeck.engine.indicators.kind import IndicatorKind
from tapedeck.engine.indicators.talib_drawing import TALIB_LEVELS, TALIB_NO_PRICES, talib_bounds, talib_form
from tapedeck.engine.indicators.talib_formulas import TALIB_FORMULAS
from tapedeck.engine.indicators.talib_kernel import TalibFunction, TalibKernel
from tapedeck.engine.indicators.talib_memory import memory_bars
from tapedeck.engine.indicators.undefined import RULES, UndefinedRule, stoch_rsi
from tapedeck.engine.indicators.warm_up import ALL_STORED
from tapedeck.engine.intervals import Interval
from tapedeck.engine.tape.bar_grid import FIELDS

_PRICE_SCALE: Final = "Output scale same as input"
_PATH_DEPENDENT: Final = "Output is path-dependent"
_POSITIONS: Final = frozenset({"MAXINDEX", "MININDEX", "MINMAXINDEX"})
"""Functions whose outputs are positions in their input."""
_AVERAGES: Final = frozenset(
    {"SMA", "EMA", "WMA", "DEMA", "TEMA", "TRIMA", "KAMA", "T3", "MA", "MAMA", "HT_TRENDLINE"}
)
_AVERAGES_ORDER: Final = 1
_UNBOUNDED: Final = 1e37  # TA-Lib writes "no limit" as 3e37
_WIDEST_INT: Final = 2**31 - 1
_WIDEST_FLOAT: Final = 1e38


class TalibKind(IndicatorKind):
    """One TA-Lib function, described by TA-Lib.

    Computed over the bars of earlier sessions and of the session, without the missing ones. A function over a
    window gets ten lookbacks of history; a recursive one what it remembers (`talib_memory.py`). One that
    accumulates from its first bar on starts at the session's open, on daily bars at the store's first.
    """

    def __init__(self, name: str) -> None:
        info = _handle(name).info
        self.type = name
        self.inputs = _flat(info["input_names"].values())
        self.outputs = tuple(info["output_names"])
        self.parameters = MappingProxyType(
            {one: TalibParameter(one, default) for one, default in info["parameters"].items()}
        )
        self.formula = TALIB_FORMULAS.get(name, f"{info['display_name']}, as TA-Lib computes it")
        flags = info["function_flags"] or ()
        self.over_price = _PRICE_SCALE in flags and name not in TALIB_NO_PRICES
        self.forms = MappingProxyType(
            {one: talib_form(name, one, tuple(marks)) for one, marks in info["output_flags"].items()}
        )
        self.levels = TALIB_LEVELS.get(name, ())
        self.bounds = talib_bounds(name)
        self.source = f"TA-Lib's {name}"
        self._is_path_dependent = _PATH_DEPENDENT in flags

    @property
    def overlay_order(self) -> int:
        """Priority among overlays: moving averages first."""
        return _AVERAGES_ORDER if self.type in _AVERAGES else super().overlay_order

    def lookback(self, parameters: Mapping[str, float | int]) -> int:
        """Return TA-Lib's own lookback."""
        return talib_function(self.type, parameters).lookback

    def history_bars(self, parameters: Mapping[str, float | int], interval: Interval) -> int:
        """Return the bars that the function remembers, ten lookbacks if it only reads a window."""
        remembered = memory_bars(self.type, self._resolved(parameters))
        if remembered is not None:
            return self.lookback(parameters) + remembered
        if self._is_path_dependent:
            return 0 if interval.is_intraday else ALL_STORED
        return super().history_bars(parameters, interval)

    def is_recursive(self, parameters: Mapping[str, float | int]) -> bool:
        """Whether the function remembers bars before its window."""
        return memory_bars(self.type, self._resolved(parameters)) is not None

    def start(self, parameters: Mapping[str, float | int], interval: Interval) -> str:
        """Return in words where the function starts."""
        if self.lookback(parameters) == 0 and not self._is_path_dependent:
            return "each bar by itself"
        return super().start(parameters, interval)

    def kernel(self, inputs: KernelInputs) -> TalibKernel:
        """Return the kernel that calls the function."""
        return TalibKernel(talib_function(self.type, inputs.parameters), inputs)

    def check_parameters(
        self, parameters: Mapping[str, float | int], interval: Interval | None, faults: FaultList
    ) -> None:
        """Raise a fault for parameters that TA-Lib accepts singly, but not together."""
        del interval, faults
        if parameters and not _is_accepted(self.type, parameters):
            raise fault(f"invalid combination of parameters of TA-Lib's {self.type}: {dict(parameters)}")

    def _resolved(self, parameters: Mapping[str, float | int]) -> dict[str, float | int]:
        return {name: parameter.default for name, parameter in self.parameters.items()} | dict(parameters)


@dataclass(frozen=True, slots=True)
class TalibParameter:
    """One parameter of a function; values are validated by TA-Lib itself."""

    name: str
    default: int | float

    def read(self, type_: str, value: object) -> int | float:
        """Return the value in the type of the default, and the number for the name of a moving average.

        Raises a fault with the allowed range for a value of the wrong type, or one that TA-Lib refuses.
        """
        if self.name.endswith("matype") and isinstance(value, str):
            return _read_moving_average(value)
        wanted = int if isinstance(self.default, int) else (int, float)
        if isinstance(value, bool) or not isinstance(value, wanted):
            what = "a whole number" if isinstance(self.default, int) else "a number"
            raise fault(f"must be {what}, not {shown(value)}; the default is {self.default}")
        number = self._as_c_number(value)
        if number is None or not _is_accepted(type_, {self.name: number}):
            raise fault(f"must be {self._allowed_range(type_)} for {type_}, not {shown(value)}")
        return number

    def _as_c_number(self, value: int | float) -> int | float | None:
        """Return `value` in the type of the default; None if it is NaN or too large for C."""
        if isinstance(self.default, int):
            return value if abs(value) <= _WIDEST_INT else None
        return float(value) if abs(value) <= _WIDEST_FLOAT else None

    def _allowed_range(self, type_: str) -> str:
        """Return the allowed range in words, found by trial: TA-Lib's Python side has no list of ranges."""

        def accepts(value: int | float) -> bool:
            return _is_accepted(type_, {self.name: value})

        limit: int | float = _WIDEST_INT if isinstance(self.default, int) else _WIDEST_FLOAT
        lowest, highest = _edge(accepts, self.default, -limit), _edge(accepts, self.default, limit)
        if highest < _UNBOUNDED:
            return f"{_rounded(lowest)} to {_rounded(highest)}"
        return f"at least {_rounded(lowest)}" if lowest > -_UNBOUNDED else "a finite number"


@cache
def talib_kinds() -> Mapping[str, TalibKind]:
    """Return the functions that need no other inputs than the fields of bars, by name."""
    kinds = {name: TalibKind(name) for name in sorted(all_talib_names())}
    # MAVP, for example, needs a series of periods.
    return {name: kind for name, kind in kinds.items() if set(kind.inputs) <= set(FIELDS)}


@cache
def all_talib_names() -> frozenset[str]:
    """Return the names of all functions, including those that need more inputs than bars."""
    return frozenset(talib.get_functions())  # type: ignore[no-untyped-call]  # as TA-Lib has it


def talib_c_version() -> str:
    """Return the version of the C library within the Python package."""
    built: bytes = talib.__ta_version__  # type: ignore[attr-defined]  # missing in its stubs
    return built.decode().split(" ")[0]


def moving_average_types() -> dict[str, int]:
    """Return TA-Lib's numbers for the values of `matype`, by name: `SMA` is 0."""
    names = vars(type(talib.MA_Type))  # type: ignore[attr-defined]  # TA-Lib's annotations lack it
    return {name: number for name, number in names.items() if isinstance(number, int)}


def talib_function(name: str, parameters: Mapping[str, float | int]) -> TalibFunction:
    """Return a function with its parameters, TA-Lib's defaults for those not given.

    Raises TapedeckError for an unknown function, and for parameters that TA-Lib refuses.
    """
    return _bound(name, tuple(sorted(parameters.items())))


@lru_cache(maxsize=512)
def _bound(name: str, parameters: tuple[tuple[str, float | int], ...]) -> TalibFunction:
    try:
        handle = _handle(name)
        if parameters:
            handle.parameters = dict(parameters)
        info = handle.info
        lookback = int(handle.lookback)
    except Exception as error:
        raise TapedeckError(f"TA-Lib cannot compute {name} with {dict(parameters)}: {error}") from error
    return TalibFunction(
        name=name,
        inputs=tuple(_field(name, column) for column in _flat(info["input_names"].values())),
        outputs=tuple(info["output_names"]),
        lookback=lookback,
        arguments=tuple(info["parameters"].values()),
        function=_bars_back(_compiled(name)) if name in _POSITIONS else _compiled(name),
        parameters=MappingProxyType(dict(info["parameters"])),
        undefined=_undefined_rule(name),
    )


def _compiled(name: str) -> Callable[..., Any]:
    """Return a function without the Python wrapper around it, which looks for frames among the arguments."""
    compiled: Callable[..., Any] = inspect.unwrap(getattr(talib, name))
    return compiled


def _undefined_rule(name: str) -> UndefinedRule | None:
    """Return the rule of a function whose formula is 0 / 0 over a flat window; None for others."""
    if name == "STOCHRSI":
        rsi = _compiled("RSI")
        return stoch_rsi(lambda closes, p: rsi(closes, int(p["timeperiod"])))
    return RULES.get(name)


def _bars_back(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that counts bars back, 0 for the newest, where TA-Lib's counts from the first input.

    TA-Lib's positions depend on where the history begins.
    """

    def back(*arguments: Any) -> Any:  # noqa: ANN401  # as TA-Lib has it
        result = function(*arguments)
        several = isinstance(result, tuple)
        outputs: list[NDArray[Any]] = [
            np.arange(len(one)) - one for one in (result if several else (result,))
        ]
        return tuple(outputs) if several else outputs[0]

    return back


def _handle(name: str) -> Any:  # noqa: ANN401  # a foreign class without annotations
    """Return a new copy of TA-Lib's description of a function: it keeps the parameters set on it."""
    return abstract.Function(name)  # type: ignore[attr-defined]  # TA-Lib's annotations lack it


def _flat(columns: Iterable[str | list[str]]) -> tuple[str, ...]:
    """Return names of input columns in order; TA-Lib has single ones as text, several as lists."""
    flat: list[str] = []
    for column in columns:
        flat.extend([column] if isinstance(column, str) else column)
    return tuple(flat)


def _field(name: str, column: str) -> int:
    if column not in FIELDS:
        raise TapedeckError(f"TA-Lib's {name} needs the input {column!r}: bars have {', '.join(FIELDS)}")
    return FIELDS.index(column)


def _is_accepted(type_: str, parameters: Mapping[str, int | float]) -> bool:
    """Whether TA-Lib accepts these values, with defaults for the others; it refuses by a lookback of -1."""
    function = _handle(type_)
    function.set_parameters(dict(parameters))
    return bool(function.lookback >= 0)


def _read_moving_average(text: str) -> int:
    types = moving_average_types()
    try:
        return types[text.strip().upper()]
    except KeyError:
        raise fault(
            f"unknown moving average {text!r}: use {', '.join(types)}, or TA-Lib's number of it",
            nearest(text, types),
        ) from None


def _edge(accepts: Callable[[int | float], bool], good: int | float, bad: int | float) -> int | float:
    """Return the accepted value nearest to `bad`, by bisection; `good` is accepted, `bad` is not."""
    whole = isinstance(good, int)
    while abs(bad - good) > (1 if whole else 1e-9 * max(1.0, abs(good))):
        middle = (good + bad) // 2 if whole else (good + bad) / 2
        if accepts(middle):
            good = middle
        else:
            bad = middle
    return good


def _rounded(value: int | float) -> int | float:
    return value if isinstance(value, int) else round(value, 6) + 0.0

"""The indicators that a session file may ask for: TA-Lib's functions by their own description, and ours.

TA-Lib is asked on demand, because importing it costs more than reading the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from pydantic_core import PydanticCustomError

from tapedeck.engine.config.faults import FaultList, fault, shown
from tapedeck.engine.errors import nearest

RELATIVE_VOLUME: Final = "RELATIVE_VOLUME"

_BAR_COLUMNS: Final = frozenset({"open", "high", "low", "close", "volume"})
_UNBOUNDED: Final = 1e37  # TA-Lib writes "no limit" as 3e37
_WIDEST_INT: Final = 2**31 - 1
_WIDEST_FLOAT: Final = 1e38


@dataclass(frozen=True, slots=True)
class IndicatorFunction:
    """What an indicator reads, takes and gives.

    `inputs`: columns of bars in the order in which talib's function takes them; `parameters`: names and
    defaults in that order (int where TA-Lib wants whole numbers, else float); `outputs`: TA-Lib's names.
    """

    type: str
    inputs: tuple[str, ...]
    parameters: Mapping[str, int | float]
    outputs: tuple[str, ...]


def _own(type_: str, *inputs: str) -> IndicatorFunction:
    return IndicatorFunction(type_, inputs, MappingProxyType({}), ("value",))


# TA-Lib has a VWAP since 0.8, summed from the first bar it is given; ours begins with the session.
OWN_FUNCTIONS: Final[Mapping[str, IndicatorFunction]] = MappingProxyType(
    {
        "VWAP": _own("VWAP", "high", "low", "close", "volume"),
        "SESSION_HIGH": _own("SESSION_HIGH", "high"),
        "SESSION_LOW": _own("SESSION_LOW", "low"),
        RELATIVE_VOLUME: _own(RELATIVE_VOLUME, "volume"),
    }
)
"""Indicators that are not TA-Lib's, by type; none has parameters."""


def read_indicator_type(text: str) -> str:
    """Return the type in capitals; a fault names the nearest where there is none of that name."""
    type_ = text.strip().upper()
    if type_ in OWN_FUNCTIONS or type_ in _talib_types():
        return type_
    if type_ in _all_talib_names():
        raise fault(f"{text!r} needs more than prices and volume, and cannot be computed from bars alone")
    own = ", ".join(OWN_FUNCTIONS)
    raise fault(
        f"{text!r} is no indicator: a TA-Lib function such as SMA, EMA, RSI, MACD, BBANDS, ATR, or {own}",
        nearest(type_, indicator_types()),
    )


def indicator_types() -> tuple[str, ...]:
    """Return every type that a session indicator may have, sorted."""
    return tuple(sorted({*OWN_FUNCTIONS, *_talib_types()}))


@lru_cache(maxsize=256)
def describe_indicator(type_: str) -> IndicatorFunction:
    """Return the description of an indicator by its type, in capitals, as `read_indicator_type` gives it."""
    if type_ in OWN_FUNCTIONS:
        return OWN_FUNCTIONS[type_]
    function = _talib_function(type_)
    return IndicatorFunction(
        type=type_,
        inputs=_flat(function.input_names.values()),
        parameters=MappingProxyType(dict(function.parameters)),
        outputs=tuple(function.output_names),
    )


def resolve_parameters(type_: str, given: Mapping[str, object]) -> dict[str, int | float]:
    """Return all parameters of an indicator, defaults where none is given, in TA-Lib's order.

    Raises a ValidationError with one fault for each parameter that is unknown, or that TA-Lib would refuse.
    """
    known = describe_indicator(type_).parameters
    faults = FaultList()
    resolved = dict(known)
    for name, value in given.items():
        try:
            resolved[name] = _read_parameter(type_, known, name, value)
        except PydanticCustomError as error:
            faults.add((name,), value, error)
    faults.raise_any()
    if known and not _is_accepted(type_, resolved):
        raise fault(f"TA-Lib refuses these parameters of {type_} together: {resolved}")
    return resolved


def moving_average_types() -> dict[str, int]:
    """Return TA-Lib's numbers for the values of `matype`, by name: `SMA` is 0."""
    import talib  # noqa: PLC0415

    names = vars(type(talib.MA_Type))  # type: ignore[attr-defined]  # TA-Lib's annotations lack it
    return {name: number for name, number in names.items() if isinstance(number, int)}


@lru_cache(maxsize=1)
def _all_talib_names() -> frozenset[str]:
    import talib  # noqa: PLC0415

    return frozenset(talib.get_functions())  # type: ignore[no-untyped-call]  # as TA-Lib has it


@lru_cache(maxsize=1)
def _talib_types() -> frozenset[str]:
    """Functions that can be computed from the columns of bars; MAVP, for one, wants a series of periods."""
    return frozenset(
        name
        for name in _all_talib_names()
        if _BAR_COLUMNS.issuperset(_flat(_talib_function(name).input_names.values()))
    )


def _talib_function(type_: str) -> Any:  # noqa: ANN401  # a foreign class without annotations
    """TA-Lib's own description of a function, made anew, because it keeps the parameters it is given."""
    from talib import abstract  # noqa: PLC0415

    return abstract.Function(type_)  # type: ignore[attr-defined]  # TA-Lib's annotations lack it


def _flat(columns: Iterable[str | list[str]]) -> tuple[str, ...]:
    """Names of input columns in order: TA-Lib gives single ones as text, several as lists."""
    flat: list[str] = []
    for column in columns:
        flat.extend([column] if isinstance(column, str) else column)
    return tuple(flat)


def _read_parameter(type_: str, known: Mapping[str, int | float], name: str, value: object) -> int | float:
    if name not in known:
        raise _unknown_parameter(type_, known, name)
    default = known[name]
    if name.endswith("matype") and isinstance(value, str):
        return _read_moving_average(value)
    wanted = int if isinstance(default, int) else (int, float)
    if isinstance(value, bool) or not isinstance(value, wanted):
        kind = "a whole number" if isinstance(default, int) else "a number"
        raise fault(f"must be {kind}, not {shown(value)}; TA-Lib's default is {default}")
    number = _as_c_number(value, default)
    if number is None or not _is_accepted(type_, {name: number}):
        raise fault(f"must be {_allowed_range(type_, name, default)} for {type_}, not {shown(value)}")
    return number


def _unknown_parameter(type_: str, known: Mapping[str, int | float], name: str) -> PydanticCustomError:
    if name == "parameters":
        return fault(
            "parameters stand beside the type, not in a field of their own, "
            "like {type: SMA, interval: 1m, timeperiod: 20}"
        )
    takes = f"it takes {', '.join(known)}" if known else "it takes none"
    return fault(f"{name!r} is no parameter of {type_}: {takes}", nearest(name, known))


def _read_moving_average(text: str) -> int:
    types = moving_average_types()
    try:
        return types[text.strip().upper()]
    except KeyError:
        raise fault(
            f"{text!r} is no moving average: {', '.join(types)}, or TA-Lib's number for one",
            nearest(text, types),
        ) from None


def _as_c_number(value: int | float, default: int | float) -> int | float | None:
    """`value` in the type of the default, or None where C has no room for it (which NaN has not, either)."""
    if isinstance(default, int):
        return value if abs(value) <= _WIDEST_INT else None
    return float(value) if abs(value) <= _WIDEST_FLOAT else None


def _is_accepted(type_: str, parameters: Mapping[str, int | float]) -> bool:
    """Whether TA-Lib takes these values, the others at their defaults; a lookback of -1 is its refusal."""
    function = _talib_function(type_)
    function.set_parameters(dict(parameters))
    return bool(function.lookback >= 0)


def _allowed_range(type_: str, name: str, default: int | float) -> str:
    """Say which values TA-Lib takes; found by asking, because its Python side does not tell."""

    def accepts(value: int | float) -> bool:
        return _is_accepted(type_, {name: value})

    limit: int | float = _WIDEST_INT if isinstance(default, int) else _WIDEST_FLOAT
    lowest, highest = _edge(accepts, default, -limit), _edge(accepts, default, limit)
    if highest < _UNBOUNDED:
        return f"{_rounded(lowest)} to {_rounded(highest)}"
    return f"at least {_rounded(lowest)}" if lowest > -_UNBOUNDED else "a finite number"


def _edge(accepts: Callable[[int | float], bool], good: int | float, bad: int | float) -> int | float:
    """Return the accepted value nearest to `bad`, by halving; `good` is accepted, `bad` is not."""
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

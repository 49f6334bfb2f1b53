"""TA-Lib's functions by name: which columns they read, what they give, and how far they look back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import talib
from numpy.typing import NDArray
from talib import abstract

from tapedeck.engine.errors import TapedeckError
from tapedeck.engine.tape.bar_grid import FIELDS, Floats

_FLOAT64: Final = np.dtype(np.float64)


@dataclass(frozen=True, slots=True)
class TalibFunction:
    """One TA-Lib function with its parameters bound.

    Called as `function(*inputs, *arguments)`: `inputs` are positions in `FIELDS`, arrays (n,) without missing
    bars; `outputs` TA-Lib's output names, several of which come as a tuple; `lookback` the bars before the
    first value. Source of every formula: TA-Lib itself.
    """

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[str, ...]
    lookback: int
    arguments: tuple[float | int, ...]
    function: Callable[..., Any]


def talib_function(kind: str, parameters: Mapping[str, float | int]) -> TalibFunction:
    """Return the function `kind` with its parameters; those not given take TA-Lib's defaults."""
    return _bound(kind, tuple(sorted(parameters.items())))


@lru_cache(maxsize=512)
def _bound(kind: str, parameters: tuple[tuple[str, float | int], ...]) -> TalibFunction:
    try:
        handle = abstract.Function(kind)  # type: ignore[attr-defined]  # made at run time
        if parameters:
            handle.parameters = dict(parameters)
        info = handle.info
        lookback = int(handle.lookback)
    except Exception as error:
        raise TapedeckError(f"TA-Lib cannot compute {kind} with {dict(parameters)}: {error}") from error
    inputs = tuple(_field(kind, name) for name in _flat(info["input_names"]))
    return TalibFunction(
        name=kind,
        inputs=inputs,
        outputs=tuple(info["output_names"]),
        lookback=lookback,
        arguments=tuple(info["parameters"].values()),
        function=getattr(talib, kind),
    )


def talib_title(kind: str) -> str:
    """Return what TA-Lib calls a function in words."""
    return str(abstract.Function(kind).info["display_name"])  # type: ignore[attr-defined]  # made at run time


def _flat(input_names: Mapping[str, str | list[str]]) -> list[str]:
    names: list[str] = []
    for value in input_names.values():
        names.extend([value] if isinstance(value, str) else value)
    return names


def _field(kind: str, name: str) -> int:
    if name not in FIELDS:
        raise TapedeckError(f"TA-Lib's {kind} needs {name!r}, which a bar does not have")
    return FIELDS.index(name)


def tail_of_output(output: NDArray[Any], count: int, lookback: int) -> Floats:
    """Return the last `count` values as float64, missing (NaN) where the function is not warm.

    Pattern functions give integers, and 0 before they are warm; a 0 there would read as a value.
    """
    start = len(output) - count
    values = output[start:]
    if start >= lookback and values.dtype is _FLOAT64:
        return values
    values = values.astype(np.float64)
    values[: max(0, lookback - start)] = np.nan
    return values

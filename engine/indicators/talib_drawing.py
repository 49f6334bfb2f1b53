"""Drawing of TA-Lib's functions: scales, levels and forms that its own descriptions lack or have wrong.

TA-Lib describes which functions are on the scale of prices and which outputs are histograms. The usual levels
of oscillators, the bounds that follow from a formula, and dots are here.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Final

from tapedeck.engine.indicators.drawing import OutputForm

Bounds = tuple[float, float]

_SHARE: Final[Bounds] = (0.0, 1.0)
_PERCENT: Final[Bounds] = (0.0, 100.0)
_SIGNED_PERCENT: Final[Bounds] = (-100.0, 100.0)
_SIGNED: Final[Bounds] = (-1.0, 1.0)
_PATTERN: Final[Bounds] = (-200.0, 200.0)
_PATTERNS: Final = "CDL"

TALIB_BOUNDS: Final = MappingProxyType(
    dict.fromkeys(
        (
            "ADX", "ADXR", "AROON", "DX", "IMI", "MFI", "MINUS_DI", "PERCENTRANK", "PLUS_DI", "RSI", "RVI",
            "STOCH", "STOCHF", "STOCHRSI", "ULTOSC", "FRACTAL",
        ),
        _PERCENT,
    )
    | dict.fromkeys(("AROONOSC", "CMO", "CMOU", "SMI", "TSI"), _SIGNED_PERCENT)
    | dict.fromkeys(("BOP", "CMF", "CORREL", "COS", "HT_SINE", "SIN", "TANH"), _SIGNED)
    | dict.fromkeys(("ER", "HT_TRENDMODE"), _SHARE)
    | {
        "ATAN": (-math.pi / 2, math.pi / 2),
        "LINEARREG_ANGLE": (-90.0, 90.0),
        "WILLR": (-100.0, 0.0),
    }
)  # fmt: skip
"""Lowest and highest value that a formula can have, with the usual parameters; others have no bounds."""

TALIB_LEVELS: Final = MappingProxyType(
    dict.fromkeys(("RSI", "IMI", "ULTOSC"), (30.0, 70.0))
    | dict.fromkeys(("STOCH", "STOCHF", "STOCHRSI", "MFI", "KDJ"), (20.0, 80.0))
    | dict.fromkeys(("ADX", "ADXR", "DX"), (25.0,))
    | dict.fromkeys(("CMO", "CMOU"), (-50.0, 50.0))
    | dict.fromkeys(("AROON", "RVI"), (50.0,))
    | dict.fromkeys(("ROCR", "RVOL", "VORTEX"), (1.0,))
    | dict.fromkeys(
        (
            "ADOSC", "AO", "APO", "BOP", "CMF", "COPPOCK", "CVI", "DPO", "EFI", "ERI", "FOSC", "HT_PHASOR",
            "HT_SINE", "LINEARREG_ANGLE", "LINEARREG_SLOPE", "AC", "MACD", "MACDEXT", "MACDFIX", "MOM", "PPO",
            "PVO", "QSTICK", "ROC", "ROCP", "TRIX", "TSI", "CORREL",
        ),
        (0.0,),
    )
    | {
        "AROONOSC": (-50.0, 0.0, 50.0),
        "CCI": (-100.0, 100.0),
        "ROCR100": (100.0,),
        "SMI": (-40.0, 40.0),
        "WILLR": (-80.0, -20.0),
    }
)  # fmt: skip
"""Values of the dotted lines that charts usually have."""

TALIB_NO_PRICES: Final = frozenset({"AVGDEV"})
"""Functions whose description names the scale of prices, but whose values are differences of prices."""

_FORMS: Final = MappingProxyType(
    {
        ("SAR", "real"): OutputForm.DOTS,
        ("SAREXT", "real"): OutputForm.DOTS,
        ("SUPERTREND", "trend"): OutputForm.HIDDEN,
        ("FRACTAL", "swinghigh"): OutputForm.DOTS,
        ("FRACTAL", "swinglow"): OutputForm.DOTS,
    }
)
_HISTOGRAM: Final = "Histogram"


def talib_form(name: str, output: str, flags: tuple[str, ...]) -> OutputForm:
    """Return the form of an output; `flags`: those of TA-Lib's description."""
    if _HISTOGRAM in flags or name.startswith(_PATTERNS):
        return OutputForm.HISTOGRAM
    return _FORMS.get((name, output), OutputForm.LINE)


def talib_bounds(name: str) -> Bounds | None:
    """Return the bounds of a function's values, None without any."""
    return _PATTERN if name.startswith(_PATTERNS) else TALIB_BOUNDS.get(name)

"""Formulas of TA-Lib's best-known functions, in one line each, for computing by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TALIB_FORMULAS: Final[Mapping[str, str]] = {
    "SMA": "mean of the last n closes",
    "EMA": "EMA + 2 / (n + 1) × (close − EMA), starting from the mean of the first n closes",
    "WMA": "mean of the last n closes, weighted 1, 2, … n from the oldest to the newest",
    "DEMA": "2 × EMA − EMA of EMA",
    "TEMA": "3 × EMA − 3 × EMA of EMA + EMA of EMA of EMA",
    "RSI": "100 × up / (up + down); up and down: Wilder's averages of rises and falls, over n closes",
    "MACD": "macd: EMA(fast) − EMA(slow) of the close; signal: EMA of macd; hist: macd − signal",
    "BBANDS": "middle: moving average of n closes; upper, lower: middle ± nbdev × standard deviation",
    "TRANGE": "max(high, prior close) − min(low, prior close)",
    "ATR": "Wilder's average of the true range over n bars",
    "NATR": "100 × ATR / close",
    "ADX": "Wilder's average of DX; DX = 100 × |+DI − −DI| / (+DI + −DI)",
    "MOM": "close − close n bars earlier",
    "ROC": "100 × (close / close n bars earlier − 1)",
    "WILLR": "−100 × (highest high − close) / (highest high − lowest low), over n bars",
    "CCI": "(typical − mean of typical) / (0.015 × mean deviation), over n bars",
    "STOCH": "k: average of 100 × (close − lowest low) / (highest high − lowest low); d: average of k",
    "MFI": "100 × positive / (positive + negative) flow of typical price × volume, over n bars",
    "OBV": "running sum of volume, with the sign of the close's change",
    "STDDEV": "nbdev × standard deviation of the last n closes",
    "MAX": "highest of the last n closes",
    "MIN": "lowest of the last n closes",
}

"""Formulas of TA-Lib's best-known functions with their starting values, for computing by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_MEAN_OF_CHANGES: Final = "both start with the mean of the first n"
_WILDER: Final = "Wilder's sum: sum − sum / n + new, starting with the sum of the first n − 1"

TALIB_FORMULAS: Final[Mapping[str, str]] = {
    "SMA": "mean of the last n closes",
    "EMA": "EMA + 2 / (n + 1) × (close − EMA), starting from the mean of the first n closes",
    "RMA": "RMA + 1 / n × (close − RMA), starting from the mean of the first n closes",
    "WMA": "mean of the last n closes, weighted 1, 2, … n from the oldest to the newest",
    "DEMA": "2 × EMA − EMA of EMA",
    "TEMA": "3 × EMA − 3 × EMA of EMA + EMA of EMA of EMA",
    "T3": "Tillson's: six EMAs, one of the other, weighted by vfactor",
    "KAMA": "KAMA + c × (close − KAMA), starting from the close before; c = (ER × (2/3 − 2/31) + 2/31)²; "
    "ER = |close − close n bars earlier| / Σ |change| of n bars",
    "RSI": f"100 × up / (up + down); up and down: Wilder's averages of rises and falls, over n closes; "
    f"{_MEAN_OF_CHANGES}",
    "CMO": f"100 × (up − down) / (up + down); up and down: Wilder's averages, as of RSI; {_MEAN_OF_CHANGES}",
    "STOCHRSI": "fastk: 100 × (RSI − lowest RSI) / (highest − lowest RSI); fastd: average of fastk",
    "MACD": "macd: EMA(fast) − EMA(slow) of the close; signal: EMA of macd; hist: macd − signal",
    "APO": "average(fast) − average(slow) of the close",
    "PPO": "100 × (average(fast) − average(slow)) / average(slow) of the close",
    "TRIX": "100 × change / prior value of EMA of EMA of EMA of the close",
    "BBANDS": "middle: moving average of n closes; upper, lower: middle ± nbdev × standard deviation",
    "TRANGE": "max(high, prior close) − min(low, prior close)",
    "ATR": "Wilder's average of the true range over n bars, starting with the mean of the first n",
    "NATR": "100 × ATR / close",
    "PLUS_DI": f"100 × +DM / true range, both as {_WILDER}",
    "MINUS_DI": f"100 × −DM / true range, both as {_WILDER}",
    "DX": "100 × |+DI − −DI| / (+DI + −DI)",
    "ADX": "Wilder's average of DX, starting with the mean of the first n; "
    "DX = 100 × |+DI − −DI| / (+DI + −DI)",
    "ADXR": "mean of ADX and of ADX n − 1 bars earlier",
    "MOM": "close − close n bars earlier",
    "ROC": "100 × (close / close n bars earlier − 1)",
    "ROCP": "close / close n bars earlier − 1",
    "ROCR": "close / close n bars earlier",
    "ROCR100": "100 × close / close n bars earlier",
    "WILLR": "−100 × (highest high − close) / (highest high − lowest low), over n bars",
    "CCI": "(typical − mean of typical) / (0.015 × mean deviation), over n bars",
    "STOCH": "k: average of 100 × (close − lowest low) / (highest high − lowest low); d: average of k",
    "STOCHF": "fastk: 100 × (close − lowest low) / (highest high − lowest low); fastd: average of fastk",
    "ULTOSC": "100 × (4 × a + 2 × b + c) / 7; each Σ (close − true low) / Σ true range, of a period",
    "BOP": "(close − open) / (high − low) of the bar",
    "AROON": "100 × (n − bars back to the lowest low, or highest high, of n + 1 bars) / n",
    "MFI": "100 × positive / (positive + negative) flow of typical price × volume, over n bars",
    "OBV": "running sum of volume, with the sign of the close's change, starting with the first bar's volume",
    "AD": "running sum of ((close − low) − (high − close)) / (high − low) × volume, 0 without a range",
    "ADOSC": "EMA(fast) − EMA(slow) of AD, both starting with AD's first value",
    "PVT": "running sum of volume × change / prior close, starting with 0",
    "NVI": "starts with 1000; changes by the close's change, in percent, where the volume falls",
    "PVI": "starts with 1000; changes by the close's change, in percent, where the volume rises",
    "WAD": "running sum of close − true low of a rise, close − true high of a fall, starting with 0",
    "CUMSUM": "running sum of the close",
    "SAR": "Wilder's stop: SAR + acceleration × (extreme − SAR), reversed where the price crosses it; "
    "starts at the first bar's low, or high if the second bar's low falls by more than its high rises",
    "SUPERTREND": "median price ± multiplier × ATR, tightened until the close crosses it",
    "HA": "Heikin-Ashi: close = mean of the bar's prices; open = mean of the prior open and close",
    "STDDEV": "nbdev × standard deviation of the last n closes (divided by n)",
    "MAX": "highest of the last n closes",
    "MIN": "lowest of the last n closes",
    "MAXINDEX": "bars back to the highest of the last n closes",
    "MININDEX": "bars back to the lowest of the last n closes",
    "MINMAXINDEX": "bars back to the lowest and to the highest of the last n closes",
}

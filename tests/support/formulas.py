"""Textbook formulas of indicators in plain loops and pandas, with TA-Lib's starting values."""

from __future__ import annotations

import numpy as np
import pandas as pd


def sma(values: np.ndarray, period: int) -> np.ndarray:
    """Return the simple moving average."""
    return pd.Series(values).rolling(period).mean().to_numpy()


def ema(values: np.ndarray, period: int, start: int | None = None) -> np.ndarray:
    """Return the exponential moving average; its first value, at `start`, is the mean of `period` values."""
    out = np.full(len(values), np.nan)
    at = period - 1 if start is None else start
    if at >= len(values):
        return out
    out[at] = np.mean(values[at - period + 1 : at + 1])
    for i in range(at + 1, len(values)):
        out[i] = out[i - 1] + (values[i] - out[i - 1]) * 2 / (period + 1)
    return out


def wilder(values: np.ndarray, period: int) -> np.ndarray:
    """Return Wilder's average: the mean of the first values, then old + (new − old) / period."""
    out = np.full(len(values), np.nan)
    if len(values) >= period:
        out[period - 1] = np.mean(values[:period])
        for i in range(period, len(values)):
            out[i] = (out[i - 1] * (period - 1) + values[i]) / period
    return out


def rsi(close: np.ndarray, period: int) -> np.ndarray:
    """Return Wilder's relative strength index."""
    change = np.diff(close)
    up, down = wilder(np.maximum(change, 0), period), wilder(np.maximum(-change, 0), period)
    return np.concatenate([[np.nan], 100 * up / (up + down)])


def atr(high: np.ndarray, low: np.ndarray, close: np.ndarray, period: int) -> np.ndarray:
    """Return the average true range; NaN at the first bar, which has no prior close."""
    before = close[:-1]
    spans = np.stack([high[1:] - low[1:], np.abs(high[1:] - before), np.abs(low[1:] - before)])
    return np.concatenate([[np.nan], wilder(spans.max(axis=0), period)])


def macd(close: np.ndarray, fast: int, slow: int, signal: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return MACD, signal and histogram, NaN until signal is warm; both averages begin at the slow one's."""
    line = ema(close, fast, slow - 1) - ema(close, slow)
    warm = line[slow - 1 :]
    smooth = np.concatenate([np.full(slow - 1, np.nan), ema(warm, signal)])
    line[np.isnan(smooth)] = np.nan
    return line, smooth, line - smooth


def bbands(
    close: np.ndarray, period: int, up: float, down: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return upper, middle and lower band: the mean plus and minus multiples of the population deviation."""
    middle = sma(close, period)
    # pandas' rolling deviation drifts by 1e-7 on constant prices; here each window is computed separately.
    windows = np.lib.stride_tricks.sliding_window_view(close, period)
    spread = np.concatenate([np.full(period - 1, np.nan), windows.std(axis=1)])
    return middle + up * spread, middle, middle - down * spread

"""The crossover of the benchmarks in vectorbt and in backtesting.py, from the Parquet files of a market."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from benchmarks.market import HISTORY_SESSIONS
from benchmarks.trading_sessions import CASH, FAST, LEAST, SLOW

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of notebooks that are not there
    import backtesting
    import vectorbt

SLOTS = 390


def prices(folder: Path, symbols: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return opens and closes of all bars, a column for each symbol."""
    opens, closes, index = {}, {}, None
    for symbol in symbols:
        (path,) = folder.glob(f"interval=1m/symbol={symbol}/*.parquet")
        table = pq.ParquetFile(path).read(["opened_at", "open", "close"])
        opens[symbol], closes[symbol] = table["open"].to_numpy(), table["close"].to_numpy()
        index = pd.to_datetime(table["opened_at"].to_numpy(), unit="s")
    return pd.DataFrame(opens, index=index), pd.DataFrame(closes, index=index)


def play_vectorbt(folder: Path, symbols: list[str], initial_cash: float) -> tuple[int, float]:
    """Play the crossover on one account; return the number of fills, and the equity at the end."""
    opens, closes = prices(folder, symbols)
    fast = vectorbt.MA.run(closes, FAST).ma.set_axis(symbols, axis=1)
    slow = vectorbt.MA.run(closes, SLOW).ma.set_axis(symbols, axis=1)
    enters, leaves = fast.vbt.crossed_above(slow + LEAST), fast.vbt.crossed_below(slow - LEAST)
    enters.iloc[: HISTORY_SESSIONS * SLOTS] = leaves.iloc[: HISTORY_SESSIONS * SLOTS] = False
    portfolio = vectorbt.Portfolio.from_signals(
        closes,
        enters.shift(fill_value=False),
        leaves.shift(fill_value=False),
        price=opens,
        size=(CASH // closes).shift(),
        init_cash=initial_cash,
        group_by=True,
        cash_sharing=True,
        freq="1min",
    )
    orders, trades, equity = portfolio.orders.records, portfolio.trades.records, portfolio.value()
    assert len(trades) >= len(orders) // 2
    return len(orders), round(float(equity.iloc[-1]), 2)


class BacktestingCrossover(backtesting.Strategy):
    """The same for one symbol."""

    def init(self) -> None:
        """Work out the difference of the averages."""
        closes = pd.Series(self.data.Close)
        self.above = self.I(lambda: closes.rolling(FAST).mean() - closes.rolling(SLOW).mean())

    def next(self) -> None:
        """Decide at a close."""
        if len(self.data) <= HISTORY_SESSIONS * SLOTS:
            return
        now, before = self.above[-1], self.above[-2]
        if now > LEAST and before <= LEAST and not self.position:
            self.buy(size=int(CASH // self.data.Close[-1]))
        elif now < -LEAST and before >= -LEAST and self.position:
            self.position.close()


def play_backtesting(folder: Path, symbols: list[str], initial_cash: float) -> tuple[int, float]:
    """Play the crossover symbol by symbol; return the number of fills, and the equity at the end."""
    fills, profit = 0, 0.0
    for symbol in symbols:
        (path,) = folder.glob(f"interval=1m/symbol={symbol}/*.parquet")
        bars = pd.read_parquet(path)
        bars.index = pd.to_datetime(bars.pop("opened_at"), unit="s")
        bars.columns = bars.columns.str.capitalize()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a trade is open at the end
            played = backtesting.Backtest(bars, BacktestingCrossover, cash=initial_cash).run()
        fills += 2 * len(played["_trades"]) + len(played["_strategy"].trades)
        profit += float(np.asarray(played["_equity_curve"]["Equity"])[-1]) - initial_cash
    return fills, round(initial_cash + profit, 2)

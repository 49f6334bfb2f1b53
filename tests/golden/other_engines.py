"""The crossover in October 2013, played by backtrader and by backtesting.py over the raw files."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pandas as pd

from tapedeck.engine.broker.orders import Side
from tests.golden.crossover import CASH, FAST, LEAST, SLOW, PlainFill, bars_of, in_order
from tests.golden.raw_bars import DAYS, SYMBOLS

INITIAL_CASH = 100_000
FIRST = pd.Timestamp(DAYS[0])

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of notebooks that are not there, and of texts with odd escapes
    import backtesting
    import backtrader


def plain_bars(root: Path, symbol: str) -> pd.DataFrame:
    """Return the bars by New York time without zone, which is how both engines want them."""
    bars = bars_of(root, symbol)
    return bars.set_axis(bars.index.tz_localize(None))


class BacktraderCrossover(backtrader.Strategy):
    """Buys and sells at the bar after a cross, for each symbol; decides from the first day on."""

    def __init__(self) -> None:
        self.seen = dict.fromkeys(self.datas, 0)
        self.above = {
            data: backtrader.ind.SMA(data.close, period=FAST) - backtrader.ind.SMA(data.close, period=SLOW)
            for data in self.datas
        }
        self.working: set[Any] = set()
        self.fills: list[PlainFill] = []
        self.equity: dict[pd.Timestamp, float] = {}

    def notify_order(self, order: Any) -> None:
        if order.status == order.Completed:
            self.working.discard(order.data)
            done, side = order.executed, Side.BUY if order.isbuy() else Side.SELL
            # Times are kept as days in a float, the price as an average of what filled.
            time = pd.Timestamp(backtrader.num2date(done.dt)).round("s").tz_localize("America/New_York")
            self.fills.append(
                PlainFill(time, order.data._name, side, abs(int(done.size)), round(done.price, 4))
            )

    def next(self) -> None:
        time = max(pd.Timestamp(data.datetime.datetime(0)) for data in self.datas).round("s")
        self.equity[time.tz_localize("America/New_York")] = self.broker.getvalue()
        for data in self.datas:
            if len(data) > self.seen[data]:  # it has a bar now
                self.seen[data] = len(data)
                if time >= FIRST and data not in self.working:
                    self.decide(data)

    def decide(self, data: Any) -> None:
        now, before, held = self.above[data][0], self.above[data][-1], self.getposition(data).size
        if now > LEAST and before <= LEAST and not held:
            self.working.add(data)
            self.buy(data, size=int(CASH // data.close[0]))
        elif now < -LEAST and before >= -LEAST and held:
            self.working.add(data)
            self.sell(data, size=held)


def by_backtrader(root: Path) -> tuple[list[PlainFill], pd.Series]:
    """Return the fills of all symbols in one account, and its equity at each close, by the bar's open."""
    cerebro = backtrader.Cerebro(stdstats=False)
    cerebro.broker.setcash(INITIAL_CASH)
    for symbol in SYMBOLS:
        bars = backtrader.feeds.PandasData(
            dataname=plain_bars(root, symbol),
            timeframe=backtrader.TimeFrame.Minutes,
            compression=1,
            openinterest=None,
        )
        cerebro.adddata(bars, name=symbol)
    cerebro.addstrategy(BacktraderCrossover)
    (played,) = cerebro.run()
    return in_order(played.fills), pd.Series(played.equity)


class BacktestingCrossover(backtesting.Strategy):
    """The same in backtesting.py, which plays one symbol."""

    def init(self) -> None:
        closes = pd.Series(self.data.Close)
        self.above = self.I(lambda: closes.rolling(FAST).mean() - closes.rolling(SLOW).mean())

    def next(self) -> None:
        now, before = self.above[-1], self.above[-2]
        if self.data.index[-1] < FIRST or self.orders:
            return
        if now > LEAST and before <= LEAST and not self.position:
            self.buy(size=int(CASH // self.data.Close[-1]))
        elif now < -LEAST and before >= -LEAST and self.position:
            self.position.close()


def by_backtesting(root: Path, symbol: str) -> tuple[list[PlainFill], pd.Series]:
    """Return the fills of one symbol, and its profit at the close of each bar, by its open."""
    bars = plain_bars(root, symbol)
    names = {name: name.capitalize() for name in bars.columns}
    test = backtesting.Backtest(bars.rename(columns=names), BacktestingCrossover, cash=INITIAL_CASH)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that a trade is open at the end
        played = test.run()
    closed, strategy = played["_trades"], played["_strategy"]
    times = bars.index.tz_localize("America/New_York")
    fills = [
        PlainFill(times[bar], symbol, side, int(size), price)
        for side, bar_name, price_name in (
            (Side.BUY, "EntryBar", "EntryPrice"),
            (Side.SELL, "ExitBar", "ExitPrice"),
        )
        for bar, price, size in closed[[bar_name, price_name, "Size"]].itertuples(index=False)
    ]
    fills += [
        PlainFill(times[trade.entry_bar], symbol, Side.BUY, int(trade.size), trade.entry_price)
        for trade in strategy.trades
    ]
    equity = played["_equity_curve"]["Equity"].set_axis(times)
    return in_order(fills), equity - INITIAL_CASH

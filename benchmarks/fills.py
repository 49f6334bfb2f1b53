"""Fills of the paper broker, compared with the least that keeps cash and lots in whole units.

python -m benchmarks.fills [--symbols 100] [--slots 390] [--rounds 5]
"""

from __future__ import annotations

import argparse
from datetime import date

from benchmarks.measure import in_turns, row
from tapedeck.engine.broker.bar import Bar
from tapedeck.engine.broker.commission import AtLeast, PerShare
from tapedeck.engine.broker.orders import Side
from tapedeck.engine.broker.paper_broker import PaperBroker
from tapedeck.engine.broker.slippage import TickSlippage
from tapedeck.engine.broker.terms import AccountTerms

LOTS = 17


class Market:
    """Bars of one price for each symbol, in which every symbol is bought and sold in turns, at each slot."""

    def __init__(self, symbols: int, slots: int) -> None:
        self.closes = {f"S{number:03}": 41.23 + number for number in range(symbols)}
        self.symbols = list(self.closes)
        self.bars: dict[str, Bar] = {
            symbol: (close, close + 0.1, close - 0.1, close, 123_456.0)
            for symbol, close in self.closes.items()
        }
        self.slots = slots
        self.fills = symbols * (slots - 1)

    def play(self, terms: AccountTerms) -> None:
        """Play a session with a broker: an order and a fill for each symbol and slot."""
        broker = PaperBroker(terms, ["strategy"], self.closes.__getitem__)
        broker.begin_session(date(2013, 10, 1), self.slots, self.symbols)
        fills = 0
        for slot in range(self.slots):
            fills += len(broker.try_orders(slot, self.bars.get))
            if slot < self.slots - 1:
                side = Side.SELL if slot % 2 else Side.BUY
                for symbol in self.symbols:
                    broker.submit("strategy", symbol, side, LOTS, slot)
        if fills != self.fills:
            raise SystemExit(f"{fills} fills instead of {self.fills}")

    def play_bare(self) -> None:
        """Keep cash, lots and a list of fills for the same orders, without any rule."""
        cash, held = 10**15, dict.fromkeys(self.symbols, 0)
        orders: list[tuple[str, int]] = []
        fills: list[tuple[str, int, int, float, int]] = []
        for slot in range(self.slots):
            for symbol, lots in orders:
                price = self.bars[symbol][0]
                cash -= round(price * lots * 1_000_000)
                held[symbol] += lots
                fills.append((symbol, slot, lots, price, cash))
            orders = [(symbol, -LOTS if slot % 2 else LOTS) for symbol in self.symbols]


def main() -> None:
    """Print microseconds for an order and its fill, and the ratio to the bare loop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=100)
    parser.add_argument("--slots", type=int, default=390)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    market = Market(options.symbols, options.slots)
    costs = {"commission": AtLeast(1.0, PerShare(0.005)), "slippage": TickSlippage(1), "tick_size": 0.01}
    terms = {
        "market orders": AccountTerms(initial_cash=1e9),
        "with costs and limits": AccountTerms(
            initial_cash=1e9, max_per_trade=1e6, max_per_symbol=1e6, max_open_positions=10_000, **costs
        ),
    }
    for name, one in terms.items():
        pair = in_turns(lambda terms=one: market.play(terms), market.play_bare, options.rounds)
        each = 1e6 * pair.first_s / market.fills
        bare = 1e6 * pair.second_s / market.fills
        print(
            row(
                f"{name}: order and fill",
                f"{each:.1f} µs",
                "≤ 8 µs",
                f"bare loop {bare:.1f} µs, {pair.ratio:.1f} ×",
            )
        )


if __name__ == "__main__":
    main()

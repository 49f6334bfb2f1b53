"""Slow walk of rule strategies: plain Python, every slot, every symbol, no columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import time
from fractions import Fraction
from zoneinfo import ZoneInfo

import pandas as pd

from tapedeck.engine.broker.orders import BEFORE_FIRST_SLOT, OrderKind, OrderRecord, Side
from tapedeck.engine.broker.paper_broker import PaperBroker
from tapedeck.engine.broker.records import Fill, Trade
from tapedeck.engine.broker.terms import AccountTerms
from tapedeck.engine.strategies.definition import RuleDefinition
from tapedeck.engine.tape.bar_grid import FIELDS
from tapedeck.engine.tape.tape import Tape

Bars = list[dict[str, float] | None]
Truth = Callable[["Moment"], bool | None]
"""A rule: true, false, or None if it is unknown."""


@dataclass
class SlowStrategy:
    """A definition, its rules as functions, and its size as one: of close, equity and the moment."""

    definition: RuleDefinition
    enter: Truth
    leave: Truth | None
    lots: Callable[[Fraction, Fraction, Moment], int]
    entries: dict[str, int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)


class SlowWalk:
    """Sessions one after another; `bars`: those of the session by symbol and slot."""

    def __init__(self, strategies: Sequence[SlowStrategy], terms: AccountTerms) -> None:
        self.strategies = strategies
        self.closes: dict[str, float] = {}
        names = [one.definition.name for one in strategies]
        self.broker = PaperBroker(terms, names, lambda symbol: self.closes.get(symbol, float("nan")))
        self.bars: dict[str, Bars] = {}
        self.before: dict[str, Bars] = {}
        self.fills: list[Fill] = []
        self.orders: list[OrderRecord] = []
        self.trades: list[Trade] = []
        self.equity: list[int] = []
        self.tape: Tape

    def play(self, tape: Tape) -> None:
        """Walk a session from its first slot to its last."""
        self.tape, self.before = tape, self.bars
        self.bars = {symbol: bars_of(tape, symbol) for symbol in tape.symbols}
        self.broker.begin_session(tape.session.trading_day, len(tape), tape.symbols)
        for strategy in self.strategies:
            strategy.entries = dict.fromkeys(tape.symbols, 0)
            for symbol in self._symbols(strategy):
                if strategy.definition.flat_at_close and not self._works(strategy, symbol):
                    self._sell(strategy, symbol, BEFORE_FIRST_SLOT, "flat_at_close")
        for slot in range(len(tape)):
            self._slot(slot)
        self.broker.end_session()
        self.orders += self.broker.session_orders
        self.trades += self.broker.session_trades

    def _slot(self, slot: int) -> None:
        bars = {symbol: own[slot] for symbol, own in self.bars.items() if own[slot] is not None}
        self.fills += self.broker.try_orders(
            slot, lambda symbol: tuple(bars[symbol].values()) if symbol in bars else None
        )
        self.closes |= {symbol: bar["close"] for symbol, bar in bars.items()}
        for strategy in self.strategies:
            for symbol in self.tape.symbols:
                self._count_bars(strategy, symbol, symbol in bars)
        figures = self.broker.account.figures()
        assert figures.equity == figures.cash + figures.value
        self.equity.append(figures.equity)
        for strategy in self.strategies:
            for symbol in self._symbols(strategy):
                self._decide(strategy, symbol, slot)

    def _count_bars(self, strategy: SlowStrategy, symbol: str, is_there: bool) -> None:
        if not self._lots(strategy, symbol):
            strategy.held[symbol] = 0
        elif is_there:
            strategy.held[symbol] += 1

    def _symbols(self, strategy: SlowStrategy) -> list[str]:
        chosen = strategy.definition.symbols
        return [symbol for symbol in self.tape.symbols if chosen is None or symbol in chosen]

    def _lots(self, strategy: SlowStrategy, symbol: str) -> int:
        return self.broker.account.lots(strategy.definition.name, symbol)

    def _works(self, strategy: SlowStrategy, symbol: str) -> list[OrderRecord]:
        return self.broker.working(strategy.definition.name, symbol)

    def _decide(self, strategy: SlowStrategy, symbol: str, slot: int) -> None:
        moment = Moment(self, strategy, symbol, slot)
        lots, works = self._lots(strategy, symbol), self._works(strategy, symbol)
        if any(one.reason != "enter" and one.kind is OrderKind.MARKET for one in works):
            return
        leaves = strategy.leave is not None and strategy.leave(moment) is True
        if lots or any(one.reason == "enter" for one in works):
            reason = self._level(strategy, symbol, slot) or ("exit" if leaves else None)
            if reason is None and strategy.definition.flat_at_close and slot == len(self.tape) - 2:
                reason = "flat_at_close"
            if reason is not None:
                for one in works:
                    self.broker.cancel(one.number, slot, "")
                self._sell(strategy, symbol, slot, reason)
        elif (
            not works
            and not leaves
            and symbol in self.closes
            and self._may_enter(strategy, symbol, slot)
            and strategy.enter(moment) is True
        ):
            self._buy(strategy, symbol, slot, moment)

    def _level(self, strategy: SlowStrategy, symbol: str, slot: int) -> str | None:
        bar, lots = self.bars[symbol][slot], self._lots(strategy, symbol)
        holding = self.broker.account.holding(strategy.definition.name, symbol)
        if bar is None or not lots or holding is None:
            return None
        scale = self.broker.scale
        average = Fraction(holding.cost, lots) / (Fraction(str(scale.lot)) * 10**scale.digits)
        gain = (Fraction(repr(bar["close"])) / average - 1) * 100 * (1 if lots > 0 else -1)
        stop, take = strategy.definition.stop_loss, strategy.definition.take_profit
        if stop is not None and gain <= -Fraction(str(stop)):
            return "stop_loss"
        return "take_profit" if take is not None and gain >= Fraction(str(take)) else None

    def _may_enter(self, strategy: SlowStrategy, symbol: str, slot: int) -> bool:
        definition, slots = strategy.definition, len(self.tape)
        if definition.flat_at_close and slot > slots - 3:
            return False
        most = definition.max_entries_per_day
        if most is not None and strategy.entries[symbol] >= most:
            return False
        return definition.no_entry_after is None or self._time(slot) <= definition.no_entry_after

    def _time(self, slot: int) -> time:
        closed = pd.Timestamp(int(self.tape.slots.closed_at[slot]), unit="s", tz="UTC")
        return closed.astimezone(ZoneInfo("America/New_York")).time()

    def _sell(self, strategy: SlowStrategy, symbol: str, slot: int, reason: str) -> None:
        lots = self._lots(strategy, symbol)
        if lots:
            self.broker.submit(
                strategy.definition.name,
                symbol,
                Side.SELL if lots > 0 else Side.BUY,
                abs(lots),
                slot,
                kind=OrderKind.MARKET_ON_CLOSE
                if reason == "flat_at_close" and slot >= 0
                else OrderKind.MARKET,
                reason=reason,
            )

    def _buy(self, strategy: SlowStrategy, symbol: str, slot: int, moment: Moment) -> None:
        equity = Fraction(self.broker.account.figures().equity, 10**self.broker.scale.digits)
        lots = strategy.lots(Fraction(repr(self.closes[symbol])), equity, moment)
        if lots > 0:
            name, side = strategy.definition.name, strategy.definition.side
            order = self.broker.submit(name, symbol, side, lots, slot, reason="enter")
            strategy.entries[symbol] += order.state.value != "refused"


@dataclass(frozen=True)
class Moment:
    """What rules read at the close of a slot, for one symbol; None where it is missing."""

    walk: SlowWalk
    strategy: SlowStrategy
    symbol: str
    slot: int

    def of(self, symbol: str) -> Moment:
        """Return the moment for another symbol."""
        return replace(self, symbol=symbol)

    def now(self, name: str) -> float | None:
        """Return a field of the symbol's last bar of the session."""
        return last_of(self.walk.bars[self.symbol][: self.slot + 1], name)

    def one_before(self, name: str) -> float | None:
        """Return it one slot before; before the session's first bar, at the end of the session before."""
        found = last_of(self.walk.bars[self.symbol][: self.slot], name)
        return last_of(self.walk.before.get(self.symbol, []), name) if found is None else found

    def account(self, name: str) -> float:
        """Return an account word."""
        account, scale = self.walk.broker.account, self.walk.broker.scale
        holding = account.holding(self.strategy.definition.name, self.symbol)
        if name == "equity":
            return account.figures().equity / 10**scale.digits
        if name == "cash":
            return account.cash / 10**scale.digits
        if name == "bars_held":
            return self.strategy.held[self.symbol]
        if holding is None:
            return 0.0
        return holding.lots * scale.lot if name == "position" else holding.unrealised / 10**scale.digits

    def minutes(self, name: str) -> float:
        """Return a time word."""
        slots = self.walk.tape.slots
        clock = int(slots.closed_at[self.slot])
        since = clock - int(slots.opened_at[0])
        return (since if name == "minutes_since_open" else int(slots.closed_at[-1]) - clock) / 60


def bars_of(tape: Tape, symbol: str) -> Bars:
    """Return a symbol's bars by slot, None for a missing one."""
    values = tape.base.values[:, tape.symbols.index(symbol)].T.tolist()
    return [dict(zip(FIELDS, bar, strict=True)) if bar[3] == bar[3] else None for bar in values]


def last_of(bars: Bars, name: str) -> float | None:
    """Return a field of the last bar, None without one."""
    return next((bar[name] for bar in reversed(bars) if bar is not None), None)

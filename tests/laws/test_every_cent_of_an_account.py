"""Laws of the paper account: whatever is ordered, every unit of money is accounted for."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from random import Random
from typing import Any, NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.engine.broker.bar import Bar
from tapedeck.engine.broker.commission import AtLeast, Commission, PercentOfValue, PerShare, PerTrade
from tapedeck.engine.broker.equity_column import equity_column
from tapedeck.engine.broker.orders import (
    BEFORE_FIRST_SLOT,
    OrderKind,
    OrderRecord,
    OrderState,
    Side,
    TimeInForce,
)
from tapedeck.engine.broker.paper_broker import PaperBroker
from tapedeck.engine.broker.records import Fill, Trade
from tapedeck.engine.broker.slippage import PercentSlippage, RangeSlippage, Slippage, TickSlippage
from tapedeck.engine.broker.terms import AccountTerms
from tapedeck.engine.broker.why_unfilled import why_unfilled
from tests.support.slow_account import SlowAccount, SlowFill, SlowOrder, SlowTerms, days

SYMBOLS = ("BBB", "AAA")
"""In the order of rows, which is not that of the alphabet."""
STRATEGIES = ("second", "first")


class Action(NamedTuple):
    """An order, or with `cancels` the cancelling of an earlier one."""

    cancels: int | None
    strategy: int
    symbol: str
    sign: int
    lots: int
    on_close: bool
    day_only: bool


class Session(NamedTuple):
    """Bars by slot and symbol; actions by slot, those before the first slot first."""

    bars: list[dict[str, Bar]]
    actions: list[list[Action]]


def decimals(lowest: int, highest: int, places: int) -> st.SearchStrategy[str]:
    """Return numbers with up to some decimal places, as text; few of them are binary numbers."""
    return st.builds(
        lambda number, place: f"{number}e-{place}", st.integers(lowest, highest), st.integers(0, places)
    ).map(lambda text: format(float(text), "f").rstrip("0").rstrip(".") or "0")


@st.composite
def bars(draw: st.DrawFn) -> Bar:
    prices = sorted(draw(st.lists(st.integers(1, 600), min_size=4, max_size=4)))
    places = draw(st.integers(1, 3))
    low, a, b, high = (number / 10**places for number in prices)
    first, last = draw(st.permutations([a, b]))
    return first, high, low, last, draw(st.sampled_from([0.0, 0.5, 40.0, 400.0, 1e4, 123456.7, 1e6, 1e7]))


ACTIONS = st.builds(
    Action,
    st.sampled_from([None] * 6 + [1, 2, 3, 5, 8, 13]),
    st.integers(0, 1),
    st.sampled_from(SYMBOLS),
    st.sampled_from([1, -1]),
    st.integers(1, 12) | st.sampled_from([25, 400]),
    st.sampled_from([False, False, True]),
    st.sampled_from([False, False, True]),
)


@st.composite
def sessions(draw: st.DrawFn) -> Session:
    slots = draw(st.sampled_from([4, 2, 1, 6]))
    both = st.fixed_dictionaries({symbol: bars() for symbol in SYMBOLS})
    one_slot = both | st.dictionaries(st.sampled_from(SYMBOLS), bars(), max_size=2)
    return Session(
        draw(st.lists(one_slot, min_size=slots, max_size=slots)),
        draw(st.lists(st.lists(ACTIONS, min_size=1, max_size=3), min_size=slots + 1, max_size=slots + 1)),
    )


def busy_session(random: Random) -> Session:
    """Return a session in which both strategies trade a lot, in small sizes."""
    slots = random.randint(1, 12)
    prices = [sorted(random.randint(900, 1100) / 100 for _ in range(4)) for _ in range(2 * slots)]
    volumes = [0.0, 400.0, 12345.6, 1e6]
    played = [
        {
            symbol: (a, high, low, b, random.choice(volumes))
            for symbol, (low, a, b, high) in zip(SYMBOLS, prices[2 * slot :], strict=False)
            if random.random() < 0.9
        }
        for slot in range(slots)
    ]
    return Session(played, [[_busy_action(random) for _ in range(2)] for _ in range(slots + 1)])


def _busy_action(random: Random) -> Action:
    return Action(
        random.randint(1, 80) if random.random() < 0.1 else None,
        random.randint(0, 1),
        random.choice(SYMBOLS),
        random.choice([1, -1]),
        random.choice([1, 2, 3, 5, 30]),
        random.random() < 0.15,
        random.random() < 0.15,
    )


@st.composite
def terms(draw: st.DrawFn) -> SlowTerms:
    digits = draw(st.integers(0, 4))
    tick = draw(st.none() | st.sampled_from([1, 2, 5]))
    slippages = [st.none(), st.tuples(st.just("percent"), decimals(0, 300, 2))]
    slippages.append(st.tuples(st.just("range"), decimals(0, 100, 2)))
    if tick is not None:
        slippages.append(st.tuples(st.just("ticks"), st.sampled_from(["0", "1", "3"])))
    fees = st.tuples(st.sampled_from(["per_share", "per_trade", "percent"]), decimals(0, 300, 3))
    return SlowTerms(
        cash=draw(st.sampled_from(["1000000", "90000", "2345.67", "40"])),
        digits=digits,
        lot=draw(st.sampled_from(["1", "1", "100", "0.5", "0.001"])),
        tick=None if tick is None else format(Fraction(tick, 10**digits).__float__(), f".{digits}f"),
        participation=draw(st.sampled_from([None, "2.5", "10", "0.7", "33.3"])),
        commission=draw(st.none() | fees),
        minimum=draw(st.none() | decimals(0, 300, 2)),
        slippage=draw(st.one_of(slippages)),
        allow_short=draw(st.sampled_from([True, True, False])),
        per_trade=draw(st.sampled_from([None, None, "5000", "123.4"])),
        per_symbol=draw(st.sampled_from([None, None, "9000.5", "300"])),
        most_symbols=draw(st.sampled_from([None, None, 1, 2])),
    )


def account_terms(slow: SlowTerms) -> AccountTerms:
    """Return the same terms as the broker takes them."""
    commission: Commission | None = None
    if slow.commission is not None:
        kinds: dict[str, Any] = {"per_share": PerShare, "per_trade": PerTrade, "percent": PercentOfValue}
        commission = kinds[slow.commission[0]](float(slow.commission[1]))
        if slow.minimum is not None:
            commission = AtLeast(float(slow.minimum), commission)
    slippage: Slippage | None = None
    if slow.slippage is not None:
        kind, number = slow.slippage
        if kind == "ticks":
            slippage = TickSlippage(int(number))
        else:
            slippage = PercentSlippage(float(number)) if kind == "percent" else RangeSlippage(float(number))
    return AccountTerms(
        initial_cash=float(slow.cash),
        max_per_trade=None if slow.per_trade is None else float(slow.per_trade),
        max_per_symbol=None if slow.per_symbol is None else float(slow.per_symbol),
        max_open_positions=slow.most_symbols,
        allow_short=slow.allow_short,
        lot=float(slow.lot),
        tick_size=None if slow.tick is None else float(slow.tick),
        digits=slow.digits,
        participation_pct=None if slow.participation is None else float(slow.participation),
        commission=commission,
        slippage=slippage,
    )


class BothModels:
    """Broker and slow model side by side; every step compares them."""

    def __init__(self, slow_terms: SlowTerms) -> None:
        self.closes = {"AAA": 12.345}
        self.terms = account_terms(slow_terms)
        self.broker = PaperBroker(
            self.terms, STRATEGIES, lambda symbol: self.closes.get(symbol, float("nan"))
        )
        self.slow = SlowAccount(slow_terms)
        self.numbers = 0
        self.fills: list[Fill] = []
        self.trades: list[Trade] = []

    def play(self, sessions: list[Session]) -> None:
        for at, (day, session) in enumerate(zip(days(len(sessions)), sessions, strict=True)):
            self.day = day
            self.broker.begin_session(day, len(session.bars), SYMBOLS)
            self._decide(at, BEFORE_FIRST_SLOT, session)
            cash, held = (
                self.broker.account.cash,
                {(h.strategy, h.symbol): h.lots for h in self.broker.account.holdings()},
            )
            equity: list[int] = []
            closes: list[dict[str, float]] = []
            for slot, bars_of_slot in enumerate(session.bars):
                before = self.broker.working()
                fills = self.broker.try_orders(slot, bars_of_slot.get)
                self._check_reasons(before, slot, bars_of_slot, len(session.bars))
                slow = self.slow.play(at, slot, len(session.bars), bars_of_slot, SYMBOLS)
                assert [told(fill) for fill in fills] == [told_slowly(fill) for fill in slow]
                self._check_fills(fills, bars_of_slot)
                self.fills += fills
                self.closes |= {symbol: bar[3] for symbol, bar in bars_of_slot.items()}
                self.check()
                equity.append(self.broker.account.equity())
                closes.append(dict(self.closes))
                self._decide(at, slot, session)
                self.check()
            column = equity_column(
                self.terms.scale, len(equity), cash, held, self.broker.session_fills,
                lambda symbols, known=closes: np.array(
                    [[one.get(symbol, np.nan) for one in known] for symbol in symbols]
                ),
            )  # fmt: skip
            assert column.tolist() == equity
            self._end(at)

    def _decide(self, at: int, slot: int, session: Session) -> None:
        for action in session.actions[slot + 1]:
            if action.cancels is not None:
                self._cancel(action.cancels, slot)
                continue
            self.numbers += 1
            record = self.broker.submit(
                STRATEGIES[action.strategy],
                action.symbol,
                Side.BUY if action.sign > 0 else Side.SELL,
                action.lots,
                slot,
                kind=OrderKind.MARKET_ON_CLOSE if action.on_close else OrderKind.MARKET,
                time_in_force=TimeInForce.DAY if action.day_only else TimeInForce.GTC,
            )
            assert record.number == self.numbers
            refused = action.symbol not in self.closes
            if not refused:
                order = SlowOrder(
                    self.numbers, *action[1:], at, slot, Fraction(repr(self.closes[action.symbol])), 0
                )
                refused = self.slow.refuses(order, len(session.bars), self.exact_closes())
            assert (record.state is OrderState.REFUSED) == refused == bool(record.state_reason)

    def _cancel(self, number: int, slot: int) -> None:
        record = self.broker.cancel(number, slot, "told to")
        slow = [one for one in self.slow.orders if one.number == number and one.state == "working"]
        assert (record is None) == (not slow)
        for order in slow:
            order.state = "cancelled"

    def _check_fills(self, fills: list[Fill], bars_of_slot: dict[str, Bar]) -> None:
        for fill in fills:
            _, high, low, _, _ = bars_of_slot[fill.symbol]
            if self.terms.slippage is None:
                assert low <= fill.price <= high
            order = next(one for one in self.broker.session_orders if one.number == fill.order)
            assert (order.day, order.slot) < (fill.day, fill.slot)
        keys = [(fill.order, fill.day, fill.slot) for fill in [*self.fills, *fills]]
        assert len(keys) == len(set(keys))
        for symbol, bar in bars_of_slot.items():
            lots = sum(fill.lots for fill in fills if fill.symbol == symbol)
            if self.terms.participation_pct is not None:
                part = Fraction(repr(bar[4])) * Fraction(repr(self.terms.participation_pct)) / 100
                assert lots * Fraction(repr(self.terms.lot)) <= part

    def _check_reasons(
        self, before: list[OrderRecord], slot: int, bars_of_slot: dict[str, Bar], slots: int
    ) -> None:
        """Each order that worked has filled to the end, or there is a reason why not."""
        now = {one.number: one for one in self.broker.session_orders}
        filled = self.broker.session_fills
        day = self.day
        for order in before:
            reason = why_unfilled(
                self.broker.rules, now[order.number], filled, day, slot,
                bars_of_slot.get(order.symbol), is_last=slot == slots - 1,
            )  # fmt: skip
            assert (reason is None) == (now[order.number].state is OrderState.FILLED)

    def exact_closes(self) -> dict[str, Fraction]:
        return {symbol: Fraction(repr(close)) for symbol, close in self.closes.items()}

    def check(self) -> None:
        """Compare all that can be asked, and the sums that always hold."""
        broker, slow, closes = self.broker, self.slow, self.exact_closes()
        account = broker.account.figures()
        assert account.cash == broker.account.cash == slow.cash()
        assert (
            account.equity == broker.account.equity() == account.cash + account.value == slow.equity(closes)
        )
        initial = slow.units(Fraction(slow.terms.cash))
        assert account.equity == initial + account.realised + account.unrealised - account.commission
        assert broker.account.at_hand() == slow.at_hand(closes)
        holdings = {(one.strategy, one.symbol): one for one in broker.account.holdings()}
        for key, symbol in slow.pairs():
            lots, (cost, realised, _) = slow.lots(key, symbol), slow.history(key, symbol)
            assert broker.account.lots(STRATEGIES[key], symbol) == lots
            assert lots >= 0 or self.terms.allow_short
            holding = holdings.pop((STRATEGIES[key], symbol), None)
            assert (holding is None) == (lots == 0)
            if holding is not None:
                assert (holding.lots, holding.cost, holding.realised) == (lots, cost, realised)
                assert holding.unrealised == slow.value(key, symbol, closes) - cost
                assert holding.average_price == float(cost / (lots * slow.per_lot))
            else:
                assert cost == 0
        assert not holdings
        working = {one.number: one.lots - one.filled for one in broker.working()}
        assert working == {one.number: slow.rest(one) for one in slow.orders if slow.rest(one)}

    def _end(self, at: int) -> None:
        assert [one.number for one in self.broker.end_session()] == self.slow.end(at)
        self.check()
        self.trades += self.broker.session_trades
        for key, symbol in self.slow.pairs():
            mine = [one for one in self.trades if (one.strategy, one.symbol) == (STRATEGIES[key], symbol)]
            assert [trip_of(one) for one in mine] == self.slow.history(key, symbol)[2]
        assert [one.number for one in self.trades] == list(range(1, len(self.trades) + 1))


def told(fill: Fill) -> tuple[object, ...]:
    sign = 1 if fill.side is Side.BUY else -1
    return (fill.order, fill.strategy, fill.symbol, sign, fill.lots, fill.price, fill.value, fill.commission)


def told_slowly(fill: SlowFill) -> tuple[object, ...]:
    order = fill.order
    return (
        order.number, STRATEGIES[order.strategy], order.symbol, order.sign,
        fill.lots, float(fill.price), fill.value, fill.fee,
    )  # fmt: skip


def trip_of(trade: Trade) -> tuple[int, ...]:
    sign = 1 if trade.side is Side.BUY else -1
    return (
        sign, trade.lots, trade.entry_value, trade.exit_value, trade.commission, trade.profit,
        trade.entry_order, trade.exit_order,
    )  # fmt: skip


@settings(max_examples=20)
@given(terms(), st.lists(sessions(), min_size=1, max_size=3))
def test_broker_and_slow_model_agree_at_every_slot(slow_terms: SlowTerms, played: list[Session]) -> None:
    """So do cash + positions = equity, prices within bars, participation, and no fill in the deciding bar."""
    BothModels(slow_terms).play(played)


@settings(max_examples=15)
@given(terms(), st.integers(0, 2**32))
def test_they_agree_in_busy_sessions(slow_terms: SlowTerms, seed: int) -> None:
    random = Random(seed)
    BothModels(replace(slow_terms, cash="1000000")).play([busy_session(random) for _ in range(2)])

"""Paper broker: order of fills, orders that make no sense, records, sessions."""

from __future__ import annotations

from datetime import date
from math import inf, nan
from typing import Any

import numpy as np
import pytest

from tapedeck.engine.broker.bar import Bar
from tapedeck.engine.broker.commission import AtLeast, PerTrade
from tapedeck.engine.broker.equity_column import equity_column
from tapedeck.engine.broker.order_checks import MOST_LOTS
from tapedeck.engine.broker.orders import (
    BEFORE_FIRST_SLOT,
    OrderKind,
    OrderRecord,
    OrderState,
    Side,
    TimeInForce,
)
from tapedeck.engine.broker.paper_broker import PaperBroker
from tapedeck.engine.broker.slippage import PercentSlippage, TickSlippage
from tapedeck.engine.broker.terms import AccountTerms
from tapedeck.engine.broker.why_unfilled import why_unfilled
from tapedeck.engine.errors import EngineError

MONDAY, TUESDAY = date(2013, 10, 7), date(2013, 10, 8)
BAR: Bar = (10.0, 10.5, 9.5, 10.2, 4000.0)
CLOSES = {"SPY": 10.0, "AIG": 10.0, "IBM": 10.0, "NEW": nan}


def broker_of(**terms: Any) -> PaperBroker:
    """Return a broker in a session of 4 slots, in which NEW has no price yet."""
    broker = PaperBroker(
        AccountTerms(**{"participation_pct": None, **terms}), ["second", "first"], CLOSES.__getitem__
    )
    broker.begin_session(MONDAY, 4, ["SPY", "AIG", "IBM", "NEW"])
    return broker


def buy(
    broker: PaperBroker, lots: Any = 1, slot: int = 0, symbol: str = "SPY", **options: Any
) -> OrderRecord:
    return broker.submit(options.pop("strategy", "first"), symbol, Side.BUY, lots, slot, **options).record


def test_fills_come_by_strategy_then_row_then_number() -> None:
    broker = broker_of()
    for strategy, symbol in [
        ("first", "SPY"),
        ("second", "IBM"),
        ("second", "SPY"),
        ("first", "AIG"),
        ("second", "IBM"),
    ]:
        buy(broker, symbol=symbol, strategy=strategy)
    order = [(fill.strategy, fill.symbol, fill.order) for fill in broker.try_orders(1, lambda _: BAR)]
    assert order == [
        ("second", "SPY", 3),
        ("second", "IBM", 2),
        ("second", "IBM", 5),
        ("first", "SPY", 1),
        ("first", "AIG", 4),
    ]


def test_rows_that_change_change_the_order() -> None:
    broker = broker_of()
    for symbol in ("SPY", "AIG", "IBM"):
        buy(broker, symbol=symbol)
    broker.set_symbols(["IBM", "SPY"])
    fills = broker.try_orders(1, {"SPY": BAR, "IBM": BAR}.get)
    assert [fill.symbol for fill in fills] == ["IBM", "SPY"]
    assert [order.symbol for order in broker.working()] == ["AIG"]
    assert broker.working_symbols() == {"AIG"}


@pytest.mark.parametrize(
    "lots",
    [
        0,
        -1,
        1.0,
        nan,
        inf,
        True,
        "5",
        None,
        MOST_LOTS + 1,
        pytest.param(10**5000, id="huge"),
        pytest.param(-(10**5000), id="-huge"),
    ],
)
def test_a_quantity_that_is_none_is_refused(lots: Any) -> None:
    broker = broker_of()
    record = buy(broker, lots)
    assert record.state is OrderState.REFUSED
    assert record.state_reason.startswith(
        "quantity must be a whole number of lots from 1 to 1,000,000,000,000, not "
    )
    assert len(record.state_reason) < 200
    assert record.lots == 0
    assert broker.try_orders(1, lambda _: BAR) == []


def test_the_largest_quantity_is_measured() -> None:
    record = buy(broker_of(), MOST_LOTS)
    assert record.state_reason == "value 10,000,000,000,000.00 is above the cash at hand, 100,000.00"


def test_an_unknown_symbol_is_refused_with_the_nearest_one() -> None:
    record = buy(broker_of(), symbol="SPI")
    assert record.state_reason == (
        "unknown symbol 'SPI': this session has SPY, AIG, IBM, NEW. Did you mean 'SPY'?"
    )


def test_a_symbol_without_a_price_is_refused() -> None:
    record = buy(broker_of(), symbol="NEW")
    assert record.state_reason == "no price of NEW is known yet, so that the order cannot be measured"


def test_ten_thousand_orders_of_a_slot_are_each_answered() -> None:
    broker = broker_of()
    records = [buy(broker, symbol="WRONG" if number % 2 else "SPY") for number in range(10_000)]
    assert sum(record.state is OrderState.REFUSED for record in records) == 5_000
    assert len(broker.try_orders(1, lambda _: BAR)) == 5_000
    assert broker.account.cash == broker.scale.units(50_000)


def test_a_slot_cannot_be_tried_twice_nor_before_another_nor_past_the_close() -> None:
    broker = broker_of()
    broker.try_orders(1, lambda _: BAR)
    for slot in (1, 0, 4):
        with pytest.raises(EngineError, match=f"orders were tried at slot 1: cannot try them at slot {slot}"):
            broker.try_orders(slot, lambda _: BAR)


def test_orders_before_a_session_and_sessions_out_of_order_are_errors() -> None:
    broker = PaperBroker(AccountTerms(), ["first"], CLOSES.__getitem__)
    with pytest.raises(EngineError, match="before the first session began"):
        buy(broker)
    with pytest.raises(EngineError, match="cannot try them"):
        broker.try_orders(0, lambda _: BAR)
    broker.begin_session(TUESDAY, 4, ["SPY"])
    for day in (MONDAY, TUESDAY):
        with pytest.raises(EngineError, match=f"the session {day} does not come after 2013-10-08"):
            broker.begin_session(day, 4, ["SPY"])
    with pytest.raises(EngineError, match="unknown strategy 'third'"):
        buy(broker, strategy="third")


def test_an_order_before_the_first_bar_fills_in_it() -> None:
    broker = broker_of()
    buy(broker, slot=BEFORE_FIRST_SLOT, kind=OrderKind.MARKET, time_in_force=TimeInForce.DAY)
    (fill,) = broker.try_orders(0, lambda _: BAR)
    assert (fill.slot, fill.price) == (0, 10.0)


def test_orders_of_the_session_are_those_given_and_those_that_still_worked() -> None:
    broker = broker_of()
    buy(broker, reason="enter")
    buy(broker, slot=3)
    broker.try_orders(1, lambda _: BAR)
    broker.end_session()
    assert [order.state for order in broker.session_orders] == [OrderState.FILLED, OrderState.WORKING]
    assert [fill.reason for fill in broker.session_fills] == ["enter"]
    broker.begin_session(TUESDAY, 2, ["SPY"])
    assert broker.session_fills == () == broker.session_trades
    buy(broker)
    assert [order.number for order in broker.session_orders] == [2, 3]
    (fill,) = broker.try_orders(0, lambda _: BAR)
    assert (fill.order, fill.day, fill.slot) == (2, TUESDAY, 0)


def test_a_cancelled_order_never_fills_and_gives_back_what_it_held() -> None:
    broker = broker_of(initial_cash=100.0)
    record = buy(broker, 10)
    assert broker.account.at_hand() == 0
    cancelled = broker.cancel(record.number, 0, "changed its mind")
    assert cancelled is not None
    assert (cancelled.state, cancelled.state_reason) == (OrderState.CANCELLED, "changed its mind")
    assert (cancelled.ended_day, cancelled.ended_slot) == (MONDAY, 0)
    assert broker.account.at_hand() == broker.account.cash
    assert broker.cancel(record.number, 0, "again") is None
    assert broker.try_orders(1, lambda _: BAR) == []


def test_records_do_not_change_with_their_order() -> None:
    broker = broker_of()
    before = buy(broker)
    broker.try_orders(1, lambda _: BAR)
    assert before.state is OrderState.WORKING
    with pytest.raises(AttributeError):
        before.lots = 5  # type: ignore[misc]


def test_an_exit_is_not_refused_for_its_value_when_the_price_has_risen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broker = broker_of(max_per_trade=100.0, max_per_symbol=100.0, max_open_positions=1)
    buy(broker, 10)
    broker.try_orders(1, lambda _: BAR)
    monkeypatch.setitem(CLOSES, "SPY", 1000.0)
    assert broker.submit("first", "SPY", Side.SELL, 10, 1).state is OrderState.WORKING
    assert buy(broker, 1, 1).state is OrderState.REFUSED


def test_strategies_share_the_cash_but_not_their_positions() -> None:
    broker = broker_of(initial_cash=100.0)
    buy(broker, 6, strategy="second")
    refused = buy(broker, 5, strategy="first")
    assert refused.state_reason == "value 50.00 is above the cash at hand, 40.00"
    broker.try_orders(1, lambda _: BAR)
    assert (broker.account.lots("second", "SPY"), broker.account.lots("first", "SPY")) == (6, 0)
    assert broker.submit("first", "SPY", Side.SELL, 1, 1).state is OrderState.REFUSED
    assert broker.account.holding("first", "SPY") is None


def test_slippage_never_takes_a_price_below_zero() -> None:
    broker = broker_of(slippage=PercentSlippage(150.0), allow_short=True)
    broker.submit("first", "SPY", Side.SELL, 10, 0)
    (fill,) = broker.try_orders(1, lambda _: BAR)
    assert (fill.price, fill.value) == (0.0, 0)


def test_slippage_below_half_a_unit_leaves_the_price_as_it_is() -> None:
    broker = broker_of(slippage=PercentSlippage(0.001), digits=2)
    buy(broker)
    (fill,) = broker.try_orders(1, lambda _: (10.1234, 11.0, 10.0, 10.5, 0.0))
    assert fill.price == 10.1234


def test_a_minimum_is_no_more_than_the_costs_above_it() -> None:
    broker = broker_of(commission=AtLeast(1.0, PerTrade(2.0)))
    buy(broker)
    (fill,) = broker.try_orders(1, lambda _: BAR)
    assert broker.scale.amount(fill.commission) == 2.0


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"slippage": TickSlippage(1)}, "slippage in ticks needs a tick_size"),
        ({"tick_size": 0.0}, "tick_size must be a number above 0, not 0.0"),
        ({"tick_size": nan}, "tick_size must be a number above 0, not nan"),
        ({"tick_size": 0.001, "digits": 2}, "tick_size must have at most 2 decimal places, not 0.001"),
    ],
)
def test_terms_that_contradict_each_other(terms: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AccountTerms(**terms)


def test_huge_limits_and_cash_are_counted_to_the_unit() -> None:
    broker = broker_of(initial_cash=1e300, max_per_trade=1e308)
    buy(broker)
    broker.try_orders(1, lambda _: BAR)
    assert broker.account.cash == 10**306 - 10_000_000


def why(
    broker: PaperBroker, number: int, slot: int, bar: Bar | None = BAR, *, is_last: bool = False
) -> str | None:
    (order,) = (one for one in broker.session_orders if one.number == number)
    return why_unfilled(broker.rules, order, broker.session_fills, MONDAY, slot, bar, is_last=is_last)


def test_why_an_order_did_not_fill() -> None:
    broker = broker_of(participation_pct=2.5)
    buy(broker, 60, strategy="second")
    buy(broker, 90)
    buy(broker, 1, kind=OrderKind.MARKET_ON_CLOSE)
    buy(broker, 0)
    buy(broker, 1, 0)
    broker.cancel(5, 1, "enough")
    for slot in (1, 2, 3):
        broker.try_orders(slot, lambda _: BAR)
    assert why(broker, 1, 0) == "an order works from the slot after the one that decided it"
    assert why(broker, 1, 1) is None
    assert why(broker, 1, 2) == "filled before"
    assert why(broker, 2, 1) == (
        "2.5 % of the bar's volume of 4,000 is 100 lots, 60 of them for orders before it; wanted: 90"
    )
    assert why(broker, 2, 2) is None
    assert why(broker, 2, 2, None) == "SPY has no bar in this slot"
    assert why(broker, 3, 2) == "market on close fills in the session's last slot"
    assert why(broker, 3, 3, is_last=True) is None
    assert (why(broker, 4, 1) or "").startswith("refused: quantity must be")
    assert why(broker, 5, 2) == "cancelled: enough"


def test_holdings_come_by_strategy_and_symbol_with_their_figures() -> None:
    broker = broker_of()
    for strategy, symbol in [("first", "SPY"), ("first", "AIG"), ("second", "SPY")]:
        buy(broker, 3, strategy=strategy, symbol=symbol)
    broker.try_orders(1, lambda _: (10.5, 11.0, 10.0, 10.6, 0.0))
    assert [(one.strategy, one.symbol) for one in broker.account.holdings()] == [
        ("second", "SPY"),
        ("first", "AIG"),
        ("first", "SPY"),
    ]
    holding = broker.account.holding("first", "SPY")
    assert holding is not None
    assert (holding.lots, holding.average_price) == (3, 10.5)
    assert (holding.cost, holding.value, holding.unrealised) == (31_500_000, 30_000_000, -1_500_000)
    account = broker.account.figures()
    assert (account.value, account.unrealised) == (90_000_000, -4_500_000)
    assert account.equity == broker.account.equity() == broker.scale.units(99_995.5)


def test_equity_as_a_column_has_each_slot() -> None:
    broker = broker_of()
    buy(broker, 3)
    broker.try_orders(1, lambda _: (10.5, 11.0, 10.0, 10.6, 0.0))
    broker.submit("first", "SPY", Side.SELL, 3, 2)
    broker.try_orders(3, lambda _: (10.7, 11.0, 10.0, 10.6, 0.0))
    closes = np.array([nan, 10.6, 10.25, 10.6])
    held = {("second", "IBM"): 2}
    column = equity_column(
        broker.scale,
        4,
        broker.scale.units(100_000.0),
        held,
        broker.session_fills,
        lambda symbols: np.array([closes if symbol == "SPY" else np.full(4, 10.0) for symbol in symbols]),
    )
    assert [broker.scale.amount(int(units)) for units in column] == [
        100_020,
        100_020.3,
        100_019.25,
        100_020.6,
    ]

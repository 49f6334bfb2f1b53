"""Strategies and terms of a session file, as the walk and the broker take them."""

from __future__ import annotations

from typing import Final, Literal, TypeVar

from tapedeck.engine.broker.commission import AtLeast, Commission, PercentOfValue, PerShare, PerTrade
from tapedeck.engine.broker.orders import Side
from tapedeck.engine.broker.slippage import PercentSlippage, RangeSlippage, Slippage, TickSlippage
from tapedeck.engine.broker.terms import AccountTerms
from tapedeck.engine.config import CommissionConfig, EntrySize, SessionConfig, SlippageConfig, Strategy
from tapedeck.engine.strategies.definition import ClassDefinition, RuleDefinition
from tapedeck.engine.strategies.sizes import CashSize, PercentSize, RiskSize, ShareSize, Size

T = TypeVar("T", int, float)

_SIDES: Final = {"long": Side.BUY, "short": Side.SELL}


def definitions_of(config: SessionConfig) -> tuple[RuleDefinition | ClassDefinition, ...]:
    """Return the strategies of a checked session file, in its order."""
    return tuple(
        _class_of(strategy) if strategy.strategy is not None else _rule_of(strategy)
        for strategy in config.strategies
    )


def terms_of(config: SessionConfig) -> AccountTerms:
    """Return the terms of the account; ValueError for terms that contradict each other."""
    trading = config.trading_config
    return AccountTerms(
        initial_cash=trading.initial_cash,
        max_per_trade=_limit(trading.max_per_trade),
        max_per_symbol=_limit(trading.max_per_symbol),
        max_open_positions=_limit(trading.max_open_positions),
        allow_short=trading.allow_short,
        lot=trading.lot,
        tick_size=trading.tick_size,
        digits=trading.digits,
        participation_pct=_limit(trading.participation),
        commission=_commission(trading.commission),
        slippage=_slippage(trading.slippage),
    )


def _class_of(strategy: Strategy) -> ClassDefinition:
    assert strategy.strategy is not None
    return ClassDefinition(
        strategy.name,
        strategy.strategy,
        strategy.parameters,
        _symbols(strategy),
        strategy.interval,
        strategy.timeout_seconds,
    )


def _rule_of(strategy: Strategy) -> RuleDefinition:
    # Checked with the file.
    assert strategy.enter is not None
    assert strategy.size is not None
    return RuleDefinition(
        strategy.name,
        strategy.enter,
        strategy.exit,
        _size(strategy.size),
        _symbols(strategy),
        _SIDES[strategy.side],
        strategy.flat_at_close,
        strategy.no_entry_after,
        strategy.max_entries_per_day,
        strategy.stop_loss,
        strategy.take_profit,
    )


def _symbols(strategy: Strategy) -> tuple[str, ...] | None:
    return None if isinstance(strategy.symbols, str) else strategy.symbols


def _size(size: EntrySize) -> Size:
    if size.shares is not None:
        return ShareSize(size.shares)
    if size.cash is not None:
        return CashSize(size.cash)
    if size.percent is not None:
        return PercentSize(size.percent)
    # Checked with the file.
    assert size.risk is not None
    assert size.stop is not None
    return RiskSize(size.risk, size.stop)


def _limit(value: T | Literal["none"]) -> T | None:
    return None if isinstance(value, str) else value


def _commission(commission: CommissionConfig | None) -> Commission | None:
    if commission is None:
        return None
    found: Commission = PerTrade(0.0)
    if commission.per_share is not None:
        found = PerShare(commission.per_share)
    elif commission.per_trade is not None:
        found = PerTrade(commission.per_trade)
    elif commission.percent is not None:
        found = PercentOfValue(commission.percent)
    return found if commission.minimum is None else AtLeast(commission.minimum, found)


def _slippage(slippage: SlippageConfig | None) -> Slippage | None:
    if slippage is None:
        return None
    if slippage.ticks is not None:
        return TickSlippage(slippage.ticks)
    if slippage.percent is not None:
        return PercentSlippage(slippage.percent)
    return None if slippage.range is None else RangeSlippage(slippage.range)

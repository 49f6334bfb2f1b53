"""Cross checks of strategies and of the account: fields that go together, and names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeGuard

from tapedeck.engine.config.class_names import repeated_name
from tapedeck.engine.config.faults import Location
from tapedeck.engine.config.parameters import mapping, strategies_of
from tapedeck.engine.config.plain_documents import dotted
from tapedeck.engine.config.strategies import Strategy, strategy_name
from tapedeck.engine.config.trading import TradingConfig
from tapedeck.engine.errors import ConfigProblem, nearest, unknown_name

_DATA: Final = "session_data_config"
_ACCOUNT: Final = "trading_config"
_OF_RULES: Final = (
    "exit", "size", "side", "flat_at_close", "no_entry_after", "max_entries_per_day", "stop_loss",
    "take_profit",
)  # fmt: skip
_OF_CLASSES: Final = ("interval", "timeout_seconds")
_LEAVES: Final = ("exit", "flat_at_close", "stop_loss", "take_profit")
_SIZES: Final = ("shares", "cash", "percent", "risk")
_SIZE_FORMS: Final = "{shares: 100}, {cash: 10000}, {percent: 5} or {risk: 1, stop: 2}"
_COSTS: Final = {
    "commission": ("per_share", "per_trade", "percent"),
    "slippage": ("ticks", "percent", "range"),
}


def find_strategy_conflicts(document: Mapping[str, object]) -> Iterator[ConfigProblem]:
    """Yield the conflicts of the strategies, and of the costs of the account."""
    data = mapping(document.get(_DATA))
    names: dict[object, Location] = {}
    for place, strategy in strategies_of(document):
        yield from _check_kind(strategy, place)
        yield from _check_size(strategy.get("size"), (*place, "size"))
        yield from repeated_name(strategy_name(strategy), place, names)
        yield from _check_symbols(strategy, place, data)
    account = mapping(document.get(_ACCOUNT))
    for name, kinds in _COSTS.items():
        cost = account.get(name)
        if isinstance(cost, Mapping):
            yield from _check_cost(cost, (_ACCOUNT, name), kinds)
    if "ticks" in mapping(account.get("slippage")) and "tick_size" not in account:
        message = "is required with slippage in ticks: the smallest step of a price, such as 0.01"
        yield ConfigProblem(dotted((_ACCOUNT, "tick_size")), None, message)


def find_strategy_warnings(document: Mapping[str, object]) -> Iterator[str]:
    """Yield warnings: valid settings of strategies that are probably mistakes."""
    account = mapping(document.get(_ACCOUNT))
    for place, strategy in strategies_of(document):
        if "enter" not in strategy:
            continue
        if not any(strategy.get(name) for name in _LEAVES):
            yield f"{dotted(place)} never leaves a position: it has none of {', '.join(_LEAVES)}"
        if strategy.get("side") == "short" and not account.get("allow_short"):
            yield f"{dotted((*place, 'side'))}: every entry is refused, as {_ACCOUNT}.allow_short is false"
        yield from _large_entries(mapping(strategy.get("size")), (*place, "size"), account)


def _large_entries(
    size: Mapping[str, object], place: Location, account: Mapping[str, object]
) -> Iterator[str]:
    """Yield a warning if entries of this size are above the largest value of an order."""
    fields = TradingConfig.model_fields
    most = account.get("max_per_trade", fields["max_per_trade"].default)
    equity = account.get("initial_cash", fields["initial_cash"].default)
    cash, percent = size.get("cash"), size.get("percent")
    if not _is_number(most):
        return
    if _is_number(cash) and cash > most:
        yield (
            f"{dotted((*place, 'cash'))}: entries of {cash:,.15g} may be refused, as "
            f"{_ACCOUNT}.max_per_trade is {most:,.15g}"
        )
    if _is_number(percent) and _is_number(equity) and percent * equity / 100 > most:
        yield (
            f"{dotted((*place, 'percent'))}: entries of {percent:g} % of {equity:,.15g} may be refused, as "
            f"{_ACCOUNT}.max_per_trade is {most:,.15g}"
        )


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_kind(strategy: Mapping[str, object], place: Location) -> Iterator[ConfigProblem]:
    """Yield the problems of a strategy that is not either rules or a class, with the fields of one."""
    is_rule, is_class = "enter" in strategy, "strategy" in strategy
    if is_rule == is_class:
        message = f"must have enter (a rule) or strategy (a class), not {'both' if is_rule else 'neither'}"
        yield ConfigProblem(dotted(place), None, message)
        return
    if is_rule and "size" not in strategy:
        yield ConfigProblem(dotted((*place, "size")), None, f"is required with enter: {_SIZE_FORMS}")
    owner, other, foreign = (
        ("strategy", "a rule", _OF_CLASSES) if is_rule else ("enter", "a class", _OF_RULES)
    )
    for name in foreign:
        default = Strategy.model_fields[name].default
        if name in strategy and strategy[name] != default:
            reason = "names its intervals in its conditions" if is_rule else "decides that itself"
            if name == "timeout_seconds":
                reason = "calls no code of yours"
            message = f"goes with {owner} only: {other} {reason}"
            yield ConfigProblem(dotted((*place, name)), None, message)


def _check_size(size: object, place: Location) -> Iterator[ConfigProblem]:
    if not isinstance(size, Mapping):
        return
    given = [name for name in _SIZES if name in size]
    if len(given) != 1:
        message = f"must have exactly one of {', '.join(_SIZES)}; it has {' and '.join(given) or 'none'}"
        yield ConfigProblem(dotted(place), None, message)
    elif given == ["risk"] and "stop" not in size:
        message = "is required with risk: percent of the close, or a value such as 2 * atr"
        yield ConfigProblem(dotted((*place, "stop")), None, message)
    elif given != ["risk"] and "stop" in size:
        message = "goes with risk only; to leave at a loss, use stop_loss"
        yield ConfigProblem(dotted((*place, "stop")), None, message)


def _check_symbols(
    strategy: Mapping[str, object], place: Location, data: Mapping[str, object]
) -> Iterator[ConfigProblem]:
    """Yield the symbols that the session has not; with scanners, they may join."""
    wanted, symbols = strategy.get("symbols"), data.get("symbols")
    if not isinstance(wanted, list) or not isinstance(symbols, list) or data.get("scanners"):
        return
    known = [symbol for symbol in symbols if isinstance(symbol, str)]
    for position, symbol in enumerate(wanted):
        if isinstance(symbol, str) and symbol and symbol not in known:
            message = unknown_name("symbol", symbol, known, owner="this file")
            yield ConfigProblem(
                dotted((*place, "symbols", position)), symbol, message, nearest(symbol, known)
            )


def _check_cost(
    cost: Mapping[str, object], place: Location, kinds: tuple[str, ...]
) -> Iterator[ConfigProblem]:
    given = [name for name in kinds if name in cost]
    if len(given) == 1 or (not given and "minimum" in cost):
        return
    message = f"must have exactly one of {', '.join(kinds)}; it has {' and '.join(given) or 'none'}"
    yield ConfigProblem(dotted(place), None, message)

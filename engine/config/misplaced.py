"""Misplaced fields: where a field belongs that its section does not have, and other names of fields."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from types import UnionType
from typing import Final, get_args, get_origin

from pydantic import BaseModel

from tapedeck.engine.config.faults import Location
from tapedeck.engine.config.session_config import SessionConfig
from tapedeck.engine.errors import nearest

_OTHER_NAMES: Final = {
    "session_name": "name title",
    "exchange_group": "exchange market calendar venue mic",
    "asset_class": "asset_type security_type instrument_type",
    "metadata": "notes note comment comments description tags",
    "backtest_config": "backtest",
    "backtest_config.start_date": "start from first begin date_from from_date begin_date first_day",
    "backtest_config.end_date": "end to last until till date_to to_date last_date last_day stop_date",
    "backtest_config.start_time": "time_from start_at",
    "backtest_config.speed_multiplier": "speed pace replay_speed",
    "backtest_config.prefetch_days": "prefetch",
    "session_data_config": "session_data data_config",
    "session_data_config.symbols": "symbol ticker tickers instrument instruments asset assets watchlist",
    "session_data_config.streams": """stream interval intervals timeframe timeframes time_frame resolution
        resolutions frequency freq bar bars bar_size granularities""",
    "session_data_config.historical": "history",
    "session_data_config.historical.data": "trailing",
    "session_data_config.indicators": "indicator studies study",
    "session_data_config.scanners": "screener screeners scan scans",
    "session_data_config.sessions": "holidays early_closes calendar_changes",
    "session_data_config.gap_filler.enable_session_quality": "quality enable_quality session_quality",
    "trading_config": "trading account risk",
    "trading_config.initial_cash": "cash capital initial_capital starting_capital start_cash balance equity",
    "trading_config.commission": "commissions fee fees costs",
    "trading_config.allow_short": "short shorting short_selling",
    "trading_config.participation": "volume_limit participation_rate max_participation",
    "trading_config.lot": "lot_size round_lot",
    "trading_config.tick_size": "tick ticks min_tick",
    "strategies": "strategy rules",
    "parameters": "params variables inputs",
    "api_config": "api",
    "api_config.data_api": "provider data_provider feed",
}
"""Usual other names of a field, by its path."""
_LOCAL_NAMES: Final = {
    "apply_to": "symbols symbol tickers ticker",
    "trailing_days": "days lookback history period trailing",
    "intervals": "interval streams timeframes timeframe",
    "period": "length window lookback days timeperiod",
    "field": "column price source",
    "type": "kind function method indicator",
    "granularity": "interval frequency resolution timeframe",
    "from": "start begin",
    "to": "end until till stop",
    "every": "interval frequency period",
    "scanner": "class module",
    "strategy": "class module",
    "enter": "entry buy buy_when entry_rule",
    "exit": "sell sell_when exit_rule leave close_when",
    "size": "quantity position_size amount",
    "stop_loss": "stop sl stoploss",
    "take_profit": "target tp profit_target",
    "no_entry_after": "last_entry no_entries_after",
    "max_entries_per_day": "max_entries max_trades max_trades_per_day",
    "flat_at_close": "close_at_end exit_at_close flat_eod",
    "shares": "quantity qty units",
    "percent": "pct percent_of_equity",
    "where": "condition rule filter",
    "by": "rank rank_by sort sort_by order_by",
    "top": "limit",
    "at": "time times when schedule run_at",
    "max_symbols": "max_added most_symbols",
    "timeout_seconds": "timeout",
}
"""Usual other names of a field in the entries of lists and of mappings with names of the user."""
_MUCH_ALIKE: Final = 0.8
_TOP: Final = "the top level of the file"


def unknown_field(place: Location, known: Collection[str]) -> tuple[str, str | None]:
    """Return the message for an unknown field at `place`, and the field that is meant, or None.

    `known`: the fields of its section. What is meant is a field of the section, or of another one unless this
    is an entry of a list or of named ones, by its own name or a usual other one. Case, - and _ are ignored.
    """
    name, above = str(place[-1]), ".".join(map(str, place[:-1]))
    local = _local_name(name, known)
    is_entry = not _LOCAL_NAMES.keys().isdisjoint(known)
    home = None if local is not None or is_entry else _home_of(name)
    if home is not None:
        section, _, field = home.rpartition(".")
        if section != above:
            where, meant = section or _TOP, home if section else None
            if _folded(field) == _folded(name):
                return f"unknown field {name!r} here: it belongs to {where}", meant
            return f"unknown field {name!r} here: it is called {field}, in {where}", meant
        local = field
    return f"unknown field {name!r}: the fields here are {', '.join(known)}", local or nearest(name, known)


def _local_name(name: str, known: Collection[str]) -> str | None:
    """Return the field of an entry that has another name or spelling, or None."""
    folded = _folded(name)
    for field in known:
        names = _LOCAL_NAMES.get(field, "").split()
        if folded in map(_folded, [field, *names]):
            return field
    return None


def _home_of(name: str) -> str | None:
    """Return the path of the field elsewhere in the file that has a name, or one much like it, or None."""
    known = _homes()
    near = nearest(_folded(name), known, cutoff=_MUCH_ALIKE)
    return None if near is None else known[near]


@cache
def _homes() -> Mapping[str, str]:
    """Return the path of each field by its name, folded; the one nearest to the top of several.

    A usual other name of a field at the top is that one's, also where a section has a field of that name.
    """
    homes: dict[str, str] = {}
    others = [(_folded(name), path) for path, names in _OTHER_NAMES.items() for name in names.split()]
    homes.update((name, path) for name, path in others if "." not in path)
    for place in sorted(_fields(SessionConfig, ()), key=len):
        homes.setdefault(_folded(place[-1]), ".".join(place))
    for name, path in others:
        homes.setdefault(name, path)
    return homes


def _fields(model: type[BaseModel], place: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the paths of fields that a file has once."""
    for name, info in model.model_fields.items():
        inner = (*place, info.alias or name)
        yield inner
        if isinstance(info.annotation, UnionType) or get_origin(info.annotation) is None:
            for part in (info.annotation, *get_args(info.annotation)):
                if isinstance(part, type) and issubclass(part, BaseModel):
                    yield from _fields(part, inner)


def _folded(name: str) -> str:
    return re.sub(r"[\W_]", "", name).casefold()

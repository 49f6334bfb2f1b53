"""Session files with strategies, for consoles."""

from __future__ import annotations

from typing import Any, Final

from tests.support.console_runs import document

ENTERS: Final = (5, 40)
"""Frontiers at whose closes `clock` enters in all symbols."""
LEAVES: Final = 25
"""Frontier at whose close `clock` leaves."""
REFUSED: Final = 10
"""Frontier at whose close `dear` orders more than one order may open."""
SHARES: Final = 100


def with_strategies(**backtest: Any) -> dict[str, Any]:
    """Return a session file with two rules: `clock` trades at set times, an order of `dear` is refused."""
    trading = document(**backtest)
    trading["trading_config"] = {"initial_cash": 100_000, "participation": "none"}
    times = " or ".join(f"minutes_since_open == {minute}" for minute in ENTERS)
    dear = f"minutes_since_open == {REFUSED}"
    trading["strategies"] = [
        {
            "name": "clock",
            "enter": times,
            "exit": f"minutes_since_open == {LEAVES}",
            "size": {"shares": SHARES},
        },
        {"name": "dear", "symbols": ["AAA"], "enter": dear, "size": {"cash": 50_000}},
    ]
    return trading

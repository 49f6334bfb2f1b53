"""Session files with strategies, for consoles."""

from __future__ import annotations

from typing import Any

from tests.support.console_runs import document


def with_strategies(**terms: Any) -> dict[str, Any]:
    """Return a session file with two rules: `up` trades crosses, `dear` wants more than the cash.

    `terms`: of the account, in place of those that fill orders whole.
    """
    trading = document()
    trading["trading_config"] = {"initial_cash": 100_000, "participation": "none", **terms}
    trading["strategies"] = [
        {
            "name": "up",
            "enter": "close crosses above ema_5",
            "exit": "close crosses below ema_5",
            "size": {"cash": 10_000},
        },
        {"name": "dear", "symbols": ["AAA"], "enter": "time == 10:00", "size": {"cash": 900_000}},
    ]
    return trading

"""Changes of a session file that a run which is restarted takes, and those that need a new start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tapedeck.engine.config.session_config import SessionConfig

_FREE: Final = ("strategies", "parameters", "trading_config", "metadata")
"""Sections that may change at a restart; so may the speed, and the parameters of indicators."""


def change_that_needs_a_start(before: SessionConfig, after: SessionConfig) -> str | None:
    """Return the path of a field that differs and cannot change at a restart; None without one."""
    if bool(before.strategies) != bool(after.strategies):
        return "strategies"
    return _first_difference(_fixed(before), _fixed(after), "")


def _fixed(config: SessionConfig) -> dict[str, object]:
    """Return the content of a file that cannot change at a restart."""
    content = config.model_dump(mode="json", by_alias=True, exclude=set(_FREE))
    if content["backtest_config"] is not None:
        del content["backtest_config"]["speed_multiplier"]
    data = content["session_data_config"]
    data["indicators"] = {
        name: {"type": one["type"], "interval": one["interval"]} for name, one in data["indicators"].items()
    }
    fixed: dict[str, object] = content
    return fixed


def _first_difference(before: object, after: object, path: str) -> str | None:
    if before == after:
        return None
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in {**before, **after}:
            found = _first_difference(
                before.get(name), after.get(name), f"{path}.{name}" if path else str(name)
            )
            if found is not None:
                return found
    return path

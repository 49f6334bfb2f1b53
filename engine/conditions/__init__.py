"""Conditions on a session's values: `SPY.rsi_14 < 30 and time >= 10:30`."""

from tapedeck.engine.conditions.condition import Condition, NumberedConditions
from tapedeck.engine.conditions.vocabulary import Vocabulary

__all__ = ["Condition", "NumberedConditions", "Vocabulary"]

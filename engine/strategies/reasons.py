"""Reasons that rules give for their orders."""

from typing import Final

ENTER: Final = "enter"
EXIT: Final = "exit"
STOP_LOSS: Final = "stop_loss"
TAKE_PROFIT: Final = "take_profit"
FLAT_AT_CLOSE: Final = "flat_at_close"

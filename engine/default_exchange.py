"""Default exchange of commands that are not told one; apart, as help texts load no configuration."""

from __future__ import annotations

from typing import Final

DEFAULT_EXCHANGE: Final = "US_EQUITY"

"""How far a trailing indicator looks back: `10d`, `52w`, `6m`, `1y`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, cast

PeriodUnit = Literal["d", "w", "m", "y"]

PERIOD_PATTERN: Final = "[1-9][0-9]{0,4}[dwmy]"
_LONGEST: Final[dict[PeriodUnit, int]] = {"d": 25_000, "w": 5_200, "m": 1_200, "y": 100}
_PATTERN: Final = re.compile(PERIOD_PATTERN)


@dataclass(frozen=True, slots=True)
class Period:
    """A span that ends before the session: `d` counts trading days, `w`, `m` and `y` are calendar time."""

    count: int
    unit: PeriodUnit

    @classmethod
    def parse(cls, text: str) -> Period:
        """Return the period written as `text`, for example `10d`; ValueError says what is allowed."""
        written = text.strip()
        if _PATTERN.fullmatch(written) is None:
            raise ValueError(
                f"{text!r} is no period: a whole number and d (trading days), w, m or y (calendar), "
                "like 10d, 52w, 6m, 1y"
            )
        period = cls(int(written[:-1]), cast(PeriodUnit, written[-1]))
        if period.count > _LONGEST[period.unit]:
            raise ValueError(f"{text!r} is too long: {_LONGEST[period.unit]}{period.unit} at most")
        return period

    @property
    def is_in_trading_days(self) -> bool:
        """Whether the count is of trading days, rather than of calendar time."""
        return self.unit == "d"

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"


def nearest_period(text: str) -> str | None:
    """Return how a misspelt period was probably meant (`10 days` is `10d`), or None."""
    match = re.match(r"\s*([1-9][0-9]{0,4})\s*([dwmy])", text.lower())
    return f"{match[1]}{match[2]}" if match else None

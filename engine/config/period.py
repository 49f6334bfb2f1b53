"""Period of a trailing indicator: `10d`, `52w`, `6m`, `1y`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, cast

PeriodUnit = Literal["d", "w", "m", "y"]

PERIOD_PATTERN: Final = "[1-9][0-9]{0,4}[dwmy]"
_MAX_COUNT: Final[dict[PeriodUnit, int]] = {"d": 25_000, "w": 5_200, "m": 1_200, "y": 100}
_PATTERN: Final = re.compile(PERIOD_PATTERN)


@dataclass(frozen=True, slots=True)
class Period:
    """A span that ends before the session: `d` counts trading days, `w`, `m` and `y` are calendar time."""

    count: int
    unit: PeriodUnit

    @classmethod
    def parse(cls, text: str) -> Period:
        """Return the period written as `text`, for example `10d`; ValueError lists the allowed forms."""
        written = text.strip()
        if _PATTERN.fullmatch(written) is None:
            raise ValueError(
                f"invalid period {text!r}: use a whole number and d (trading days), w, m or y (calendar), "
                "such as 10d, 52w, 6m, 1y"
            )
        period = cls(int(written[:-1]), cast(PeriodUnit, written[-1]))
        if period.count > _MAX_COUNT[period.unit]:
            raise ValueError(f"period {text!r} is too long: at most {_MAX_COUNT[period.unit]}{period.unit}")
        return period

    @property
    def is_in_trading_days(self) -> bool:
        """Whether it counts trading days rather than calendar time."""
        return self.unit == "d"

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"


def nearest_period(text: str) -> str | None:
    """Return the likely meaning of a misspelt period (`10d` for `10 days`), or None."""
    match = re.match(r"\s*([1-9][0-9]{0,4})\s*([dwmy])", text.lower())
    return f"{match[1]}{match[2]}" if match else None

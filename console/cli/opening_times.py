"""Words for the time until the next session opens."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR


def next_session_text(day: date, opens: datetime, now: datetime) -> str:
    """Return the day of the next session, and how long it is until its open.

    As in `next session Monday 2013-10-07, opens in 13 h 24 min`.
    """
    return f"next session {day:%A} {day.isoformat()}, opens in {duration_text((opens - now).total_seconds())}"


def duration_text(seconds: float) -> str:
    """Return a duration in its two largest units, rounded up.

    As in `2 days 13 h`, `13 h 24 min`, `24 min` or `40 s`.
    """
    whole = max(0, -int(-seconds // 1))
    if whole < _MINUTE:
        return f"{whole} s"
    minutes = -(-whole // _MINUTE)
    if minutes * _MINUTE < _HOUR:
        return f"{minutes} min"
    if minutes * _MINUTE < _DAY:
        hours, rest = divmod(minutes, 60)
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days, hours = divmod(-(-whole // _HOUR), 24)
    text = f"{days} day{'' if days == 1 else 's'}"
    return f"{text} {hours} h" if hours else text

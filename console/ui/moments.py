"""Reading what a user types after `g`: a time, a date, a word, a distance; generously."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from engine.clock.time_manager import TimeManager
from engine.clock.trading_session import TradingSession
from engine.errors import ConfigError, ConfigProblem, EngineError, TapedeckError, nearest
from engine.intervals import Interval

EXAMPLES: Final = "10:30, 14h, 2:30pm, open, close, next open, +15m, -1h, 50%, tuesday, 2013-10-08 10:30"

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WORDS: Final = ("open", "close", "next open", "next close", "previous open", "previous close", "now",
                 "today", "tomorrow", "yesterday", "noon", *_WEEKDAYS)  # fmt: skip
_TIME: Final = re.compile(
    r"(?P<hour>\d{1,2})(?:[:.h](?P<minute>\d{2})(?::(?P<second>\d{2}))?|(?P<bare>\d{2})|h)?\s*(?P<half>am|pm|a|p)?"
)
_DISTANCE: Final = re.compile(r"(?P<sign>[+-])\s*(?P<count>\d+)\s*(?P<unit>s|m|min|h|d|)")
_SHARE: Final = re.compile(r"(?P<pct>\d{1,3}(?:\.\d+)?)\s*%")


@dataclass(frozen=True, slots=True)
class Here:
    """Where one stands when one types: the session looked at, and its clock (UTC)."""

    session: TradingSession
    clock: datetime


def read_moment(text: str, here: Here, calendar: TimeManager) -> datetime:
    """Return the instant (UTC) that a text names, in the exchange's time.

    A time alone is of the day looked at, a date alone that day's open. Raises ConfigError where it names
    nothing, CalendarError where the exchange does not trade then.
    """
    words = " ".join(text.strip().lower().replace(",", " ").split())
    if not words:
        raise _no_moment(text)
    for read in (_read_word, _read_distance, _read_share):
        found = read(words, here, calendar)
        if found is not None:
            return found
    moment = _read_time(words)
    if moment is not None:
        return _at(here.session, moment)
    return _read_date(text, words, here, calendar)


def moment_words(session: TradingSession, clock: datetime) -> str:
    """Return the words that name a moment of a session wherever one stands: `2013-10-08 10:30`."""
    day = session.trading_day.isoformat()
    # By their names, as a session of a whole day closes at the time of day at which it opens.
    if clock == session.regular_open:
        return f"{day} open"
    if clock == session.regular_close:
        return f"{day} close"
    return f"{day} {clock.astimezone(session.zone):%H:%M:%S}".removesuffix(":00")


def slots_of(length_s: int, base: Interval) -> int:
    """Return how many slots of the base an amount of trading time has, one at least."""
    return max(1, length_s // base.seconds)


def session_after(sessions: Sequence[TradingSession], day: date) -> TradingSession:
    """Return the session of a run that follows a day; EngineError after the last one."""
    following = next((session for session in sessions if session.trading_day > day), None)
    if following is None:
        raise EngineError(f"{day} is the last session of the run: there is no next one")
    return following


def same_time(following: TradingSession, here: Here) -> datetime:
    """Return the instant that is as far into another session, or its close where that is shorter."""
    return min(following.regular_open + (here.clock - here.session.regular_open), following.regular_close)


def _read_word(words: str, here: Here, calendar: TimeManager) -> datetime | None:
    day, session = here.session.trading_day, here.session
    first, _, rest = words.partition(" ")
    if first in ("next", "n", "previous", "prev", "last") and rest in ("open", "close", "session", "day"):
        ahead = first in ("next", "n")
        if rest == "close" and ahead and here.clock < session.regular_close:
            return session.regular_close
        if rest == "open" and not ahead and here.clock > session.regular_open:
            return session.regular_open
        other = calendar.get_next_trading_date(day) if ahead else calendar.get_previous_trading_date(day)
        session = calendar.get_trading_session(other)
        return session.regular_close if rest == "close" else session.regular_open
    if words == "now":
        return here.clock
    if words == "noon":
        return _at(session, time(12))
    return {"open": session.regular_open, "close": session.regular_close}.get(words)


def _read_distance(words: str, here: Here, calendar: TimeManager) -> datetime | None:
    match = _DISTANCE.fullmatch(words)
    if match is None:
        return None
    count = int(match["count"]) * (1 if match["sign"] == "+" else -1)
    if match["unit"] != "d":
        unit = {"s": 1, "h": 3600}.get(match["unit"], 60)
        return here.clock + timedelta(seconds=count * unit)
    day = here.session.trading_day
    move = calendar.get_next_trading_date if count > 0 else calendar.get_previous_trading_date
    session = calendar.get_trading_session(move(day, abs(count)) if count else day)
    return same_time(session, here)


def _read_share(words: str, here: Here, _calendar: TimeManager) -> datetime | None:
    match = _SHARE.fullmatch(words)
    if match is None or float(match["pct"]) > 100:
        return None
    length = here.session.regular_close - here.session.regular_open
    whole_seconds = round(length.total_seconds() * float(match["pct"]) / 100)
    return here.session.regular_open + timedelta(seconds=whole_seconds)


def _read_time(words: str) -> time | None:
    match = _TIME.fullmatch(words)
    if match is None or (not any(match[name] for name in ("minute", "bare", "half")) and "h" not in words):
        return None
    hour, minute = int(match["hour"]), int(match["minute"] or match["bare"] or 0)
    if match["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if match["half"].startswith("p") else 0)
    try:
        return time(hour, minute, int(match["second"] or 0))
    except ValueError:
        return None


def _read_date(text: str, words: str, here: Here, calendar: TimeManager) -> datetime:
    for head, tail in _cuts(words):
        day = _day_of(head, here, calendar)
        moment = _read_time(tail) if tail not in ("", "open", "close") else None
        if day is None or (tail not in ("", "open", "close") and moment is None):
            continue
        session = calendar.get_trading_session(day)
        if moment is not None:
            return _at(session, moment)
        return session.regular_close if tail == "close" else session.regular_open
    raise _no_moment(text)


def _cuts(words: str) -> list[tuple[str, str]]:
    """Return the ways to cut words into a date and a time, which may come first or be left out."""
    head, _, tail = (
        words.replace("t", " t", 1).partition(" t")
        if re.match(r"\d{4}-\d\d-\d\dt\d", words)
        else ("", "", "")
    )
    parts = words.split(" ")
    cuts = [(words, "")]
    for at in range(1, len(parts)):
        left, right = " ".join(parts[:at]), " ".join(parts[at:])
        cuts += [(left, right), (right, left)]
    return [(head, tail), *cuts] if head else cuts


def _day_of(words: str, here: Here, calendar: TimeManager) -> date | None:
    day = here.session.trading_day
    if words in ("today", "tomorrow", "yesterday"):
        move = {"tomorrow": calendar.get_next_trading_date, "yesterday": calendar.get_previous_trading_date}
        return move[words](day) if words in move else day
    weekday = next(
        (n for n, name in enumerate(_WEEKDAYS) if len(words) >= 3 and name.startswith(words)), None
    )
    if weekday is not None:
        return day + timedelta(days=(weekday - day.weekday()) % 7)
    try:
        return date.fromisoformat(words)
    except ValueError:
        return _written_date(words, day.year)


def _written_date(words: str, year: int) -> date | None:
    """Return the date of `10-08`, `8 oct`, `oct 8 2013`; months come first in numbers, as in ISO 8601."""
    month = next((n for n, name in enumerate(_MONTHS, 1) if re.search(rf"\b{name}", words)), None)
    numbers = [int(number) for number in re.findall(r"\d+", words)]
    if re.sub(r"[a-z]+|\d+|[-/. ]", "", words):
        return None
    years = [number for number in numbers if number > 31]
    rest = [number for number in numbers if number <= 31]
    if month is None:
        if len(rest) != 2 or re.search("[a-z]", words):
            return None
        month = rest.pop(0)
    if len(rest) != 1 or len(years) > 1:
        return None
    try:
        return date(years[0] if years else year, month, rest[0])
    except ValueError:
        return None


def _at(session: TradingSession, moment: time) -> datetime:
    """Return the instant of a time of day on the exchange within a session, which may open the day before."""
    zone = session.zone
    opened = session.regular_open.astimezone(zone)
    instant = datetime.combine(opened.date(), moment, zone)
    if instant < opened and session.regular_close.astimezone(zone).date() > opened.date():
        instant += timedelta(days=1)
    return instant.astimezone(session.regular_open.tzinfo)


def _no_moment(text: str) -> TapedeckError:
    message = f"{text.strip()!r} is no time or date. Try: {EXAMPLES}."
    return ConfigError(
        "go to", [ConfigProblem("go to", text, message, nearest(text.strip().lower(), _WORDS))]
    )

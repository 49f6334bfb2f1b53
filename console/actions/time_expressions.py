"""Time expressions: times, dates, words and distances as typed, in many spellings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from tapedeck.engine.clock.start_time import time_in_session
from tapedeck.engine.clock.time_manager import TimeManager
from tapedeck.engine.clock.trading_session import TradingSession
from tapedeck.engine.errors import ConfigError, ConfigProblem, EngineError, nearest, shortened
from tapedeck.engine.intervals import Interval

EXAMPLES: Final = "10:30, 14h, 2:30pm, open, close, next open, +15m, -1h, 50%, tuesday, 2013-10-08 10:30"

_LONGEST: Final = 80
"""Most characters of a time expression."""
_MONTHS: Final = ("january", "february", "march", "april", "may", "june", "july", "august",
                  "september", "october", "november", "december")  # fmt: skip
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAYS: Final = ("today", "tomorrow", "yesterday")
_POINTS: Final = ("open", "close", "noon")
_NEXT: Final = ("next", "n")
_PREVIOUS: Final = ("previous", "prev", "last")
_WORDS: Final = (*_POINTS, "next open", "next close", "previous open", "previous close", "now", *_DAYS,
                 *_WEEKDAYS, "last friday")  # fmt: skip
# Known words; the error lists others. Names may be cut to three letters.
_KNOWN_LETTERS: Final = frozenset(
    {*_POINTS, *_DAYS, *_NEXT, *_PREVIOUS, "now", "session", "day", "am", "pm", "a", "p", "h", "m", "min",
     "s", "d", "t", "st", "nd", "rd", "th"}
)  # fmt: skip
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_DATE: Final = re.compile(r"[a-z0-9/. -]+")
_DATE_PART: Final = re.compile(r"(?P<month>[a-z]+)|(?P<number>\d+)(?:(?:st|nd|rd|th)\b)?")
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_ISO_DATE_TIME: Final = re.compile(r"(?P<date>\d{4}-\d\d-\d\d)t(?P<time>\d.*)")
_TIME: Final = re.compile(
    r"(?P<hour>\d{1,2})(?:[:.h](?P<minute>\d{2})(?::(?P<second>\d{2}))?|(?P<bare>\d{2})|h)?\s*(?P<half>am|pm|a|p)?"
)
_DISTANCE: Final = re.compile(r"(?P<sign>[+-])\s*(?P<count>\d+)\s*(?P<unit>s|m|min|h|d|)")
_PERCENTAGE: Final = re.compile(r"(?P<pct>\d{1,3}(?:\.\d+)?)\s*%")


class InvalidTimeError(ConfigError):
    """Invalid time expression, on any day and exchange."""


@dataclass(frozen=True, slots=True)
class ReferenceTime:
    """Time that relative expressions count from: a session and its clock (UTC).

    `last_day`: last day of the run; a weekday after it means a week earlier.
    """

    session: TradingSession
    clock: datetime
    last_day: date | None = None


def parse_time_expression(text: str, reference: ReferenceTime, calendar: TimeManager) -> datetime:
    """Return the instant (UTC) of a text in the exchange's time.

    A time alone means the day of `reference`, a date alone that day's open. Raises ConfigError for invalid
    text (InvalidTimeError if it is so on any day), CalendarError for a day without a session.
    """
    words = " ".join(text.strip().lower().replace(",", " ").split())
    if not words or len(text) > _LONGEST:
        raise _invalid_time(text)
    try:
        return _read(text, words, reference, calendar)
    except OverflowError:  # a number beyond all dates
        raise _invalid_time(text) from None


def _read(text: str, words: str, reference: ReferenceTime, calendar: TimeManager) -> datetime:
    for read in (_read_word, _read_distance, _read_percentage):
        found = read(words, reference, calendar)
        if found is not None:
            return found
    time_of_day = _read_time(words)
    if time_of_day is not None:
        return time_in_session(reference.session, time_of_day)
    return _read_date(text, words, reference, calendar)


def parse_date(text: str) -> date | None:
    """Return the date of a text with a year, such as `8 oct 2013` or `2013/10/8`; None if it has none."""
    words = " ".join(text.strip().lower().replace(",", " ").split())
    try:
        return _written_date(words, None) if len(text) <= _LONGEST else None
    except (ConfigError, OverflowError):  # a weekday that does not match the date; a number beyond all dates
        return None


def time_expression(session: TradingSession, clock: datetime) -> str:
    """Return a time of a session as an absolute time expression: `2013-10-08 10:30`."""
    day = session.trading_day.isoformat()
    # By name, as a 24-hour session opens and closes at the same time of day.
    if clock == session.regular_open:
        return f"{day} open"
    if clock == session.regular_close:
        return f"{day} close"
    return f"{day} {clock.astimezone(session.zone):%H:%M:%S}".removesuffix(":00")


def slots_of(length_s: int, base: Interval) -> int:
    """Return the slots of the base in a length of trading time, at least one."""
    return max(1, length_s // base.seconds)


def session_after(sessions: Sequence[TradingSession], day: date) -> TradingSession:
    """Return the session after a day; EngineError after the last one."""
    following = next((session for session in sessions if session.trading_day > day), None)
    if following is None:
        raise EngineError(f"{day} is the last session of this run")
    return following


def same_time(following: TradingSession, reference: ReferenceTime) -> datetime:
    """Return the instant as far into another session, or its close if it is shorter."""
    return min(
        following.regular_open + (reference.clock - reference.session.regular_open), following.regular_close
    )


def _read_word(words: str, reference: ReferenceTime, calendar: TimeManager) -> datetime | None:
    day, session = reference.session.trading_day, reference.session
    first, _, rest = words.partition(" ")
    if first in ("next", "n", "previous", "prev", "last") and rest in ("open", "close", "session", "day"):
        ahead = first in ("next", "n")
        if rest == "close" and ahead and reference.clock < session.regular_close:
            return session.regular_close
        if rest == "open" and not ahead and reference.clock > session.regular_open:
            return session.regular_open
        other = calendar.get_next_trading_date(day) if ahead else calendar.get_previous_trading_date(day)
        session = calendar.get_trading_session(other)
        return session.regular_close if rest == "close" else session.regular_open
    if words == "now":
        return reference.clock
    if words == "noon":
        return time_in_session(session, time(12))
    return {"open": session.regular_open, "close": session.regular_close}.get(words)


def _read_distance(words: str, reference: ReferenceTime, calendar: TimeManager) -> datetime | None:
    match = _DISTANCE.fullmatch(words)
    if match is None:
        return None
    count = int(match["count"]) * (1 if match["sign"] == "+" else -1)
    if match["unit"] != "d":
        unit = {"s": 1, "h": 3600}.get(match["unit"], 60)
        return reference.clock + timedelta(seconds=count * unit)
    day = reference.session.trading_day
    move = calendar.get_next_trading_date if count > 0 else calendar.get_previous_trading_date
    session = calendar.get_trading_session(move(day, abs(count)) if count else day)
    return same_time(session, reference)


def _read_percentage(words: str, reference: ReferenceTime, _calendar: TimeManager) -> datetime | None:
    match = _PERCENTAGE.fullmatch(words)
    if match is None or float(match["pct"]) > 100:
        return None
    length = reference.session.regular_close - reference.session.regular_open
    whole_seconds = round(length.total_seconds() * float(match["pct"]) / 100)
    return reference.session.regular_open + timedelta(seconds=whole_seconds)


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


def _read_date(text: str, words: str, reference: ReferenceTime, calendar: TimeManager) -> datetime:
    for head, tail in _splits(words):
        day, point = _day_of(head, reference, calendar), tail or "open"
        time_of_day = time(12) if point == "noon" else _read_time(point)
        if day is None or (time_of_day is None and point not in _POINTS):
            continue
        session = calendar.get_trading_session(day)
        if time_of_day is not None:
            return time_in_session(session, time_of_day)
        return session.regular_close if point == "close" else session.regular_open
    raise _invalid_time(text)


def _splits(words: str) -> list[tuple[str, str]]:
    """Return the ways to split words into a date and a time, in any order, the time optional."""
    written = _ISO_DATE_TIME.fullmatch(words)
    if written is not None:
        return [(written["date"], written["time"])]
    parts = words.split(" ")
    splits = [(words, "")]
    for at in range(1, len(parts)):
        left, right = " ".join(parts[:at]), " ".join(parts[at:])
        splits += [(left, right), (right, left)]
    return splits


def _day_of(words: str, reference: ReferenceTime, calendar: TimeManager) -> date | None:
    day = reference.session.trading_day
    if words in _DAYS:
        move = {"tomorrow": calendar.get_next_trading_date, "yesterday": calendar.get_previous_trading_date}
        return move[words](day) if words in move else day
    try:
        return _weekday(words, reference) or date.fromisoformat(words)
    except ValueError:
        return _written_date(words, day.year)


def _weekday(words: str, reference: ReferenceTime) -> date | None:
    """Return the day of `fri`, today or later; of `next friday` or `last friday`, never today."""
    day = reference.session.trading_day
    side, _, name = words.rpartition(" ")
    number = _index_of(name, _WEEKDAYS)
    if number is None or side not in ("", *_NEXT, *_PREVIOUS):
        return None
    ahead = (number - day.weekday()) % 7
    if side in _NEXT:
        return day + timedelta(days=ahead or 7)
    found = day + timedelta(days=ahead)
    is_after_last_day = reference.last_day is not None and found > reference.last_day
    return found - timedelta(days=7) if side or is_after_last_day else found


def _index_of(word: str, names: Sequence[str]) -> int | None:
    """Return the index of the name that starts with a word of three letters or more, or None."""
    return next((n for n, name in enumerate(names) if len(word) >= 3 and name.startswith(word)), None)


def _written_date(words: str, year: int | None) -> date | None:
    """Return the date of `10-08`, `8th oct`, `tue oct 8 2013`; months come first in numbers, as in ISO 8601.

    `year`: that of texts without one; None if they have no date. None if a word is neither a month nor a
    weekday; ConfigError if the weekday does not match the date.
    """
    if _DATE.fullmatch(words) is None:
        return None
    parts = list(_DATE_PART.finditer(words))
    letters = [part["month"] for part in parts if part["month"]]
    months = [n + 1 for letter in letters if (n := _index_of(letter, _MONTHS)) is not None]
    weekdays = [n for letter in letters if (n := _index_of(letter, _WEEKDAYS)) is not None]
    numbers = [part["number"] for part in parts if part["number"]]
    years = [int(number) for number in numbers if _YEAR.fullmatch(number)]
    rest = [*months, *(int(number) for number in numbers if not _YEAR.fullmatch(number))]
    if len(months) + len(weekdays) < len(letters) or len(rest) != 2 or max(len(years), len(weekdays)) > 1:
        return None
    written_year = years[0] if years else year
    if written_year is None:
        return None
    try:
        found = date(written_year, *rest)
    except ValueError:
        return None
    if weekdays and found.weekday() != weekdays[0]:
        message = (
            f"{found} is a {_WEEKDAYS[found.weekday()].title()}, not a {_WEEKDAYS[weekdays[0]].title()}."
        )
        raise ConfigError("go to", [ConfigProblem("go to", words, message)])
    return found


def _invalid_time(text: str) -> InvalidTimeError:
    typed = shortened(text.strip(), _LONGEST)
    unknown = [word for word in _LETTERS.findall(typed.lower()) if not _is_known(word)]
    # The message already has a text of one unknown word.
    why = f" (not understood: {', '.join(unknown)})" if unknown and unknown != [typed.lower()] else ""
    message = f"invalid time or date {typed!r}{why}. Try: {EXAMPLES}."
    return InvalidTimeError("go to", [ConfigProblem("go to", text, message, nearest(typed.lower(), _WORDS))])


def _is_known(word: str) -> bool:
    return word in _KNOWN_LETTERS or any(_index_of(word, names) is not None for names in (_MONTHS, _WEEKDAYS))

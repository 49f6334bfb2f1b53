"""Trading days of daily bars whose times are instants, such as 21:00 UTC or 09:30 in New York."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final

import numpy as np

from tapedeck.engine.clock.calendars import CalendarWindow, Instants, exchange_bounds, load_calendar
from tapedeck.engine.config.exchanges import resolve_exchange
from tapedeck.engine.default_exchange import DEFAULT_EXCHANGE
from tapedeck.engine.importers.file_rows import UnclearFileError
from tapedeck.engine.importers.stamps import Mask, moment_text
from tapedeck.engine.importers.time_format import Label, TimeFormat
from tapedeck.engine.importers.zones import DAY_SECONDS
from tapedeck.engine.store.bar_store import Ints

_UNIX_DAY: Final = date(1970, 1, 1).toordinal()
# Bars are labelled at most a night before their session; two of one day differ by hours, of two days by more.
_NIGHT: Final = 24 * 3600
_DAYS_APART: Final = 20 * 3600


def trading_days(instants: Ints, form: TimeFormat, file: Path) -> tuple[Ints, dict[int, str]]:
    """Return the trading days of daily bars, as midnight UTC, and the reasons of rows without one.

    A bar belongs to the session that holds its instant, else to the next one that opens; with the label
    `close`, to the last session that opened before. Raises UnclearFileError where the exchange or the label
    is in doubt: rows on no session or in the midst of one and no exchange given, rows of two days on one
    session, and rows that look like closes and no label given.
    """
    code = resolve_exchange(form.exchange or DEFAULT_EXCHANGE)
    inside, outside = _covered(instants, code)
    days = np.zeros_like(instants)
    faults = {
        int(i): f"time {moment_text(int(instants[i]))} UTC is outside {outside}"
        for i in np.flatnonzero(~inside)
    }
    chosen = np.flatnonzero(inside)
    if not len(chosen):
        return days, faults
    window = _window(instants[chosen], code)
    sessions, apart = _sessions(instants[chosen], window, form.label)
    if form.label is None:
        _check_label(instants[chosen], apart, window, file)
    if form.exchange is None:
        _check_exchange(instants[chosen], sessions, apart, window, file)
    else:
        for i in np.flatnonzero(apart):
            when = moment_text(int(instants[chosen[i]]))
            faults[int(chosen[i])] = f"time {when} UTC belongs to no session of {code}"
    _check_days(instants[chosen], sessions, ~apart, window, file)
    days[chosen] = (window.days[sessions] - _UNIX_DAY) * DAY_SECONDS
    return days, faults


def _covered(instants: Ints, code: str) -> tuple[Mask, str]:
    # Rows whose session, and the days beside it, the calendar has.
    first, last = exchange_bounds(code)
    low = (first.toordinal() - _UNIX_DAY + 1) * DAY_SECONDS
    high = (last.toordinal() - _UNIX_DAY - 7) * DAY_SECONDS
    return (instants >= low) & (instants < high), f"the calendar of {code}, {first} to {last}"


def _window(instants: Ints, code: str) -> CalendarWindow:
    lower, upper = exchange_bounds(code)
    first = date.fromordinal(int(instants.min()) // DAY_SECONDS + _UNIX_DAY)
    last = date.fromordinal(int(instants.max()) // DAY_SECONDS + _UNIX_DAY + 7)
    return load_calendar(code, max(first, lower), min(last, upper))


def _sessions(instants: Ints, window: CalendarWindow, label: Label | None) -> tuple[Ints, Mask]:
    # Position of the session of each row, and the rows that are too far from one.
    opens, closes = _seconds(window.opens), _seconds(window.closes)
    if label == "close":
        found = np.searchsorted(opens, instants, side="left").astype(np.int64) - 1
        apart = (found < 0) | (instants - closes[np.maximum(found, 0)] >= _NIGHT)
        return np.maximum(found, 0), apart
    found = np.searchsorted(closes, instants, side="right").astype(np.int64)
    apart = found >= len(opens)
    found = np.minimum(found, len(opens) - 1)
    return found, apart | (opens[found] - instants >= _NIGHT)


def _check_exchange(instants: Ints, sessions: Ints, apart: Mask, window: CalendarWindow, file: Path) -> None:
    if apart.any():
        raise _other_exchange(file, int(instants[int(apart.argmax())]), "belongs to no session", window)
    opens, closes = _seconds(window.opens), _seconds(window.closes)
    amid = (opens[sessions] < instants) & (instants < closes[sessions])
    if amid.any():
        raise _other_exchange(file, int(instants[int(amid.argmax())]), "is in the midst of a session", window)


def _check_label(instants: Ints, apart: Mask, window: CalendarWindow, file: Path) -> None:
    # Times at the close, or on Friday evening and not on Sunday's, look like the end of their day.
    opens, closes = _seconds(window.opens), _seconds(window.closes)
    at_close = np.isin(instants, closes) & ~np.isin(instants, opens)
    if 2 * np.count_nonzero(at_close) >= len(instants):
        raise _other_label(file, int(instants[int(at_close.argmax())]), "carries the close", window)
    if apart.any() and not _sessions(instants, window, "close")[1].any():
        where = "is long before the next session and soon after the last one"
        raise _other_label(file, int(instants[int(apart.argmax())]), where, window)


def _other_label(file: Path, instant: int, reason: str, window: CalendarWindow) -> UnclearFileError:
    return UnclearFileError(
        file,
        f"the daily bar of {moment_text(instant)} UTC {reason} of {window.code}: do the times name the close "
        "of the session that ends, or the start of the next day",
        [{"--label": "close"}, {"--label": "open"}],
    )


def _check_days(instants: Ints, sessions: Ints, chosen: Mask, window: CalendarWindow, file: Path) -> None:
    # A calendar with too few sessions puts two days on one.
    first = np.full(len(window.days), np.iinfo(np.int64).max)
    last = np.full(len(window.days), np.iinfo(np.int64).min)
    np.minimum.at(first, sessions[chosen], instants[chosen])
    np.maximum.at(last, sessions[chosen], instants[chosen])
    double = np.flatnonzero(last - np.minimum(first, last) >= _DAYS_APART)
    if len(double):
        day = date.fromordinal(int(window.days[double[0]]))
        raise _other_exchange(
            file, int(first[double[0]]), f"is not the only day on the session of {day}", window
        )


def _other_exchange(file: Path, instant: int, reason: str, window: CalendarWindow) -> UnclearFileError:
    return UnclearFileError(
        file,
        f"the daily bar of {moment_text(instant)} UTC {reason} of {window.code}: name the exchange",
        [{"--exchange": name} for name in ("CRYPTO", "FOREX", DEFAULT_EXCHANGE)],
    )


def _seconds(times: Instants) -> Ints:
    return times.astype("datetime64[s]").astype(np.int64)

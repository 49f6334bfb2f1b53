"""`tapedeck calendar`: sessions of an exchange, and the list of exchanges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tapedeck.console.cli.invocation import Invocation, begin
from tapedeck.console.cli.options import JsonOption, bad_option, complete_exchange, examples, read_date
from tapedeck.console.cli.terminal import Cell, Column
from tapedeck.engine.errors import CalendarError

if TYPE_CHECKING:
    from tapedeck.engine.clock.calendars import ExchangeInfo
    from tapedeck.engine.clock.time_manager import TimeManager
    from tapedeck.engine.clock.trading_session import TradingSession
    from tapedeck.engine.config import ChangedSession

EPILOG: Final = examples(
    "tapedeck calendar XNYS --year 2024",
    "tapedeck calendar JP_EQUITY --from 2024-07-01 --to 2024-07-31 --json",
    "tapedeck calendar --session october.yaml",
    "tapedeck calendar --list",
)
_AHEAD: Final = timedelta(days=30)

Day = tuple[date, "TradingSession | None"]
"""A date, and its session; None on a holiday."""


def calendar(
    context: typer.Context,
    exchange: Annotated[
        str | None,
        typer.Argument(
            metavar="EXCHANGE",
            help="Group (US_EQUITY), code (XNYS) or other name (NYSE); default: US_EQUITY.",
            autocompletion=complete_exchange,
        ),
    ] = None,
    *,
    session: Annotated[
        Path | None,
        typer.Option(
            "--session", metavar="FILE", help="Exchange and dates of a session file, with its own `sessions`."
        ),
    ] = None,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="First date; default: today.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Last date; default: 30 days after the first.")
    ] = None,
    year: Annotated[int | None, typer.Option("--year", metavar="Y", help="Whole year.")] = None,
    list_all: Annotated[bool, typer.Option("--list", help="List all exchanges.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the sessions of an exchange in exchange time, with early closes and holidays."""
    invocation = begin(context, as_json=as_json)
    if list_all:
        _show_exchanges(invocation)
        return
    if session is not None and exchange is not None:
        raise bad_option("EXCHANGE", exchange, "cannot be combined with --session, which names the exchange")
    time, changes, dates = _calendar_of(exchange, session)
    start, end = dates if dates and not (first or last or year) else _span(time, first, last, year)
    days = list(_days(time, start, end))
    if as_json:
        document = {
            "exchange": time.exchange,
            "zone": time.zone.key,
            "from": start.isoformat(),
            "to": end.isoformat(),
            "days": [_document(day, own, is_changed=day in changes) for day, own in days],
        }
        invocation.terminal.write_json(document)
        return
    sessions = sum(own is not None for _, own in days)
    invocation.terminal.write(
        f"{time.exchange}, {start} to {end}: {sessions:,} sessions; times are {time.zone.key}\n"
    )
    columns = [Column("date"), Column("day"), Column("open"), Column("close"), Column("")]
    if days:
        invocation.terminal.table(columns, [_row(day, own, is_changed=day in changes) for day, own in days])


def _calendar_of(
    exchange: str | None, file: Path | None
) -> tuple[TimeManager, Mapping[date, ChangedSession], tuple[date, date] | None]:
    """Return a calendar, the days in it that a session file changes, and the file's dates."""
    from tapedeck.engine.clock.time_manager import TimeManager, wall_clock_now  # noqa: PLC0415 - slow to import

    if file is None:
        from tapedeck.engine.config.exchanges import resolve_exchange  # noqa: PLC0415 - as above

        return TimeManager(resolve_exchange(exchange or "US_EQUITY"), wall_clock=wall_clock_now), {}, None
    from tapedeck.engine.session_file import load_session_config  # noqa: PLC0415 - as above

    config = load_session_config(file).config
    changes, played = config.session_data_config.sessions, config.backtest_config
    time = TimeManager(config.exchange, wall_clock=wall_clock_now, changes=changes)
    return time, changes, None if played is None else (played.start_date, played.end_date)


def _span(time: TimeManager, first: str | None, last: str | None, year: int | None) -> tuple[date, date]:
    if year is not None:
        if first is not None or last is not None:
            raise bad_option("--year", year, "cannot be combined with --from or --to")
        if not 1 <= year <= 9999:
            raise bad_option("--year", year, f"invalid year {year}: use 1 to 9999")
        return _within(time, date(year, 1, 1), date(year, 12, 31))
    start = read_date("--from", first) if first is not None else None
    end = read_date("--to", last) if last is not None else None
    if start is None:
        today = time.to_exchange_time(time.get_current_time()).date()
        start = today if end is None or today <= end else end - _AHEAD
    end = end or start + _AHEAD
    if end < start:
        raise bad_option("--to", last, f"invalid range {start} to {end}: the earlier date must be first")
    return start, end


def _within(time: TimeManager, start: date, end: date) -> tuple[date, date]:
    """Limit a year to the calendar's dates; CalendarError for a year outside."""
    from tapedeck.engine.clock.calendars import exchange_bounds  # noqa: PLC0415 - slow to import

    first, last = exchange_bounds(time.exchange)
    if end < first or last < start:
        raise CalendarError(
            f"{start.year} is outside the calendar of {time.exchange}: use dates from {first} to {last}"
        )
    return max(start, first), min(end, last)


def _days(time: TimeManager, start: date, end: date) -> Iterator[Day]:
    """Yield the trading days and holidays of a span, in order."""
    sessions = {session.trading_day: session for session in time.trading_sessions(start, end)}
    for offset in range((end - start).days + 1):
        day = start + timedelta(days=offset)
        if day in sessions:
            yield day, sessions[day]
        elif time.is_holiday(day):
            yield day, None


def _row(day: date, session: TradingSession | None, *, is_changed: bool) -> tuple[str | Cell, ...]:
    changed = ["changed by the file"] if is_changed else []
    if session is None:
        return day.isoformat(), f"{day:%a}", "", "", Cell(", ".join(["holiday", *changed]), "yellow")
    opened, closed = (_clock(session, at) for at in (session.regular_open, session.regular_close))
    notes = ["early close"] if session.is_early_close else []
    if session.break_start is not None and session.break_end is not None:
        notes.append(f"break {_clock(session, session.break_start)}-{_clock(session, session.break_end)}")
    return day.isoformat(), f"{day:%a}", opened, closed, Cell(", ".join([*notes, *changed]), "yellow")


def _clock(session: TradingSession, instant: datetime) -> str:
    """Return the exchange's time of day, with the offset in days from the trading day."""
    local = instant.astimezone(session.zone)
    away = (local.date() - session.trading_day).days
    return f"{local:%H:%M}" + (f" ({away:+d} d)" if away else "")


def _document(day: date, session: TradingSession | None, *, is_changed: bool) -> dict[str, object]:
    changed: dict[str, object] = {"changed": True} if is_changed else {}
    if session is None:
        return {"date": day.isoformat(), "session": False, "reason": "holiday", **changed}

    def local(instant: datetime | None) -> str | None:
        return None if instant is None else instant.astimezone(session.zone).isoformat()

    return {
        "date": day.isoformat(),
        "session": True,
        "open": local(session.regular_open),
        "close": local(session.regular_close),
        "early_close": session.is_early_close,
        "break_start": local(session.break_start),
        "break_end": local(session.break_end),
        **changed,
    }


def _show_exchanges(invocation: Invocation) -> None:
    from tapedeck.engine.clock.calendars import list_exchanges  # noqa: PLC0415 - slow to import

    exchanges = list_exchanges()
    if invocation.as_json:
        invocation.terminal.write_json([_exchange_document(exchange) for exchange in exchanges])
        return
    rows = [
        (
            exchange.code,
            exchange.zone,
            f"{exchange.first.year}-{exchange.last.year}",
            ", ".join(exchange.aliases),
        )
        for exchange in exchanges
    ]
    columns = [Column("code"), Column("zone"), Column("years"), Column("other names")]
    invocation.terminal.table(columns, rows)


def _exchange_document(exchange: ExchangeInfo) -> dict[str, object]:
    return {
        "code": exchange.code,
        "aliases": list(exchange.aliases),
        "zone": exchange.zone,
        "first": exchange.first.isoformat(),
        "last": exchange.last.isoformat(),
    }

"""`tapedeck scan`: the scanners of a session file at a moment of a trading day."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from tapedeck.console.cli.failures import DONE, FAILED
from tapedeck.console.cli.invocation import Invocation, begin
from tapedeck.console.cli.options import (
    SessionFile,
    SetOption,
    StoreOption,
    bad_option,
    examples,
    read_choice,
    read_date,
    read_settings,
)
from tapedeck.console.cli.status_line import StatusLine

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from pydantic import JsonValue

    from tapedeck.engine.read.day_scans import DayScans

EPILOG: Final = examples(
    "tapedeck scan october.yaml --date 2013-10-10",
    "tapedeck scan october.yaml --date 2013-10-10 --at 10:00 --format csv",
    "tapedeck scan october.yaml --date 2013-10-10 --at pre_session",
)
FORMATS: Final = ("table", "csv", "json")


def scan(
    context: typer.Context,
    file: SessionFile,
    *,
    day: Annotated[str, typer.Option("--date", metavar="DATE", help="Trading day, such as 2013-10-10.")],
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="Exchange time, such as 10:00, or pre_session."),
    ] = None,
    store: StoreOption = None,
    parameters: SetOption = None,
    form: Annotated[str, typer.Option("--format", metavar="F", help="Format: table, csv or json.")] = "table",
) -> None:
    """Run the scanners of a session file at a moment of a trading day, and show what they find.

    Without --at, each runs by its schedule. The day need not be one of the file's. Nothing is played and
    nothing joins; no bar that closes after the last scan is read. Exit code 1 if a scanner fails.
    """
    form = read_choice("--format", form, FORMATS)
    trading_day = read_date("--date", day)
    moment = None if at is None else _read_moment(at)
    invocation = begin(context, as_json=form == "json", store=store)
    scans = _scan(invocation, file, read_settings(parameters), trading_day, moment)
    # Slow to import, see this package's __init__.py.
    from tapedeck.console.cli.scan_listing import (  # noqa: PLC0415
        write_csv,
        write_json,
        write_remarks,
        write_table,
    )

    {"table": write_table, "csv": write_csv, "json": write_json}[form](scans, invocation.terminal)
    if form != "json":
        write_remarks(scans, invocation.terminal)
    raise typer.Exit(FAILED if scans.has_failed else DONE)


def _scan(
    invocation: Invocation,
    file: Path,
    settings: Mapping[str, JsonValue],
    day: date,
    moment: time | Literal["pre_session"] | None,
) -> DayScans:
    # Slow to import, see this package's __init__.py.
    from tapedeck.engine.session_file import load_session_config  # noqa: PLC0415
    from tapedeck.engine.store.locations import open_store  # noqa: PLC0415
    from tapedeck.engine.system import SystemManager  # noqa: PLC0415

    loaded = load_session_config(file, settings)
    for warning in loaded.warnings:
        invocation.warn(f"{loaded.source}: {warning}")
    line = StatusLine(invocation.terminal)
    try:
        with open_store(invocation.settings.store) as bars:
            return SystemManager(loaded.config, bars).scan_once(day, moment, on_progress=line.show)
    finally:
        line.clear()


def _read_moment(text: str) -> time | Literal["pre_session"]:
    """Return the moment given to --at; ConfigError for an invalid one."""
    word = text.strip().lower()
    if word == "pre_session":
        return "pre_session"
    try:
        if len(word) in (5, 8):  # HH:MM or HH:MM:SS, of the forms that Python reads
            return time.fromisoformat(word)
    except ValueError:
        pass
    message = f"invalid time {text!r}: use HH:MM or HH:MM:SS in exchange time, such as 10:00, or pre_session."
    raise bad_option("--at", text, message)

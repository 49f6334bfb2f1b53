"""`tapedeck config`: checks a session file, writes a new one, or the JSON Schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import typer

from tapedeck.console.cli.commands import config_new
from tapedeck.console.cli.invocation import Invocation, begin
from tapedeck.console.cli.options import (
    JsonOption,
    SessionFile,
    SetOption,
    StoreOption,
    examples,
    read_settings,
)
from tapedeck.console.cli.session_calendar import outline, sessions_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tapedeck.console.cli.session_coverage import StoreCheck
    from tapedeck.engine.clock.trading_session import TradingSession
    from tapedeck.engine.config import LoadedConfig, SessionConfig

app = typer.Typer(
    help="Check a session file, write a new one, or the JSON Schema of session files.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog=examples(
        "tapedeck config check october.yaml",
        "tapedeck config new october.yaml --symbols SPY,AIG",
        "tapedeck config schema",
    ),
)
_CHECK: Final = examples(
    "tapedeck config check october.yaml",
    "tapedeck config check october.yaml --store bars.db",
    "tapedeck config check october.yaml --json",
)
_SCHEMA: Final = examples("tapedeck config schema > session.schema.json")


@app.command("check", epilog=_CHECK)
def check(
    context: typer.Context,
    file: SessionFile,
    store: StoreOption = None,
    parameters: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a session file, and its dates against the calendar; show all faults with their lines.

    With --store, also check its symbols and dates against the bars of a store, as a run does before it
    starts: exit code 3 if bars are missing. Days without bars are a warning. A file in mode live has no
    days to compare.
    """
    invocation = begin(context, as_json=as_json, store=store)
    from tapedeck.engine.session_file import load_session_config  # noqa: PLC0415 - slow, see this package's __init__.py

    loaded = load_session_config(file, read_settings(parameters))
    sessions = sessions_of(loaded.config)
    stored = None if store is None or loaded.config.mode == "live" else _in_store(invocation, loaded)
    warnings = [
        *loaded.warnings,
        *_feed_warnings(loaded.config),
        *(_schedule_warnings(loaded.config, sessions) if stored is None else stored.warnings),
    ]
    if as_json:
        document = {
            "file": loaded.source,
            "ok": True,
            "session_name": loaded.config.session_name,
            "sessions": [session.trading_day.isoformat() for session in sessions],
            "warnings": warnings,
        }
        if stored is not None:
            document["store"] = {"location": str(invocation.settings.store), **stored.document()}
        invocation.terminal.write_json(document)
        return
    for warning in warnings:
        invocation.warn(warning)
    invocation.terminal.write(f"{loaded.source}: valid ({outline(loaded.config, sessions)})")
    if stored is not None:
        stored.write(invocation.terminal)


def _in_store(invocation: Invocation, loaded: LoadedConfig) -> StoreCheck:
    from tapedeck.console.cli.session_coverage import check_against  # noqa: PLC0415 - as above
    from tapedeck.engine.store.locations import open_store  # noqa: PLC0415 - as above

    with open_store(invocation.settings.store) as bars:
        return check_against(loaded, bars)


def _schedule_warnings(config: SessionConfig, sessions: Sequence[TradingSession]) -> tuple[str, ...]:
    scanners = config.session_data_config.scanners
    if not scanners or not sessions:
        return ()
    from tapedeck.engine.universe.schedule import schedule_warnings  # noqa: PLC0415 - as above

    return schedule_warnings(scanners, sessions)


app.command("new", epilog=config_new.EPILOG)(config_new.new)


@app.command("schema", epilog=_SCHEMA)
def schema(context: typer.Context) -> None:
    """Write the JSON Schema of session files, for completion and checks in editors."""
    invocation = begin(context)
    from tapedeck.engine.session_file import session_config_schema  # noqa: PLC0415 - as above

    invocation.terminal.write_json(session_config_schema())


def _feed_warnings(config: SessionConfig) -> Iterator[str]:
    """Yield a warning if a live session has no feed on this machine; `--feed` can name another one."""
    if config.mode != "live":
        return
    from tapedeck.engine.feeds.registry import feed_names  # noqa: PLC0415 - as above

    named, known = config.api_config.data_api, feed_names()
    if named is None:
        yield f"api_config.data_api is not set: name one of {', '.join(known)}, or give --feed."
    elif named.strip().lower() not in known:
        yield f"api_config.data_api: unknown feed {named!r}: the feeds here are {', '.join(known)}."

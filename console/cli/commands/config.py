"""`tapedeck config`: checks a session file, or writes the JSON Schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import typer

from tapedeck.console.cli.invocation import begin
from tapedeck.console.cli.options import JsonOption, SessionFile, examples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tapedeck.engine.clock.trading_session import TradingSession
    from tapedeck.engine.config import SessionConfig

app = typer.Typer(
    help="Check a session file, or write the JSON Schema of session files.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog=examples("tapedeck config check october.yaml", "tapedeck config schema"),
)
_CHECK: Final = examples("tapedeck config check october.yaml", "tapedeck config check october.yaml --json")
_SCHEMA: Final = examples("tapedeck config schema > session.schema.json")


@app.command("check", epilog=_CHECK)
def check(context: typer.Context, file: SessionFile, as_json: JsonOption = False) -> None:
    """Check a session file, and its dates against the calendar; show all faults."""
    invocation = begin(context, as_json=as_json)
    from tapedeck.engine.session_file import load_session_config  # noqa: PLC0415 - slow, see this package's __init__.py

    loaded = load_session_config(file)
    sessions = _sessions(loaded.config)
    warnings = [*loaded.warnings, *_unsupported(loaded.config)]
    if as_json:
        document = {
            "file": loaded.source,
            "ok": True,
            "session_name": loaded.config.session_name,
            "sessions": [session.trading_day.isoformat() for session in sessions],
            "warnings": warnings,
        }
        invocation.terminal.write_json(document)
        return
    for warning in warnings:
        invocation.warn(warning)
    invocation.terminal.write(f"{loaded.source}: valid ({_outline(loaded.config, sessions)})")


@app.command("schema", epilog=_SCHEMA)
def schema(context: typer.Context) -> None:
    """Write the JSON Schema of session files, for completion and checks in editors."""
    invocation = begin(context)
    from tapedeck.engine.session_file import session_config_schema  # noqa: PLC0415 - as above

    invocation.terminal.write_json(session_config_schema())


def _sessions(config: SessionConfig) -> tuple[TradingSession, ...]:
    """Return the sessions of a backtest; CalendarError if there are none, or for an invalid start time."""
    from tapedeck.engine.clock.start_time import start_instant  # noqa: PLC0415 - as above
    from tapedeck.engine.clock.time_manager import TimeManager  # noqa: PLC0415 - as above

    backtest = config.backtest_config
    if backtest is None:
        return ()
    time = TimeManager(config.exchange, changes=config.session_data_config.sessions)
    time.set_backtest_window(backtest.start_date, backtest.end_date)
    sessions = time.trading_sessions(time.backtest_start, time.backtest_end)
    if backtest.start_time is not None:
        start_instant(sessions[0], backtest.start_time)
    return sessions


def _unsupported(config: SessionConfig) -> Iterator[str]:
    """Yield warnings about valid settings that `tapedeck run` does not support yet."""
    if config.mode == "live":
        yield "mode: live sessions are not supported yet: use backtest."


def _outline(config: SessionConfig, sessions: tuple[TradingSession, ...]) -> str:
    symbols = len(config.session_data_config.symbols)
    parts = [f"{config.session_name}: {symbols} symbol{'' if symbols == 1 else 's'} of {config.exchange}"]
    if sessions:
        days = f"{sessions[0].trading_day} to {sessions[-1].trading_day}"
        parts.append(f"{len(sessions)} session{'' if len(sessions) == 1 else 's'}, {days}")
    return ", ".join(parts)

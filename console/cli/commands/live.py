"""`tapedeck live`: records a session as it happens, or replays a day as if it did."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tapedeck.console.cli.failures import DONE, FAILED, INTERRUPTED
from tapedeck.console.cli.invocation import Invocation, begin
from tapedeck.console.cli.live_choice import REPLAYS, LiveChoice
from tapedeck.console.cli.options import ExportOption, StoreOption, examples, one_line_path
from tapedeck.console.cli.terminal import is_interactive

if TYPE_CHECKING:
    from tapedeck.console.cli.batch import Outcome
    from tapedeck.console.cli.live_session import LiveSession
    from tapedeck.engine.config import LoadedConfig

EPILOG: Final = examples(
    "tapedeck live",
    "tapedeck live october.yaml --feed replay --date 2013-10-07 --store bars.db",
    "tapedeck live october.yaml --feed replay --speed 3600 --no-ui --export out",
    "tapedeck live october.yaml --feed replay --faults faults.yaml --no-ui --json",
    "tapedeck live october.yaml --replay-journal 2013-10-07 --store bars.db",
    "tapedeck live october.yaml --no-ui --break 'any.quality < 95' --days 1",
)


def live(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="Session file, YAML or JSON.", callback=one_line_path),
    ] = None,
    *,
    feed: Annotated[
        str | None,
        typer.Option(
            "--feed", metavar="NAME", help="Feed to record; default: api_config.data_api of the file."
        ),
    ] = None,
    day: Annotated[
        str | None,
        typer.Option("--date", metavar="D", help="Day to replay; default: the last one stored."),
    ] = None,
    speed: Annotated[
        str | None, typer.Option("--speed", metavar="X", help="Speed of a replay; default: 60.")
    ] = None,
    faults: Annotated[
        Path | None,
        typer.Option("--faults", metavar="FILE", help="Fault script of a replay.", callback=one_line_path),
    ] = None,
    journal_day: Annotated[
        str | None,
        typer.Option("--replay-journal", metavar="DAY", help="Play a recorded day as its bars arrived."),
    ] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Begin a replayed day anew.")] = False,
    store: StoreOption = None,
    days: Annotated[
        int | None,
        typer.Option("--days", metavar="N", help="Trading days to record; default: no end, a replay: 1."),
    ] = None,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="End with exit code 3 if the market is closed.")
    ] = False,
    no_ui: Annotated[bool, typer.Option("--no-ui", help="Record without the console.")] = False,
    export: ExportOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON lines only.")] = False,
    breaks: Annotated[
        list[str] | None,
        typer.Option("--break", metavar="COND", help="Alert when a condition becomes true; repeatable."),
    ] = None,
) -> None:
    """Record a live session into the store, and show it in the console or, with --no-ui, in lines.

    Without FILE, plays a day of the built-in market as live. The file may be in either mode; its
    backtest_config is not used.

    Before the open, and on a day without trading, it waits with a countdown. After the close the session is
    compared with the feed's history, and exported; then it waits for the next day. With more than one day
    each has a folder of its own in the export. --json writes one document in a line for each minute, event,
    alert and breakpoint, and a last one with the summary.

    A replay (--feed replay) plays stored bars of a day as if they arrived now, and changes nothing in the
    store: what it records is kept beside, by file, store and day. The same command goes on after a kill;
    a replay that was recorded to its end begins anew.

    Exit code 0: no bar is lacking at the end; 1: some are. A second ctrl+c ends at once.
    """
    invocation = begin(context, as_json=as_json, store=store, export=export)
    choice = LiveChoice.of(
        feed=feed,
        day=day,
        speed=speed,
        faults=faults,
        journal_day=journal_day,
        days=days,
        waits=not no_wait,
        restarts=restart,
    )
    with _opened(invocation, file, choice) as session:
        if no_wait:
            session.check_trading()
        if session.replay is not None and session.replay.note:
            invocation.terminal.remark(f"replay of {session.live.first_day}: {session.replay.note}")
        if no_ui or as_json or not is_interactive():
            code = _record(invocation, session, breaks or [])
        else:
            code = _show(invocation, session, breaks or [])
    raise typer.Exit(code)


def _opened(
    invocation: Invocation, file: Path | None, choice: LiveChoice
) -> AbstractContextManager[LiveSession]:
    """Return what is recorded, as a context."""
    # Slow to import, see this package's __init__.py.
    from tapedeck.console.cli.live_session import feed_session  # noqa: PLC0415
    from tapedeck.console.cli.replay_session import demo_session, replay_session  # noqa: PLC0415
    from tapedeck.engine.feeds.registry import feed_names  # noqa: PLC0415

    if file is None:
        choice.feed_for(None, feed_names())
        return demo_session(invocation, choice)
    loaded = _loaded(invocation, file)
    name = choice.feed_for(loaded, feed_names())
    if name in REPLAYS:
        return replay_session(invocation, loaded.config, choice, file)
    return feed_session(invocation, loaded, choice, name, file)


def _loaded(invocation: Invocation, file: Path) -> LoadedConfig:
    from tapedeck.engine.session_file import load_session_config  # noqa: PLC0415 - as above

    loaded = load_session_config(file)
    for warning in loaded.warnings:
        invocation.warn(f"{loaded.source}: {warning}")
    return loaded


def _record(invocation: Invocation, session: LiveSession, breaks: list[str]) -> int:
    """Record without a screen, and return the exit code."""
    from tapedeck.console.cli.live_batch import record  # noqa: PLC0415 - as above
    from tapedeck.console.cli.live_lines import JsonLines, TextLines  # noqa: PLC0415 - as above
    from tapedeck.console.cli.live_report import live_document, live_exit_code, write_live_report  # noqa: PLC0415
    from tapedeck.console.cli.live_session import time_of  # noqa: PLC0415 - as above
    from tapedeck.console.cli.run_report import write_report  # noqa: PLC0415 - as above

    terminal = invocation.terminal
    lines = JsonLines(terminal) if invocation.as_json else TextLines(terminal, time_of(session.config).zone)
    if not invocation.as_json:
        terminal.write(session.heading())

    def report_day(outcome: Outcome) -> None:
        if not invocation.as_json:
            write_report(outcome, terminal, with_timers=False)
            terminal.write("")

    done = record(
        session.config,
        session.store,
        session.live,
        lines=lines,
        export=invocation.settings.export,
        interrupts=invocation.interrupts,
        breaks=breaks,
        on_day=report_day,
    )
    if session.replay is not None and done.outcome.summary.complete:
        session.replay.finish()
    if invocation.as_json:
        terminal.write_json_line(live_document(done, invocation.log_path))
    else:
        write_live_report(done, terminal)
    if done.outcome.error is not None:
        invocation.report_error(done.outcome.error)
    return live_exit_code(done)


def _show(invocation: Invocation, session: LiveSession, breaks: list[str]) -> int:
    """Record with the console, and return the exit code."""
    from tapedeck.console.app.launch import play_on_screen  # noqa: PLC0415 - not for batch jobs
    from tapedeck.console.cli.batch import BatchOptions  # noqa: PLC0415 - as above
    from tapedeck.console.cli.run_report import write_report  # noqa: PLC0415 - as above

    outcome = play_on_screen(
        session.config,
        session.store,
        invocation=invocation,
        batch_options=BatchOptions(tuple(breaks)),
        session_file=session.session_file,
        note=session.note,
        live=session.live,
    )
    if session.replay is not None and outcome.summary.complete:
        session.replay.finish()
    write_report(outcome, invocation.terminal, with_timers=False)
    if outcome.error is not None:
        invocation.report_error(outcome.error)
        return FAILED
    return INTERRUPTED if outcome.interrupted else DONE

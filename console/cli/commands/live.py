"""`tapedeck live`: records a session as it happens, or replays a day as if it did."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tapedeck.console.cli.invocation import Invocation, begin
from tapedeck.console.cli.live_choice import REPLAYS, LiveChoice
from tapedeck.console.cli.options import (
    ExportOption,
    SetOption,
    StoreOption,
    bad_option,
    check_file_for,
    examples,
    one_line_path,
    read_settings,
)
from tapedeck.console.cli.terminal import is_interactive

if TYPE_CHECKING:
    from pydantic import JsonValue

    from tapedeck.console.cli.live_session import LiveSession
    from tapedeck.engine.config import LoadedConfig

    Record = Callable[[Invocation, LiveSession, Sequence[str]], int]

EPILOG: Final = examples(
    "tapedeck live",
    "tapedeck live october.yaml --feed alpaca --check",
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
    check: Annotated[
        bool, typer.Option("--check", help="Check the feed (key, plan, symbols), and record nothing.")
    ] = False,
    no_ui: Annotated[bool, typer.Option("--no-ui", help="Record without the console.")] = False,
    export: ExportOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON lines only.")] = False,
    parameters: SetOption = None,
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
    if check:
        _check(invocation, file, choice, read_settings(parameters))
        return
    on_screen = not (no_ui or as_json) and is_interactive()
    # Loaded before a replay's clock begins: that takes minutes of its market.
    record = _screen() if on_screen else _lines()
    with _opened(invocation, file, choice, read_settings(parameters)) as session:
        if no_wait:
            session.check_trading()
        if session.replay is not None and session.replay.note:
            invocation.terminal.remark(f"replay of {session.live.first_day}: {session.replay.note}")
        code = record(invocation, session, breaks or [])
    raise typer.Exit(code)


def _opened(
    invocation: Invocation, file: Path | None, choice: LiveChoice, settings: Mapping[str, JsonValue]
) -> AbstractContextManager[LiveSession]:
    """Return what is recorded, as a context."""
    # Slow to import, see this package's __init__.py.
    from tapedeck.console.cli.live_session import feed_session  # noqa: PLC0415
    from tapedeck.console.cli.replay_session import demo_session, replay_session  # noqa: PLC0415
    from tapedeck.engine.feeds.registry import feed_names  # noqa: PLC0415

    if file is None:
        check_file_for(settings)
        choice.feed_for(None, feed_names())
        return demo_session(invocation, choice)
    loaded = _loaded(invocation, file, settings)
    name = choice.feed_for(loaded, feed_names())
    if name in REPLAYS:
        return replay_session(invocation, loaded.config, choice, file)
    return feed_session(invocation, loaded, choice, name, file)


def _check(
    invocation: Invocation, file: Path | None, choice: LiveChoice, settings: Mapping[str, JsonValue]
) -> None:
    """Check the feed of a session file, and record nothing."""
    from tapedeck.console.cli.live_check import check_feed  # noqa: PLC0415 - as above
    from tapedeck.engine.feeds.registry import feed_names  # noqa: PLC0415 - as above

    if file is None:
        raise bad_option("--check", True, "needs a session file: tapedeck live FILE --check.")
    loaded = _loaded(invocation, file, settings)
    check_feed(invocation, loaded, choice.feed_for(loaded, feed_names()))


def _loaded(invocation: Invocation, file: Path, settings: Mapping[str, JsonValue]) -> LoadedConfig:
    from tapedeck.engine.session_file import load_session_config  # noqa: PLC0415 - as above

    loaded = load_session_config(file, settings)
    for warning in loaded.warnings:
        invocation.warn(f"{loaded.source}: {warning}")
    return loaded


def _lines() -> Record:
    from tapedeck.console.cli.live_lines import record_in_lines  # noqa: PLC0415 - as above

    return record_in_lines


def _screen() -> Record:
    from tapedeck.console.cli.live_screen import record_on_screen  # noqa: PLC0415 - as above

    return record_on_screen

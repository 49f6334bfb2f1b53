"""`tapedeck run`, and `tapedeck` without a command, which plays the demo market."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tapedeck.console.cli.failures import DONE, FAILED, INTERRUPTED
from tapedeck.console.cli.invocation import Invocation, begin
from tapedeck.console.cli.options import (
    ExportOption,
    JsonOption,
    SetOption,
    StoreOption,
    bad_option,
    examples,
    one_line_path,
    read_choice,
    read_settings,
    read_speed_option,
    words_of_settings,
)
from tapedeck.console.cli.session_choice import session_to_play
from tapedeck.console.cli.session_options import (
    ExchangeOption,
    FromOption,
    IndicatorsOption,
    IntervalsOption,
    OptionalSessionFile,
    SessionOptions,
    SymbolsOption,
    ToOption,
)
from tapedeck.console.cli.terminal import is_interactive
from tapedeck.console.panel_data.registry import view_names
from tapedeck.console.panel_data.tables import FORMATS

if TYPE_CHECKING:
    from pydantic import JsonValue

    from tapedeck.console.cli.batch import BatchOptions
    from tapedeck.engine.config import SessionConfig

EPILOG: Final = examples(
    "tapedeck run october.yaml",
    "tapedeck run october.yaml --store bars.db --export out --json",
    "tapedeck run --symbols SPY,AIG --from 2013-10-07 --to 2013-10-11 --interval 1m,5m",
    "tapedeck run --symbols SPY --indicator RSI:14@5m --indicator vwap=VWAP",
    "tapedeck run october.yaml --no-ui --break 'any.quality != 100' --export out",
    "tapedeck run october.yaml --no-ui --script steps.txt",
    "tapedeck run cross.yaml --set fast=12 --set slow=26",
    "tapedeck run cross.yaml --no-ui --check-determinism",
    "tapedeck run october.yaml --no-ui --view quality --format markdown",
)
_SYNTHETIC: Final = "The demo market is synthetic: its prices and volumes are not from a real market."
_DEMO_START: Final = "12:00"
"""Start of the demo market in the console, exchange time: its indicators are warm by then."""


def run(
    context: typer.Context,
    file: OptionalSessionFile = None,
    *,
    symbols: SymbolsOption = None,
    first: FromOption = None,
    last: ToOption = None,
    intervals: IntervalsOption = None,
    indicators: IndicatorsOption = None,
    exchange: ExchangeOption = None,
    parameters: SetOption = None,
    play: Annotated[
        bool, typer.Option("--play", help="Play at once: without it, the console opens paused.")
    ] = False,
    no_ui: Annotated[bool, typer.Option("--no-ui", help="Run as a batch job, without the console.")] = False,
    speed: Annotated[
        str | None,
        typer.Option("--speed", metavar="X", help="Speed: multiple of real time; 0: maximum speed."),
    ] = None,
    store: StoreOption = None,
    export: ExportOption = None,
    as_json: JsonOption = False,
    breaks: Annotated[
        list[str] | None,
        typer.Option(
            "--break",
            metavar="COND",
            help="Breakpoint: pause when true (a batch job ends there); repeatable.",
        ),
    ] = None,
    check_determinism: Annotated[
        bool,
        typer.Option(
            "--check-determinism", help="Play twice, and compare what strategies did; with --no-ui."
        ),
    ] = False,
    script: Annotated[
        Path | None,
        typer.Option("--script", metavar="FILE", help="Run a key script.", callback=one_line_path),
    ] = None,
    view: Annotated[
        str | None,
        typer.Option("--view", metavar="PANEL", help=f"Write a panel's data: {', '.join(view_names())}."),
    ] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help=f"Format for --view: {', '.join(FORMATS)}.")
    ] = FORMATS[0],
) -> None:
    """Play a session file or --symbols, in the console or, with --no-ui, as a batch job; write a summary.

    Without a file, --symbols names what to play; days, interval and exchange that are not given come from the
    store.

    The console opens if input and output are a terminal, paused at the first open (or start_time) unless
    --play is given; --json and --view run a batch job. Where the file has speed_multiplier: 0, maximum speed,
    the console plays at the speed of the settings, x60 by default. An export
    replaces the one before when the run has ended; a run that played nothing leaves it as it was. A second
    ctrl+c ends at once.

    A condition compares values of the panels: SPY.close > 168, any.quality < 95, all.volume > 0,
    BAC.volume > 3 * BAC.usual_volume, "BRK.B".5m.close < 300, time >= 10:30, SPY.rsi_14 crosses above 30,
    SPY.close > SPY.close[5] (five bars back); with and, or, not. A batch job ends at the first --break, at
    exactly that slot, with a partial export and exit code 0. A key script has one action per line (break
    SPY.close > 168, resume, step 10, run_to 10:30, speed 60, export csv out, view quality json, quit); a
    batch job ends with its last line. With --view, stdout has only that panel's data at the end.
    """
    invocation = begin(context, as_json=as_json, store=store, export=export)
    given_speed = None if speed is None else read_speed_option("--speed", speed)
    batch_options = _batch_options(breaks or [], script, view, form, as_json=as_json)
    options = SessionOptions.of(symbols, first, last, intervals, indicators, exchange)
    on_screen = not (no_ui or as_json or view is not None) and is_interactive()
    if check_determinism:
        _check_can_compare(no_ui=no_ui or as_json or view is not None, script=script)
    words = _words_for_live(store, export, breaks or [], no_ui=no_ui, as_json=as_json)
    words += words_of_settings(parameters)
    settings = read_settings(parameters)
    loaded = session_to_play(invocation, file, options, asks=on_screen, words=words, settings=settings)
    play_config(
        invocation,
        loaded.config,
        invocation.settings.store,
        batch_options,
        speed=given_speed,
        on_screen=on_screen,
        plays_at_once=play,
        session_file=file,
        reread=None if file is None else partial(reread_session, file, settings),
        plays_twice=check_determinism,
    )


def reread_session(file: Path, settings: Mapping[str, JsonValue]) -> SessionConfig:
    """Return a session file as it is now, with the parameters of --set; ConfigError with its faults."""
    from tapedeck.engine.session_file import load_session_config  # noqa: PLC0415 - as above

    return load_session_config(file, settings).config


def run_demo(context: typer.Context) -> None:
    """Play the built-in synthetic market, which is made on first use."""
    invocation = begin(context)
    from tapedeck.engine.session_file import parse_session_config  # noqa: PLC0415 - as above
    from tapedeck.engine.store.demo import demo_session_document, ensure_demo_market  # noqa: PLC0415 - as above

    location = invocation.folders.demo_market
    invocation.terminal.write(_SYNTHETIC)
    if ensure_demo_market(location):
        invocation.terminal.remark(f"demo market created in {location}")
    on_screen, document = is_interactive(), demo_session_document()
    if on_screen:
        document["backtest_config"]["start_time"] = _DEMO_START
    config = parse_session_config(document, "demo market").config
    play_config(invocation, config, location, on_screen=on_screen, plays_at_once=True, note="synthetic")


def play_config(
    invocation: Invocation,
    config: SessionConfig,
    location: Path,
    batch_options: BatchOptions | None = None,
    *,
    speed: float | None = None,
    on_screen: bool = False,
    plays_at_once: bool = False,
    session_file: Path | None = None,
    reread: Callable[[], SessionConfig] | None = None,
    plays_twice: bool = False,
    note: str = "",
) -> None:
    """Play a checked session file, write the report, and exit with its code.

    `speed`: in place of the file's; None: the file's. `on_screen`: in the console, which opens paused unless
    `plays_at_once`, with the breakpoints kept for `session_file`; `note` is shown in its session bar.
    `reread`: returns the session file as it is now. `plays_twice`: as a batch job, to compare what strategies
    did.
    """
    from tapedeck.console.cli.batch import BatchOptions, play  # noqa: PLC0415 - slow, see this package's __init__.py
    from tapedeck.console.cli.run_report import outcome_document, write_report  # noqa: PLC0415 - as above
    from tapedeck.engine.store.locations import open_store  # noqa: PLC0415 - as above

    is_scripted = batch_options is not None and batch_options.script is not None
    if speed is None and on_screen and not is_scripted:
        speed = _console_speed(config, invocation.settings.speed)
    config = _at_speed(config, speed)
    if plays_twice and not config.strategies:
        message = f"{session_file or config.session_name} has no strategies, so there is nothing to compare."
        raise bad_option("--check-determinism", True, message)
    with open_store(location) as store:
        if on_screen:
            from tapedeck.console.app.launch import play_on_screen  # noqa: PLC0415 - not for batch jobs

            outcome = play_on_screen(
                config,
                store,
                invocation=invocation,
                batch_options=batch_options,
                plays_at_once=plays_at_once,
                session_file=session_file,
                note=note,
                reread=None if reread is None else lambda: _at_speed(reread(), speed),
            )
        elif plays_twice:
            from tapedeck.console.cli.determinism import play_twice  # noqa: PLC0415 - as above

            outcome = play_twice(config, store, location, invocation, batch_options or BatchOptions())
        else:
            outcome = play(
                config,
                store,
                terminal=invocation.terminal,
                export=invocation.settings.export,
                interrupts=invocation.interrupts,
                batch_options=batch_options,
            )
    if outcome.views:
        for text in outcome.views:
            invocation.terminal.write(text.rstrip("\n"))
    elif invocation.as_json:
        invocation.terminal.write_json(outcome_document(outcome, invocation.log_path))
    else:
        write_report(outcome, invocation.terminal, with_timers=not on_screen)
    if outcome.error is not None:
        invocation.report_error(outcome.error)
        raise typer.Exit(FAILED)
    if outcome.interrupted:
        raise typer.Exit(INTERRUPTED)
    is_same = outcome.determinism is None or outcome.determinism.same
    raise typer.Exit(DONE if is_same else FAILED)


def _check_can_compare(*, no_ui: bool, script: Path | None) -> None:
    """Raise ConfigError if a run cannot be played twice."""
    if not no_ui:
        raise bad_option("--check-determinism", True, "plays a batch job: add --no-ui.")
    if script is not None:
        message = "cannot be combined with --script, whose lines would be carried out twice."
        raise bad_option("--check-determinism", True, message)


def _batch_options(
    breaks: list[str], script: Path | None, view: str | None, form: str, *, as_json: bool
) -> BatchOptions:
    """Return the options of a batch job; ConfigError if they are invalid."""
    from tapedeck.console.cli.batch import BatchOptions  # noqa: PLC0415 - as above

    if view is not None and as_json:
        raise bad_option("--view", view, "cannot be combined with --json: both write to stdout")
    views = (
        []
        if view is None
        else [(read_choice("--view", view, view_names()), read_choice("--format", form, FORMATS))]
    )
    if script is None:
        return BatchOptions(tuple(breaks), None, tuple(views))
    from tapedeck.console.actions.key_script import Script  # noqa: PLC0415 - most runs have none

    return BatchOptions(tuple(breaks), Script.read(script), tuple(views))


def _words_for_live(
    store: Path | None, export: Path | None, breaks: list[str], *, no_ui: bool, as_json: bool
) -> list[str]:
    """Return the given options that `tapedeck live` has, too."""
    words = [
        word
        for name, path in (("--store", store), ("--export", export))
        if path
        for word in (name, str(path))
    ]
    words += [word for condition in breaks for word in ("--break", condition)]
    return [*words, *["--no-ui"] * no_ui, *["--json"] * as_json]


def _console_speed(config: SessionConfig, setting: float) -> float | None:
    """Return the speed for the console in place of a session file's maximum speed; None: the file's."""
    backtest = config.backtest_config
    return None if backtest is None or backtest.speed_multiplier else setting


def _at_speed(config: SessionConfig, speed: float | None) -> SessionConfig:
    if speed is None or config.backtest_config is None:
        return config
    backtest = config.backtest_config.model_copy(update={"speed_multiplier": speed})
    return config.model_copy(update={"backtest_config": backtest})

"""`tapedeck run`, and `tapedeck` without a command, which plays the demo market."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tapedeck.console.cli.failures import DONE, FAILED, INTERRUPTED
from tapedeck.console.cli.invocation import Invocation, begin
from tapedeck.console.cli.options import (
    ExportOption,
    JsonOption,
    SessionFile,
    StoreOption,
    bad_option,
    examples,
    one_line_path,
    read_choice,
    read_speed_option,
)
from tapedeck.console.cli.terminal import is_interactive
from tapedeck.console.panel_data.registry import view_names
from tapedeck.console.panel_data.tables import FORMATS

if TYPE_CHECKING:
    from tapedeck.console.cli.batch import BatchOptions
    from tapedeck.engine.config import SessionConfig

EPILOG: Final = examples(
    "tapedeck run october.yaml",
    "tapedeck run october.yaml --store bars.db --export out --json",
    "tapedeck run october.yaml --no-ui --break 'any.quality != 100' --export out",
    "tapedeck run october.yaml --no-ui --script steps.txt",
    "tapedeck run october.yaml --no-ui --view quality --format markdown",
)
_SYNTHETIC: Final = "The demo market is synthetic: its prices and volumes are not from a real market."
_DEMO_SPEED: Final = 360.0


def run(
    context: typer.Context,
    file: SessionFile,
    *,
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
    """Play a session file, in the console or, with --no-ui, as a batch job; then write a summary.

    The console opens if input and output are a terminal; --json and --view run a batch job. An export
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
    from tapedeck.engine.session_file import load_session_config  # noqa: PLC0415 - slow, see this package's __init__.py

    loaded = load_session_config(file)
    for warning in loaded.warnings:
        invocation.warn(f"{loaded.source}: {warning}")
    on_screen = not (no_ui or as_json or view is not None) and is_interactive()
    config = _at_speed(loaded.config, given_speed)
    play_config(invocation, config, invocation.settings.store, batch_options, on_screen=on_screen)


def run_demo(context: typer.Context) -> None:
    """Play the built-in synthetic market, which is made on first use."""
    invocation = begin(context)
    from tapedeck.engine.session_file import parse_session_config  # noqa: PLC0415 - as above
    from tapedeck.engine.store.demo import demo_session_document, ensure_demo_market  # noqa: PLC0415 - as above

    location = invocation.folders.demo_market
    invocation.terminal.write(_SYNTHETIC)
    if ensure_demo_market(location):
        invocation.terminal.remark(f"demo market created in {location}")
    config = parse_session_config(demo_session_document(), "demo market").config
    on_screen = is_interactive()
    if on_screen:  # at maximum speed the market would end within a second
        config = _at_speed(config, _DEMO_SPEED)
    play_config(invocation, config, location, on_screen=on_screen, note="synthetic")


def play_config(
    invocation: Invocation,
    config: SessionConfig,
    location: Path,
    batch_options: BatchOptions | None = None,
    *,
    on_screen: bool = False,
    note: str = "",
) -> None:
    """Play a checked session file, write the report, and exit with its code.

    `on_screen`: in the console; `note` is shown in its session bar.
    """
    from tapedeck.console.cli.batch import play  # noqa: PLC0415 - as above
    from tapedeck.console.cli.run_report import outcome_document, write_report  # noqa: PLC0415 - as above
    from tapedeck.engine.store.locations import open_store  # noqa: PLC0415 - as above

    with open_store(location) as store:
        if on_screen:
            from tapedeck.console.app.launch import play_on_screen  # noqa: PLC0415 - not for batch jobs

            outcome = play_on_screen(
                config, store, invocation=invocation, batch_options=batch_options, note=note
            )
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
        write_report(outcome, invocation.terminal)
    if outcome.error is not None:
        invocation.report_error(outcome.error)
        raise typer.Exit(FAILED)
    raise typer.Exit(INTERRUPTED if outcome.interrupted else DONE)


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

    return BatchOptions(tuple(breaks), Script.load(script), tuple(views))


def _at_speed(config: SessionConfig, speed: float | None) -> SessionConfig:
    if speed is None or config.backtest_config is None:
        return config
    backtest = config.backtest_config.model_copy(update={"speed_multiplier": speed})
    return config.model_copy(update={"backtest_config": backtest})

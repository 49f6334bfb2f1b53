"""`tapedeck run`, and `tapedeck` alone, which plays the demo market: batch mode."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from console.failures import DONE, FAILED, INTERRUPTED
from console.invocation import Invocation, begin
from console.options import ExportOption, JsonOption, SessionFile, StoreOption, bad_option, examples

if TYPE_CHECKING:
    from engine.config import SessionConfig

EPILOG: Final = examples(
    "tapedeck run october.yaml",
    "tapedeck run october.yaml --store bars.db --export out --json",
)
_SYNTHETIC: Final = "The demo market is synthetic: no price or volume in it was ever traded."
_FASTEST: Final = float("inf")


def run(
    context: typer.Context,
    file: SessionFile,
    *,
    no_ui: Annotated[bool, typer.Option("--no-ui", help="Without the console: as a batch job.")] = False,
    speed: Annotated[
        float | None,
        typer.Option("--speed", metavar="X", help="Times real time; 0: as fast as data allow."),
    ] = None,
    store: StoreOption = None,
    export: ExportOption = None,
    as_json: JsonOption = False,
) -> None:
    """Play a session file to its end, and write a summary.

    With or without --no-ui it runs as a batch job. Exit codes: 0 done, 1 failed, 2 bad input or
    configuration, 3 data missing, 130 interrupted (stopped in order; exports are written and marked as
    partial).
    """
    invocation = begin(context, as_json=as_json, store=store, export=export)
    from engine.config import load_session_config  # noqa: PLC0415 - slow, see console/commands/__init__.py

    loaded = load_session_config(file)
    for warning in loaded.warnings:
        invocation.warn(f"{loaded.source}: {warning}")
    play_config(invocation, _at_speed(loaded.config, speed), invocation.settings.store)


def run_demo(context: typer.Context) -> None:
    """Play the synthetic market that comes with tapedeck; it is made on first use."""
    invocation = begin(context)
    from engine.config import parse_session_config  # noqa: PLC0415 - as above
    from engine.store.demo import demo_session_document, ensure_demo_market  # noqa: PLC0415 - as above

    location = invocation.folders.demo_market
    invocation.terminal.write(_SYNTHETIC)
    if ensure_demo_market(location):
        invocation.terminal.remark(f"the demo market was made, in {location}")
    config = parse_session_config(demo_session_document(), "demo market").config
    play_config(invocation, config, location)


def play_config(invocation: Invocation, config: SessionConfig, location: Path) -> None:
    """Play a checked session file, write how it went, and leave with the exit code of that."""
    from console.batch import play  # noqa: PLC0415 - as above
    from console.run_report import outcome_document, write_report  # noqa: PLC0415 - as above
    from engine.store.locations import open_store  # noqa: PLC0415 - as above

    with open_store(location) as store:
        outcome = play(
            config,
            store,
            terminal=invocation.terminal,
            export=invocation.settings.export,
            interrupts=invocation.interrupts,
        )
    if invocation.as_json:
        invocation.terminal.write_json(outcome_document(outcome, invocation.log_path))
    else:
        write_report(outcome, invocation.terminal)
    if outcome.error is not None:
        invocation.tell(outcome.error)
        raise typer.Exit(FAILED)
    raise typer.Exit(INTERRUPTED if outcome.interrupted else DONE)


def _at_speed(config: SessionConfig, speed: float | None) -> SessionConfig:
    if speed is None or config.backtest_config is None:
        return config
    if not 0 <= speed < _FASTEST:
        message = f"{speed:g} is no speed: give 0 (as fast as data allow) or times real time, such as 60"
        raise bad_option("--speed", speed, message)
    backtest = config.backtest_config.model_copy(update={"speed_multiplier": speed})
    return config.model_copy(update={"backtest_config": backtest})

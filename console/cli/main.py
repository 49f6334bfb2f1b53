"""Main program: the list of commands, which are in `tapedeck.console.cli.commands`."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from tapedeck.console.cli.command_group import CommandGroup
from tapedeck.console.cli.commands import (
    bars,
    calendar,
    config,
    coverage,
    import_bars,
    live,
    run,
    scan,
    settings,
    store,
    validate,
)
from tapedeck.console.cli.failures import exit_codes_text
from tapedeck.console.cli.options import examples
from tapedeck.console.settings.settings import COLORS, LOG_FORMATS, LOG_LEVELS

HELP_NAMES: Final = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    name="tapedeck",
    cls=CommandGroup,
    # Plain help texts: importing rich would take longer than the rest of a start.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=HELP_NAMES,
    epilog="\n\n".join(
        [exit_codes_text(), examples("tapedeck", "tapedeck run october.yaml", "tapedeck run --help")]
    ),
)


def _show_version(requested: bool) -> None:
    if requested:
        from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - slow, and seldom needed

        try:
            number = version("tapedeck-console")
        except PackageNotFoundError:
            number = "from source, not installed"
        typer.echo(f"tapedeck {number}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def tapedeck(
    context: typer.Context,
    log_level: Annotated[
        str | None, typer.Option(metavar="LEVEL", help=f"Minimum log level: {', '.join(LOG_LEVELS)}.")
    ] = None,
    log_format: Annotated[
        str | None, typer.Option(metavar="FORMAT", help=f"Log format: {' or '.join(LOG_FORMATS)}.")
    ] = None,
    color: Annotated[
        str | None, typer.Option(metavar="WHEN", help=f"Coloured output: {', '.join(COLORS)}.")
    ] = None,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and exit."),
    ] = False,
) -> None:
    """Play market sessions: stored bars, bar by bar, without look-ahead.

    Without a command, plays the built-in demo market, which is synthetic and the same on every machine.
    """
    if context.invoked_subcommand is None:
        run.run_demo(context)


app.command("run", epilog=run.EPILOG)(run.run)
app.command("live", epilog=live.EPILOG)(live.live)
app.command("bars", epilog=bars.EPILOG)(bars.bars)
app.command("scan", epilog=scan.EPILOG)(scan.scan)
app.command("coverage", epilog=coverage.EPILOG)(coverage.coverage)
app.command("calendar", epilog=calendar.EPILOG)(calendar.calendar)
app.command("validate", epilog=validate.EPILOG)(validate.validate)
app.command("settings", epilog=settings.EPILOG)(settings.settings)
app.add_typer(import_bars.app, name="import")
app.add_typer(store.app, name="store")
app.add_typer(config.app, name="config")

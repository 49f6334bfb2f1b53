"""`tapedeck settings`: all settings with their values and origins."""

from __future__ import annotations

from typing import Final

import typer

from tapedeck.console.cli.invocation import begin
from tapedeck.console.cli.options import ExportOption, JsonOption, StoreOption, examples
from tapedeck.console.cli.terminal import Column
from tapedeck.console.settings.settings import FILE_NAMES

EPILOG: Final = examples("tapedeck settings", "TAPEDECK_STORE=bars.db tapedeck settings --json")


def settings(
    context: typer.Context,
    store: StoreOption = None,
    export: ExportOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show all settings with their values and origins.

    Precedence: flag, environment variable (TAPEDECK_STORE, TAPEDECK_LOG_LEVEL, ...), settings file, default.
    TAPEDECK_HOME sets the parent folder of data, settings and log.
    """
    invocation = begin(context, as_json=as_json, store=store, export=export)
    listed, folders, terminal = invocation.settings.listed, invocation.folders, invocation.terminal
    if as_json:
        document = {
            "settings": {
                setting.name: {"value": setting.value, "origin": setting.origin} for setting in listed
            },
            "folders": {
                "data": str(folders.data),
                "config": str(folders.config),
                "state": str(folders.state),
            },
            "log": None if invocation.log_path is None else str(invocation.log_path),
        }
        terminal.write_json(document)
        return
    rows = [(setting.name, setting.value or "none", setting.origin) for setting in listed]
    terminal.table([Column("setting"), Column("value"), Column("from")], rows)
    terminal.write("")
    for setting in listed:
        terminal.write(f"{setting.name}: {setting.description}")
    terminal.write(f"\nsettings file: {folders.config}, {' or '.join(FILE_NAMES)}")
    terminal.write(f"data: {folders.data}\nlog: {invocation.log_path or 'none'}")

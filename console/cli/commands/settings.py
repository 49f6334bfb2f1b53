"""`tapedeck settings`: all settings with their values and origins."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import typer

from tapedeck.console.cli.invocation import begin
from tapedeck.console.cli.options import ExportOption, JsonOption, StoreOption, examples
from tapedeck.console.cli.terminal import Column
from tapedeck.console.settings.settings import FILE_NAMES, settings_file
from tapedeck.engine.errors import ConfigError, ConfigProblem

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
    _check_keys(invocation.settings.keys, invocation.folders.config)
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


def _check_keys(changes: Mapping[str, str], folder: Path) -> None:
    """Raise ConfigError for invalid keys; the console would warn of them and keep its own."""
    if not changes:
        return
    from tapedeck.console.actions.keys import key_problems  # noqa: PLC0415 - imports Textual

    problems = [ConfigProblem("keys", None, text) for text in key_problems(changes)]
    if problems:
        raise ConfigError(str(settings_file(folder)), problems)

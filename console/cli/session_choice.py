"""Choice of the session of `tapedeck run`: a session file, or options that describe one."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tapedeck.console.cli.invocation import Invocation
from tapedeck.console.cli.options import bad_option, check_file_for
from tapedeck.console.cli.run_questions import NothingToPlayError, ask_which
from tapedeck.console.cli.session_options import SessionOptions
from tapedeck.engine.errors import ConfigError, ConfigProblem, StoreError

if TYPE_CHECKING:
    from pydantic import JsonValue

    from tapedeck.engine.config import LoadedConfig

_BUILT_IN: Final = "`tapedeck` alone plays the built-in market."


def session_to_play(
    invocation: Invocation,
    file: Path | None,
    options: SessionOptions,
    *,
    asks: bool = False,
    words: Sequence[str] = (),
    settings: Mapping[str, JsonValue] | None = None,
) -> LoadedConfig:
    """Return the session of a file, or of options; its warnings and what was found in the store are written.

    `asks`: without either, ask which of the stored symbols to play. `words`: options that `tapedeck live`
    has, too. `settings`: parameters in place of the file's. Raises ConfigError if both are given, or for a
    file in mode live; NothingToPlayError with commands if none is.
    """
    if file is not None:
        if options.given:
            raise _both(file, options)
        from tapedeck.engine.session_file import load_session_config  # noqa: PLC0415 - slow, see commands/__init__.py

        loaded = load_session_config(file, settings)
        for warning in loaded.warnings:
            invocation.warn(f"{loaded.source}: {warning}")
        if loaded.config.mode == "live":
            raise _recorded(loaded, words)
        return loaded
    check_file_for(settings)
    if not options.symbols:
        options = _chosen(invocation, options, asks=asks)
    return _session_of(invocation, options)


def _recorded(loaded: LoadedConfig, words: Sequence[str]) -> ConfigError:
    command = shlex.join(["tapedeck", "live", loaded.source, *words])
    message = f"live: the session is recorded, not played from a store: `{command}`."
    return ConfigError(loaded.source, [ConfigProblem("mode", "live", message)])


def _both(file: Path, options: SessionOptions) -> ConfigError:
    given = ", ".join(options.given)
    message = (
        f"cannot be combined with {given}: the file says what to play. To play without a file, leave it out; "
        f"to play the file, leave out {given}."
    )
    return bad_option(f"FILE {file}", str(file), message)


def _session_of(invocation: Invocation, options: SessionOptions) -> LoadedConfig:
    # Slow to import, see commands/__init__.py.
    from tapedeck.console.cli.session_of_options import checked_config, read_options  # noqa: PLC0415
    from tapedeck.engine.store.locations import open_store  # noqa: PLC0415

    read = read_options(options)
    if not read.needs_store:
        return checked_config(read.parts(None)[0])
    with open_store(invocation.settings.store) as store:
        parts, remarks = read.parts(store)
    for remark in remarks:
        invocation.terminal.remark(remark)
    return checked_config(parts)


def _chosen(invocation: Invocation, options: SessionOptions, *, asks: bool) -> SessionOptions:
    """Return options with symbols of the store that the user chooses; NothingToPlayError without a choice."""
    # Slow to import, see commands/__init__.py.
    from tapedeck.console.cli.session_of_options import read_options  # noqa: PLC0415
    from tapedeck.console.cli.stored_choices import commands_of, stored_choices, table_of  # noqa: PLC0415
    from tapedeck.engine.store.locations import open_store  # noqa: PLC0415

    read_options(options)  # their faults come first
    location = invocation.settings.store
    try:
        with open_store(location) as store:
            choices = stored_choices(store, options)
    except StoreError as error:
        raise NothingToPlayError(f"There is no store to choose symbols from: {error}. {_BUILT_IN}") from error
    if not choices:
        intervals = f" for {', '.join(options.intervals)}" if options.intervals else ""
        message = (
            f"{location} holds no bars{intervals}: import some, `tapedeck import ... --store {location}`."
        )
        raise NothingToPlayError(f"{message} {_BUILT_IN}")
    lines = table_of(choices)
    chosen = ask_which(lines, invocation.terminal) if asks else None
    if chosen is None:
        raise NothingToPlayError(
            f"{location} holds:", lines, commands_of(choices, invocation.arguments, options)
        )
    return choices[chosen].completed(options)

"""Choice of the session of `tapedeck run`: a session file, or options that describe one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tapedeck.console.cli.invocation import Invocation
from tapedeck.console.cli.options import bad_option
from tapedeck.console.cli.session_options import SessionOptions

if TYPE_CHECKING:
    from tapedeck.engine.config import LoadedConfig


def session_to_play(invocation: Invocation, file: Path | None, options: SessionOptions) -> LoadedConfig:
    """Return the session of a file, or of options; its warnings and what was found in the store are written.

    Raises ConfigError if both are given.
    """
    if file is not None:
        if options.given:
            raise _both(file, options)
        from tapedeck.engine.session_file import load_session_config  # noqa: PLC0415 - slow, see commands/__init__.py

        loaded = load_session_config(file)
        for warning in loaded.warnings:
            invocation.warn(f"{loaded.source}: {warning}")
        return loaded
    return _session_of(invocation, options)


def _both(file: Path, options: SessionOptions) -> Exception:
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

    if not options.symbols:
        raise bad_option("--symbols", "", "nothing to play: give a session file, or --symbols.")
    read = read_options(options)
    if not read.needs_store:
        return checked_config(read.parts(None)[0])
    with open_store(invocation.settings.store) as store:
        parts, remarks = read.parts(store)
    for remark in remarks:
        invocation.terminal.remark(remark)
    return checked_config(parts)

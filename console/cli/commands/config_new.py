"""`tapedeck config new`: writes a session file from options, and from what a store holds."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tapedeck.console.cli.invocation import Invocation, begin
from tapedeck.console.cli.options import JsonOption, StoreOption, bad_option, examples, one_line_path
from tapedeck.console.cli.session_calendar import sessions_of
from tapedeck.console.cli.session_options import (
    ExchangeOption,
    FromOption,
    IndicatorsOption,
    IntervalsOption,
    SessionOptions,
    SymbolsOption,
    ToOption,
)
from tapedeck.engine.errors import StoreError, cause_of
from tapedeck.engine.output_file import write_file

if TYPE_CHECKING:
    from tapedeck.console.cli.session_of_options import SessionParts

DEFAULT_FILE: Final = Path("session.yaml")
EPILOG: Final = examples(
    "tapedeck config new --store bars.db",
    "tapedeck config new october.yaml --symbols SPY,AIG --interval 1m,5m",
    "tapedeck config new october.yaml --symbols SPY --indicator RSI:14@5m --force",
)
_SUFFIXES: Final = (".yaml", ".yml", ".json")


def new(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="File to write: .yaml, .yml or .json.", callback=one_line_path),
    ] = DEFAULT_FILE,
    *,
    symbols: SymbolsOption = None,
    first: FromOption = None,
    last: ToOption = None,
    intervals: IntervalsOption = None,
    indicators: IndicatorsOption = None,
    exchange: ExchangeOption = None,
    store: StoreOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a commented session file, and the command that plays it.

    The options are those of `tapedeck run` without a file. Days, interval and exchange that are not given
    come from the store; without --symbols, its symbols do, up to 20.
    """
    invocation = begin(context, as_json=as_json, store=store)
    _check_target(file, force=force)
    parts = _parts(invocation, SessionOptions.of(symbols, first, last, intervals, indicators, exchange))
    words = ["--store", str(store)] if store is not None else []
    commands = {
        "run": shlex.join(["tapedeck", "run", str(file), *words]),
        "check": shlex.join(["tapedeck", "config", "check", str(file), *words]),
    }
    _write(file, _text(parts, commands, is_json=file.suffix.lower() == ".json"))
    if as_json:
        invocation.terminal.write_json({"file": str(file), **commands})
        return
    invocation.terminal.write(f"wrote {file}: {parts.name}\nplay it: {commands['run']}")


def _check_target(file: Path, *, force: bool) -> None:
    if file.suffix.lower() not in _SUFFIXES:
        raise bad_option("FILE", str(file), f"invalid name {str(file)!r}: end it in {', '.join(_SUFFIXES)}.")
    if file.is_dir():
        raise bad_option("FILE", str(file), f"{str(file)!r} is a folder: name a file in it.")
    if file.exists() and not force:
        message = f"{str(file)!r} exists: choose another name, or replace it with --force."
        raise bad_option("FILE", str(file), message)


def _parts(invocation: Invocation, options: SessionOptions) -> SessionParts:
    # Slow to import, see this package's __init__.py.
    from tapedeck.console.cli.session_of_options import read_options  # noqa: PLC0415
    from tapedeck.console.cli.stored_choices import stored_choices  # noqa: PLC0415
    from tapedeck.engine.store.locations import open_store  # noqa: PLC0415

    read = read_options(options)
    if not read.needs_store:
        return read.parts(None)[0]
    location = invocation.settings.store
    with open_store(location) as store:
        if not options.symbols:
            choices = stored_choices(store, options)
            if not choices:
                raise StoreError(
                    f"{location} holds no bars for a session: import some, "
                    f"`tapedeck import ... --store {location}`, or give --symbols"
                )
            more = choices[0].count - len(choices[0].symbols)
            if more:
                invocation.terminal.remark(f"symbols: the first of {choices[0].count:,} that are stored")
            options = choices[0].completed(options)
            read = read_options(options)
        parts, remarks = read.parts(store)
    for remark in remarks:
        invocation.terminal.remark(remark)
    return parts


def _text(parts: SessionParts, commands: dict[str, str], *, is_json: bool) -> str:
    """Return the text of the file, after a check that it can be played."""
    from tapedeck.console.cli.session_file_text import session_file_text  # noqa: PLC0415 - slow, see __init__.py
    from tapedeck.console.cli.session_of_options import checked_config  # noqa: PLC0415 - as above

    sessions_of(checked_config(parts).config)
    return session_file_text(parts.document(), **commands, is_json=is_json)


def _write(file: Path, text: str) -> None:
    try:
        write_file(file, text.encode())
    except OSError as error:
        raise bad_option("FILE", str(file), f"{file} cannot be written: {cause_of(error)}.") from error

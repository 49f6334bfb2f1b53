"""`tapedeck config new`: writes a session file from options, and from what a store holds."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

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
    "tapedeck config new bitcoin.yaml --feed ccxt:binance --symbols BTC/USDT,ETH/USDT",
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
    feed: Annotated[
        str | None,
        typer.Option(
            "--feed",
            metavar="NAME[:DETAIL]",
            help="Write a file for `tapedeck live`: alpaca, alpaca:sip, ccxt:binance, ...",
        ),
    ] = None,
    store: StoreOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a commented session file, and the command that plays it.

    The options are those of `tapedeck run` without a file. Days, interval and exchange that are not given
    come from the store; without --symbols, its symbols do, up to 20. With --feed the file is one for
    `tapedeck live`: it has symbols, and no days.
    """
    invocation = begin(context, as_json=as_json, store=store)
    _check_target(file, force=force)
    options = SessionOptions.of(symbols, first, last, intervals, indicators, exchange)
    document = _played(invocation, options) if feed is None else _recorded(feed, options)
    words = [str(file), *(["--store", str(store)] if store is not None else [])]
    check = ["config", "check", *words] if feed is None else ["live", str(file), "--check"]
    commands = {
        "run": shlex.join(["tapedeck", "run" if feed is None else "live", *words]),
        "check": shlex.join(["tapedeck", *check]),
    }
    _write(file, _text(document, commands, is_json=file.suffix.lower() == ".json"))
    if as_json:
        invocation.terminal.write_json({"file": str(file), **commands})
        return
    invocation.terminal.write(f"wrote {file}: {document['session_name']}")
    if feed is not None:
        invocation.terminal.write(f"check its feed: {commands['check']}")
    invocation.terminal.write(f"{'play' if feed is None else 'record'} it: {commands['run']}")


def _check_target(file: Path, *, force: bool) -> None:
    if file.suffix.lower() not in _SUFFIXES:
        raise bad_option("FILE", str(file), f"invalid name {str(file)!r}: end it in {', '.join(_SUFFIXES)}.")
    if file.is_dir():
        raise bad_option("FILE", str(file), f"{str(file)!r} is a folder: name a file in it.")
    if file.exists() and not force:
        message = f"{str(file)!r} exists: choose another name, or replace it with --force."
        raise bad_option("FILE", str(file), message)


def _recorded(feed: str, options: SessionOptions) -> Mapping[str, Any]:
    """Return the document of a file for `tapedeck live`."""
    from tapedeck.console.cli.live_file import live_file_document  # noqa: PLC0415 - slow, see __init__.py

    return live_file_document(feed, options)


def _played(invocation: Invocation, options: SessionOptions) -> Mapping[str, Any]:
    """Return the document of a file for `tapedeck run`, after a check that it can be played."""
    from tapedeck.console.cli.session_of_options import checked_config  # noqa: PLC0415 - as above

    parts = _parts(invocation, options)
    sessions_of(checked_config(parts).config)
    return parts.document()


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


def _text(document: Mapping[str, Any], commands: dict[str, str], *, is_json: bool) -> str:
    from tapedeck.console.cli.session_file_text import session_file_text  # noqa: PLC0415 - slow, see __init__.py

    return session_file_text(document, **commands, is_json=is_json)


def _write(file: Path, text: str) -> None:
    try:
        write_file(file, text.encode())
    except OSError as error:
        raise bad_option("FILE", str(file), f"{file} cannot be written: {cause_of(error)}.") from error
